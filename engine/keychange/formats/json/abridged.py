"""A large document without what nobody asks for: validated in pieces, and never held as a tree.

A document of 100 MB takes a gigabyte when it is parsed, and a migration names a few of its
members. Here everything is validated as ``text.read`` validates, a window at a time, and long runs
of entries that no pointer leads to are cut out; in place of each stands its digest. What is left
is a small document with the same places, in which edits are found and proved as in any other.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from keychange.edits import Edit, apply_edits
from keychange.formats.json.pointer import Tokens
from keychange.spans import Span

if TYPE_CHECKING:
    from keychange.formats.json.pieces import Entry, Pieces

LEAST = 1 << 20
"""The size in bytes from which a document is abridged."""

LIMIT = 1 << 14
"""The size in bytes from which a run of entries is cut out."""

_DEEPEST = 8
"""How deep containers are looked into that no pointer leads to; each level is read once more."""


class _Cut(NamedTuple):
    """Entries of the whole document, or one string of it; ``form`` is what stands for them."""

    span: Span
    form: bytes

    def instead(self, data: bytes | memoryview) -> bytes:
        """What stands for the bytes that are cut out."""
        return self.form % hashlib.sha256(data).hexdigest().encode()


@dataclass(slots=True, repr=False)
class Abridged:
    """The bytes that are left of a document, and how to get from them to the whole."""

    whole: bytes
    cuts: tuple[_Cut, ...] = ()
    data: bytes = b""
    _ends: list[int] = field(default_factory=list)
    _shifts: list[int] = field(default_factory=lambda: [0])

    def __post_init__(self) -> None:
        view, shift, edits = memoryview(self.whole), 0, []
        for cut in self.cuts:
            instead = cut.instead(view[cut.span.start : cut.span.end])
            edits.append(Edit(cut.span, instead))
            self._ends.append(cut.span.start - shift + len(instead))
            shift += len(cut.span) - len(instead)
            self._shifts.append(shift)
        self.data = apply_edits(self.whole, edits) if edits else self.whole

    def span(self, span: Span) -> Span:
        """The bytes of the whole document that a span of what is left of it stands for."""
        return Span(self._offset(span.start), self._offset(span.end))

    def _offset(self, offset: int) -> int:
        return offset + self._shifts[bisect_right(self._ends, offset)]

    def edits(self, edits: Iterable[Edit]) -> tuple[Edit, ...]:
        """Edits of what is left, as edits of the whole."""
        return tuple(Edit(self.span(each.span), each.replacement) for each in edits)

    def shows(self, edits: Iterable[Edit], left: bytes) -> bool:
        """Whether the edits make of the whole what they make of what is left, ``left``.

        The edited document is read again from its first byte to its last, and what was cut out
        must be in its place there, unchanged.
        """
        if not self.cuts:
            return True
        from keychange.formats.json.pieces import FAILURES, Pieces

        waiting = list(self.edits(edits))
        after = apply_edits(self.whole, waiting)
        view, pieces, position, shift = memoryview(after), list[bytes | memoryview](), 0, 0
        for cut in self.cuts:
            while waiting and waiting[0].span.end <= cut.span.start:
                edit = waiting.pop(0)
                shift += len(edit.replacement) - len(edit.span)
            start, end = cut.span.start + shift, cut.span.end + shift
            pieces += (view[position:start], cut.instead(view[start:end]))
            position = end
        pieces.append(view[position:])
        try:
            return b"".join(pieces) == left and Pieces(after).valid()
        except FAILURES:
            return False


def abridge(data: bytes, pointers: Iterable[Tokens]) -> Abridged:
    """What is left of a document for those who ask for these pointers only.

    All that a pointer names is left, with its neighbours, and with the first and the last entry
    of every container on the way. A document that is small is left as it is, and so is one that
    is not valid, or whose values are longer than a window and no string.
    """
    if len(data) < LEAST or () in (wanted := set(pointers)):
        return Abridged(data)
    from keychange.formats.json.pieces import FAILURES, Pieces, ends_at

    try:
        pieces = Pieces(data)
        cuts, end = _Cuts(pieces).find(pieces.start, -1, wanted, 0)
        valid = ends_at(data, end)
    except FAILURES:
        return Abridged(data)
    return Abridged(data, tuple(sorted(cuts, key=lambda cut: cut.span)) if valid else ())


class _Cuts:
    """What nobody wants of a document."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces

    def find(self, start: int, end: int, wanted: set[Tokens], depth: int) -> tuple[list[_Cut], int]:
        """What nobody wants of a container, or of a string: all of it; and where that ends.

        ``end`` is -1 where that is not known yet. A value is read once, and once more for every
        level of it that fits into a window.
        """
        opening = self._pieces.data[start]
        if opening not in b"{[":
            end = self._pieces.long(start) if end < 0 else end
            unwanted = opening == 0x22 and depth and not wanted
            return [_Cut(Span(start, end), b'"%b"')] if unwanted else [], end
        form = b'"%b":0' if opening == 0x7B else b'"%b"'
        firsts = {tokens[0] for tokens in wanted}
        # An element is named by its position: none before one that is wanted may go.
        fixed = -1
        if opening == 0x5B:
            fixed = max((int(each) for each in firsts if each.isdecimal()), default=-1)
        cuts: list[_Cut] = []
        inside: dict[int, list[_Cut]] = {}
        stay: list[Entry] = []
        run = _Run()
        end = start + 1
        for at, entry in enumerate(self._pieces.entries(start)):
            if at <= fixed:
                entry.name = str(at)
            if entry.end < 0:
                inside[entry.value], entry.end = self._inside(entry, wanted, depth)
            end = entry.end
            if at > fixed and entry.name not in firsts:
                run.add(entry)
                continue
            stay += run.settled(form, cuts)
            stay.append(entry)
            run = _Run()
        stay += run.settled(form, cuts)
        for entry in stay:
            if entry.end - entry.value >= LIMIT:
                known = inside.get(entry.value)
                cuts += self._inside(entry, wanted, depth)[0] if known is None else known
        return cuts, self._pieces.closing(end)

    def _inside(self, entry: Entry, wanted: set[Tokens], depth: int) -> tuple[list[_Cut], int]:
        """What nobody wants of the value of an entry, and where that ends."""
        deeper = {each[1:] for each in wanted if each[0] == entry.name}
        if () not in deeper and (deeper or depth < _DEEPEST):
            return self.find(entry.value, entry.end, deeper, depth + 1)
        return [], self._pieces.long(entry.value) if entry.end < 0 else entry.end


@dataclass(slots=True, eq=False, repr=False)
class _Run:
    """Entries side by side that nobody wants.

    Its first and its last stay, as neighbours of what is wanted; ``start`` to ``end`` is what
    stands between them, without the gaps.
    """

    first: Entry | None = None
    last: Entry | None = None
    start: int = 0
    end: int = 0

    def add(self, entry: Entry) -> None:
        """One more at its end."""
        if self.first is None:
            self.first = entry
        elif self.last is None:
            self.last, self.start = entry, entry.start
        else:
            self.end, self.last = self.last.end, entry

    def settled(self, form: bytes, cuts: list[_Cut]) -> Iterator[Entry]:
        """The entries of it that stay; the others are cut out if they are many."""
        if self.end - self.start >= LIMIT:
            cuts.append(_Cut(Span(self.start, self.end), form))
        yield from (each for each in (self.first, self.last) if each is not None)
