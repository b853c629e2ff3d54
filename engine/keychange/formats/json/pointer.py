"""JSON pointers (RFC 6901): to tokens and back, and what they name in a parsed document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from keychange.model import ABSENT, Value

Tokens = tuple[str, ...]


@lru_cache(maxsize=4096)
def split(pointer: str) -> Tokens:
    """The reference tokens of a pointer; ``""`` names the whole document and has none.

    Raises:
        ValueError: it does not start with ``/``, or ``~`` is followed by neither 0 nor 1.
    """
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError("a JSON pointer starts with `/`")
    if "~" not in pointer:
        return tuple(pointer[1:].split("/"))
    if "~" in pointer.replace("~0", "").replace("~1", ""):
        raise ValueError("in a JSON pointer `~` is written `~0` and `/` in a name `~1`")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def join(tokens: Iterable[str | int]) -> str:
    """The pointer of some tokens."""
    return "".join(f"/{escape(str(token))}" for token in tokens)


def escape(name: str) -> str:
    """A member name as one reference token."""
    return name.replace("~", "~0").replace("/", "~1")


def element(part: str, length: int) -> int | None:
    """The index that a reference token names in an array of some length; None for none."""
    if not (part.isascii() and part.isdigit()) or (part[0] == "0" and part != "0"):
        return None
    if len(part) > 12:
        return None
    index = int(part)
    return index if index < length else None


def lookup(document: Value, tokens: Sequence[str]) -> Value:
    """The value that the tokens name; ABSENT where there is none."""
    value = document
    for token in tokens:
        if isinstance(value, dict):
            if token not in value:
                return ABSENT
            value = value[token]
        elif isinstance(value, list):
            index = element(token, len(value))
            if index is None:
                return ABSENT
            value = value[index]
        else:
            return ABSENT
    return value
