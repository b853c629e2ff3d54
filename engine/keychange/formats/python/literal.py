"""A new value in an old literal: written in the style that is there, the rest as it was spelled.

Only what differs between the old and the new value is spelled anew; quotes, prefixes, escapes,
line breaks and the pieces of an implicit concatenation stay where they can. Every result is read
back before it is used. Where the expressions of an f-string stand is libcst's word, one token at
a time; no token holds another here, so its limits on deep and long input are out of reach.
"""

from __future__ import annotations

import io
import re
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Final

from keychange.formats.python.spelling import Atom, Medium, Style, meaning, read, spell


class Unwritable(Exception):
    """The literal cannot hold the value, or we cannot read it; the message is the reason."""


@dataclass(frozen=True)
class Segment:
    """One string token, or one static text of an f-string token.

    ``start`` and ``end`` are its offsets in the whole literal. ``part`` is the number of
    expressions before it.
    """

    start: int
    end: int
    style: Style
    body: str
    part: int = 0

    @cached_property
    def atoms(self) -> tuple[Atom, ...]:
        """The body, piece by piece."""
        return tuple(read(self.style, self.body))

    @property
    def value(self) -> str:
        """What the body means."""
        return "".join(each.value for each in self.atoms)


def segments(text: str) -> tuple[Segment, ...]:
    """The tokens of a literal, one per piece of its implicit concatenation.

    Raises:
        Unwritable: libcst or we do not know this form.
    """
    return _parsed(text)[0]


@lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[tuple[Segment, ...], tuple[tuple[int, int], ...]]:
    """The segments of a literal, and where its expressions stand."""
    result: list[Segment] = []
    expressions: list[tuple[int, int]] = []
    for start, end in _pieces(text):
        token = text[start:end]
        plain = _PLAIN.fullmatch(token)
        if plain is None:
            _read_formatted(token, start, result, expressions)
            continue
        style = Style(plain["prefix"], plain["quote"])
        result.append(Segment(start, end, style, plain["body"], len(expressions)))
    return tuple(result), tuple(expressions)


_PLAIN: Final = re.compile(
    r"""(?P<prefix>[rRuUbB]{0,2})(?P<quote>"{3}|'{3}|"|')(?P<body>(?s:.*))(?P=quote)"""
)
"""A token that is no f-string; the tokenizer has seen to it that it ends with its own quotes."""


def _read_formatted(
    token: str, start: int, result: list[Segment], expressions: list[tuple[int, int]]
) -> None:
    """Add the static texts and the expressions of one f-string.

    Raises:
        Unwritable: libcst or we do not know this form.
    """
    import libcst  # its import takes longer than to rewrite a hundred plain strings

    def code(node: libcst.BaseExpression | libcst.BaseFormattedStringContent) -> str:
        return libcst.Module(()).code_for_node(node)

    try:
        node = libcst.parse_expression(token)
    except (libcst.ParserSyntaxError, RecursionError) as problem:
        raise Unwritable("libcst cannot read this literal") from problem
    if code(node) != token:
        raise Unwritable("libcst does not give this literal back as it is")
    if not isinstance(node, libcst.FormattedString):
        raise Unwritable("not a string literal that libcst knows")
    style = Style(node.prefix, node.end, formatted=True)
    at = start + len(node.start)
    for each in node.parts:
        length = len(code(each))
        if isinstance(each, libcst.FormattedStringText):
            result.append(Segment(at, at + length, style, each.value, len(expressions)))
        else:
            expressions.append((at, at + length))
        at += length


def extent(text: str, part: int | None) -> tuple[int, int]:
    """Where a part of a literal stands in its text: between two expressions, or all of it.

    Raises:
        Unwritable: we cannot read the literal.
    """
    if part is None:
        return 0, len(text)
    edges = [0, *(edge for span in _parsed(text)[1] for edge in span), len(text)]
    return edges[2 * part], edges[2 * part + 1]


def value_of(text: str, part: int | None) -> str:
    """What a literal, or one static part of an f-string, means.

    Raises:
        Unwritable: we cannot read it.
    """
    return "".join(each.value for each in segments(text) if part is None or each.part == part)


def rewrite(text: str, new: str, medium: Medium, *, part: int | None = None) -> str:
    """The text of a literal with another value; of an f-string, one static part of it.

    Raises:
        Unwritable: the literal cannot hold the value and stay what it is.
    """
    pieces = [each for each in segments(text) if part is None or each.part == part]
    if not pieces or (part is None and any(each.style.formatted for each in pieces)):
        raise Unwritable("it is an f-string, and its parts are written one by one")
    drafts = _distribute(pieces, new, medium)
    emptied = any(piece.body and not body for piece, (_, body) in zip(pieces, drafts, strict=True))
    if part is None and emptied and len(pieces) > 1 and not _commented(text, pieces):
        return _written(pieces[0], new, None, medium)
    for piece, (value, body) in reversed(list(zip(pieces, drafts, strict=True))):
        if value != piece.value:
            text = text[: piece.start] + _written(piece, value, body, medium) + text[piece.end :]
    return text


