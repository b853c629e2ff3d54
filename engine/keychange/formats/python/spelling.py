"""The spelling of text in Python string literals: read a body, and write one in a style."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple


class Medium(NamedTuple):
    """What the file around the literal allows: its line end, and what its encoding holds."""

    newline: str = "\n"
    holds: Callable[[str], bool] = lambda text: True


class Style(NamedTuple):
    """How a body is written: ``formatted`` for static text of an f-string."""

    prefix: str
    quote: str
    formatted: bool = False

    @property
    def opening(self) -> str:
        """What stands before the body."""
        return self.prefix + self.quote

    @property
    def raw(self) -> bool:
        """Whether a backslash is only a backslash."""
        return "r" in self.prefix.lower()


class Atom(NamedTuple):
    """The smallest piece of a body that can be kept: how it is spelled, and what it means."""

    spelled: str
    value: str


def spell(
    text: str, style: Style, medium: Medium, habits: Sequence[Atom] = (), follows: str = ""
) -> str:
    """Text in a style; ``habits`` show how its characters are spelled here, where they occur.

    ``follows`` is what comes after it in the body.
    """
    if style.raw:
        spelled = text.replace("{", "{{").replace("}", "}}") if style.formatted else text
        return spelled.replace("\n", medium.newline)
    known = {
        atom.value: atom.spelled
        for atom in habits
        if not (atom.value.isalnum() and atom.value.isascii())
    }
    escapes = any(atom.spelled[:1] == "\\" and atom.value > "\x7f" for atom in habits)
    ascii_only = escapes and all(atom.spelled.isascii() for atom in habits)
    ending = _ending(text, style, follows)
    return "".join(
        f"\\{char}"
        if index in ending and char == style.quote[0]
        else known.get(char) or _spell_char(char, style, medium, ascii_only=ascii_only)
        for index, char in enumerate(text)
    )


def _ending(text: str, style: Style, follows: str) -> set[int]:
    """Where the quote marks are that would end the body: single ones, runs of three, the last."""
    mark = re.escape(style.quote[0])
    if len(style.quote) == 1:
        return {match.start() for match in re.finditer(mark, text)}
    pattern = f"{mark}{{3,}}" if follows else f"{mark}{{3,}}|{mark}$"
    found = {at for match in re.finditer(pattern, text) for at in range(*match.span())}
    return found | ({len(text) - 1} if follows.startswith(style.quote[0]) else set())


def _spell_char(char: str, style: Style, medium: Medium, *, ascii_only: bool) -> str:
    if char == "\n" and len(style.quote) == 3:
        return medium.newline
    if char in _SHORT:
        return _SHORT[char]
    if style.formatted and char in "{}":
        return char * 2
    if char.isprintable() and (char.isascii() or not ascii_only) and medium.holds(char):
        return char
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


_SHORT: Final = {"\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"}
_LETTERS: Final = dict(zip("abfnrtv\\'\"", "\a\b\f\n\r\t\v\\'\"", strict=True))
_ESCAPE: Final = (
    r"\\(?:\r\n|[\r\n'\"\\abfnrtv]|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}"
    r"|U[0-9a-fA-F]{8}|N\{[^}]+\})|"
)
_ANY: Final = r"\r\n|(?s:.)"
_ATOM: Final = {
    (False, False): re.compile(_ESCAPE + _ANY),
    (False, True): re.compile(_ESCAPE + r"\{\{|\}\}|" + _ANY),
    (True, False): re.compile(_ANY),
    (True, True): re.compile(r"\{\{|\}\}|" + _ANY),
}
_PLAIN: Final = {"\r\n": "\n", "\r": "\n", "{{": "{", "}}": "}"}


def read(style: Style, body: str) -> Iterator[Atom]:
    """The pieces of a body."""
    for match in _ATOM[style.raw, style.formatted].finditer(body):
        spelled = match[0]
        if len(spelled) == 1 or spelled[0] != "\\":
            yield Atom(spelled, _PLAIN.get(spelled, spelled))
        else:
            yield Atom(spelled, _unescape(spelled[1:]))


def _unescape(escape: str) -> str:
    """What an escape means, without its backslash."""
    first = escape[0]
    if first in "\r\n":
        return ""
    if first in "xuU":
        return chr(int(escape[1:], 16))
    if first == "N":
        return unicodedata.lookup(escape[2:-1])
    return chr(int(escape, 8)) if first.isdigit() else _LETTERS[first]


def meaning(style: Style, body: str) -> str | None:
    """What a body would mean between these quotes; None where it would not end there."""
    one = re.escape(style.quote[0])
    inner = rf"(?!{one * 3})" if len(style.quote) == 3 else rf"(?![{one}\r\n])"
    if not re.fullmatch(rf"(?s:\\(?:\r\n|.)|{inner}[^\\])*+", body):
        return None
    if len(style.quote) == 3 and re.search(rf"(?<!\\)(?:\\\\)*{one}\Z", body):
        return None
    if style.formatted and re.search(r"[{}]", re.sub(r"\{\{|\}\}|\\N\{[^}]+\}", "", body)):
        return None
    return "".join(atom.value for atom in read(style, body))
