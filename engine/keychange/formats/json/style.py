"""How a JSON file is written: its indentation, spacing and escapes, for the text that is new."""

from __future__ import annotations

import json
from functools import cached_property

from keychange.formats.json.comments import comma, has_comment, indent_after, line_start
from keychange.formats.json.text import Container, Document, Entry
from keychange.model import Json
from keychange.spans import BOM, newline_of

_escaped = json.JSONEncoder().encode
_raw = json.JSONEncoder(ensure_ascii=False).encode


class Style:
    """The style of one document, read from its bytes where it is first asked for.

    ``whole`` is the file that the document is what is left of.
    """

    def __init__(self, document: Document, whole: bytes) -> None:
        self._document = document
        self._whole = whole
        self._data = document.data

    @cached_property
    def newline(self) -> bytes:
        """The line end of new lines."""
        return newline_of(self._data)

    @cached_property
    def unit(self) -> bytes | None:
        """One step of indentation; None where the whole document is on one line."""
        root = self._root
        if root is None or not root.entries:
            return b"  "
        inner = indent_after(self._first(root))
        return None if inner is None else inner.removeprefix(self.indent_of(root.start))

    @cached_property
    def _escape(self) -> bool:
        """Whether the file has every character beyond ASCII escaped."""
        return b"\\u" in self._whole and self._whole.removeprefix(BOM).isascii()

    @cached_property
    def _root(self) -> Container | None:
        return self._document.container(self._document.root)

    @cached_property
    def _root_colon(self) -> bytes:
        """What stands between a name and its value in the first object of the document."""
        container = self._root
        while container is not None and container.entries:
            if container.is_object:
                return self.colon_of(container.entries[0])
            container = self._document.container(container.entries[0])
        return b": "

    def _first(self, container: Container) -> bytes:
        """The gap before the first entry of a container that has one."""
        return self._data[container.start + 1 : container.entries[0].start]

    def colon_of(self, member: Entry) -> bytes:
        """What stands between the name and the value of one member."""
        found = self._data[member.key_end : member.value]
        return b": " if has_comment(found) or b"\n" in found else found

    def colon(self, sibling: Entry | None) -> bytes:
        """What stands between name and value of a new member beside this one."""
        if sibling is None or sibling.key_end == sibling.value:
            return self._root_colon
        return self.colon_of(sibling)

    def indent_of(self, offset: int) -> bytes:
        """The indentation of the line that an offset is on."""
        data = self._data
        start = max(data.rfind(b"\n", 0, offset), data.rfind(b"\r", 0, offset)) + 1
        line = data[start:offset].removeprefix(BOM)
        return line[: len(line) - len(line.lstrip(b" \t"))]

    def indent_for(self, entry: Entry) -> bytes | None:
        """The indentation to write a new value of an entry with; None to keep it on one line."""
        data = self._data
        old = data[entry.value : entry.end]
        if old[:1] in {b"{", b"["} and b"\n" not in old and len(old) > 2:
            return None
        indent = self.indent_of(entry.start)
        before = data[: entry.start].removesuffix(indent).removeprefix(BOM)
        return indent if before[-1:] in {b"", b"\n", b"\r"} else None

    def separator(self, gaps: list[bytes], colon: bytes) -> bytes:
        """What to write between the last entry and one more; ``gaps`` as in ``edit``."""
        gap = gaps[-2]
        inner = indent_after(gap)
        if inner is not None:
            at = comma(gap)
            if at > line_start(gap) and not has_comment(gap):
                return gap
            return b"," + self.newline + inner
        if len(gaps) > 2:
            return b", " if has_comment(gap) else gap
        return b"," if colon == b":" else b", "

    def inside_empty(self, parent: Container | None, opening: int) -> tuple[bytes, bytes]:
        """What to write around the first entry of an empty container, which opens there."""
        unit = self.unit
        if parent is not None:
            around = self._first(parent)
            inner = indent_after(around)
            if inner is None:
                pad = b" " if around == b" " else b""
                return pad, pad
            if parent is not self._root:
                unit = inner.removeprefix(self.indent_of(parent.start))
        base = self.newline + self.indent_of(opening)
        return base + (b"  " if unit is None else unit), base

    def text(self, value: Json) -> bytes:
        """A name or a scalar, escaped as the file escapes."""
        return self._bytes((_escaped if self._escape else _raw)(value))

    def render(self, value: Json, indent: bytes | None, colon: bytes) -> bytes:
        """A value as the file would write it; ``indent`` is None to keep it on one line."""
        if not isinstance(value, dict | list):
            return self.text(value)
        separator = colon.decode("latin-1")
        if indent is None or self.unit is None:
            separators = ("," if colon == b":" else ", ", separator)
            return self._bytes(json.dumps(value, ensure_ascii=self._escape, separators=separators))
        text = json.dumps(
            value,
            ensure_ascii=self._escape,
            indent=self.unit.decode("latin-1"),
            separators=(",", separator),
        )
        return self._bytes(text).replace(b"\n", self.newline + indent)

    def _bytes(self, text: str) -> bytes:
        # A lone surrogate cannot be UTF-8; Python's name for it is also JSON's escape.
        return text.encode("utf-8", "backslashreplace")