def _distribute(pieces: Sequence[Segment], new: str, medium: Medium) -> list[tuple[str, str]]:
    """For each piece its new value and body: what both values have keeps its spelling and place."""
    atoms = [(index, atom) for index, piece in enumerate(pieces) for atom in piece.atoms]
    old = "".join(atom.value for _, atom in atoms)
    ends = list(accumulate((len(atom.value) for _, atom in atoms), initial=0))
    values, bodies = [""] * len(pieces), [""] * len(pieces)
    position = written = 0
    for start, begin, size in _shared(old, new):
        first = max(bisect_left(ends, start), position)
        last = bisect_right(ends, start + size) - 1
        if begin > written:
            replaced = atoms[position:first] or atoms[position - 1 : position]
            home = replaced[0][0] if replaced else 0
            follows = next((atom.spelled for at, atom in atoms[first:last] if at == home), "")
            text, piece = new[written:begin], pieces[home]
            values[home] += text
            bodies[home] += spell(text, piece.style, medium, piece.atoms, follows)
        for index, atom in atoms[first:last]:
            values[index] += atom.value
            bodies[index] += atom.spelled
        position, written = max(last, position), begin + size
    return list(zip(values, bodies, strict=True))


def _shared(old: str, new: str) -> list[tuple[int, int, int]]:
    """What two values share, in order: the offsets in both, and the length. The last may be 0."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    ends = len(old) - tail, len(new) - tail
    between: list[tuple[int, int, int]] = []
    if 0 < ends[0] - head < _COMPARED and 0 < ends[1] - head < _COMPARED:
        from difflib import SequenceMatcher  # for literals in pieces alone

        matcher = SequenceMatcher(None, old[head : ends[0]], new[head : ends[1]], autojunk=False)
        between = [
            (head + each.a, head + each.b, each.size)
            for each in matcher.get_matching_blocks()
            if each.size >= _WORD
        ]
    return [(0, 0, head), *between, (*ends, tail)]


_COMPARED: Final = 2_000
"""Longer texts are compared from both ends only: the time to compare grows with the square."""
_WORD: Final = 4
"""Fewer characters than this in common are no sign that a piece of text was kept."""


def _common(first: str, second: str) -> int:
    """The length of the common head of two strings."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(first), len(second)))


def _written(piece: Segment, value: str, draft: str | None, medium: Medium) -> str:
    """The code of a piece with another value: the first way to write it that reads back."""
    for style, body in _ways(piece, value, draft, medium):
        visible = not style.raw or all(
            char.isprintable() or char in "\t\r\n" or char in piece.body for char in body
        )
        if visible and medium.holds(body) and meaning(style, body) == value:
            return body if style.formatted else f"{style.opening}{body}{style.quote}"
    raise Unwritable(f"a literal that opens with {piece.style.opening} cannot hold the value")


def _ways(
    piece: Segment, value: str, draft: str | None, medium: Medium
) -> Iterator[tuple[Style, str]]:
    style = piece.style
    other = "'" if style.quote[0] == '"' else '"'
    swapped = Style(style.prefix, other * len(style.quote))
    escaped = f"\\{style.quote}"
    if draft is not None:
        simple = len(style.quote) == 1 and not style.formatted
        if simple and style.quote in value and other not in value and escaped not in piece.body:
            bare = {escaped: style.quote}
            yield swapped, "".join(bare.get(a.spelled, a.spelled) for a in read(style, draft))
        yield style, draft
    yield style, spell(value, style, medium, piece.atoms)
    if style.formatted:
        return
    if style.raw:
        yield swapped, spell(value, swapped, medium)
    plain = Style(style.prefix.strip("rR"), style.quote)
    yield plain, spell(value, plain, medium)


def _commented(text: str, pieces: Sequence[Segment]) -> bool:
    """Whether a comment stands between the pieces."""
    ends = [piece.end for piece in pieces[:-1]]
    starts = [piece.start for piece in pieces[1:]]
    return any("#" in text[end:start] for end, start in zip(ends, starts, strict=True))


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """The offsets of the string tokens of a literal.

    The tokenizer sees a letter for each character beyond ASCII: that of Python 3.12.1 counts the
    columns of a string of many lines in bytes.
    """
    plain = re.sub(r"[^\0-\x7f]", "x", text).replace("\r\n", "\n").replace("\r", "\n")
    offsets = _offsets(text) if "\r" in text else range(len(text) + 1)
    lines = list(accumulate((len(line) for line in io.StringIO(plain)), initial=0))
    opened: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(f"({plain}\n)").readline):
        name = tokenize.tok_name[token.type]
        (row, column), (last_row, last_column) = token.start, token.end
        start = lines[row - 1] + column - (row == 1) if row <= len(lines) else len(plain)
        if name.endswith("STRING_START"):
            opened.append(start)
        elif name == "STRING" and not opened:
            end = lines[last_row - 1] + last_column - (last_row == 1)
            yield offsets[start], offsets[end]
        elif name.endswith("STRING_END"):
            start = opened.pop()
            if not opened:
                end = lines[last_row - 1] + last_column - (last_row == 1)
                yield offsets[start], offsets[end]


def _offsets(text: str) -> list[int]:
    r"""For each offset in the text with ``\n`` alone as line end, the one in the text."""
    result = [
        at for at, char in enumerate(text) if not (char == "\n" and text[at - 1 : at] == "\r")
    ]
    return [*result, len(text)]
