r"""JSON text: a strict, lossless reader that knows the byte span of what a pointer names.

The whole document is validated, and parsed, by the standard library's C scanner; spans are then
found only along the pointers that are asked for. Stricter than ``json.loads``: member names must
be unique, and ``NaN`` and ``Infinity`` are refused. As lenient as ``json.loads``: a lone surrogate
escape such as ``\ud800`` is kept as it is, and a number too large for a float reads as infinite.

Structure is read from the bytes decoded as latin-1, where the offset of a character is the offset
of its byte: in UTF-8 every byte that JSON gives a meaning to is ASCII.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined] # typeshed leaves it out
from typing import NamedTuple, cast

from keychange.formats.json.comments import without_comments
from keychange.formats.json.pointer import element
from keychange.formats.json.problem import InvalidJsonError, Problem
from keychange.model import Json
from keychange.spans import BOM, Span


class _RefusedError(ValueError):
    """What ``json`` accepts and keychange does not; where it is, ``find_problem`` finds out."""


def unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """The members of an object, for ``json``; refuses a name that is there twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RefusedError
    return members


def refuse(constant: str) -> Json:
    """For ``json``: refuses ``NaN`` and the like."""
    raise _RefusedError(constant)


def always(pattern: str) -> Callable[[str, int], re.Match[str]]:
    """A pattern's ``match``, where a validated document is known to match."""
    return cast("Callable[[str, int], re.Match[str]]", re.compile(pattern).match)


_scan = json.JSONDecoder(object_pairs_hook=unique, parse_constant=refuse).scan_once  # type: ignore[attr-defined] # same
_skip_value = json.JSONDecoder().scan_once  # type: ignore[attr-defined] # same
_SPACE = " \t\n\r"
_skip_space = always(r"[ \t\n\r]*")
_skip_colon = always(r"[ \t\n\r]*:[ \t\n\r]*")
_skip_comma = always(r"[ \t\n\r]*,?[ \t\n\r]*")


def _decode(text: str) -> Json:
    """What ``JSONDecoder.decode`` does, in half of its time.

    Raises:
        ValueError: the text is no document, or one that keychange refuses.
    """
    try:
        value, end = _scan(text, _skip_space(text, 0).end())
    except StopIteration:  # no value starts there
        raise _RefusedError from None
    if end != len(text) and text[end:].strip(_SPACE):
        raise _RefusedError
    return cast("Json", value)


class Entry(NamedTuple):
    """One member of an object or one element of an array: ``start`` to ``end`` in the file.

    ``start`` is where the member's name starts, ``key_end`` where it ends; in an array, and for
    the document itself, both are ``value``, where the value starts. ``end`` is where it ends.
    """

    name: str
    start: int
    key_end: int
    value: int
    end: int

    @property
    def span(self) -> Span:
        """The bytes of the value."""
        return Span(self.value, self.end)

    @property
    def key(self) -> Span:
        """The bytes of the member's name, with its quotes."""
        return Span(self.start, self.key_end)


@dataclass(slots=True, eq=False, repr=False)
class Container:
    """An object or array, from its opening bracket at ``start`` to ``end`` after the closing one.

    ``index`` is the position of each member of an object by name.
    """

    start: int
    end: int
    is_object: bool
    entries: list[Entry]
    index: dict[str, int] = field(default_factory=dict)

    def position(self, token: str) -> int | None:
        """The position of the entry that a reference token names."""
        if self.is_object:
            return self.index.get(token)
        return element(token, len(self.entries))


@dataclass(slots=True, eq=False, repr=False)
class Document:
    """A valid document: its bytes, its value, and where in the bytes things are.

    ``text`` is ``data`` as latin-1, with the comments and trailing commas of JSONC blanked.
    """

    data: bytes
    text: str
    value: Json
    jsonc: bool
    root: Entry
    _containers: dict[int, Container] = field(default_factory=dict)

    def find(self, tokens: tuple[str, ...]) -> Entry | None:
        """The entry that the tokens name; None where there is none."""
        entry = self.root
        for token in tokens:
            container = self.container(entry)
            position = None if container is None else container.position(token)
            if container is None or position is None:
                return None
            entry = container.entries[position]
        return entry

    def container(self, entry: Entry) -> Container | None:
        """The object or array that an entry holds; None where it holds a scalar."""
        found = self._containers.get(entry.value)
        if found is None:
            opening = self.text[entry.value]
            if opening not in "{[":
                return None
            scan = self._object if opening == "{" else self._array
            found = self._containers[entry.value] = scan(entry.value)
        return found

    def raw(self, span: Span) -> bytes:
        """The bytes of a span."""
        return self.data[span.start : span.end]

    def _object(self, start: int) -> Container:
        text = self.text
        entries: list[Entry] = []
        index: dict[str, int] = {}
        position = _skip_space(text, start + 1).end()
        while text[position] != "}":
            name, key_end = scanstring(text, position + 1, True)  # noqa: FBT003 - its C signature
            if not name.isascii():
                name = cast("str", json.loads(self.data[position:key_end]))
            value = _skip_colon(text, key_end).end()
            end = _skip_value(text, value)[1]
            index[name] = len(entries)
            entries.append(Entry(name, position, key_end, value, end))
            position = _skip_comma(text, end).end()
        return Container(start, position + 1, True, entries, index)  # noqa: FBT003 - is_object

    def _array(self, start: int) -> Container:
        text = self.text
        entries: list[Entry] = []
        position = _skip_space(text, start + 1).end()
        while text[position] != "]":
            end = _skip_value(text, position)[1]
            entries.append(Entry("", position, position, position, end))
            position = _skip_comma(text, end).end()
        return Container(start, position + 1, False, entries)  # noqa: FBT003 - is_object


def read(data: bytes, *, jsonc: bool = False) -> Document:
    """The document that the bytes hold; ``jsonc`` allows comments and trailing commas.

    Raises:
        InvalidJsonError: they hold none, or one that keychange refuses; says where and why.
    """
    _utf8(data)
    start = len(BOM) if data.startswith(BOM) else 0
    text = data.decode("latin-1")
    if jsonc:
        text = without_comments(text)
    source = text[start:] if text.isascii() else text[start:].encode("latin-1").decode("utf-8")
    try:
        value = _decode(source)
    except (ValueError, RecursionError):
        raise InvalidJsonError(_find_problem(text, start)) from None
    first = _skip_space(text, start).end()
    root = Entry("", first, first, first, len(text.rstrip(_SPACE)))
    return Document(data, text, value, jsonc, root)


def value_of(data: bytes, *, jsonc: bool = False) -> Json:
    """The value of the document that the bytes hold; its places are not asked for.

    Raises:
        InvalidJsonError: as ``read``.
    """
    if not jsonc:
        source = _utf8(data)
        try:
            return _decode(source.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            pass  # reading it whole tells where and why
    return read(data, jsonc=jsonc).value


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as failure:
        reason = f"byte 0x{data[failure.start]:02x} is not UTF-8"
        raise InvalidJsonError(Problem(failure.start, failure.start + 1, reason)) from None


def too_deep(data: bytes, *, jsonc: bool) -> Problem:
    """The place where a valid document is nested deeper than Python could follow."""
    text = data.decode("latin-1")
    start = len(BOM) if data.startswith(BOM) else 0
    return _find_problem(without_comments(text) if jsonc else text, start)


def _find_problem(text: str, start: int) -> Problem:
    from keychange.formats.json.refusal import find_problem

    return find_problem(text, start)
