"""Decoding: values of keychange's own files, which anybody can have edited, of the right type."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def exactly(kind: type[T], value: object) -> T:
    """The value, which must be of this very type: in JSON, ``true`` is no number.

    Raises:
        TypeError: it is of another.
    """
    if type(value) is not kind:
        raise TypeError
    return value


def ensure(condition: bool) -> None:  # noqa: FBT001 (an assertion)
    """What must hold of a value beside its type.

    Raises:
        ValueError: it does not.
    """
    if not condition:
        raise ValueError
