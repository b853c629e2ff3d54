"""Activity: what the work is at this moment. It says so in passing; whoever shows it, looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Activity:
    """Some work, and how many of the things to do are done; a ``total`` of 0 is not known."""

    __slots__ = ("done", "noun", "total", "what")

    def __init__(self, what: str, total: int = 0, noun: str = "files") -> None:
        self.what = what
        self.total = total
        self.noun = noun
        self.done = 0

    def step(self, number: int = 1) -> None:
        """So many more are done."""
        self.done += number

    def __str__(self) -> str:
        if self.total > 1:
            return f"{self.what}: {min(self.done, self.total):,} of {self.total:,} {self.noun}"
        return f"{self.what}: {self.done:,} {self.noun}" if self.done > 1 else self.what


_under_way: list[Activity] = []


def current() -> Activity | None:
    """The innermost work under way."""
    return _under_way[-1] if _under_way else None


@contextmanager
def activity(what: str, total: int = 0, noun: str = "files") -> Iterator[Activity]:
    """Say what the block does; it counts with ``step``."""
    made = Activity(what, total, noun)
    _under_way.append(made)
    try:
        yield made
    finally:
        _under_way.remove(made)


def counted(things: Iterable[T], what: str, total: int = 0, noun: str = "files") -> Iterator[T]:
    """The things, one after the other, counted while they are worked on."""
    with activity(what, total, noun) as under_way:
        for each in things:
            yield each
            under_way.step()
