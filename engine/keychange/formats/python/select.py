"""Which literals an operation means: by what they hold, or by where they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from keychange.closest_name import closest
from keychange.formats.python.address import ADDRESSABLE, Literal, Place


def wanted_value(literal: Literal, old: str, new: str, *, prefix: bool) -> str | None:
    """The value that a literal should have: its own where that is done, None if it has neither.

    A static text of an f-string holds a value also as a word in it: between its ends or marks
    that no name, number, path or version goes on after.
    """
    value = literal.value
    if prefix:
        if literal.part:
            return None
        held = max((each for each in (new, old) if value.startswith(each)), key=len, default=None)
        return held if held is None else _after(held, old, new) + value[len(held) :]
    if value in (old, new):
        return new
    return _inside(value, old, new) if literal.part is not None else None


def _after(held: str, old: str, new: str) -> str:
    return new if held == old else held


def _inside(text: str, old: str, new: str) -> str | None:
    """The text with each ``old`` in it replaced; one that is a part of a ``new`` is done."""
    words = sorted({each for each in (old, new) if each}, key=len, reverse=True)
    if not any(word in text for word in words):
        return None
    pattern = "|".join(word_pattern(word) for word in words)
    result, count = re.subn(pattern, lambda match: _after(match[0], old, new), text)
    return result if count else None


def word_pattern(text: str) -> str:
    """A regular expression for a text that no longer word holds: no name, path or version."""
    before = r"(?<![\w-])(?<!\w\.)" if re.match(r"\w", text[0]) else ""
    after = r"(?![\w-]|\.\w)" if re.match(r"\w", text[-1]) else ""
    return before + re.escape(text) + after


def canonical(address: str) -> str:
    """An address as it is recorded: the first of its name has no number."""
    return address.removesuffix("#1")


def named(literals: Sequence[Literal], address: str) -> tuple[Literal, ...]:
    """The literals that an address may mean: more than one where it must be told which."""
    exact = [each for each in literals if each.address == canonical(address)]
    if not exact or address.endswith("#1"):
        return tuple(exact)
    start = f"{address}#"
    others = (
        each
        for each in literals
        if each.address.startswith(start) and each.address[len(start) :].isdigit()
    )
    return (*exact, *others)


def nearest(literals: Sequence[Literal], address: str) -> list[str]:
    """The addresses of the file that look like the one that is not there."""
    known = list(dict.fromkeys(each.address for each in literals))
    below = [each for each in known if re.split(r"[/\[]", each)[0] == address]
    last = re.split(r"[./]", address)[-1]
    ends = [each for each in known if each.endswith((f".{last}", f"/{last}"))]
    found = [*below, *ends, *closest(address, known, 3)]
    return list(dict.fromkeys(found))[:3]


def is_taken(place: Place, *, anywhere: bool) -> bool:
    """Whether a by-value entry takes the literals at this place."""
    return place is Place.VALUE or (anywhere and place in ADDRESSABLE)


def is_watched(place: Place) -> bool:
    """Whether an old value that stays at this place is worth a word."""
    return place not in (Place.ANNOTATION, Place.DOCSTRING)


def has_piece(text: str, value: str) -> bool:
    """Whether a literal is an implicit concatenation that has the value as one of its pieces."""
    if not value or not any(f"{quote}{value}{quote}" in text for quote in "\"'"):
        return False
    from keychange.formats.python.literal import Unwritable, segments

    try:
        pieces = segments(text)
    except Unwritable:
        return False
    return len(pieces) > 1 and any(each.value == value for each in pieces)
