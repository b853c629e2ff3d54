"""Diffs: the hunks of a file as lines of text, for a reader or as a patch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keychange.model import FileChange, Site
from keychange.render.hunks import Comparison, Hunk, Row, compare
from keychange.render.masking import Masks
from keychange.render.sites import name
from keychange.render.style import Style, columns, folded
from keychange.render.words import Pieces

_COLOURS = {" ": ("", ""), "-": ("red", "on_red"), "+": ("green", "on_green")}
_LAST = "no line end here"


def unified(change: FileChange, masks: Masks, revision: str, context: int = 3) -> Iterator[str]:
    """The lines of a unified diff of one file, without line ends."""
    return compare(change, masks, context).unified(revision)


def lines(found: Comparison, sites: Sequence[Site], revision: str, style: Style) -> Iterator[str]:
    """The diff of one file: for a reader with line numbers and marked words, else as a patch.

    ``sites`` are those of the file; each hunk names the ones that stand in it.
    """
    if not style.reader:
        for line in found.unified(revision):
            hunk = next((each for each in found.hunks if each.place == line), None)
            yield f"{line} {_names(hunk, sites)}".rstrip() if hunk else line
        return
    if found.too_long:
        yield f"  {found.too_long} differ: too many to show here"
    last = max((row.number for hunk in found.hunks for row in hunk.rows), default=0)
    gutter = max(4, len(str(last)) + 1)
    for number, hunk in enumerate(found.hunks):
        named = _names(hunk, sites)
        if named or number:
            heads = style.wrap(named, f"{'·' * 3:>{gutter}} ", " " * (gutter + 1))
            yield from (style(each, "cyan") for each in heads)
        yield from _hunk(hunk, gutter, style)


def _names(hunk: Hunk, sites: Sequence[Site]) -> str:
    return ", ".join(dict.fromkeys(name(each) for each in hunk.sites(sites) if each.changes))


def _hunk(hunk: Hunk, gutter: int, style: Style) -> Iterator[str]:
    """Removed lines first, as everywhere, with the words that differ from their counterparts."""
    removed: list[tuple[Row, Pieces]] = []
    added: list[tuple[Row, Pieces]] = []
    for old, new, left, right in hunk.sides():
        if old and old.sign == " " and new:
            yield from _flushed(removed, added, gutter, style)
            yield from _row(new, right, gutter, style)
            continue
        removed.extend([(old, left)] if old else [])
        added.extend([(new, right)] if new else [])
    yield from _flushed(removed, added, gutter, style)


def _flushed(
    removed: list[tuple[Row, Pieces]], added: list[tuple[Row, Pieces]], gutter: int, style: Style
) -> Iterator[str]:
    for row, pieces in (*removed, *added):
        yield from _row(row, pieces, gutter, style)
    removed.clear()
    added.clear()


def _row(row: Row, pieces: Pieces, gutter: int, style: Style) -> Iterator[str]:
    """One line of a file, folded to the width, with what it ends with if that cannot be seen."""
    plain, strong = _COLOURS[row.sign]
    head = style(f"{row.number:>{gutter}} ", "dim")
    sign = style(row.sign, plain) if plain else row.sign
    trailing = len(row.text) - len(row.text.rstrip(" \t"))
    if trailing and plain:
        pieces = _with_blanks(pieces, trailing)
    room = max(20, style.width - gutter - 3)
    for number, line in enumerate(folded(pieces, room)):
        text = "".join(style(part, strong if differs else plain) for part, differs in line)
        yield (f"{head}{sign} {text}" if not number else f"{' ' * (gutter + 1)}  {text}").rstrip()
    if not row.ended:
        yield style(f"{' ' * (gutter + 1)}\\ {_LAST}", "dim")


def _with_blanks(pieces: Pieces, trailing: int) -> Pieces:
    """Pieces of a changed line with the blanks at its end as dots, for they may be the change."""
    text = "".join(part for part, _ in pieces)
    end = text[len(text) - trailing :].replace(" ", "·").replace("\t", "→")
    shown = text[: len(text) - trailing] + end
    result, position = [], 0
    for part, differs in pieces:
        result.append((shown[position : position + len(part)], differs))
        position += len(part)
    return tuple(result)


def rule(title: str, about: str, style: Style) -> str:
    """A line across the page with a title at its left and a word at its right."""
    line = style("─" * max(2, style.width - columns(title) - columns(about) - 8), "dim")
    end = style("──", "dim")
    return f"{end} {style(title, 'bold')} {line} {about} {end}"
