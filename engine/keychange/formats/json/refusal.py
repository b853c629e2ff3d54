"""Why bytes are not valid JSON, and where: an iterative reader that runs only after a refusal.

Its verdicts do not depend on the Python that runs it: the standard library's messages and
positions differ between versions, and none of them locates a repeated member.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from typing import cast

from keychange.formats.json.problem import InvalidJsonError, Problem

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<real>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_WORD = re.compile(r"[^\s,:\[\]{}\"]+")
_LITERALS = frozenset({"true", "false", "null"})
_FAMILIAR = _LITERALS | {"none", "undefined", "nil", "yes", "no", "off"}


@dataclass(slots=True)
class _Open:
    """A bracket that is still open, and the names used in it."""

    closing: str
    offset: int
    names: dict[str, int] = field(default_factory=dict)
    fresh: bool = True


def find_problem(text: str, start: int) -> Problem:
    """What is wrong with a text, given as latin-1, that ``json`` has refused.

    Where nothing else is wrong it is the nesting: the only thing that this reader can and the
    standard library's cannot.
    """
    try:
        deepest, depth = _Reader(text, start).read()
    except InvalidJsonError as found:
        return found.problem
    reason = f"values are nested {depth} levels deep, which is more than this Python reads"
    return Problem(deepest, deepest + 1, reason)


def _problem(start: int, end: int, reason: str, hint: str = "") -> InvalidJsonError:
    return InvalidJsonError(Problem(start, end, reason, hint=hint))


class _Reader:
    """One pass over one text; the stack is a list, so no nesting is too deep for it."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._position = start
        self._stack: list[_Open] = []
        self._deepest = (start, 0)

    def read(self) -> tuple[int, int]:
        """Accept the whole text; the offset and depth of the deepest bracket."""
        if not self._text[self._position :].strip(" \t\n\r"):
            raise _problem(self._position, self._position, "the file is empty")
        self._value()
        while self._stack:
            self._next()
        self._space()
        if self._position < len(self._text):
            start = self._position
            raise self._comment() or _problem(start, start + 1, "more text after the document")
        return self._deepest

    def _space(self) -> str:
        self._position = _SPACE.match(self._text, self._position).end()  # type: ignore[union-attr]
        return self._text[self._position : self._position + 1]

    def _next(self) -> None:
        """What may come next inside the innermost open bracket."""
        opened, found = self._stack[-1], self._space()
        if found == opened.closing:
            self._stack.pop()
            self._position += 1
        elif opened.fresh:
            opened.fresh = False
            self._entry(opened)
        elif found == ",":
            comma = self._position
            self._position += 1
            if self._space() == opened.closing:
                hint = "remove the comma, or say `syntax: jsonc` if this file may have it"
                raise _problem(comma, comma + 1, f"a comma before `{opened.closing}`", hint)
            self._entry(opened)
        else:
            raise self._unexpected(f"`,` or `{opened.closing}`")

    def _entry(self, opened: _Open) -> None:
        if opened.closing == "}":
            if self._space() != '"':
                raise self._unexpected("a member name in double quotes")
            start = self._position
            self._string()
            raw = self._text[start : self._position].encode("latin-1")
            name = cast("str", json.loads(raw))
            if name in opened.names:
                reason = f"the member {json.dumps(name, ensure_ascii=False)} is there twice"
                hint = "keep one of the two: readers take the last, people read the first"
                end, first = self._position, opened.names[name]
                raise InvalidJsonError(Problem(start, end, reason, "duplicate-member", hint, first))
            opened.names[name] = start
            if self._space() != ":":
                raise self._unexpected("`:` after the member name")
            self._position += 1
        self._value()

    def _value(self) -> None:
        found = self._space()
        if found == '"':
            self._string()
        elif found and found in "{[":
            opened = _Open("}" if found == "{" else "]", self._position)
            self._stack.append(opened)
            if len(self._stack) > self._deepest[1]:
                self._deepest = (self._position, len(self._stack))
            self._position += 1
        elif found and found in "-0123456789":
            self._number()
        else:
            word = _WORD.match(self._text, self._position)
            if word is None or word.group() not in _LITERALS:
                raise self._unexpected("a value")
            self._position = word.end()

    def _number(self) -> None:
        start = self._position
        word = _WORD.match(self._text, start)
        number = _NUMBER.match(self._text, start)
        if word is None or number is None or number.end() != word.end():
            raise self._unexpected("a value")
        limit = sys.get_int_max_str_digits()
        if not number["real"] and limit and len(number.group().lstrip("-")) > limit:
            reason = f"a whole number of more than {limit} digits, which Python does not read"
            raise _problem(start, number.end(), reason)
        self._position = number.end()

    def _string(self) -> None:
        start, text = self._position, self._text
        end = _STRING.match(text, start).end()  # type: ignore[union-attr] # it starts with a quote
        found = text[end : end + 1]
        if found == '"':
            self._position = end + 1
        elif not found:
            raise _problem(start, end, "the file ends inside this string")
        elif found == "\\":
            escape = text[end : end + 2]
            raise _problem(end, end + len(escape), f"no escape of JSON: {_shown(escape)}")
        elif found in "\r\n":
            raise _problem(start, end, "a string without its closing quote on this line")
        else:
            reason = f"a control character, U+{ord(found):04X}, inside a string"
            raise _problem(end, end + 1, reason, f"write it as \\u{ord(found):04x}")

    def _comment(self) -> InvalidJsonError | None:
        start = self._position
        if not self._text.startswith(("//", "/*"), start):
            return None
        hint = "say `syntax: jsonc` if this file may have comments"
        return _problem(start, start + 2, "a comment, which JSON does not have", hint)

    def _unexpected(self, wanted: str) -> InvalidJsonError:
        start, found = self._position, self._space()
        if not found:
            if not self._stack:
                return _problem(start, start, f"the file ends where {wanted} must stand")
            opened = self._stack[-1]
            shown = self._text[opened.offset]
            reason = f"the file ends before the `{opened.closing}` that closes this `{shown}`"
            return _problem(opened.offset, opened.offset + 1, reason)
        if comment := self._comment():
            return comment
        word = _WORD.match(self._text, start)
        text = word.group() if word else found
        end = start + len(text)
        if text.lstrip("+-") in {"NaN", "Infinity"}:
            return _problem(start, end, f"`{text}` is no value of JSON", "use null or a string")
        if text.startswith("'"):
            return _problem(start, end, "single quotes; JSON has double quotes only")
        if wanted == "a value" and text[0] in "+-.0123456789":
            return _problem(start, end, "a number as JSON does not write it")
        return _problem(start, end, f"{_shown(text)} where {wanted} must stand")


def _shown(text: str) -> str:
    """A token as the user typed it, if it cannot be a secret; else what it is."""
    if len(text) <= 2 or text.lower() in _FAMILIAR:
        return f"`{text.encode('latin-1').decode('utf-8', 'replace')}`"
    return "text without quotes"
