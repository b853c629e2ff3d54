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
from itertools import takewhile
from typing import Final

from keychange.formats.python.encoding import InvalidPython, encoding_of

_ESCAPE: Final = re.compile(
    rb"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|N\{([^}]+)\}"
    rb"|(\r\n|[\r\n])|([abfnrtv\\'\"]))"
)
_QUOTES: Final = (b'"', b"'")
_LETTERS: Final = dict(zip(b"abfnrtv\\'\"", b"\a\b\f\n\r\t\v\\'\"", strict=True))


def may_contain(data: bytes, values: Iterable[str]) -> bool:
    """False only where no string literal, nor a part of one, holds one of the values."""
    wanted = {value.encode("utf-8", "surrogatepass") for value in values}
    if b"" in wanted:
        return True
    text = _as_utf8(data)
    if any(b"\n" in value for value in wanted):
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if any(b"{" in value or b"}" in value for value in wanted):
        text += b"\0" + text.replace(b"{{", b"{").replace(b"}}", b"}")
    if any(value in text for value in wanted):
        return True
    if b"\\" in text and _hides(text, frozenset(b"".join(wanted))):
        text += b"\0" + _ESCAPE.sub(_resolve, text)
    return any(value in text or _is_split(text, value) for value in wanted)


def _hides(text: bytes, alphabet: frozenset[int]) -> bool:
    """Whether an escape of the file can mean one of these bytes, or join two lines of them."""
    if not alphabet.isdisjoint(_LETTERS.values()):
        return True
    joined = re.escape(bytes(alphabet)) + rb"\\'\""
    return re.search(rb"\\(?:[xuUN0-7]|(?:\r\n|[\r\n])[" + joined + rb"])", text) is not None


def _is_split(text: bytes, value: bytes) -> bool:
    """Whether the value can lie across pieces: each cut of it must stand where pieces meet."""
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
