"""The program without a verb: where the project stands, in a few lines, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from keychange.cli.session import Session
from keychange.render.style import Style, count, visible

if TYPE_CHECKING:
    from keychange.model import Site
    from keychange.project import Project
    from keychange.standing import Report, Row

Line = tuple[str, str]
_NONE = "none"
_COLOURS = {"pending": "yellow", "drift": "red", "foreign": "red", "unverified": "yellow"}


def overview(session: Session) -> int:
    """Print it; the exit code is 0 wherever it could be found out."""
    from keychange.render import document
    from keychange.standing import report

    session.verb = "status"  # which is its longer form, and has the same document
    session.announces = False
    project, found = session.read(
        lambda here: (here, report(here, search=False)), cached=not _is_elsewhere(session)
    )
    if session.format == "json":
        return session.emit(0, found.problems, migrations=document.standing(found))
    style = session.style()
    if _is_nothing_here(project, found):
        session.show(_beginning(session, project, style))
        return 0
    session.show(_table(_facts(project, found), style))
    known = ("pending", "drift", "unverified")
    session.report(each for each in found.problems if each.code not in known)
    command, why = _next(found)
    session.show(["", f"next: {style(session.pasted(command), 'bold')}", f"      {why}"])
    return 0


def _is_elsewhere(session: Session) -> bool:
    """Whether no migrations of its own lie in the project: then nothing is kept there."""
    return session.settings().bundled


def _is_nothing_here(project: Project, found: Report) -> bool:
    """Whether there are no migrations but those that ship, and nothing that they are for."""
    nothing = not project.ledger.entries and not any(found.plan.reads.values())
    return not found.rows or (project.settings.bundled and nothing)


def _beginning(session: Session, project: Project, style: Style) -> Iterator[str]:
    from keychange.cli import VERBS

    yield from _table([("root", str(project.root)), ("migrations", "none yet")], style)
    yield ""
    first = "init" if "init" in VERBS else "new first_change"
    rows = (
        (f"migrate {first}", "write the first migration of this project"),
        ("migrate demo", "see a whole upgrade on a sample, with a real model"),
        ("migrate --help", "all verbs"),
    )
    commands = [(session.pasted(command), said) for command, said in rows]
    width = max(len(command) for command, _ in commands)
    for index, (command, said) in enumerate(commands):
        yield f"{'next:' if not index else '':6}{style(command.ljust(width), 'bold')}  {said}"


def _table(rows: list[Line], style: Style) -> Iterator[str]:
    width = max(len(name) for name, _ in rows) + 2
    for name, said in rows:
        first, text = name.ljust(width), visible(said)
        # A path is to be copied as it is, in one piece.
        head, *rest = [first + text] if name == "root" else style.wrap(text, first)
        colour = "dim" if said == _NONE else _COLOURS.get(name, "dim")
        yield style(first, colour) + head[width:]
        yield from rest


def _facts(project: Project, found: Report) -> list[Line]:
    from keychange.ledger import Status
    from keychange.standing import Standing

    settings = project.settings
    rows = found.rows
    where = "those that ship with keychange" if settings.bundled else ""
    where = where or settings.shown(settings.migrations)
    held = (Standing.APPLIED, Standing.DRIFTED)  # what has drifted was applied
    applied = [row.revision for row in rows if row.standing in held]
    facts = [
        ("root", str(project.root)),
        ("migrations", f"{where}; {count(len(rows), 'migration')}, head is {rows[-1].revision}"),
        ("applied", _named(applied, len(rows))),
    ]
    pending = [r for r in rows if r.standing in (Standing.PENDING, Standing.PARTLY)]
    facts += [("pending", _sites(row, row.pending)) for row in pending[:3]]
    if len(pending) > 3:
        facts.append(("", f"and {len(pending) - 3} more"))
    drifted = [row for row in rows if row.standing is Standing.DRIFTED]
    facts += [("drift", _sites(row, (*row.pending, *row.foreign))) for row in drifted[:3]]
    if not drifted:
        facts.append(("drift", _NONE))
    foreign = [row for row in pending if row.foreign]
    facts += [("foreign", f"{_sites(row, row.foreign)}; `up` refuses") for row in foreign[:3]]
    unverified = [r.revision for r in rows if r.recorded in (Status.UNVERIFIED, Status.INTERRUPTED)]
    if unverified:
        facts.append(("unverified", ", ".join(unverified)))
    return facts


def _named(applied: list[str], total: int) -> str:
    if not applied:
        return f"none of {total}"
    return f"{len(applied)} of {total}, the last is {applied[-1]}"


def _sites(row: Row, sites: tuple[Site, ...]) -> str:
    if not sites:
        return f"{row.revision}: cannot be judged as things are"
    files = len({each.path for each in sites})
    return f"{row.revision}: {count(len(sites), 'site')} in {count(files, 'file')}"


def _next(found: Report) -> tuple[str, str]:
    """The command to run now, and why."""
    from keychange.ledger import Status
    from keychange.standing import Standing

    known = ("pending", "drift")
    said = [each for each in found.problems if each.code not in known]
    if any(each.command for each in said):
        first = next(each for each in said if each.command)
        return first.command, "which ends the first problem above"
    if said or any(row.foreign for row in found.rows):
        return "migrate check", "shows every problem at its place"
    recorded = {row.recorded for row in found.rows}
    if Status.INTERRUPTED in recorded:
        return "migrate up", "its checks were cut off; this goes on with them"
    if any(row.standing is not Standing.APPLIED for row in found.rows):
        return "migrate plan", "shows every change, and writes nothing"
    if Status.UNVERIFIED in recorded:
        return "migrate verify", "runs the checks that have not passed"
    return "migrate check", "also looks for old values that are left behind"
