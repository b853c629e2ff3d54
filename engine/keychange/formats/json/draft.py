"""A document being changed: every change goes to its bytes and to its value at once.

The two are compared when the draft is finished: what the new bytes read as must be the value.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from itertools import groupby
from typing import NamedTuple, cast

from keychange.edits import Edit
from keychange.formats.json.comments import indent_after
from keychange.formats.json.edit import Gap, Row, Slot
from keychange.formats.json.pointer import Tokens, lookup
from keychange.formats.json.style import Style
from keychange.formats.json.text import Document, Entry, read
from keychange.model import Json
from keychange.spans import Span


class Removed(NamedTuple):
    """A member that is gone: its bytes, its gaps, and the names of its neighbours."""

    key: bytes
    colon: bytes
    raw: bytes
    gap: Gap
    previous: str | None
    following: str | None


class Run(NamedTuple):
    """Elements that stood side by side and are gone, with the gap before each.

    ``at`` is the position of the gap that is left, in the array that is left; ``last``: the
    run ended the array.
    """

    at: int
    last: bool
    items: tuple[tuple[bytes, bytes], ...]
    follow: bytes
    joined: bytes


class Draft:
    """Changes to one document. ``value`` is the document's own value, changed in place."""

    def __init__(self, document: Document, whole: bytes) -> None:
        self.document = document
        self._whole = whole
        self.value: Json = document.value
        self._rows: dict[Tokens, Row] = {}
        self._inner: list[Edit] = []

    @cached_property
    def style(self) -> Style:
        """How the file is written."""
        return Style(self.document, self._whole)

    def set(self, tokens: Tokens, value: Json) -> bytes:
        """Give an entry a new value, in the file's style; its old bytes."""
        entry = self._entry(tokens)
        if isinstance(value, dict | list):
            indent = self.style.indent_for(entry)
            raw = self.style.render(value, indent, self.style.colon(entry))
        else:
            raw = self.style.text(value)
        return self._replace(tokens, entry, raw, value)

    def set_raw(self, tokens: Tokens, raw: bytes) -> bytes:
        """Give an entry a new value, as these bytes; its old bytes."""
        return self._replace(tokens, self._entry(tokens), raw, self._read(raw))

    def _replace(self, tokens: Tokens, entry: Entry, raw: bytes, value: Json) -> bytes:
        self._inner.append(Edit(entry.span, raw))
        if not tokens:
            self.value = value
        else:
            holder = self._holder(tokens[:-1])
            if isinstance(holder, dict):
                holder[tokens[-1]] = value
            else:
                holder[int(tokens[-1])] = value
        return self.document.raw(entry.span)

    def add(self, tokens: Tokens, value: Json) -> Gap:
        """A new member, after the last of its object and in the style of its siblings."""
        row = self._row(tokens[:-1])
        gap = row.around_new()
        colon = row.colon()
        raw = self.style.render(value, indent_after(gap.lead), colon)
        self._insert(tokens, len(row.slots), gap, self.style.text(tokens[-1]) + colon + raw, value)
        return gap

    def add_raw(self, tokens: Tokens, raw: bytes, indent: bytes) -> Gap:
        """A new member whose value is these bytes, which stood at some indentation."""
        row = self._row(tokens[:-1])
        gap = row.around_new()
        inner = indent_after(gap.lead)
        if inner is not None:
            raw = raw.replace(b"\n" + indent, b"\n" + inner)
        member = self.style.text(tokens[-1]) + row.colon() + raw
        self._insert(tokens, len(row.slots), gap, member, self._read(raw))
        return gap

    def restore(self, tokens: Tokens, removed: Removed) -> None:
        """Put a removed member back: where it was, if its neighbours are still there."""
        row = self._row(tokens[:-1])
        at = len(row.slots)
        if removed.previous is not None and (found := row.position(removed.previous)) is not None:
            at = found + 1
        elif removed.following is not None:
            found = row.position(removed.following)
            at = at if found is None else found
        gap = removed.gap
        if (
            (at == 0) != (removed.previous is None)
            or (at == len(row.slots)) != (removed.following is None)
            or row.gaps[at] != gap.joined
        ):
            gap = row.around_at(at)
        member = removed.key + removed.colon + removed.raw
        self._insert(tokens, at, gap, member, self._read(removed.raw))

    def remove(self, tokens: Tokens, known: Gap | None = None) -> Removed:
        """Take a member out; ``known`` is the record of its insertion.

        Raises:
            KeyError: there is no such member.
        """
        row = self._row(tokens[:-1])
        at = row.position(tokens[-1])
        holder = self._holder(tokens[:-1])
        if at is None or not isinstance(holder, dict):
            raise KeyError(tokens)
        entry = self._entry(tokens)
        previous = row.slots[at - 1].name if at else None
        following = row.slots[at + 1].name if at + 1 < len(row.slots) else None
        gap = row.remove(at, known)
        del holder[tokens[-1]]
        raw = self.document.raw
        colon = raw(Span(entry.key_end, entry.value))
        return Removed(raw(entry.key), colon, raw(entry.span), gap, previous, following)

    def rename(self, tokens: Tokens, name: str, key: bytes | None = None) -> bytes:
        """Give a member a new name, in place; ``key`` are the bytes of it. The old bytes."""
        entry = self._entry(tokens)
        holder = cast("dict[str, Json]", self._holder(tokens[:-1]))
        self._inner.append(Edit(entry.key, key or self.style.text(name)))
        row = self._row(tokens[:-1])
        row.slots[cast("int", row.position(tokens[-1]))].name = name
        members = {name if each == tokens[-1] else each: holder[each] for each in holder}
        holder.clear()
        holder.update(members)
        return self.document.raw(entry.key)

    def append(self, tokens: Tokens, value: Json) -> Gap:
        """A new last element of an array."""
        row = self._row(tokens)
        gap = row.around_new()
        raw = self.style.render(value, indent_after(gap.lead), row.colon())
        row.insert(len(row.slots), Slot("", raw=raw), gap)
        cast("list[Json]", self._holder(tokens)).append(value)
        return gap

    def remove_item(self, tokens: Tokens, at: int, known: Gap) -> None:
        """Take one element out; ``known`` is the record of its insertion."""
        self._row(tokens).remove(at, known)
        del cast("list[Json]", self._holder(tokens))[at]

    def remove_items(self, tokens: Tokens, doomed: Collection[int]) -> tuple[Run, ...]:
        """Take the elements at some positions out."""
        row = self._row(tokens)
        raws = [self.document.raw(each.span) for each in row.container.entries]
        runs = row.remove_all(doomed)
        items = cast("list[Json]", self._holder(tokens))
        items[:] = [item for at, item in enumerate(items) if at not in doomed]
        taken = iter(sorted(doomed))
        return tuple(
            Run(
                run.at,
                run.last,
                tuple((lead, raws[next(taken)]) for lead in run.leads),
                run.follow,
                run.joined,
            )
            for run in runs
        )

    def restore_items(self, tokens: Tokens, runs: Sequence[Run]) -> None:
        """Put removed elements back where they were, as far as the array is what it was."""
        row = self._row(tokens)
        items = cast("list[Json]", self._holder(tokens))
        restored: list[Json] = []
        placed: list[tuple[int, list[Slot], list[bytes]]] = []
        start = 0
        for at, group in groupby(runs, lambda run: min(run.at, len(row.slots))):
            first, *others = group
            raws = [raw for run in (first, *others) for _, raw in run.items]
            exact = row.gaps[at] == first.joined and (at == len(row.slots)) == first.last
            if exact and not others:
                gaps = [*(lead for lead, _ in first.items), first.follow]
            else:
                gaps = row.gaps_for(at, len(raws))
            placed.append((at, [Slot("", raw=raw) for raw in raws], gaps))
            restored += [*items[start:at], *map(self._read, raws)]
            start = at
        row.insert_all(placed)
        items[:] = restored + items[start:]

    def edits(self) -> tuple[Edit, ...]:
        """All changes as edits of the document's bytes.

        Edits that touch are one: the inverse of a deletion is an insertion, which could not
        stand beside another edit.
        """
        edits = [*self._inner, *(edit for row in self._rows.values() for edit in row.edits())]
        result: list[Edit] = []
        for edit in sorted(edits, key=lambda each: each.span):
            if result and result[-1].span.end == edit.span.start:
                before = result.pop()
                span = Span(before.span.start, edit.span.end)
                result.append(Edit(span, before.replacement + edit.replacement))
            else:
                result.append(edit)
        return tuple(edit for edit in result if self.document.raw(edit.span) != edit.replacement)

    def _insert(self, tokens: Tokens, at: int, gap: Gap, member: bytes, value: Json) -> None:
        self._row(tokens[:-1]).insert(at, Slot(tokens[-1], raw=member), gap)
        cast("dict[str, Json]", self._holder(tokens[:-1]))[tokens[-1]] = value

    def _read(self, raw: bytes) -> Json:
        return read(raw, jsonc=self.document.jsonc).value

    def _entry(self, tokens: Tokens) -> Entry:
        entry = self.document.find(tokens)
        if entry is None:
            raise KeyError(tokens)
        return entry

    def _holder(self, tokens: Tokens) -> dict[str, Json] | list[Json]:
        return cast("dict[str, Json] | list[Json]", lookup(self.value, tokens))

    def _row(self, tokens: Tokens) -> Row:
        row = self._rows.get(tokens)
        if row is None:
            row = self._rows[tokens] = Row(self.document, self.style, tokens)
        return row
