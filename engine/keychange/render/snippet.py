"""Snippets: the line that a diagnostic is about, with a mark under what is meant."""

from __future__ import annotations

from collections.abc import Iterator

from keychange.diagnostics import Location
from keychange.render import masking
from keychange.render.style import Style, columns, visible

_TAB = 4
_CUT = "…"


def snippet(place: Location, style: Style, gutter: int, mark: str, colour: str) -> Iterator[str]:
    """The line with its number, and ``mark`` under the whole span; nothing where it is not known.

    A line that is wider than the terminal is cut on both sides of the span. ``gutter`` is the
    width of the line number.
    """
    text, start, end = masking.snippet(place) if place.line else ("", 0, 0)
    if not text.strip():
        return
    cells = _cells(text)
    start = min(start, len(cells))
    end = max(min(end, len(cells)), start)
    first, last = _window(cells, start, end, max(20, style.width - gutter - 6))
    before = _CUT if first else ""
    shown = before + "".join(cells[first:last]) + (_CUT if last < len(cells) else "")
    indent = columns(before) + columns("".join(cells[first:start]))
    length = max(1, columns("".join(cells[start : min(end, last)])))
    number = str(place.line).rjust(gutter)
    yield f"  {style(f'{number} |', 'dim')} {shown.rstrip()}"
    rule = style(f"{'':{gutter}} |", "dim")
    yield f"  {rule} {' ' * indent}{style(mark * length, colour)}"


def _cells(text: str) -> list[str]:
    """Each character as it is shown; a tab goes on to the next stop."""
    cells: list[str] = []
    column = 0
    for each in text:
        cell = " " * (_TAB - column % _TAB) if each == "\t" else visible(each)
        column += columns(cell)
        cells.append(cell)
    return cells


def _window(cells: list[str], start: int, end: int, room: int) -> tuple[int, int]:
    """The cells to show: all where they fit, else those around the span."""
    widths = [columns(each) for each in cells]
    if sum(widths) <= room:
        return 0, len(cells)
    room -= 2 * len(_CUT)
    aside = max(room // 4, (room - sum(widths[start:end])) // 2)
    first = start
    while first and sum(widths[first - 1 : start]) <= aside:
        first -= 1
    last = first
    while last < len(cells) and sum(widths[first : last + 1]) <= room:
        last += 1
    while first and sum(widths[first - 1 : last]) <= room:
        first -= 1
    return first, last
