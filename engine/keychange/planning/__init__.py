"""Planning: a project in, an immutable plan out: toward head, or toward base."""

from __future__ import annotations

from collections.abc import Iterable

from keychange.diagnostics import Diagnostic, Severity
from keychange.errors import RefusedError
from keychange.history import BASE, HEAD, number
from keychange.ledger import Entry
from keychange.model import Plan, Step
from keychange.planning.down import paths_of, toward_base
from keychange.planning.integrity import came_late, edited_since
from keychange.planning.up import toward_head
from keychange.programs import programs
from keychange.project import Project
from keychange.schemas import schema_lookup
from keychange.snapshot import take_snapshot


def plan_up(project: Project, to: str = HEAD) -> Plan:
    """The plan toward a revision; what is wrong with history and ledger is in its diagnostics.

    Raises:
        UsageProblem: there is no such revision.
    """
    revision = project.history.resolve(to)
    made = toward_head(
        migrations=project.history.upto(revision),
        history=project.history.migrations,
        templates=project.templates,
        snapshot=take_snapshot(project.root, project.templates_in_order, instead=project.instead),
        ledger=project.ledger,
        schema=schema_lookup(project.root),
    )
    wrong = [*project.history.problems, *edited_since(project), *came_late(project, made)]
    if project.damage:
        wrong.append(project.damage._replace(severity=Severity.WARNING, command=""))
    todo = {each.revision for each in made.todo}
    steps = tuple(_started(project, e) if e.revision in todo else e for e in made.steps)
    return made._replace(steps=steps, diagnostics=(*wrong, *made.diagnostics))


def _started(project: Project, step: Step) -> Step:
    """A step with the programs that it starts."""
    if step.migration is None:
        return step
    templates = project.templates[step.revision]
    return step._replace(runs=programs(step.migration, templates, project.root))


def plan_down(project: Project, entries: tuple[Entry, ...]) -> Plan:
    """The plan that takes entries of the ledger back."""
    seen = take_snapshot(project.root, (), paths_of(entries), project.instead)
    made = toward_base(entries, seen, project.ledger, schema_lookup(project.root))
    return made._replace(diagnostics=tuple(_placed(project, entries, made.diagnostics)))


def _placed(
    project: Project, entries: Iterable[Entry], found: Iterable[Diagnostic]
) -> Iterable[Diagnostic]:
    """What is said of an entry of the ledger, at its migration, where its file is still there."""
    named = {f"`{each.revision}`": project.history.get(each.revision) for each in entries}
    for each in found:
        words = set(each.message.split()) if each.location is None else set()
        migration = next((named[name] for name in named if name in words), None)
        if migration is None:
            yield each
            continue
        pointers = (f"{one.pointer}/irreversible" for one in migration.operations)
        of_operation = each.code == "irreversible-step"
        at = next((p for p in pointers if of_operation and p in migration.positions), "/id")
        yield each._replace(location=migration.locate(at))


def entries_above(project: Project, *, to: str | None, steps: int) -> tuple[Entry, ...]:
    """The ledger's entries that a ``down`` takes back: above a revision, or a number of them.

    Raises:
        UsageProblem: there is no such revision.
        RefusedError: the ledger is damaged.
    """
    if project.damage:
        raise RefusedError(project.damage)
    entries = project.ledger.entries
    if to is None:
        return entries[max(0, len(entries) - steps) :]
    revision = project.history.resolve(to, also=project.ledger.revisions)
    if revision == BASE:
        return entries
    if revision in project.ledger.revisions:
        return entries[project.ledger.revisions.index(revision) + 1 :]
    return tuple(each for each in entries if number(each.revision) > number(revision))
