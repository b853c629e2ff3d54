"""Project: one root with its history, ledger and templates, loaded and ready to plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from keychange import ledger as ledgers
from keychange.activity import counted
from keychange.diagnostics import Diagnostic, Location, error
from keychange.errors import RefusedError, UsageProblem
from keychange.history import History
from keychange.ledger import Ledger
from keychange.ledger_file import UnreadableLedgerError, ledger_bytes, parse_ledger
from keychange.loader import Known, load_migration, parse_migration
from keychange.model import Migration
from keychange.regular import read_regular
from keychange.settings import Settings, migration_files, way_in
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
        return self._replace(ledger=ledger, ledger_bytes=ledger_bytes(ledger), damage=None)


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
        # A link may lead to a file of the project, which is then written as the ledger.
        return read_regular(root / ledgers.PATH, follow=False)
    except FileNotFoundError:
        return None
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        message = f"the ledger cannot be read: {reason}"
        hint, command = way_in(root, problem, "it must be a file that you may read")
        place = Location(ledgers.PATH)
        unreadable = error("unreadable-ledger", message, place, hint=hint, command=command)
        raise RefusedError(unreadable) from problem


def _parsed(data: bytes | None) -> tuple[Ledger, Diagnostic | None]:
    try:
        return parse_ledger(data), None
    except UnreadableLedgerError as problem:
        return Ledger(), problem.diagnostics[0]
