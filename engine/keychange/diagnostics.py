"""Diagnostics: what is wrong, where, and what to do next; values, not strings."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from keychange.spans import LineIndex, Span

_LONGEST = 20_000
_CAUSES = frozenset(
    (
        *("interrupted-run", "unreadable-ledger", "missing-migration", "edited-after-apply"),
        *("duplicate-revision", "history-gap", "late-migration"),
    )
)
"""Codes of what is wrong with the history itself; that files hold other values follows from it."""


class Severity(StrEnum):
    """How much a diagnostic matters: an error stops, a warning and a note do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Location(NamedTuple):
    """A place in a file: line and column from 1, both 0 where only the file is known.

    ``length`` counts the characters to underline. ``text`` is the whole line, nothing where it
    is longer than anybody reads; renderers mask secrets in it.
    """

    path: str
    line: int = 0
    column: int = 0
    length: int = 0
    text: str = ""

    @classmethod
    def at(cls, path: str, data: bytes, span: Span, index: LineIndex | None = None) -> Location:
        """The location of a byte span; one that covers several lines underlines the first."""
        index = index or LineIndex(data)
        line, column = index.position(span.start)
        text = index.text_at(span.start)
        if len(text) > _LONGEST:
            text = ""
        marked = data[span.start : min(span.end, span.start + _LONGEST)].splitlines()[:1] or [b""]
        length = max(1, len(marked[0].decode("utf-8", "replace")))
        return cls(path, line, column, length, text)

    @classmethod
    def of_pointer(
        cls,
        path: str,
        pointer: str,
        positions: Mapping[str, tuple[int, int]],
        lines: Sequence[str],
        length: int = 0,
    ) -> Location:
        """The location of a JSON pointer in a YAML file, or of its nearest parent there.

        Without a ``length`` all of the entry is marked that stands on its line.
        """
        while pointer not in positions and pointer:
            pointer = pointer.rpartition("/")[0]
        line, column = positions.get(pointer, (1, 1))
        text = lines[line - 1] if line <= len(lines) else ""
        return cls(path, line, column, length or _entry_length(text[column - 1 :]), text)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


def _entry_length(text: str) -> int:
    """How far the entry of a YAML file goes that a text begins with: to its comma, or its line.

    A comma outside brackets ends it in a flow collection; in a block one it is a part of a text,
    and marking less than all of that does no harm.
    """
    depth, quote, end = 0, "", len(text)
    for at, each in enumerate(text):
        if quote:
            quote = "" if each == quote else quote
        elif each in "\"'" and (at == 0 or text[at - 1] in " [{,:"):
            quote = each
        elif each in "[{" or (each in "]}" and depth):
            depth += 1 if each in "[{" else -1
        elif (each in ",]}" and not depth) or (each == "#" and text[at - 1 : at] == " "):
            end = at
            break
    return max(1, len(text[:end].rstrip()))


class Related(NamedTuple):
    """A second place that explains a diagnostic, and what is there: ``it is set first here``."""

    location: Location
    message: str


class Diagnostic(NamedTuple):
    """One finding: a stable ``code``, a message of one line, a place, a hint and a command.

    ``hint`` says what to do; ``command`` is the next command to run and works when pasted.
    ``about`` is the file it is about, where ``location`` is in the migration that names it;
    ``related`` are further places that explain it.
    """

    severity: Severity
    code: str
    message: str
    location: Location | None = None
    hint: str = ""
    command: str = ""
    about: str = ""
    related: tuple[Related, ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether this one stops the run."""
        return self.severity is Severity.ERROR


error = partial(Diagnostic, Severity.ERROR)
"""A diagnostic that stops the run."""
warning = partial(Diagnostic, Severity.WARNING)
"""A diagnostic that the user should see and that stops nothing."""
note = partial(Diagnostic, Severity.NOTE)
"""A diagnostic that explains."""


def errors_in(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Those that stop the run."""
    return tuple(each for each in diagnostics if each.is_error)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """What explains the others, then by file, line and column; first those without a place."""

    def key(each: Diagnostic) -> tuple[bool, str, int, int]:
        place = each.location
        explained = each.code not in _CAUSES
        return (explained, place.path, place.line, place.column) if place else (False, "", 0, 0)

    return tuple(sorted(diagnostics, key=key))


def shell_word(text: str) -> str:
    """A text as one word of a command that can be pasted into bash or zsh.

    What a terminal would obey, and a byte that is no text, stand there as escapes.
    """
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
