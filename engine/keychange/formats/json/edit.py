"""Edits of a JSON document: changes by pointer, to its bytes and to its value at once.

A container is a row of entries with a gap before each and one after the last; a gap holds white
space, the comma and, in JSONC, comments. A change touches entries and the gaps beside them, and
every change of a gap is recorded with what it takes to put the very bytes back (``Gap``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from keychange.edits import Edit
from keychange.formats.json.comments import (
    comma,
    ends_in_line_comment,
    has_comment,
    indent_after,
    line_start,
)
from keychange.formats.json.pointer import Tokens
from keychange.formats.json.style import Style
from keychange.formats.json.text import Container, Document, Entry
from keychange.spans import Span

_BLANK = b" \t\r\n"


class Gap(NamedTuple):
    """Two gaps around an entry, and the one gap that is there without it."""

    lead: bytes
    follow: bytes
    joined: bytes


@dataclass(slots=True, eq=False, repr=False)
class Slot:
    """One entry of a row: an old one with its place in the file, or a new one with its bytes."""

    name: str
    entry: Entry | None = None
    raw: bytes = b""


@dataclass(slots=True, eq=False, repr=False)
class RemovedRun:
    """Entries that stood side by side and are gone: the gaps before each, after, and now."""

    at: int
    last: bool = False
    leads: list[bytes] = field(default_factory=list)
    follow: bytes = b""
    joined: bytes = b""


class Row:
    """The entries of one container and the gaps around them; ``gaps[i]`` stands before slot i."""

    def __init__(self, document: Document, style: Style, path: Tokens) -> None:
        holder = document.find(path)
        container = None if holder is None else document.container(holder)
        if container is None:
            raise KeyError(path)
        self.container: Container = container
        self.style = style
        self._document = document
        self._path = path
        data = document.data
        self.slots = [Slot(entry.name, entry) for entry in container.entries]
        starts = [*(entry.start for entry in container.entries), container.end - 1]
        ends = [container.start + 1, *(entry.end for entry in container.entries)]
        self.gaps = [data[end:start] for end, start in zip(ends, starts, strict=True)]

    def position(self, name: str) -> int | None:
        """Where the member of a name is now."""
        return next((at for at, slot in enumerate(self.slots) if slot.name == name), None)

    def colon(self) -> bytes:
        """What stands between name and value of a new member here."""
        if not self.container.is_object:
            return self.style.colon(None)
        old = (slot.entry for slot in reversed(self.slots) if slot.entry is not None)
        return self.style.colon(next(old, None))

    def around_new(self) -> Gap:
        """The gaps for one more entry after the last."""
        tail = self.gaps[-1]
        if not self.slots:
            lead, follow = self._inside_empty()
            kept = tail.rstrip(_BLANK) if has_comment(tail) else b""
            if ends_in_line_comment(kept) and indent_after(lead) is None:
                lead = tail[len(kept) :]
            return Gap(kept + lead, follow, tail)
        separator = self.style.separator(self.gaps, self.colon())
        at = comma(tail)
        if at < 0 and not has_comment(tail):
            return Gap(separator, tail, tail)
        cut = max(line_start(tail), at + 1)
        if cut == len(tail):
            cut = len(tail.rstrip(_BLANK))
        head, rest = tail[:cut], tail[cut:]
        space = separator[1:]
        if ends_in_line_comment(head) and indent_after(space) is None:
            space = self.style.newline + self.style.indent_of(self.container.end - 1)
        if at < 0:
            return Gap(b"," + head + space, rest, tail)
        return Gap(head + space, b"," + rest, tail)

    def around_at(self, at: int) -> Gap:
        """The gaps for one more entry at a position."""
        if at == len(self.slots):
            return self.around_new()
        separator = self.style.separator(self.gaps, self.colon())
        return Gap(self.gaps[at], separator, self.gaps[at])

    def _inside_empty(self) -> tuple[bytes, bytes]:
        parent = self._document.find(self._path[:-1]) if self._path else None
        holder = None if parent is None else self._document.container(parent)
        return self.style.inside_empty(holder, self.container.start)

    def insert(self, at: int, slot: Slot, gap: Gap) -> None:
        """Put a slot at a position; its gaps replace the one that is there."""
        self.slots.insert(at, slot)
        self.gaps[at : at + 1] = [gap.lead, gap.follow]

    def remove(self, at: int, known: Gap | None = None) -> Gap:
        """Take a slot out; what its gaps were, and the one that is left.

        ``known`` is the record of its insertion: where its gaps are still those, the one that
        was there before comes back.
        """
        lead, follow = self.gaps[at : at + 2]
        if known is not None and (known.lead, known.follow) == (lead, follow):
            gap = known
        else:
            first, last = at == 0, at == len(self.slots) - 1
            gap = Gap(lead, follow, join_gaps(lead, follow, first=first, last=last))
        del self.slots[at]
        self.gaps[at : at + 2] = [gap.joined]
        return gap

    def remove_all(self, doomed: Collection[int]) -> list[RemovedRun]:
        """Take the entries at some positions out, in one pass; what each row of them was."""
        kept: list[Slot] = []
        gaps = self.gaps[:1]
        runs: list[RemovedRun] = []
        last = len(self.slots) - 1
        for at, slot in enumerate(self.slots):
            follow = self.gaps[at + 1]
            if at not in doomed:
                kept.append(slot)
                gaps.append(follow)
                continue
            if at - 1 not in doomed:
                runs.append(RemovedRun(len(kept)))
            runs[-1].leads.append(self.gaps[at])
            runs[-1].follow = follow
            runs[-1].last = at == last
            gaps[-1] = join_gaps(gaps[-1], follow, first=not kept, last=at == last)
            runs[-1].joined = gaps[-1]
        self.slots, self.gaps = kept, gaps
        return runs

    def insert_all(self, runs: Iterable[tuple[int, list[Slot], list[bytes]]]) -> None:
        """Put runs of slots at some positions, in ascending order and in one pass.

        The gaps of a run, one more than its slots, replace the one that is there.
        """
        slots: list[Slot] = []
        gaps: list[bytes] = []
        slot = gap = 0
        for at, new_slots, new_gaps in runs:
            slots += self.slots[slot:at] + new_slots
            gaps += self.gaps[gap:at] + new_gaps
            slot, gap = at, at + 1
        self.slots, self.gaps = slots + self.slots[slot:], gaps + self.gaps[gap:]

    def gaps_for(self, at: int, count: int) -> list[bytes]:
        """The gaps for some entries at a position, in the style of those that are there."""
        around = self.around_at(at)
        if self.slots:
            between = self.style.separator(self.gaps, self.colon())
        else:
            indent = indent_after(around.lead)
            between = b", " if indent is None else b"," + self.style.newline + indent
        return [around.lead, *[between] * (count - 1), around.follow]

    def edits(self) -> Iterable[Edit]:
        """What turns the container's bytes into what the row now says."""
        data = self._document.data
        start, pieces, at = self.container.start + 1, [], 0
        for at, slot in enumerate(self.slots):
            pieces.append(self.gaps[at])
            if slot.entry is None:
                pieces.append(slot.raw)
                continue
            yield from tight(data, start, slot.entry.start, b"".join(pieces))
            start, pieces = slot.entry.end, []
        pieces.append(self.gaps[-1])
        yield from tight(data, start, self.container.end - 1, b"".join(pieces))


