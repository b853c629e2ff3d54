"""Hunks: the difference of one file as data, masked, for every renderer to show."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from keychange.model import FileChange, Site
from keychange.render.around import Window, shortened, window
from keychange.render.masking import Masks, plain
from keychange.render.style import visible
from keychange.render.words import Pieces, marked, paired
from keychange.secrets import without_secrets

_MAXIMUM_LINES = 20_000
_MAXIMUM_LINE = 1 << 20
_MAXIMUM_BYTES = 1 << 24


class Row(NamedTuple):
    """One line of a hunk.

    ``number`` is its line in the old file where it is removed, else in the new one; ``ended`` says
    whether a line end follows.
    """

    sign: str
    number: int
    text: str
    ended: bool = True


class Hunk(NamedTuple):
    """Some lines that differ, with those around them; a range is (first line, count)."""

    old: tuple[int, int]
    new: tuple[int, int]
    rows: tuple[Row, ...]

    @property
    def place(self) -> str:
        """The head of a hunk in a unified diff."""
        return f"@@ -{_range(*self.old)} +{_range(*self.new)} @@"

    def sites(self, sites: Iterable[Site]) -> tuple[Site, ...]:
        """Those of a file's sites that stand in these lines of the old file."""
        first, count = self.old
        return tuple(each for each in sites if first <= each.line < first + max(1, count))

    def sides(self) -> Iterator[tuple[Row | None, Row | None, Pieces, Pieces]]:
        """The lines side by side, with their pieces; an unchanged line stands on both sides."""
        old: list[Row] = []
        new: list[Row] = []
        number = self.old[0]
        for row in (*self.rows, None):
            if row is not None and row.sign != " ":
                (old if row.sign == "-" else new).append(row)
                continue
            yield from _beside(old, new)
            number += len(old)
            old, new = [], []
            if row is not None:
                whole: Pieces = ((row.text, False),)
                yield Row(" ", number, row.text, row.ended), row, whole, whole
                number += 1


def _beside(
    old: list[Row], new: list[Row]
) -> Iterator[tuple[Row | None, Row | None, Pieces, Pieces]]:
    for left, right in paired([each.text for each in old], [each.text for each in new]):
        first = None if left is None else old[left]
        second = None if right is None else new[right]
        if first and second:
            yield (first, second, *marked(first.text, second.text))
        else:
            whole: Pieces = (((first or second or Row("", 0, "")).text, False),)
            yield first, second, whole if first else (), whole if second else ()


class Comparison(NamedTuple):
    """The difference of one file.

    ``too_long`` says how much differs, ``30,000 lines``, where it is too much to be compared; there
    are no hunks then.
    """

    change: FileChange
    hunks: tuple[Hunk, ...]
    too_long: str = ""

    @property
    def action(self) -> str:
        """``create``, ``delete`` or ``change``."""
        if self.change.before is None:
            return "create"
        return "delete" if self.change.after is None else "change"

    def unified(self, revision: str) -> Iterator[str]:
        """A unified diff, as ``patch`` reads it, but for control characters made visible.

        Of a line of more than 20,000 characters a part is shown.
        """
        path = self.change.path
        yield visible(f"--- {path if self.change.before is not None else '/dev/null'}")
        yield f"+++ {visible(path if self.change.after is not None else '/dev/null')}\t{revision}"
        if self.too_long:
            yield f"@@ {self.too_long}: too long to show here @@"
        for hunk in self.hunks:
            yield hunk.place
            for row in hunk.rows:
                yield row.sign + row.text
                if not row.ended:
                    yield "\\ No newline at end of file"


