"""Project: one root with its history, ledger and templates, loaded and ready to plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from keychange import git, planner, search
from keychange import ledger as ledgers
from keychange.activity import activity, counted
from keychange.diagnostics import Diagnostic, Location, Related, Severity, error
from keychange.errors import RefusedError, UsageProblem
from keychange.history import BASE, HEAD, History, number
from keychange.ledger import Entry, Ledger
from keychange.loader import Known, checksum, load_migration, parse_migration
from keychange.model import Json, Migration, Plan, Step
from keychange.programs import programs
from keychange.regular import read_regular
from keychange.schemas import schema_lookup
from keychange.settings import Settings, migration_files
from keychange.snapshot import take_snapshot
from keychange.templates import Templates


class Project(NamedTuple):
    """Everything that planning needs and that does not change while it plans.

    ``ledger_bytes`` are those that ``ledger`` was read from: the transaction compares them again.
    ``damage`` says that these bytes are no ledger, and ``ledger`` is empty. ``instead`` are
    bytes to take for files that a transaction under way has in hand.
    """

    settings: Settings
    history: History
    templates: Mapping[str, Templates]
    ledger: Ledger
    ledger_bytes: bytes | None
    damage: Diagnostic | None
    instead: Mapping[str, bytes | None]

    @property
    def root(self) -> Path:
        """The root of the project."""
        return self.settings.root

    @property
    def templates_in_order(self) -> tuple[tuple[Migration, Templates], ...]:
        """Every migration with its templates."""
        return tuple((each, self.templates[each.revision]) for each in self.history.migrations)

    def with_ledger(self, ledger: Ledger) -> Project:
        """The project after its ledger was written."""
        return self._replace(ledger=ledger, ledger_bytes=ledger.to_bytes(), damage=None)


def load_project(
    settings: Settings,
    instead: Mapping[str, bytes | None] = MappingProxyType({}),
    known: Known | None = None,
) -> Project:
    """Load a root's migrations and ledger; ``known`` is what ``parse_migration`` takes.

    Raises:
        UsageProblem: migration files are not valid; every problem of every file.
        RefusedError: the ledger's file cannot be read, or a newer keychange wrote it.
    """
    migrations: list[Migration] = []
    problems: list[Diagnostic] = []
    paths = list(migration_files(settings.migrations, staged=_held_beside(settings, instead)))
    for path in counted(paths, "reading", len(paths), "migrations"):
        shown = settings.shown(path)
        try:
            held = instead.get(shown)
            if held is not None:
                migration = parse_migration(held, shown, expected_id=path.stem, known=known)
                migrations.append(migration)
            elif shown not in instead:
                migrations.append(load_migration(path, shown, known))
        except UsageProblem as problem:
            problems.extend(problem.diagnostics)
    history = History.of(migrations)
    if problems:  # a number that seems to be missing may be that of a file that is not valid
        doubled = (each for each in history.problems if each.code == "duplicate-revision")
        raise UsageProblem(*problems, *doubled)
    data = instead[ledgers.PATH] if ledgers.PATH in instead else _read_ledger(settings.root)
    ledger, damage = _parsed(data)
    return Project(
        settings=settings,
        history=history,
        templates={
            each.revision: Templates.resolve(str(settings.root), each.variables)
            for each in history.migrations
        },
        ledger=ledger,
        ledger_bytes=data,
        damage=damage,
        instead=instead,
    )


def _held_beside(settings: Settings, instead: Mapping[str, bytes | None]) -> Iterable[Path]:
    """Files of the folder of the migrations that are staged, or that a rebase has in hand."""
    paths = (settings.root / each for each in instead)
    return [each for each in paths if each.parent == settings.migrations]


def _read_ledger(root: Path) -> bytes | None:
    try:
        return read_regular(root / ledgers.PATH)
    except FileNotFoundError:
        return None
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        message = f"the ledger cannot be read: {reason}"
        hint = "it must be a file that you may read"
        place = Location(ledgers.PATH)
        raise RefusedError(error("unreadable-ledger", message, place, hint=hint)) from problem


def _parsed(data: bytes | None) -> tuple[Ledger, Diagnostic | None]:
    try:
        return ledgers.parse_ledger(data), None
    except ledgers.UnreadableLedgerError as problem:
        return Ledger(), problem.diagnostics[0]


def plan_up(project: Project, to: str = HEAD) -> Plan:
    """The plan toward a revision; what is wrong with history and ledger is in its diagnostics.

    Raises:
        UsageProblem: there is no such revision.
    """
    revision = project.history.resolve(to)
    made = planner.plan_up(
        migrations=project.history.upto(revision),
        history=project.history.migrations,
        templates=project.templates,
        snapshot=take_snapshot(project.root, project.templates_in_order, instead=project.instead),
        ledger=project.ledger,
        schema=schema_lookup(project.root),
    )
    wrong = [*project.history.problems, *edited_since(project), *_late(project, made)]
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
    seen = take_snapshot(project.root, (), planner.paths_of(entries), project.instead)
    made = planner.plan_down(entries, seen, project.ledger, schema_lookup(project.root))
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


def old_values(project: Project) -> tuple[str, ...]:
    """The values that are looked for in the files that no operation governs."""
    found = planner.old_values(project.history.migrations, project.templates)
    return tuple(sorted(each for each in found if each))


def left_behind(
    project: Project,
    plan: Plan,
    candidates: Iterable[str] | None = None,
    *,
    exhaustive: bool = False,
    named: bool = False,
) -> tuple[Diagnostic, ...]:
    """Old values in files that no operation governs, as things stand after the plan.

    Args:
        project: what the plan was made from.
        plan: the plan.
        candidates: the files to read; by default those that git tracks, else all.
        exhaustive: also look behind escapes and concatenation in Python sources.
        named: the candidates are files that somebody named, not those that git has found.
    """
    wanted = old_values(project)
    if candidates is None:
        with activity("searching what git tracks"):
            candidates = git.search(project.root, wanted) if wanted else ()
    told = candidates is not None and not named
    if candidates is None:
        candidates = search.all_files(project.root)
    planned = {change.path: change.after for step in plan.steps for change in step.changes}
    instead = {**project.instead, **planned}
    skipped = [project.settings.shown(project.settings.migrations)]
    found = search.left_behind(
        project.root, wanted, candidates, instead, skipped, found_by_git=told
    )
    if exhaustive:
        read = {path for path in plan.reads if path.endswith(".py")}
        governed = read | plan.searched.files.keys()
        sources = {each for each in git.tracked(project.root) if each.endswith(".py")}
        found += search.hidden(project.root, wanted, sources - governed, instead, skipped)
    return tuple(_not_told(found, plan))


def _not_told(found: Iterable[Diagnostic], plan: Plan) -> Iterable[Diagnostic]:
    """What the search found, but for lines of which an operation says why they stay."""
    told = Counter(
        (each.location.path, each.location.line)
        for each in plan.diagnostics
        if each.code in ("left-behind", "implicit-concatenation") and each.location
    )
    for each in found:
        at = (each.location.path, each.location.line) if each.location else ("", 0)
        told[at] -= 1
        if told[at] < 0:
            yield each


def edited_since(project: Project) -> tuple[Diagnostic, ...]:
    """Applied migrations whose meaning was changed, or whose file is gone, since."""
    found = []
    below = BASE
    for entry in project.ledger.entries:
        back = f"migrate down --to {below}"
        below = entry.revision
        migration = project.history.get(entry.revision)
        if migration is None:
            folder = project.settings.shown(project.settings.migrations)
            place = Location(f"{folder}/{entry.revision}.yaml")
            message = f"`{entry.revision}` is applied here, but its file is gone"
            hint = "bring the file back, or take the migration back: the ledger holds all it needs"
            renumbered = moved_to(project, entry)
            if renumbered:
                message += f"; `{renumbered.revision}` is the same migration under a new number"
                hint, back = "let the ledger follow", "migrate rebase"
            found.append(error("missing-migration", message, place, hint=hint, command=back))
        elif migration.checksum != entry.checksum:
            parts = list(_differences(entry.document, migration.document))
            message = f"`{entry.revision}` was edited after it was applied: {', '.join(parts)}"
            places = [migration.locate(each.rpartition(" ")[0]) for each in parts] or [
                migration.locate("/id")
            ]
            others = tuple(Related(each, "and here") for each in dict.fromkeys(places[1:4]))
            hint = "put the file back and write a new migration, or take it back and apply it again"
            found.append(
                error(
                    "edited-after-apply",
                    message,
                    places[0],
                    hint=hint,
                    command=back,
                    related=others,
                )
            )
    return tuple(found)


def moved_to(project: Project, entry: Entry) -> Migration | None:
    """The migration that an applied one, whose file is gone, was renumbered to."""
    if project.history.get(entry.revision):
        return None
    for migration in project.history.migrations:
        unknown = project.ledger.get(migration.revision) is None
        renamed = {**entry.document, "id": migration.revision}
        if unknown and migration.revision[4:] == entry.revision[4:]:
            return migration if checksum(renamed) == migration.checksum else None
    return None


def _late(project: Project, plan: Plan) -> Iterable[Diagnostic]:
    """Migrations that came after one with a higher number was applied here."""
    for step in plan.steps:
        if step.recorded or not step.changes or step.migration is None:
            continue
        here = number(step.revision)
        above = [each for each in project.ledger.revisions if number(each) > here]
        below = [each for each in project.ledger.revisions if number(each) < here]
        if above:
            message = f"`{step.revision}` came late: `{above[0]}` is applied here already"
            hint = "take back what is above it, then apply all in their order with `migrate up`"
            place = step.migration.locate("/id")
            back = f"migrate down --to {below[-1] if below else BASE}"
            yield error("late-migration", message, place, hint=hint, command=back)


def _differences(old: Mapping[str, Json], new: Mapping[str, Json], at: str = "") -> Iterable[str]:
    """The pointers at which two documents differ, as deep as mappings and equal lists go."""
    for name in dict.fromkeys((*old, *new)):
        first, second, here = old.get(name), new.get(name), f"{at}/{name}"
        if first == second or here in ("/title", "/description"):
            continue
        if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
            first = {str(index): each for index, each in enumerate(first)}
            second = {str(index): each for index, each in enumerate(second)}
        if isinstance(first, dict) and isinstance(second, dict):
            yield from _differences(first, second, here)
        else:
            how = "added" if name not in old else "removed" if name not in new else "changed"
            yield f"{here} {how}"
