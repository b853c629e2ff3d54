"""Workflow: the stages strung together: up, down and verify, with rollback and evidence."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from keychange import baseline
from keychange import ledger as ledgers
from keychange.checks import CheckOutcome, run_checks
from keychange.diagnostics import Diagnostic, Location, error, errors_in, note
from keychange.errors import KeychangeError, RefusedError, RollbackError
from keychange.ledger import Ledger, Status
from keychange.model import FileChange, Json, Migration, Plan, Step
from keychange.options import Options
from keychange.preconditions import unmet_requirements
from keychange.probe.verdict import Verdict
from keychange.project import Project, plan_down
from keychange.settings import STATE_DIRECTORY
from keychange.transaction import FileWrite, Recovery, commit, lock, pending_recovery, recover


class Ending(StrEnum):
    """How a run ended. Each has its words and its exit code, and agrees with the bytes on disk.

    A restore that failed or could not be confirmed is no ending but a ``RollbackError``.
    """

    NOTHING = "nothing-to-do"
    APPLIED = "applied"
    ROLLED_BACK = "rolled-back"
    INCONCLUSIVE = "rolled-back-inconclusive"
    KEPT = "kept-unverified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run did.

    ``done`` are the revisions that stay as asked, ``undone`` the one that was rolled back.
    ``checks`` are the outcomes of verification, by revision, ``baselines`` those of the models
    that were in use before.
    """

    ending: Ending = Ending.NOTHING
    done: tuple[str, ...] = ()
    undone: str = ""
    checks: Mapping[str, tuple[CheckOutcome, ...]] = field(default_factory=dict)
    baselines: Mapping[str, CheckOutcome] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    recovery: Recovery | None = None

    @property
    def exit_code(self) -> int:
        """0 when it is as asked, 3 when a check did not pass."""
        return 0 if self.ending in (Ending.NOTHING, Ending.APPLIED) else 3

    @property
    def verdict(self) -> Verdict | None:
        """What the checks say together; None where none was run.

        One that fails decides; else one that could not be tested here does.
        """
        found = {each.verdict for results in self.checks.values() for each in results}
        order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
        return next((each for each in order if each in found), None)


def up(project: Project, plan: Plan, options: Options) -> Outcome:
    """Apply a plan toward head: requirements, then for each step: commit, verify, record.

    A step whose checks do not pass is rolled back and compared, and no later one is tried.

    Raises:
        RefusedError: the plan has errors or is stale, a requirement is not met, or another
            process has the lock; nothing was written.
        RolledBackError: writing failed; everything was restored and compared.
        RollbackError: a restore failed or could not be confirmed.
    """
    _refuse_errors(plan)
    steps = plan.todo
    waiting = _interrupted(project) if options.verify else ()
    if not steps and not waiting and not pending_recovery(project.root):
        return Outcome()
    with _locked(project, options, "up") as recovery:
        run = _Run(project, options, Outcome(recovery=recovery))
        run.require([*waiting, *(each.migration for each in steps if each.migration)])
        for migration in waiting:
            if not run.confirm(migration, None):
                return run.outcome
        written: set[str] = set()
        for step in steps:
            run.measure(step)
            run.commit_up(step, {p: h for p, h in plan.reads.items() if p not in written})
            written.update(each.path for each in step.changes)
            if step.migration and not run.confirm(step.migration, step):
                return run.outcome
        return run.outcome


def down(project: Project, plan: Plan, options: Options) -> Outcome:
    """Apply a plan toward base, newest first, each step in a transaction of its own.

    Raises:
        RefusedError, RolledBackError, RollbackError: as ``up``.
    """
    _refuse_errors(plan)
    if not plan.steps and not pending_recovery(project.root):
        return Outcome()
    with _locked(project, options, "down") as recovery:
        run = _Run(project, options, Outcome(recovery=recovery))
        written: set[str] = set()
        for step in plan.steps:
            reads = {p: h for p, h in plan.reads.items() if p not in written}
            run.write(step.changes, run.project.ledger.without(step.revision), reads)
            written.update(each.path for each in step.changes)
            run.finish(step.revision)
        return run.outcome


