"""The proof that an edit of a Python file changed the named literals and nothing else.

The bytes outside are the same, and the file compiles as a whole. Then two independent readings of
what an edit touches: the compiler's trees of the statements of the module, compared node by node
with the named literals masked; and the tokens. What begins and ends where a statement of the module
does, with the same tokens in between, leaves the reader of what follows as it was: there the same
bytes are the same tree. Within a statement, a node that no edit touches was made from the same
bytes: there it is enough that it has the same type and the same ends.
"""

from __future__ import annotations

import ast
import io
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise, zip_longest
from typing import Final, NamedTuple

from keychange.formats.python.encoding import InvalidPython
from keychange.formats.python.source import (
    PythonSource,
    check_compiles,
    extent,
    line_starts,
    parse,
    syntax_tree,
    text_of,
)
from keychange.spans import BOM


class Change(NamedTuple):
    """One rewritten literal: its offsets before, in bytes, its text after, what it must mean.

    ``values`` maps the parts of an f-string to their new values; None is the whole literal.
    """

    start: int
    end: int
    text: str
    values: Mapping[int | None, str]


class Disproved(Exception):
    """The edited file differs in more than the named literals: what, and where in the old file."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


def prove(before: PythonSource, data: bytes, changes: Sequence[Change]) -> None:
    """Show that ``data`` is ``before`` but for ``changes``, which are in order and apart.

    Raises:
        Disproved: it is not; the first difference.
        InvalidPython: the file does not compile, with the changes or without.
    """
    try:
        check_compiles(data)
        text, encoding = text_of(data)
    except InvalidPython as problem:
        raise _broken(before, data, problem) from None
    if (encoding, data.startswith(BOM)) != (before.encoding, before.data.startswith(BOM)):
        raise Disproved("the encoding changed")
    comparison = _Comparison(before, text, changes)
    comparison.outside()
    comparison.trees()
    comparison.tokens()


def _broken(before: PythonSource, data: bytes, problem: InvalidPython) -> Exception:
    """What is wrong with an edited file that is no program."""
    try:
        parse(data)
    except InvalidPython as unread:
        return Disproved(f"the edited file does not parse: {unread.message}")
    try:
        check_compiles(before.data)
    except InvalidPython as unedited:
        return unedited
    return Disproved(f"the edited file does not compile: {problem.message}")


class _Stretch(NamedTuple):
    """Whole lines of the old file, and the statements of the module that stand on them."""

    start: int
    end: int
    body: list[ast.stmt]


class _Reading:
    """The statements of a part of the new file that begins at an offset."""

    def __init__(self, text: bytes, body: list[ast.stmt], offset: int) -> None:
        self.body = body
        self._text = text
        self._starts = line_starts(text)
        self._offset = offset

    def extent(self, node: ast.AST) -> tuple[int, int]:
        """First and last offset of a node in the new file."""
        start, end = extent(node, self._text, self._starts)
        return start + self._offset, end + self._offset


class _Comparison:
    """Two files side by side."""

    def __init__(self, before: PythonSource, text: bytes, changes: Sequence[Change]) -> None:
        self.before = before
        self.text = text
        self.changes = changes
        self.starts = [each.start for each in changes]
        growth = (len(each.text.encode()) - (each.end - each.start) for each in changes)
        self.shifts = list(accumulate(growth, initial=0))
        self.seen: set[int] = set()
        self.statements: list[tuple[int, int]] = []

    def moved(self, offset: int) -> int:
        """Where an offset outside the changes, or at an edge of one, is in the new file.

        Raises:
            Disproved: the offset is inside a change.
        """
        index = bisect_left(self.starts, offset)
        if index and offset < self.changes[index - 1].end:
            raise Disproved("an edit splits what belongs together", offset)
        return offset + self.shifts[index]

    def touched(self, start: int, end: int) -> range:
        """The changes that begin within a stretch of the old file."""
        return range(bisect_left(self.starts, start), bisect_left(self.starts, end))

    def outside(self) -> None:
        """Everything outside the changes.

        Raises:
            Disproved: the first difference.
        """
        old, new = self.before.text, self.text
        ends = [0, *(each.end for each in self.changes)]
        for start, end, shift in zip(ends, [*self.starts, len(old)], self.shifts, strict=True):
            last = end + shift if end < len(old) else len(new)
            if old[start:end] != new[start + shift : last]:
                raise Disproved("a byte outside the named literals changed", start)

    def trees(self) -> None:
        """The trees of the statements of the module that are touched, without recursion.

        Raises:
            Disproved: the first difference.
        """
        for stretch in self.stretches():
            self.compare(stretch, self.read(stretch))
        missed = next((i for i in range(len(self.changes)) if i not in self.seen), None)
        if missed is not None:
            raise Disproved("an edit hit no literal", self.changes[missed].start)

    def stretches(self) -> Iterator[_Stretch]:
        """The whole lines of each statement of the module that is touched, and what is on them."""
        extents = [self.before.extent(each) for each in self.before.tree.body]
        first = 0
        while first < len(extents):
            start, end = _lines(self.before, *extents[first])
            last = first + 1
            while last < len(extents) and extents[last][0] < end:
                end = _lines(self.before, *extents[last])[1]
                last += 1
            if self.touched(start, end):
                yield _Stretch(start, end, self.before.tree.body[first:last])
            first = last

    def read(self, stretch: _Stretch) -> _Reading:
        """The new statements of a stretch, read by themselves."""
        start, end = self.moved(stretch.start), self.moved(stretch.end)
        text = self.text[start:end]
        try:
            return _Reading(text, syntax_tree(text.decode()).body, start)
        except InvalidPython:
            raise Disproved("an edit goes on beyond its statement", stretch.start) from None

    def compare(self, stretch: _Stretch, reading: _Reading) -> None:
        """Two lists of statements.

        Raises:
            Disproved: the first difference.
        """
        stack: list[tuple[object, object, int]] = [(stretch.body, reading.body, stretch.start)]
        while stack:
            old, new, at = stack.pop()
            if isinstance(old, ast.AST) and isinstance(new, ast.AST):
                stack.extend(self.below(old, new, at, reading))
            else:
                stack.extend((*pair, at) for pair in _pairs(old, new, at))

    def below(
        self, old: ast.AST, new: ast.AST, at: int, reading: _Reading
    ) -> Iterator[tuple[object, object, int]]:
        """What remains to be compared below two nodes."""
        if hasattr(old, "lineno") and type(old) is type(new):
            start, end = self.before.extent(old)
            if (self.moved(start), self.moved(end)) != reading.extent(new):
                raise Disproved(f"{type(old).__name__} has other ends", start)
            touched = self.touched(start, end)
            if not touched:
                return
            at = start
            change = self.changes[touched[0]]
            if (start, end) == (change.start, change.end) and _is_literal(old):
                self.seen.add(touched[0])
                _masked(old, new, change)
                return
            if isinstance(old, ast.stmt):
                self.statements.append((start, end))
        yield from ((*pair, at) for pair in _fields(old, new, at))

    def tokens(self) -> None:
        """The tokens of the statements that hold an edit, the literals masked.

        A statement that has its lines to itself is enough: outside of it the bytes are the same,
        and a tokenizer goes from left to right.

        Raises:
            Disproved: the first difference.
        """
        for start, end in self.regions():
            touched = [self.changes[index] for index in self.touched(start, end)]
            spans = [(each.start, each.end) for each in touched]
            moved = [(self.moved(first), self.moved(last)) for first, last in spans]
            old = _tokens(self.before.text, start, end, spans)
            new = _tokens(self.text, self.moved(start), self.moved(end), moved)
            for one, other in zip_longest(old, new):
                if one != other:
                    raise Disproved(f"token {one} became {other}", start)

    def regions(self) -> set[tuple[int, int]]:
        """The lines of the smallest statement around each change, or the whole file."""
        text = self.before.text
        best = [(0, len(text))] * len(self.changes)
        for start, end in self.statements:
            first, last = _lines(self.before, start, end)
            rest = text[end:last].strip()
            alone = not text[first:start].strip(b" \t\f") and (not rest or rest.startswith(b"#"))
            if alone and not text[max(first - 3, 0) : first].rstrip(b"\r\n").endswith(b"\\"):
                for index in self.touched(start, end):
                    best[index] = first, last
        return set(best)


def _lines(source: PythonSource, start: int, end: int) -> tuple[int, int]:
    """The offsets of the whole lines that hold a stretch."""
    last = bisect_left(source.starts, end)
    return (
        source.starts[bisect_right(source.starts, start) - 1],
        source.starts[last] if last < len(source.starts) else len(source.text),
    )


def _is_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) or type(node).__name__ in ("JoinedStr", "TemplateStr")


def _pairs(old: object, new: object, at: int) -> Iterator[tuple[object, object]]:
    """The elements of two lists; nothing for two equal leaves."""
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            raise Disproved("a different number of elements", at)
        yield from zip(old, new, strict=True)
    elif type(old) is not type(new) or old != new:
        raise Disproved(f"{old!r} became {new!r}", at)


def _fields(old: ast.AST, new: ast.AST, at: int) -> Iterator[tuple[object, object]]:
    if type(old) is not type(new):
        raise Disproved(f"{type(old).__name__} became {type(new).__name__}", at)
    for name in old._fields:
        yield getattr(old, name, None), getattr(new, name, None)


def _masked(old: ast.AST, new: ast.AST, change: Change) -> None:
    """Two readings of a rewritten literal: the new value is the wanted one, the rest the same."""
    if isinstance(old, ast.Constant) and isinstance(new, ast.Constant):
        if not isinstance(new.value, str) or new.kind != old.kind:
            raise Disproved("a string became something else", change.start)
        if new.value != change.values.get(None):
            raise Disproved("a literal does not hold its new value", change.start)
        return
    texts, values = _split(old)
    new_texts, new_values = _split(new)
    for part in {*texts, *new_texts, *change.values}:
        wanted = change.values.get(part, texts.get(part, ""))
        if new_texts.get(part, "") != wanted:
            raise Disproved("an f-string does not hold its new value", change.start)
    stack: list[tuple[object, object]] = [(values, new_values)]
    while stack:
        one, other = stack.pop()
        if isinstance(one, ast.AST) and isinstance(other, ast.AST):
            stack.extend(_fields(one, other, change.start))
        else:
            stack.extend(_pairs(one, other, change.start))


def _split(node: ast.AST) -> tuple[dict[int | None, str], list[ast.AST]]:
    """The static texts of an f-string by part, and its expressions."""
    texts: dict[int | None, str] = {}
    values: list[ast.AST] = []
    for each in node.values:  # type: ignore[attr-defined]
        if isinstance(each, ast.Constant):
            texts[len(values)] = texts.get(len(values), "") + str(each.value)
        else:
            values.append(each)
    return texts, values


_MASKED: Final = frozenset({"STRING", "FSTRING_MIDDLE", "TSTRING_MIDDLE", "NL"})


def _tokens(
    text: bytes, start: int, end: int, spans: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, str]]:
    """The tokens of a stretch of lines; of those within ``spans`` what is no text of a literal."""
    plain = _normal(text[start:end])
    cuts = [start, *(edge for span in spans for edge in span)]
    sizes = accumulate(len(_normal(text[a:b])) for a, b in pairwise(cuts))
    edges = list(zip(sizes, sizes, strict=True))
    lines = list(accumulate((len(line) for line in io.StringIO(plain)), initial=0))
    first = [a for a, _ in edges]
    try:
        for token in tokenize.generate_tokens(io.StringIO(plain).readline):
            row, column = token.start
            at = lines[min(row, len(lines)) - 1] + column
            name = tokenize.tok_name[token.type]
            index = bisect_right(first, at) - 1
            if index >= 0 and at == first[index] and name not in ("INDENT", "DEDENT"):
                yield "LITERAL", ""
            if index < 0 or at >= edges[index][1] or name not in _MASKED:
                yield name, token.string
    except (tokenize.TokenError, SyntaxError) as problem:
        yield "ERROR", type(problem).__name__


def _normal(text: bytes) -> str:
    r"""Text with ``\n`` for every line end."""
    return text.decode().replace("\r\n", "\n").replace("\r", "\n")
