r"""Whether the bytes of a Python file can hold a string, without parsing them.

A literal may hide its value from a plain search, but what stands for a character in it is known:
the character, or one of its escapes; and so is what may stand between two: the end of a line after
a backslash, or the end of a piece of an implicit concatenation, white space, comments, and the
begin of the next piece; or the brace of an expression that shows itself, ``f"gpt{x=}"``. A
search for the value, or a part of it, with all of these in it finds every file that holds the
value; that something else looks like it is no harm.

So the answer False is certain: no literal, and no static text of an f-string, holds the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from keychange.formats.python.encoding import InvalidPython, encoding_of

_EVERYDAY: Final = b"[-2*T0v1w'kx:yb\"=gh)(.,mupfcd_lrnoaiste"
"""The bytes of Python code, the seldom ones first; all others are more seldom still."""

_LETTERS: Final = dict(zip("\a\b\f\n\r\t\v\\'\"", "abfnrtv\\'\"", strict=True))


def may_contain(data: bytes, values: Iterable[str]) -> bool:
    """False only where no string literal, nor a part of one, holds one of the values."""
    wanted = _wanted(frozenset(values))
    text = _as_utf8(data)
    if any(value in text for value in wanted.values):
        return True
    escaped = b"\\" in text and wanted.escaped.search(text)
    return any(
        (escaped or all(trace.search(text) for trace in _traces(value)))
        and _spelling(value).search(text)
        for value in wanted.values
    )


def spots(text: bytes, values: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where in a source in UTF-8 a value may stand: each literal that holds one touches a spot."""
    for value in values:
        for match in _spelling(value.encode("utf-8", "surrogatepass")).finditer(text):
            yield match.span()


def line_patterns(values: Iterable[str], rank: int = 0) -> tuple[str, ...]:
    r"""Patterns for a search tool: one fits in a line of each file whose literals hold a value.

    They are written for PCRE and for bytes, ``^`` and ``$`` being the ends of lines. Of each
    value they follow a few plain characters, from a seldom one on (with a higher rank, from a
    less seldom one): the next one stands beside, or is escaped, or the line ends in a backslash,
    or the piece of the literal ends and another follows. Files in an encoding that writes plain
    characters otherwise fit by their cookie. None at all where a value has no such characters.
    """
    patterns = [_line_pattern(value, rank) for value in sorted(set(values))]
    return () if None in patterns else (*map(str, patterns), _COOKIE)


_RUN: Final = re.compile(r"[ !#-&(-\[\]-z|~]{3,}")
"""Characters that every encoding of interest, and every kind of literal, can write as they are:
printable ASCII without quotes, braces and the backslash."""

_COOKIE: Final = (
    r"coding[:=][ \t]*(?i:(?:cs)?(?:ibm|cp|ebcdic|iso[-_]?2022|[0-9])"
    r"|u(?:tf)?[-_]?(?:7|16|32)|unicode|raw|puny|undefined|hz)"
)
_ENDS: Final = (
    r"""(?:["']{1,3}[ \t\f]*(?:[rRuUbBfFtT]{0,2}["']|[#\\\r]|$)|\\(?:[xuUN0-7\r]|$)|\{)"""
)
"""Where the next character is not: an escape, the end of a piece before another, an expression."""


def _line_pattern(value: str, rank: int) -> str | None:
    places = [(at, run) for run in _RUN.finditer(value) for at in range(run.start(), run.end() - 2)]
    if not places:
        return None
    ranked = sorted(places, key=lambda each: _seldom(value, *each))
    at, run = ranked[min(rank, len(ranked) - 1)]
    tail = ""
    for char in reversed(value[at + 1 : run.end()][:5]):
        tail = f"(?:{re.escape(char)}{tail}|{_ENDS})"
    code = ord(value[at])
    hexed = "".join(f"[{d}{d.upper()}]" if d.isalpha() else d for d in f"{code:02x}")
    octal = f"{code:o}" if code >= 0o100 else f"0?{code:o}"
    char = re.escape(value[at])
    head = rf"(?:{char}|\\(?:x{hexed}|u00{hexed}|U000000{hexed}|{octal}|N\{{[^}}\n]*\}}))"
    return _beside(value[at - 1]) + head + tail if at > run.start() else head + tail


def _seldom(value: str, at: int, run: re.Match[str]) -> tuple[bool, bool, int]:
    """Letters are seldom literals of one character; what follows makes the place more seldom."""
    return run.end() - at < 5, not value[at].isalpha(), _EVERYDAY.find(value[at].encode())