def verify(project: Project, options: Options, *, again: bool = False) -> Outcome:
    """Run the checks of applied migrations that have not passed them, or of all ``again``.

    Nothing is rolled back: it is the user who decides what to do with a verdict.

    Raises:
        RefusedError: a requirement is not met, or another process has the lock.
    """
    with _locked(project, options, "verify") as recovery:
        entries = [e for e in project.ledger.entries if again or e.status is not Status.VERIFIED]
        found = (project.history.get(each.revision) for each in entries)
        migrations = [each for each in found if each is not None]
        run = _Run(project, replace(options, keep=True), Outcome(recovery=recovery))
        run.require(migrations)
        for migration in migrations:
            run.confirm(migration, None)
        return run.outcome


def _refuse_errors(plan: Plan) -> None:
    if errors_in(plan.diagnostics):
        raise RefusedError(*plan.diagnostics)


@contextmanager
def _locked(project: Project, options: Options, verb: str) -> Iterator[Recovery | None]:
    """Hold the lock and undo what an interrupted run left; a plan made before that is stale."""
    with lock(project.root, options.lock_timeout, command=f"migrate {verb}"):
        yield recover(project.root)


def _interrupted(project: Project) -> tuple[Migration, ...]:
    """Applied migrations whose checks were cut off, and that have to be confirmed first."""
    entries = (each for each in project.ledger.entries if each.status is Status.INTERRUPTED)
    found = (project.history.get(each.revision) for each in entries)
    return tuple(each for each in found if each is not None)


