"""Signals: what the output and the files of a command must show, beside its exit status."""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from keychange.formats.json.pointer import lookup, split
from keychange.model import ABSENT, Json, Value, same
from keychange.probing import harmless
from keychange.regular import read_regular

_TAIL_LINES: Final = 60
_TAIL_WIDTH: Final = 500  # characters of one line

Pattern: TypeAlias = tuple[str, re.Pattern[str]]
_Written: TypeAlias = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What must be seen.

    ``patterns`` are expected texts as declared, each with the expression that must be found in
    one line of either stream, ``unwanted`` those that must not be. ``files`` must exist
    afterwards, ``written`` must also have been written meanwhile, and ``fields`` are JSON files
    with conditions by pointer; all from the root. ``ignore`` names the harmless warnings that are
    expected.
    """

    patterns: tuple[Pattern, ...] = ()
    unwanted: tuple[Pattern, ...] = ()
    files: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    fields: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()


class Signals:
    """What one run has shown so far; make it before the run and ask it afterwards.

    ``warnings`` counts expected harmless warnings by name; ``tail`` is the end of the output
    without them.
    """

    def __init__(self, expectations: Expectations, root: Path) -> None:
        self.warnings: Counter[str] = Counter()
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._expected = expectations
        self._root = root
        self._unseen = dict(expectations.patterns)
        self._unwanted: dict[str, None] = {}  # in the order in which they came
        self._before = {path: self._written(path) for path in expectations.written}

    def take(self, line: str) -> None:
        """Take one line of output."""
        for text in [text for text, pattern in self._unseen.items() if pattern.search(line)]:
            del self._unseen[text]
        for text, pattern in self._expected.unwanted:
            if pattern.search(line):
                self._unwanted[text] = None
        names = self._expected.ignore.intersection(harmless.sort(line).harmless)
        self.warnings.update(names)
        if not names:
            self.tail.append(line[:_TAIL_WIDTH])

    def wrong(self) -> Iterator[tuple[str, str]]:
        """Code and message of every signal that is unwanted, then of those that are missing."""
        for text in self._unwanted:
            yield "signal-unwanted", f"its output shows `{text}`"
        for text in self._unseen:
            yield "signal-missing", f"its output does not show `{text}`"
        for path in (*self._expected.files, *self._expected.written):
            if not (self._root / path).exists():
                yield "file-missing", f"{path} is not there"
            elif path in self._before and self._written(path) == self._before[path]:
                yield "file-unchanged", f"it did not write {path}"
        for path, conditions in self._expected.fields.items():
            yield from self._wrong_fields(path, conditions)

    def _wrong_fields(self, path: str, conditions: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
        try:
            document = json.loads(read_regular(self._root / path))
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else "it is not valid JSON"
            yield "file-unreadable", f"{path} cannot be read: {reason}"
            return
        for pointer, condition in conditions.items():
            if not holds(lookup(document, split(pointer)), condition):
                place = pointer or "the document"
                yield "field-wrong", f"in {path}, {place} is not what was expected"

    def _written(self, path: str) -> _Written:
        try:
            status = (self._root / path).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size


def holds(value: Value, condition: Json) -> bool:
    """Whether a value satisfies a condition of the migration format (``$defs/condition``)."""
    if not isinstance(condition, dict):
        return same(value, condition)
    ((rule, operand),) = condition.items()
    if rule == "exists":
        return (value is not ABSENT) is operand
    if rule == "in":
        return isinstance(operand, list) and any(same(value, each) for each in operand)
    return value is not ABSENT and same(value, operand) is (rule == "is")
