r"""What python-dotenv reads in a ``.env`` text, and the values that readers are compared by.

The model follows python-dotenv 1.2 (``dotenv/parser.py``, ``dotenv/variables.py``), with places
instead of strings alone. Where docker compose reads otherwise than both python-dotenv and bash, a
value written by keychange avoids the difference: compose knows ``\n``, ``\r`` and ``\t`` in double
quotes as python-dotenv does, resolves ``$X`` and ``${X}`` where bash does, and takes single quotes
literally but for ``\'``.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias


class Reference(NamedTuple):
    """``${name}`` or ``${name:-default}``: filled in by the reader, not by the file alone."""

    name: str
    default: str | None = None


Parts: TypeAlias = "tuple[str | Reference, ...]"
"""A value as a reader sees it: literal text and references in turn; ``()`` is the empty value."""


class Binding(NamedTuple):
    """One key that python-dotenv reads. All places are indexes into the text.

    ``start`` is where ``export`` or the key begins, ``key_start..key_end`` the bare name,
    ``value_start..value_end`` the value with its quotes; both are the same place for an empty
    value, right after the ``=``, and for a missing one (``value`` is None), after the key.
    ``end`` lies past the end of the last line.
    """

    start: int
    key: str
    key_start: int
    key_end: int
    value_start: int
    value_end: int
    end: int
    value: str | None
    exported: bool

    @property
    def parts(self) -> Parts | None:
        """The value with its references found; None for a missing one."""
        return None if self.value is None else references(self.value)


class PythonReading(NamedTuple):
    """All bindings in order, and the places of statements that python-dotenv gives up on."""

    bindings: tuple[Binding, ...]
    errors: tuple[tuple[int, int], ...]


_BLANK = r"[^\S\r\n]*"
_ASIDE = re.compile(r"(?:\s*\#[^\n]*(?:\n|$))*\s*")
_HEAD = re.compile(
    rf"(?P<export>export[^\S\r\n]+)?+(?:(?P<comment>\#)|'(?P<quoted>[^']+)'|(?P<bare>[^'=\#\s][^=\#\s]*))"
    rf"{_BLANK}(?P<equals>=(?P<gap>{_BLANK}))?"
)
_COMMON = re.compile(
    r"(?P<export>export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)="
    r"(?P<value>[A-Za-z0-9_./:@%+,-]+)(?:\n|\Z)"
)
"""Most lines of most files; the rest of this module would say the same, and take four times as
long."""

_SINGLE = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_PLAIN = re.compile(r"[^\r\n]*")
_INLINE_COMMENT = re.compile(r"\s+#.*")
_TAIL = re.compile(rf"(?:{_BLANK}\#[^\r\n]*)?{_BLANK}(?:\n|$)")
_REST_OF_LINE = re.compile(r"[^\r\n]*(?:\n|$)")
_DOUBLE_ESCAPE = re.compile(r"\\([\\'\"abfnrtv])")
_SINGLE_ESCAPE = re.compile(r"\\([\\'])")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_REFERENCE = re.compile(r"\$\{([^\}:]*)(?::-([^\}]*))?\}")


def references(value: str) -> Parts:
    """Find the references that python-dotenv resolves, which it does inside any quotes."""
    if "${" not in value:
        return (value,) if value else ()
    parts: list[str | Reference] = []
    position = 0
    for match in _REFERENCE.finditer(value):
        if match.start() > position:
            parts.append(value[position : match.start()])
        parts.append(Reference(match[1], match[2]))
        position = match.end()
    if position < len(value):
        parts.append(value[position:])
    return tuple(parts)


def read_python(text: str) -> PythonReading:
    """What python-dotenv makes of a text whose lines end at LF or, as Python reads it, CR."""
    text = text.replace("\r", "\n")
    common = _COMMON.match
    bindings: list[Binding] = []
    errors: list[tuple[int, int]] = []
    position = 0
    while position < len(text):
        if line := common(text, position):
            bindings.append(_bound(line))
            position = line.end()
            continue
        position = _end(_ASIDE, text, position)
        if position >= len(text):
            break
        found, stopped = _statement(text, position)
        if isinstance(found, Binding):
            bindings.append(found)
            position = found.end
        else:
            end = _end(_REST_OF_LINE, text, stopped)
            if not found:
                errors.append((position, end))
            position = end
    return PythonReading(tuple(bindings), tuple(errors))


def _bound(line: re.Match[str]) -> Binding:
    export, key, value = line.groups()
    (start, end), _, names, values = line.regs
    return Binding(start, key, *names, *values, end, value, export is not None)


def _statement(text: str, position: int) -> tuple[Binding | bool, int]:
    """The binding at a place; else whether it is a comment, and where reading stopped."""
    head = _HEAD.match(text, position)
    if head is None:
        return False, position
    if head["comment"] is not None:
        return True, head.start("comment")
    value: str | None = None
    key_group = "bare" if head["quoted"] is None else "quoted"
    key_start, key_end = head.span(key_group)
    start = end = stop = key_end + (key_group == "quoted")
    if head["equals"] is not None:
        start = head.start("gap")
        value, end, stop = _value(text, start, head.end("gap"))
        if value is None:
            return False, stop
        if end > start:
            start = head.end("gap")
    tail = _TAIL.match(text, stop)
    if tail is None:
        return False, stop
    exported = head["export"] is not None
    binding = Binding(
        position, text[key_start:key_end], key_start, key_end, start, end, tail.end(), value,
        exported,
    )  # fmt: skip
    return binding, binding.end


def _value(text: str, gap: int, start: int) -> tuple[str | None, int, int]:
    """The value, where its text ends and where reading goes on; None for an unclosed quote."""
    char = text[start : start + 1]
    if char in ("", "\n") or (char == "#" and start > gap):
        return "", gap, start
    if char in "'\"":
        quoted = (_SINGLE if char == "'" else _DOUBLE).match(text, start)
        if quoted is None:
            return None, start, start
        escape = _SINGLE_ESCAPE if char == "'" else _DOUBLE_ESCAPE
        value = escape.sub(lambda found: _ESCAPED.get(found[1], found[1]), quoted[1])
        return value, quoted.end(), quoted.end()
    stop = _end(_PLAIN, text, start)
    value = _INLINE_COMMENT.sub("", text[start:stop]).rstrip()
    return value, start + len(value), stop


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return position if match is None else match.end()