def _beside(char: str) -> str:
    """What stands before a character that comes after another one: it, its escape, or a quote."""
    code = ord(char)
    low = f"{code & 15:x}"
    ends = {char, low, low.upper(), f"{code & 7}", '"', "'", "{", "}", "\r"}
    return f"(?:^|(?<=[{''.join(sorted(map(re.escape, ends)))}]))"


class _Wanted(NamedTuple):
    """Values as they are looked for.

    ``escaped`` finds an escape that can mean one of their bytes, or join two lines of them.
    """

    values: tuple[bytes, ...]
    escaped: re.Pattern[bytes]


@lru_cache(maxsize=64)
def _wanted(values: frozenset[str]) -> _Wanted:
    encoded = tuple(sorted(value.encode("utf-8", "surrogatepass") for value in values))
    alphabet = bytes(sorted(set(b"".join(encoded))))
    joined = re.escape(alphabet) + rb"\\'\""
    named = rb"|[abfnrtv\\'\"]" if any(ord(each) in alphabet for each in _LETTERS) else b""
    return _Wanted(
        values=encoded,
        escaped=re.compile(rb"\\(?:[xuUN0-7]|(?:\r\n|[\r\n])[" + joined + rb"]" + named + rb")"),
    )


@lru_cache(maxsize=64)
def _traces(value: bytes) -> tuple[re.Pattern[bytes], ...]:
    """What a file without escapes has that holds the value in one piece or in many.

    From each character on it has the next ones, or the end of a piece, or an expression. To look
    for those that begin with a seldom character rules out nearly every file.
    """
    if set(value) & set(b"{}\n"):
        return ()  # there is more than one way to write them
    places = {byte: at for at, byte in reversed(list(enumerate(value[:-1])))}
    seldom = sorted(places, key=lambda byte: (_EVERYDAY.find(byte), byte))[:6]
    return tuple(re.compile(_trace(value[places[byte] :][:6])) for byte in seldom)


def _trace(text: bytes) -> bytes:
    rest = b""
    for byte in reversed(text[1:]):
        rest = rb"(?:[\"'{]|" + re.escape(bytes([byte])) + rest + rb")"
    return re.escape(text[:1]) + rest


_JOINED: Final = rb"(?:\\(?:\r\n?|\n))*"
_BETWEEN: Final = rb"[\"'](?:(?:[ \t\f\r\n]|\\(?:\r\n?|\n)|#[^\r\n]*+)*+[rRuUfFtT]{0,2}[\"'])+?"
"""From the end of a piece to the begin of another: each mark may end one or begin the next."""
_LONGEST: Final = 12


@lru_cache(maxsize=64)
def _spelling(value: bytes) -> re.Pattern[bytes]:
    """A few characters of a value in a row, from a seldom one on, in every spelling."""
    text = value.decode("utf-8", "surrogatepass")
    last = max(len(text) - _LONGEST, 0)
    start = min(range(last + 1), key=lambda at: _EVERYDAY.find(text[at].encode("utf-8", "replace")))
    between = _JOINED + rb"(?:" + _BETWEEN + _JOINED + rb"|\{)?"
    return re.compile(between.join(map(_spelled, text[start : start + _LONGEST])))


def _spelled(char: str) -> bytes:
    """A character in every spelling."""
    code = ord(char)
    plain = {"\n": rb"\r\n?|\n", "{": rb"\{\{?", "}": rb"\}\}?"}.get(char)
    ways = [plain or re.escape(char.encode("utf-8", "surrogatepass")), rb"\\N\{[^}]*\}"]
    for letter, digits in (("x", 2), ("u", 4), ("U", 8)):
        number = f"{code:0{digits}x}"
        if len(number) == digits:
            both = (f"[{each}{each.upper()}]" if each.isalpha() else each for each in number)
            ways.append(rf"\\{letter}{''.join(both)}".encode())
    octal = f"{code:o}"
    if len(octal) <= 3:
        ways.append(rf"\\0{{0,{3 - len(octal)}}}{octal}".encode())
    if char in _LETTERS:
        ways.append(rb"\\" + re.escape(_LETTERS[char].encode()))
    return b"(?:" + b"|".join(ways) + b")"


def _as_utf8(data: bytes) -> bytes:
    try:
        encoding = encoding_of(data)
    except InvalidPython:
        return data
    if encoding == "utf-8":
        return data
    return data.decode(encoding, "replace").encode("utf-8", "surrogatepass")
