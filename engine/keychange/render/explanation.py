"""Explanations of codes as text: one in full, or all by family."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from keychange.explanations import Explanation
from keychange.render.style import Style

_INCONCLUSIVE = (
    "Where a check ends so, its verdict is inconclusive: it says nothing about the migration."
)


def full(found: Explanation, style: Style) -> Iterator[str]:
    """What, why, what it looks like, and what to do."""
    yield f"{style(found.code, 'bold')}  {style(found.family, 'dim')}"
    for title, text in (("What", found.what), ("Why", found.why)):
        yield ""
        yield style(title, "bold")
        yield from style.wrap(text, "  ")
    yield ""
    yield style("Example", "bold")
    yield from (f"  {line}" for line in found.example.splitlines())
    yield ""
    yield style("Fix", "bold")
    yield from style.wrap(found.fix, "  ")
    if found.verdict == "inconclusive":
        yield ""
        yield from style.wrap(_INCONCLUSIVE, "  ")
    if found.source:
        yield ""
        yield style(f"  Seen in: {found.source}", "dim")


def listed(found: Iterable[Explanation], style: Style) -> Iterator[str]:
    """Every code with its first words, under the name of its family."""
    rows = tuple(found)
    width = max(len(each.code) for each in rows)
    family = ""
    for each in rows:
        if each.family != family:
            family = each.family
            yield from ("", style(family, "bold"))
        room = max(20, style.width - width - 4)
        first = each.what if len(each.what) <= room else f"{each.what[: room - 3].rstrip()}..."
        yield f"  {each.code.ljust(width)}  {style(first, 'dim')}"
