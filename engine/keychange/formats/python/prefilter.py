r"""Whether the bytes of a Python file can hold a string, without parsing them.

A literal may hide its value from a plain search, and each way leaves a trace:

* escapes, ``"gp\x74-4"``: the file is searched once more with its escapes resolved. A run of
  backslashes in a literal begins in the literal, so resolving from left to right is in step;
* implicit concatenation, ``"gpt" "-4"``: then some head of the value stands before a quote, its
  rest after one, and what is between them in quotes;
* doubled braces in an f-string; line ends; an encoding that is not UTF-8: undone first.

So the answer False is certain: no literal, and no static text of an f-string, holds the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Final

from keychange.formats.python.encoding import InvalidPython, encoding_of

_ESCAPE: Final = re.compile(
    rb"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|N\{([^}]+)\}"
    rb"|(\r\n|[\r\n])|([abfnrtv\\'\"]))"
)
_EVERYDAY: Final = b"[-2*T0v1w'kx:yb\"=gh)(.,mupfcd_lrnoaiste"
"""The bytes of Python code, the seldom ones first; all others are more seldom still."""

_QUOTES: Final = (b'"', b"'")
_LETTERS: Final = dict(zip(b"abfnrtv\\'\"", b"\a\b\f\n\r\t\v\\'\"", strict=True))


def may_contain(data: bytes, values: Iterable[str]) -> bool:
    """False only where no string literal, nor a part of one, holds one of the values."""
    wanted = _wanted(frozenset(values))
    if b"" in wanted.values:
        return True
    text = _as_utf8(data)
    if wanted.newline:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if wanted.brace:
        text += b"\0" + text.replace(b"{{", b"{").replace(b"}}", b"}")
    if any(value in text for value in wanted.values):
        return True
    if b"\\" in text and wanted.escaped.search(text):
        text += b"\0" + _ESCAPE.sub(_resolve, text)
        if any(value in text for value in wanted.values):
            return True
    return any(_is_split(text, value) for value in wanted.values)


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


_RUN: Final = re.compile(r"""[^\x00-\x1f\x7f-\U0010ffff{}"'\\]{3,}""")
"""Characters that every encoding of interest, and every kind of literal, can write as they are."""

_COOKIE: Final = (
    r"coding[:=][ \t]*(?i:(?:cs)?(?:ibm|cp|ebcdic|iso[-_]?2022|[0-9])"
    r"|u(?:tf)?[-_]?(?:7|16|32)|unicode|raw|puny|undefined|hz)"
)
_ENDS: Final = r"""(?:["']{1,3}[ \t\f]*(?:[rRuUbBfFtT]{0,2}["']|[#\\\r]|$)|\\(?:[xuUN0-7\r]|$))"""
"""Where the next character is not: an escape, or the end of a piece before another."""


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
    ends = {char, low, low.upper(), f"{code & 7}", '"', "'", "}", "\r"}
    return f"(?:^|(?<=[{''.join(sorted(map(re.escape, ends)))}]))"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Values as they are looked for.

    ``escaped`` finds an escape that can mean one of their bytes, or join two lines of them.
    """

    values: tuple[bytes, ...]
    newline: bool
    brace: bool
    escaped: re.Pattern[bytes]


@lru_cache(maxsize=64)
def _wanted(values: frozenset[str]) -> _Wanted:
    encoded = tuple(sorted(value.encode("utf-8", "surrogatepass") for value in values))
    alphabet = bytes(sorted(set(b"".join(encoded))))
    joined = re.escape(alphabet) + rb"\\'\""
    named = rb"|[abfnrtv\\'\"]" if set(alphabet) & set(_LETTERS.values()) else b""
    return _Wanted(
        values=encoded,
        newline=b"\n" in alphabet,
        brace=b"{" in alphabet or b"}" in alphabet,
        escaped=re.compile(rb"\\(?:[xuUN0-7]|(?:\r\n|[\r\n])[" + joined + rb"]" + named + rb")"),
    )


@lru_cache(maxsize=64)
def _traces(value: bytes) -> tuple[re.Pattern[bytes], ...]:
    """What a file has that holds the value in one piece or in many.

    From each character on it has the next ones, or the end of a piece. To look for those that
    begin with a seldom character rules out nearly every file.
    """
    places = {byte: at for at, byte in reversed(list(enumerate(value[:-1])))}
    seldom = sorted(places, key=lambda byte: (_EVERYDAY.find(byte), byte))[:6]
    return tuple(re.compile(_trace(value[places[byte] :][:6])) for byte in seldom)


def _trace(text: bytes) -> bytes:
    rest = b""
    for byte in reversed(text[1:]):
        rest = rb"(?:[\"']|" + re.escape(bytes([byte])) + rest + rb")"
    return re.escape(text[:1]) + rest


def _is_split(text: bytes, value: bytes) -> bool:
    """Whether the value can lie across pieces: each cut of it must stand where pieces meet."""
    if not all(trace.search(text) for trace in _traces(value)):
        return False
    heads = takewhile(lambda cut: value[:cut] in text, range(1, len(value)))
    cuts = [cut for cut in heads if any(value[:cut] + quote in text for quote in _QUOTES)]
    seen = set(cuts)
    while cuts:
        start = cuts.pop()
        for quote in _QUOTES:
            for end in range(start + 1, len(value) + 1):
                piece = quote + value[start:end]
                if piece not in text:
                    break
                if end == len(value):
                    return True
                if end not in seen and piece + quote in text:
                    seen.add(end)
                    cuts.append(end)
    return False


def _resolve(match: re.Match[bytes]) -> bytes:
    """What an escape means, in UTF-8."""
    short, middle, long, octal, name, line, letter = match.groups()
    if line:
        return b""
    if letter:
        return bytes([_LETTERS[letter[0]]])
    try:
        if name:
            import unicodedata

            char = unicodedata.lookup(name.decode("ascii", "replace"))
        else:
            char = chr(int(octal, 8) if octal else int(short or middle or long, 16))
    except (KeyError, ValueError, OverflowError):
        return match[0]
    return char.encode("utf-8", "surrogatepass")


def _as_utf8(data: bytes) -> bytes:
    try:
        encoding = encoding_of(data)
    except InvalidPython:
        return data
    if encoding == "utf-8":
        return data
    return data.decode(encoding, "replace").encode("utf-8", "surrogatepass")
