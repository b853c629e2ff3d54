"""JSON read piece by piece: every entry of a container validated and named, and none of it kept."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined] # typeshed leaves it out

from keychange.formats.json.text import always, refuse, unique
from keychange.spans import BOM

WINDOW = 1 << 20
"""The bytes that are decoded at once."""

FAILURES = (ValueError, IndexError, RecursionError)
"""What is raised where a document is not valid, or is not one to be read in pieces."""

_decoder = json.JSONDecoder(object_pairs_hook=unique, parse_constant=refuse)
_scan = _decoder.scan_once  # type: ignore[attr-defined] # same
_skip_space = always(r"[ \t\n\r]*")
_skip_colon = re.compile(r"[ \t\n\r]*:[ \t\n\r]*").match
_SCALAR = re.compile(
    rb'(?P<string>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+")|[-+.0-9a-zA-Z]+'
)
_SPACE = b" \t\n\r"


@dataclass(slots=True)
class Entry:
    """One member or element, in bytes from the start of the file; ``start`` is its name's.

    ``end`` is -1 where its value is longer than a window: whoever takes the entry sets it.
    """

    name: str
    start: int
    value: int
    end: int


class Pieces:
    """One document; no more of it than a window is decoded at a time.

    Raises:
        UnicodeDecodeError, IndexError: it is not UTF-8, or empty.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        if not data.isascii():
            decode, view = codecs.getincrementaldecoder("utf-8")().decode, memoryview(data)
            for at in range(0, len(data), WINDOW):
                decode(view[at : at + WINDOW])
            decode(b"", final=True)
        self.start = len(BOM) if data.startswith(BOM) else 0
        while data[self.start] in _SPACE:
            self.start += 1

    def valid(self) -> bool:
        """Whether it is one document and no more; else that, or one of ``FAILURES``."""
        return ends_at(self.data, self.long(self.start))

    def closing(self, end: int) -> int:
        """The offset after the bracket that follows the last entry, which ends at ``end``."""
        while self.data[end] in _SPACE:
            end += 1
        return end + 1

    def long(self, at: int) -> int:
        """The end of a value that is longer than a window, validated by its parts."""
        if self.data[at] not in b"{[":
            scalar = _SCALAR.match(self.data, at)
            if scalar is None:
                raise ValueError("no value")
            if scalar["string"] is None:
                _decoder.decode(scalar.group().decode())
            return scalar.end()
        end = at + 1
        for entry in self.entries(at):
            if entry.end < 0:
                entry.end = self.long(entry.value)
            end = entry.end
        return self.closing(end)

    def entries(self, opening: int) -> Iterator[Entry]:
        """Every entry of the container that opens there; the elements of an array have no name.

        One that does not fit into what is left of a window is read from a window that starts
        with it; one that does not fit into that either, by its parts, by whoever takes it.
        """
        is_object = self.data[opening] == 0x7B
        names: set[str] = set()
        at, first = opening + 1, True
        while True:
            (text, in_bytes), here = self._window(at), 0
            while here >= 0:
                try:
                    head = _head(text, here, is_object=is_object, first=first)
                except (ValueError, IndexError):
                    if here:
                        break
                    raise
                if head is None:
                    return
                end = _end(text, head[2])
                if end < 0 and here:
                    break
                if in_bytes:
                    entry = _shifted(text, at - here, head, end)
                else:
                    entry = _placed(text, here, at, head, end)
                if is_object:
                    _once(entry.name, names)
                first, here = False, end
                if end < 0:
                    text, entry.end = "", -1  # its parts have windows of their own
                yield entry
                at = entry.end

    def _window(self, at: int) -> tuple[str, bool]:
        r"""What is read at once from an offset on, and whether its characters stand for bytes.

        So they do as latin-1, in which structure is the same; names that differ are too, but for
        those in which the same character stands as itself and as ``\u...``.
        """
        raw = self.data[at : at + WINDOW]
        if raw.isascii() or b"\\u" not in raw:
            return raw.decode("latin-1"), True
        try:
            return raw.decode(), False
        except UnicodeDecodeError as failure:  # its last character goes on after it
            return raw[: failure.start].decode(), False


def ends_at(data: bytes, end: int) -> bool:
    """Whether nothing but space follows."""
    return not any(data[at : at + WINDOW].strip(_SPACE) for at in range(end, len(data), WINDOW))


def _head(text: str, here: int, *, is_object: bool, first: bool) -> tuple[str, int, int] | None:
    """The next entry's name, and where name and value start; None at the closing bracket."""
    position = _skip_space(text, here).end()
    if text[position] == ("}" if is_object else "]"):
        return None
    if not first:
        if text[position] != ",":
            raise ValueError("no comma")
        position = _skip_space(text, position + 1).end()
    if not is_object:
        return "", position, position
    start = position
    if text[start] != '"':
        raise ValueError("no name")
    name, position = scanstring(text, start + 1, True)  # noqa: FBT003 - its C signature
    colon = _skip_colon(text, position)
    if colon is None:
        raise ValueError("no colon")
    return name, start, colon.end()


def _once(name: str, names: set[str]) -> None:
    if name in names:
        raise ValueError("a member that is there twice")
    names.add(name)


def _shifted(text: str, begin: int, head: tuple[str, int, int], end: int) -> Entry:
    """The entry in bytes, where a character stands for a byte; ``begin`` is that of the first."""
    name, start, value = head
    if not name.isascii() and not text.isascii():  # else escapes have made it so
        name = name.encode("latin-1").decode()
    return Entry(name, begin + start, begin + value, begin + end)


def _placed(text: str, here: int, at: int, head: tuple[str, int, int], end: int) -> Entry:
    """The entry in bytes; ``at`` is the byte of the character ``here``."""
    name, start, value = head
    start = at + len(text[here:start].encode())
    value_at = at + len(text[here:value].encode())
    return Entry(name, start, value_at, value_at + len(text[value:end].encode()))


def _end(text: str, value: int) -> int:
    """Where a value ends; -1 where it may go on after the text, or is none."""
    try:
        end: int = _scan(text, value)[1]
        follows = text[_skip_space(text, end).end()]
    except (ValueError, StopIteration, IndexError):
        return -1
    return end if follows in ",]}" else -1  # `1.5e` goes on after the text