class _Run:
    """One run under the lock: the project as it goes on, and the outcome so far."""

    def __init__(self, project: Project, options: Options, outcome: Outcome) -> None:
        self.project = project
        self.options = options
        self.outcome = outcome

    def finish(self, revision: str) -> None:
        done = (*self.outcome.done, revision)
        self.outcome = replace(self.outcome, ending=Ending.APPLIED, done=done)

    def require(self, migrations: Iterable[Migration]) -> None:
        """Check every requirement before anything is written."""
        pairs = [(each, self.project.templates[each.revision]) for each in migrations]
        root, options = self.project.root, self.options
        unmet = unmet_requirements(root, pairs, options, runtime=options.verify)
        if unmet:
            raise RefusedError(*unmet)

    def measure(self, step: Step) -> None:
        """Probe the model that is in use, where that is wished and possible."""
        options = self.options
        if step.migration is None or not (options.baseline and options.verify):
            return
        templates = self.project.templates[step.revision]
        found = baseline.measure(self.project.root, step.migration, step, templates, options)
        if isinstance(found, Diagnostic):
            told = (*self.outcome.diagnostics, found)
            self.outcome = replace(self.outcome, diagnostics=told)
        else:
            baselines = {**self.outcome.baselines, step.revision: found}
            self.outcome = replace(self.outcome, baselines=baselines)

    def write(
        self, changes: Iterable[FileChange], ledger: Ledger, reads: Mapping[str, str | None]
    ) -> None:
        """Commit files and the ledger together."""
        after = self.project.with_ledger(ledger)
        commit(
            self.project.root,
            # A file that is made here may come to hold secrets; only its owner reads it.
            [FileWrite(each.path, each.before, each.after, 0o600) for each in changes],
            record=FileWrite(ledgers.PATH, self.project.ledger_bytes, after.ledger_bytes, 0o600),
            reads=reads,
        )
        self.project = after

    def commit_up(self, step: Step, reads: Mapping[str, str | None]) -> None:
        if step.migration is None:
            raise TypeError("a step toward head has its migration")
        # What is meant to be verified counts as interrupted until it is: should this process be
        # killed during the checks, the next command knows.
        waiting = Status.INTERRUPTED if self.options.verify else Status.UNVERIFIED
        status = waiting if step.migration.checks else Status.VERIFIED
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ledger = self.project.ledger.with_step(step, step.migration, status, now)
        self.write(step.changes, ledger, reads)

    def confirm(self, migration: Migration, step: Step | None) -> bool:
        """Run the checks of an applied migration; record them, or take it back.

        Returns whether the run may go on.
        """
        revision = migration.revision
        if not self.options.verify or not migration.checks:
            self.finish(revision)
            return True
        templates = self.project.templates[revision]
        try:
            results = run_checks(self.project.root, migration, templates, self.options)
        except BaseException:
            if not self.options.keep:
                self.roll_back(revision, step)
            raise
        self.outcome = replace(self.outcome, checks={**self.outcome.checks, revision: results})
        failed = [each for each in results if each.verdict is not Verdict.PASS]
        status = Status.UNVERIFIED if failed else Status.VERIFIED
        if failed:
            wrong = any(each.verdict is Verdict.FAIL for each in failed)
            ending = Ending.ROLLED_BACK if wrong else Ending.INCONCLUSIVE
            said = tuple(each for result in failed for each in result.diagnostics)
            before = self.outcome.baselines.get(revision)
            if before is not None and (known := baseline.already_broken(before)):
                said = (*said, known)
            diagnostics = (*self.outcome.diagnostics, *said)
            self.outcome = replace(self.outcome, ending=ending, diagnostics=diagnostics)
            if not self.options.keep:
                self.roll_back(revision, step)
                self.outcome = replace(self.outcome, undone=revision)
                return False
            self.outcome = replace(self.outcome, ending=Ending.KEPT)
        self.record(revision, status, results)
        if not failed:
            self.finish(revision)
        return not failed

    def record(self, revision: str, status: Status, results: Iterable[CheckOutcome]) -> None:
        entry = self.project.ledger.get(revision)
        if entry is not None:
            evidence: dict[str, Json] = {"checks": [each.data() for each in results]}
            before = self.outcome.baselines.get(revision)
            if before is not None:
                evidence["baseline"] = before.data()
            changed = replace(entry, status=status, evidence=evidence)
            self.write((), self.project.ledger.with_entry(changed), {})

    def roll_back(self, revision: str, step: Step | None) -> None:
        """Take back an applied step that was not confirmed, and compare every byte.

        Raises:
            RollbackError: a file could not be restored, or is not what it was.
        """
        changes, ledger = self._backward(revision, step)
        notes = []
        current = []
        for each in changes:
            found = _bytes_of(self.project.root / each.path)
            if found != each.before:
                notes.append(_rescue(self.project.root, each.path, found))
            current.append(replace(each, before=found))
        try:
            self.write(current, ledger, {})
        except KeychangeError as problem:
            raise RollbackError(*problem.diagnostics) from problem
        wrong = [
            each.path for each in changes if _bytes_of(self.project.root / each.path) != each.after
        ]
        if wrong:
            message = "the file is not as it was before `up`"
            raise RollbackError(*(error("rollback-failed", message, Location(p)) for p in wrong))
        diagnostics = (*self.outcome.diagnostics, *notes)
        self.outcome = replace(self.outcome, diagnostics=diagnostics)

    def _backward(self, revision: str, step: Step | None) -> tuple[list[FileChange], Ledger]:
        """The changes that undo a step, and the ledger without it."""
        ledger = self.project.ledger
        entry = ledger.get(revision)
        if step is None:  # applied by a run that was cut off: the ledger knows what it did
            plan = plan_down(self.project, (entry,) if entry else ())
            if errors_in(plan.diagnostics):
                raise RollbackError(*plan.diagnostics)
            changes = [each for one in plan.steps for each in one.changes]
            return changes, ledger.without(revision)
        changes = [replace(each, before=each.after, after=each.before) for each in step.changes]
        if entry is None or not step.recorded:
            return changes, ledger.without(revision)
        batches = entry.batches[:-1] if step.changes else entry.batches
        earlier = replace(entry, batches=batches, status=Status.UNVERIFIED)
        return changes, ledger.with_entry(earlier)


def _rescue(root: Path, path: str, data: bytes | None) -> Diagnostic:
    """Keep bytes that appeared while the checks ran and that the rollback replaces."""
    message = "the file changed while the checks ran; it was put back as it was before `up`"
    if data is None:
        return note("changed-during-checks", message, Location(path))
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    kept = root / STATE_DIRECTORY / "rescued" / stamp / path
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    hint = f"what it held is kept in {kept.relative_to(root).as_posix()}"
    return note("changed-during-checks", message, Location(path), hint=hint)


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
