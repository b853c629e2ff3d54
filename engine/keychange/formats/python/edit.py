"""Give literals of one Python file new values: the edits, how to undo each, and the proof."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from keychange.edits import Edit, apply_edits
from keychange.formats.python.address import Literal
from keychange.formats.python.literal import Unwritable, extent, rewrite, value_of
from keychange.formats.python.proof import Change, prove
from keychange.formats.python.source import PythonSource
from keychange.formats.python.spelling import Medium


class Wanted(NamedTuple):
    """A literal and its new value; ``text``, where given, is how to spell it, as it once was."""

    literal: Literal
    value: str
    text: str | None = None


class Written(NamedTuple):
    """What to do: ``undo`` holds for each wanted literal its code before and after."""

    edits: tuple[Edit, ...]
    undo: tuple[tuple[str, str], ...]
    proof: str


class Refused(Exception):
    """One literal cannot be written; nothing is."""

    def __init__(self, literal: Literal, reason: str) -> None:
        super().__init__(reason)
        self.literal = literal
        self.reason = reason


def write(source: PythonSource, wanted: Sequence[Wanted]) -> Written:
    """The edits that give each literal its value, proved.

    ``wanted`` is in source order, each literal (or part of an f-string) once.

    Raises:
        Refused: a literal cannot hold its value, or cannot be read by us.
        Disproved: the edited file would differ in more than these literals.
        InvalidPython: the encoding of the file cannot be edited in place.
    """
    medium = Medium(source.newline, source.can_encode)
    changes: list[Change] = []
    undo: list[tuple[str, str]] = []
    for (start, end), group in groupby(wanted, key=lambda each: _place(each.literal)):
        members = list(group)
        old = text = source.text[start:end].decode()
        for each in members:
            try:
                text = _rewritten(text, each, medium)
            except Unwritable as problem:
                raise Refused(each.literal, str(problem)) from None
        undo += ((code(old, each.literal), code(text, each.literal)) for each in members)
        values = {each.literal.part: each.value for each in members}
        changes.append(Change(start, end, text, values))
    edits = tuple(
        Edit(source.span(each.start, each.end), source.encode(each.text)) for each in changes
    )
    prove(source, apply_edits(source.data, edits), changes)
    plural = "" if len(wanted) == 1 else "s"
    return Written(edits, tuple(undo), f"{len(wanted)} literal{plural}, 0 other tokens")


def code(text: str, literal: Literal) -> str:
    """The code of a literal, or of a part of it, where we can read the whole; nothing elsewhere."""
    try:
        start, end = extent(text, literal.part)
    except Unwritable:
        return ""
    return text[start:end]


def _place(literal: Literal) -> tuple[int, int]:
    return literal.start, literal.end


def _rewritten(text: str, wanted: Wanted, medium: Medium) -> str:
    literal = wanted.literal
    if value_of(text, literal.part) != literal.value:
        raise Unwritable("it reads differently than Python reads it")
    if wanted.text is not None:
        start, end = extent(text, literal.part)
        return text[:start] + wanted.text + text[end:]
    if literal.part is not None and not wanted.value:
        raise Unwritable("the static text of an f-string would be gone")
    return rewrite(text, wanted.value, medium, part=literal.part)
