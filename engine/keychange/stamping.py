"""Stamping: the ledger as a user says it is, and what ``down`` can no longer do after that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from keychange import ledger as ledgers
from keychange.diagnostics import Diagnostic, Location, warning
from keychange.ledger import Entry, Ledger, Status
from keychange.model import Migration, Plan, State
from keychange.project import Project


class Stamping(NamedTuple):
    """A ledger to be written: which entries are new, accepted as edited, or forgotten."""

    revision: str
    ledger: Ledger
    added: tuple[str, ...]
    accepted: tuple[str, ...]
    forgotten: tuple[Entry, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def changes(self) -> bool:
        """Whether the ledger would say anything else than it does."""
        return bool(self.added or self.accepted or self.forgotten)


def plan_stamp(project: Project, plan: Plan, to: str, now: str) -> Stamping:
    """The ledger that holds exactly the migrations up to a revision.

    What is recorded already stays as it is, with what ``down`` needs; a migration that was edited
    since is taken as it is now. What is above the revision, or has no file, is forgotten.

    Args:
        project: its history and ledger.
        plan: toward the same revision, for what the files hold.
        to: the revision, as a user typed it.
        now: the time of recording.

    Raises:
        UsageProblem: there is no such revision.
    """
    revision = project.history.resolve(to)
    wanted = project.history.upto(revision)
    names = {each.revision for each in wanted}
    ledger = project.ledger
    forgotten = tuple(each for each in ledger.entries if each.revision not in names)
    for entry in forgotten:
        ledger = ledger.without(entry.revision)
    added, accepted = [], []
    for migration in wanted:
        known = ledger.get(migration.revision)
        if known is None:
            added.append(migration.revision)
            ledger = ledger.with_entry(_entry(migration, now))
        elif known.checksum != migration.checksum:
            accepted.append(migration.revision)
            ledger = ledger.with_entry(
                _entry(migration, now)._replace(batches=known.batches, evidence=known.evidence)
            )
    return Stamping(
        revision=revision,
        ledger=ledger,
        added=tuple(added),
        accepted=tuple(accepted),
        forgotten=forgotten,
        diagnostics=tuple(_words(project, plan, added, forgotten)),
    )


def _entry(migration: Migration, now: str) -> Entry:
    return Entry(
        revision=migration.revision,
        title=migration.title,
        checksum=migration.checksum,
        status=Status.STAMPED,
        applied_at=now,
        document=migration.document,
    )


def _words(
    project: Project, plan: Plan, added: list[str], forgotten: tuple[Entry, ...]
) -> Iterator[Diagnostic]:
    """What this costs, and where the files do not agree."""
    if project.damage:
        yield project.damage._replace(hint="it is kept aside", command="")
    for entry in forgotten:
        files = len({file.path for batch in entry.batches for file in batch})
        if files:
            message = (
                f"`{entry.revision}` is forgotten with the old values of {files}"
                f" {'file' if files == 1 else 'files'}:"
                " `down` can no longer put them back"
            )
            hint = "to have them back, do not stamp: take it back first"
            migration = project.history.get(entry.revision)
            at = migration.locate("/id") if migration else Location(ledgers.PATH)
            yield warning("forgets-old-values", message, at, hint=hint, command="migrate down")
    if added:
        message = f"`down` will not change a file for {', '.join(added)}: no old value is known"
        first = project.history.get(added[0])
        here = first.locate("/id") if first else None
        hint = "to be able to go back, put the old values in place and run `migrate up` instead"
        yield warning("nothing-recorded", message, here, hint=hint)
    for step in plan.steps:
        open_ = [s for s in step.sites if s.state in (State.PENDING, State.FOREIGN)]
        if open_:
            held = "1 site does not hold" if len(open_) == 1 else f"{len(open_)} sites do not hold"
            message = f"{held} what `{step.revision}` sets"
            hint = "it will count as drift; `migrate up` sets them"
            place = step.migration.locate("/id") if step.migration else None
            yield warning("stamped-not-done", message, place, hint=hint, command="migrate plan")
