"""Standing: where every migration stands, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from keychange.diagnostics import errors_in
from keychange.ledger import Status
from keychange.model import Site, State
from keychange.render.sites import name
from keychange.render.style import Style, count, visible
from keychange.standing import Report, Row, Standing

_SHOWN = 3
"""So many files with the same sites are named."""


def status(found: Report, style: Style) -> Iterator[str]:
    """Two columns: what changed since keychange wrote it, and what ``up`` would do."""
    if not found.rows:
        yield "No migrations."
        return
    width = max(len(row.revision) for row in found.rows)
    for row in found.rows:
        since, up = _columns(row)
        colour = "green" if row.standing is Standing.APPLIED else "yellow"
        recorded = row.recorded.value if row.recorded else "not recorded"
        if row.recorded is Status.INTERRUPTED:
            recorded = "applied, unverified: its checks were interrupted"
        standing = style(row.standing.value, colour)
        yield f"{since}{up} {style(row.revision.ljust(width), 'bold')}  {standing} ({recorded})"
        yield from _sites((*row.pending, *row.foreign), style)
        for path in row.absent:
            yield f"     ? {visible(path)}: not here"


def _sites(sites: Iterable[Site], style: Style) -> Iterator[str]:
    """A line for each file; of many with the same sites, the first and how many there are."""
    files: dict[tuple[str, str], list[str]] = {}
    for site in sites:
        sign = "M" if site.state is State.FOREIGN else "~"
        files.setdefault((sign, site.path), []).append(name(site))
    alike: dict[tuple[str, str], list[str]] = {}
    for (sign, path), names in files.items():
        alike.setdefault((sign, ", ".join(names)), []).append(path)
    for (sign, named), paths in alike.items():
        for path in paths[:_SHOWN]:
            yield from style.wrap(named, f"     {sign} {visible(path)}: ", " " * 9)
        if len(paths) > _SHOWN:
            more = count(len(paths) - _SHOWN, "more file")
            yield f"     {sign} and {more} with the same sites"


def behind(found: Report) -> Iterator[str]:
    """One line that names what is to be applied; none where nothing is."""
    names = [row.revision for row in found.rows if row.standing is not Standing.APPLIED]
    if names:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        # Where `up` would refuse, `check` says what to do.
        verb = "check" if errors_in(found.plan.diagnostics) else "up"
        yield f"{count(len(names), 'migration')} behind ({shown}); next: migrate {verb}"


def _columns(row: Row) -> tuple[str, str]:
    since = "M" if row.standing is Standing.DRIFTED else " "
    return since, "~" if row.pending else "!" if row.foreign else " "
