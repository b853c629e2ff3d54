"""Where things are in a file: byte spans, lines and columns, newline style, byte order mark."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"[\r\n]")


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
    """Byte offset to line and column, for one file. Lines end at LF, CRLF or a lone CR.

    The lines of a file are listed only where one is asked for by its number: a large file has
    millions, and few places in it are asked for.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._returns = b"\r" in data
        self._known = (0, 1)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a byte offset, both from 1; columns count characters, not bytes."""
        start = self._start_of(offset)
        if start == 0 and self._data.startswith(BOM) and offset >= len(BOM):
            start = len(BOM)
        return self.line(offset), len(self._data[start:offset].decode("utf-8", "replace")) + 1

    def line(self, offset: int) -> int:
        """The line, from 1, that a byte offset is on."""
        count, data, (known, line) = bytes.count, self._data, self._known
        if offset < known:
            known, line = 0, 1
        line += count(data, b"\n", known, offset)
        if self._returns:  # a pair is one end, and between the two the line goes on
            line += count(data, b"\r", known, offset) - count(data, b"\r\n", known, offset + 1)
        self._known = (offset, line)
        return line

    def text_at(self, offset: int) -> str:
        """The text of the line that an offset is on, as ``text``."""
        end = _LINE_END.search(self._data, offset)
        raw = self._data[self._start_of(offset) : end.start() if end else len(self._data)]
        return raw.removeprefix(BOM).decode("utf-8", "replace")

    def start(self, line: int) -> int:
        """Byte offset of the first byte of a line (from 1)."""
        return self._starts[line - 1]

    def text(self, line: int) -> str:
        """The text of a line (from 1), without its end; undecodable bytes are replaced."""
        return self.text_at(self.start(line))

    @property
    def last(self) -> int:
        """The number of the last line."""
        return len(self._starts)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(end.end() for end in re.finditer(rb"\r\n?|\n", self._data))]

    def _start_of(self, offset: int) -> int:
        """The first byte of the line that an offset is on."""
        data = self._data
        feed = data.rfind(b"\n", 0, offset)
        if not self._returns:
            return feed + 1
        back = data.rfind(b"\r", 0, offset)
        if back == offset - 1 and data[offset : offset + 1] == b"\n":
            back = data.rfind(b"\r", 0, back)  # between the two of a pair the line goes on
        return max(feed, back) + 1


def newline_of(data: bytes) -> bytes:
    r"""The line end to use for new lines in this file: the first one it has, else ``\n``."""
    line_feed = data.find(b"\n")
    if line_feed < 0:
        return b"\r" if b"\r" in data else b"\n"
    return b"\r\n" if data[line_feed - 1 : line_feed] == b"\r" else b"\n"
