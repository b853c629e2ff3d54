r"""Whether the bytes of a Python file can hold a string, without parsing them.

A literal may hide its value from a plain search in three ways, and each leaves a trace:

* an escape, ``"gp\x74-4"``: the file is searched again with its escapes resolved. A run of
  backslashes in a literal begins in the literal, so resolving from left to right is in step there;
* an implicit concatenation, ``"gpt" "-4"``: then a first piece of the value stands alone between
  quotes, ``"g"`` or ``"gp"`` or ``"gpt"``, which is searched;
* an encoding other than UTF-8: the file is decoded first.

So for every literal whose whole value is, or begins with, the value, the answer is True; the same
holds for a static text of an f-string that one token holds. Not seen is a value that lies across
two tokens of one concatenation *with* an f-string among them, and not at its start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from keychange.formats.python_encoding import InvalidPython, encoding_of

_ESCAPE: Final = re.compile(
    rb"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|N\{([^}]+)\}"
    rb"|(\r\n|[\r\n])|([abfnrtv\\'\"]))"
)
_HIDING: Final = re.compile(rb"\\[xuUN0-7\r\n]")
_LETTERS: Final = dict(zip(b"abfnrtv\\'\"", b"\a\b\f\n\r\t\v\\'\"", strict=True))
_ANCHOR: Final = 24
"""How much of a value is looked for across pieces: the first piece of a concatenation is shorter
and stands between quotes, or it begins with this much of the value."""


def may_contain(data: bytes, values: Iterable[str]) -> bool:
    """False only where no literal of the file holds, or begins with, one of the values."""
    wanted = {value.encode("utf-8", "surrogatepass") for value in values}
    if b"" in wanted:
        return True
    plain = _as_utf8(data)
    if any(b"\n" in value for value in wanted):
        plain = plain.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if any(_holds(plain, value) for value in wanted):
        return True
    if b"\\" not in plain:
        return False
    letters = frozenset(_LETTERS.values())
    if not _HIDING.search(plain) and all(letters.isdisjoint(value) for value in wanted):
        return False
    resolved = _ESCAPE.sub(_resolve, plain)
    return any(_holds(resolved, value) for value in wanted)


def _holds(text: bytes, value: bytes) -> bool:
    """Whether the value, or a first piece of it between quotes, is in the text."""
    return value in text or any(_begins(text, value, quote) for quote in (b'"', b"'"))


def _begins(text: bytes, value: bytes, quote: bytes) -> bool:
    for length in range(1, min(len(value), _ANCHOR)):
        piece = quote + value[:length]
        if length > 1 and piece not in text:
            return False
        if piece + quote in text:
            return True
    return len(value) > _ANCHOR and quote + value[:_ANCHOR] in text


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
