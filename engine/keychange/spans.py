"""Where things are in a file: byte spans, lines and columns, newline style, byte order mark."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of byte offsets, ``start <= end``, in one file."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start}..{self.end}")

    def __len__(self) -> int:
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Whether the two cannot both be edited; two insertions at one point cannot."""
        if self.start == other.start:
            return True
        return self.start < other.end and other.start < self.end


class LineIndex:
    """Byte offset to line and column, for one file. Lines end at LF, CRLF or a lone CR."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        if b"\r" in data:
            self._starts = [0, *(end.end() for end in re.finditer(rb"\r\n?|\n", data))]
        else:
            self._starts = list(
                accumulate((len(each) + 1 for each in data.split(b"\n")[:-1]), initial=0)
            )

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a byte offset, both from 1; columns count characters, not bytes."""
        line = bisect_right(self._starts, offset)
        start = self._starts[line - 1]
        if start == 0 and self._data.startswith(BOM) and offset >= len(BOM):
            start = len(BOM)
        return line, len(self._data[start:offset].decode("utf-8", "replace")) + 1

    def start(self, line: int) -> int:
        """Byte offset of the first byte of a line (from 1)."""
        return self._starts[line - 1]

    def text(self, line: int) -> str:
        """The text of a line (from 1), without its end; undecodable bytes are replaced."""
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self._data)
        raw = self._data[start:end].rstrip(b"\r\n")
        return raw.removeprefix(BOM).decode("utf-8", "replace")

    def __len__(self) -> int:
        return len(self._starts)


def newline_of(data: bytes) -> bytes:
    r"""The line end to use for new lines in this file: the first one it has, else ``\n``."""
    line_feed = data.find(b"\n")
    if line_feed < 0:
        return b"\r" if b"\r" in data else b"\n"
    return b"\r\n" if data[line_feed - 1 : line_feed] == b"\r" else b"\n"