def join_gaps(lead: bytes, follow: bytes, *, first: bool, last: bool) -> bytes:
    """The gap that is left when the entry between two gaps goes.

    Comments stay, but for those that follow the entry on its own line.
    """
    if not has_comment(lead) and not has_comment(follow):
        if first:
            return b"" if last else lead
        return follow
    wanted = not first and (not last or comma(follow) >= 0)
    head = lead.rstrip(_BLANK)
    cut = line_start(follow)
    rest = _without_comma(follow[cut:] if cut < len(follow) else follow)
    if not wanted:
        head = _without_comma(head)
    if ends_in_line_comment(head) and rest[:1] not in {b"\r", b"\n"}:
        rest = lead[len(lead.rstrip(_BLANK)) :] + rest.lstrip(_BLANK)
    return head + rest


def _without_comma(gap: bytes) -> bytes:
    at = comma(gap)
    return gap if at < 0 else gap[:at] + gap[at + 1 :]


def tight(data: bytes, start: int, end: int, text: bytes) -> Iterable[Edit]:
    """The edit of a span, without the bytes at its ends that stay the same."""
    old = data[start:end]
    if old == text:
        return
    limit = min(len(old), len(text))
    head = 0
    while head < limit and old[head] == text[head]:
        head += 1
    tail = 0
    while tail < limit - head and old[-1 - tail] == text[-1 - tail]:
        tail += 1
    # A replacement must be whole characters: leave the UTF-8 sequence that differs together.
    while head and (_continues(old, head) or _continues(text, head)):
        head -= 1
    while tail and (_continues(old, len(old) - tail) or _continues(text, len(text) - tail)):
        tail -= 1
    yield Edit(Span(start + head, end - tail), text[head : len(text) - tail])


def _continues(text: bytes, at: int) -> bool:
    return at < len(text) and text[at] & 0xC0 == 0x80