def compare(change: FileChange, masks: Masks, context: int = 3) -> Comparison:
    """The difference of one file with ``context`` lines around each change, secrets masked.

    Of a large file only the neighbourhood of its change is read. A ``.env`` file is always read
    from its beginning: what its lines mean depends on those above.
    """
    env = masks.is_env(change.path)
    part = Window(change.before, change.after)
    if change.before is not None and change.after is not None and not env:
        part = window(change.before, change.after)
    if (most := _size(part.before, part.after)) > _MAXIMUM_BYTES:
        return Comparison(change, (), f"{most:,} bytes")
    before = _lines(masks.file(change.path, part.before, part.after, "old"))
    after = _lines(masks.file(change.path, part.after, part.before, "new"))
    opcodes = _opcodes(before, after)
    if isinstance(opcodes, str):
        return Comparison(change, (), opcodes)

    def rows(sign: str, held: list[str], first: int, texts: list[str]) -> Iterator[Row]:
        for at, (line, text) in enumerate(zip(held, texts, strict=True), first + part.line):
            yield Row(sign, at, text, line.endswith("\n") or not part.ends)

    def shown(held: list[str]) -> list[str]:
        # Masked before anything cuts it into pieces, in which no secret would be known as one.
        texts = (masks.shown(change.path, each.rstrip("\n")) for each in held)
        return [visible(without_secrets(each)) for each in texts]

    hunks: list[Hunk] = []
    for group in _Given(opcodes).get_grouped_opcodes(context):
        found: list[Row] = []
        for tag, a, b, c, d in group:
            old, new = shown(before[a:b]), shown(after[c:d])
            if tag == "equal":
                found.extend(rows(" ", after[c:d], c, shortened(new, [])))
                continue
            found.extend(rows("-", before[a:b], a, shortened(old, new)))
            found.extend(rows("+", after[c:d], c, shortened(new, old)))
        first, last = group[0], group[-1]
        ranges = (first[1], last[2]), (first[3], last[4])
        places = [(start + part.line, end - start) for start, end in ranges]
        hunks.append(Hunk(places[0], places[1], tuple(found)))
    return Comparison(change, tuple(hunks))


def kind(before: bytes | None, after: bytes | None) -> tuple[object, ...] | None:
    """Equal for two changes in which the very same lines go and come; None if it is not known.

    It looks at lines as they are: not for a ``.env`` file, where they may differ unseen.
    """
    if before is not None and after is not None and window(before, after).before != before:
        return None
    if _size(before, after) > _MAXIMUM_BYTES:
        return None
    old, new = _lines(plain(before)), _lines(plain(after))
    opcodes = _opcodes(old, new)
    if isinstance(opcodes, str):
        return None
    changed: list[str] = []
    for tag, a, b, c, d in opcodes:
        if tag != "equal":
            changed += ("-", *old[a:b], "+", *new[c:d])
    return (before is None, after is None, *changed)


def _lines(text: str) -> list[str]:
    """Lines that keep their end; a carriage return stays, so that it shows when it differs."""
    return re.findall(r"[^\n]*\n|[^\n]+", text.replace("\r\n", "\n"))


def _size(*sides: bytes | None) -> int:
    return max(len(each or b"") for each in sides)


def _range(start: int, count: int) -> str:
    if count == 1:
        return str(start)
    return f"{start if count else start - 1},{count}"


def _opcodes(before: list[str], after: list[str]) -> list[Any] | str:
    """What differs, or how much where it is too much; what ends alike is not read."""
    least = min(len(before), len(after))
    start = next((at for at in range(least) if before[at] != after[at]), least)
    rest = least - start
    end = next((at for at in range(rest) if before[-1 - at] != after[-1 - at]), rest)
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(old), len(new)) > _MAXIMUM_LINES:
        return f"{max(len(old), len(new)):,} lines"
    if (widest := max(map(len, (*old, *new)), default=0)) > _MAXIMUM_LINE:
        return f"{widest:,} characters"
    found: list[Any] = [("equal", 0, start, 0, start)] if start else []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new).get_opcodes():
        found.append((tag, a + start, b + start, c + start, d + start))
    if end:
        tail = (len(before) - end, len(before), len(after) - end, len(after))
        found.append(("equal", *tail))
    return found


class _Given(difflib.SequenceMatcher[str]):
    """A matcher that was told the answer, for its way of grouping."""

    def __init__(self, opcodes: list[Any]) -> None:
        super().__init__()
        self._opcodes = opcodes

    def get_opcodes(self) -> list[Any]:
        return self._opcodes
