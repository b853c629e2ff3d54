"""Closest name: what somebody may have meant who named something that is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

_MOST = 2_000
_LONGEST = 200


def closest(name: str, known: Iterable[str], most: int = 1) -> tuple[str, ...]:
    """The names that are likest to the given one, the likeliest first; upper case is no reason.

    The cost is bounded: of more than 2,000 names of about its length, the rest is not looked at.
    """
    from difflib import get_close_matches  # not when nothing is wrong

    if not name or len(name) > _LONGEST:
        return ()
    folded: dict[str, list[str]] = {}
    for each in islice(_of_its_length(name, known), _MOST):
        folded.setdefault(each.casefold(), []).append(each)
    found = get_close_matches(name.casefold(), folded, n=most, cutoff=0.6)
    return tuple(each for near in found for each in folded[near] if each != name)[:most]


def _of_its_length(name: str, known: Iterable[str]) -> Iterator[str]:
    """Those that can be alike: 0.6 is out of reach for what is much longer or shorter."""
    least, longest = len(name) * 3 // 7, -(-len(name) * 7 // 3)
    return (each for each in known if least <= len(each) <= longest)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question for a hint, such as ``did you mean `missing`?``; empty where nothing is near."""
    return asked(*closest(name, known))


def asked(*found: str | None) -> str:
    """The same question for names that were found otherwise."""
    names = [f"`{each}`" for each in found if each]
    return f"did you mean {' or '.join(names)}?" if names else ""


def hint_of(name: str, known: Iterable[str], label: str) -> str:
    """The question where something is near, and what there is to choose from, if it is not much.

    ``label`` says what the names are, such as ``fields``.
    """
    names = list(known)
    asked = did_you_mean(name, names)
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return " ".join(part for part in (asked, f"{label}: {shown}" if names else "") if part)


_SHOWN = 12
