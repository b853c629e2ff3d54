"""Run: one run under the lock: commit a step, confirm it by its checks, or take it back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType

from keychange import ledger as ledgers
from keychange.diagnostics import Diagnostic, Location, error, warning
from keychange.errors import KeychangeError, RefusedError, RollbackError, RolledBackError
from keychange.interruption import unstoppable
from keychange.ledger import Last, Ledger, Status
from keychange.model import FileChange, Migration, Step
from keychange.options import Options
from keychange.outcome import CheckOutcome, Ending, Outcome
from keychange.probing.verdict import Verdict
from keychange.project import Project
from keychange.restoring import (
    changed_again,
    changed_meanwhile,
    keep_aside,
    ledger_is_there,
    not_restored,
    on_disk,
    rescue,
    undoing,
)
from keychange.transaction.commit import commit
from keychange.transaction.preflight import FileWrite

_BACK = (Ending.ROLLED_BACK, Ending.INCONCLUSIVE)


def now() -> str:
    """The time as records hold it: ISO 8601 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Run:
    """One run under the lock: the project as it goes on, and the outcome so far.

    ``unsettled`` says that files are written of a revision that does not count as done yet.
    """

    def __init__(self, project: Project, options: Options, verb: str) -> None:
        self.project = project
        self.options = options
        self.verb = verb
        self.outcome = Outcome()
        self.unsettled = False
        self._earlier = project.ledger

    def tell(self, *diagnostics: Diagnostic) -> None:
        """Add what the user should know at the end."""
        self.outcome = self.outcome._replace(diagnostics=(*self.outcome.diagnostics, *diagnostics))

    def finish(self, revision: str, ending: Ending = Ending.APPLIED) -> None:
        """Count a revision as done."""
        self.outcome = self.outcome._replace(ending=ending, done=(*self.outcome.done, revision))
        self.unsettled = False

    def require(self, migrations: Iterable[Migration]) -> None:
        """Check every requirement before anything is written.

        Raises:
            RefusedError: with all that are not met.
        """
        pairs = [
            (each, self.project.templates[each.revision])
            for each in migrations
            if each.requirements
        ]
        if not pairs:
            return
        from keychange.preconditions import unmet_requirements

        root, options = self.project.root, self.options
        unmet = unmet_requirements(root, pairs, options, runtime=options.verify)
        if unmet:
            raise RefusedError(*unmet)

    def measure(self, step: Step) -> None:
        """Probe the model that is in use, where that is wished and possible."""
        options = self.options
        if step.migration is None or not (options.baseline and options.verify):
            return
        from keychange import baseline

        templates = self.project.templates[step.revision]
        found = baseline.measure(self.project.root, step.migration, step, templates, options)
        if isinstance(found, Diagnostic):
            self.tell(found)
        else:
            baselines = {**self.outcome.baselines, step.revision: found}
            self.outcome = self.outcome._replace(baselines=baselines)

    def write(
        self,
        changes: Iterable[FileChange],
        ledger: Ledger,
        reads: Mapping[str, str | None],
        last: tuple[Ending, str],
        modes: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Commit files and the ledger together; ``last`` is how this run ends, and for what.

        ``modes`` are the permission bits of files that are made, 0600 for others.

        Raises:
            RefusedError, RolledBackError, RollbackError, Interrupted: as ``commit``.
        """
        ending, revision = last
        failed = self.outcome.checks.get(revision, ()) if ending in _BACK else ()
        said = Last(self.verb, ending.value, revision, now(), tuple(e.data() for e in failed))
        after = self.project.with_ledger(
            ledger._replace(serial=self.project.ledger.serial).written(said)
        )
        if self.project.damage:
            self._set_aside()
        # A file that is made here may come to hold secrets; only its owner reads it.
        wanted = [FileWrite(e.path, e.before, e.after, modes.get(e.path, 0o600)) for e in changes]
        before = self.unsettled
        self.unsettled = before or bool(wanted)
        try:
            commit(
                self.project.root,
                wanted,
                record=FileWrite(
                    ledgers.PATH, self.project.ledger_bytes, after.ledger_bytes, 0o600
                ),
                reads=reads,
            )
        except BaseException:
            self.unsettled = before
            raise
        self.project = after

    def _set_aside(self) -> None:
        """A damaged ledger is never overwritten without a copy of it."""
        try:
            kept = keep_aside(self.project.root, "ledger.json", self.project.ledger_bytes or b"")
        except OSError as problem:
            message = f"the damaged ledger cannot be kept aside: {problem.strerror}"
            place = Location(ledgers.PATH)
            hint = "move it away yourself, then run the command again"
            raise RefusedError(error("unreadable-ledger", message, place, hint=hint)) from problem
        message = f"the damaged ledger is kept in {kept}; `down` cannot restore what it held"
        self.tell(warning("ledger-rebuilt", message, Location(ledgers.PATH)))

    def commit_up(self, step: Step, reads: Mapping[str, str | None]) -> None:
        """Commit a step toward head, with its entry in the ledger."""
        if step.migration is None:
            raise TypeError("a step toward head has its migration")
        # What is meant to be verified counts as interrupted until it is: should this process be
        # killed during the checks, the next command knows.
        waiting = Status.INTERRUPTED if self.options.verify else Status.UNVERIFIED
        status = waiting if step.migration.checks else Status.VERIFIED
        ending = Ending.UNVERIFIED if status is Status.INTERRUPTED else Ending.APPLIED
        self._earlier = self.project.ledger
        ledger = self._earlier.with_step(step, step.migration, status, now())
        self.write(step.changes, ledger, reads, (ending, step.revision))

    def confirm(self, migration: Migration, step: Step | None) -> bool:
        """Run the checks of an applied migration; record them, or take it back.

        ``step`` is the one just committed; None where an earlier run was cut off.

        Returns:
            Whether the run may go on.

        Raises:
            RolledBackError: a check could not be run; everything was restored and compared.
            RollbackError: that failed, or could not be confirmed.
        """
        revision = migration.revision
        if not self.options.verify or not migration.checks:
            self.finish(revision)
            if migration.checks:
                unverified = (*self.outcome.unverified, revision)
                self.outcome = self.outcome._replace(unverified=unverified)
            return True
        results, broken = self._check(migration, step)
        self.outcome = self.outcome._replace(checks={**self.outcome.checks, revision: results})
        failed = [each for each in results if each.verdict is not Verdict.PASS]
        if not failed and not broken:
            with unstoppable():  # what was found out is recorded, or taken back
                self._record(revision, Status.VERIFIED, results, step)
                self.finish(revision)
            self.tell(*changed_meanwhile(self.project.root, step.changes if step else ()))
            return True
        self.tell(*(each for result in failed for each in result.diagnostics), *broken)
        before = self.outcome.baselines.get(revision)
        if before is not None:
            from keychange.baseline import already_broken

            if known := already_broken(before):
                self.tell(known)
        if self.options.keep:
            self.outcome = self.outcome._replace(ending=Ending.KEPT)
            with unstoppable():
                self._record(revision, Status.UNVERIFIED, results, step)
            return False
        wrong = bool(broken) or any(each.verdict is Verdict.FAIL for each in failed)
        ending = Ending.ROLLED_BACK if wrong else Ending.INCONCLUSIVE
        self.roll_back(revision, step, ending)
        self.outcome = self.outcome._replace(ending=ending, undone=revision)
        return False

    def _check(
        self, migration: Migration, step: Step | None
    ) -> tuple[tuple[CheckOutcome, ...], tuple[Diagnostic, ...]]:
        """What the checks came to, and why they could not be run to their end."""
        from keychange.checks import run_checks

        revision = migration.revision
        templates = self.project.templates[revision]
        try:
            return run_checks(self.project.root, migration, templates, self.options), ()
        except KeychangeError as problem:
            return (), problem.diagnostics
        except BaseException as cause:
            if not self.options.keep:
                with suppress(KeyboardInterrupt):  # a second one; the first counts
                    self.roll_back(revision, step, Ending.ROLLED_BACK)
                # The second may have come before the rollback could hold it off.
                if isinstance(cause, KeyboardInterrupt):
                    cause.committed = self.unsettled  # type: ignore[attr-defined]
            if not isinstance(cause, Exception) or self.options.keep:
                raise
            message = f"a check of `{revision}` ended with an unexpected {type(cause).__name__}"
            hint = "this is a bug in keychange; the probe alone, with --debug, shows more"
            raise RolledBackError(error("check-crashed", message, hint=hint)) from cause

    def _record(
        self,
        revision: str,
        status: Status,
        results: Iterable[CheckOutcome],
        step: Step | None,
    ) -> None:
        """Record a verdict; what cannot be recorded is not done."""
        entry = self.project.ledger.get(revision)
        if entry is None:
            return
        evidence = {**entry.evidence, "checks": [each.data() for each in results]}
        before = self.outcome.baselines.get(revision)
        if before is not None:
            evidence["baseline"] = before.data()
        changed = entry._replace(status=status, evidence=evidence, settled=None)
        ending = Ending.APPLIED if status is Status.VERIFIED else Ending.KEPT
        try:
            self.write((), self.project.ledger.with_entry(changed), {}, (ending, revision))
        except RollbackError:
            raise
        except KeychangeError as problem:
            if self.options.keep:  # the ledger still says: applied, and not verified
                self.outcome = self.outcome._replace(ending=Ending.KEPT)
                self.tell(*problem.diagnostics)
                return
            self.roll_back(revision, step, Ending.ROLLED_BACK)
            raise RolledBackError(*problem.diagnostics) from problem

    def roll_back(self, revision: str, step: Step | None, ending: Ending) -> None:
        """Take back an applied step that was not confirmed, and compare every byte.

        Nothing stops it: a signal waits until it is done.

        Raises:
            RollbackError: a file could not be restored, or is not what it was.
            KeyboardInterrupt: a signal came, and everything was restored and compared.
        """
        self.options.progress(f"taking back {revision}")
        try:
            with unstoppable():
                self._roll_back(revision, step, ending)
        except KeyboardInterrupt as stop:
            stop.committed = False  # type: ignore[attr-defined]
            raise

    def _roll_back(self, revision: str, step: Step | None, ending: Ending) -> None:
        root = self.project.root
        changes, ledger = undoing(self.project, self._earlier, revision, step)
        current = []
        held = on_disk(root, changes)
        for each in changes:
            found = held[each.path]
            if found != each.before:
                self.tell(rescue(root, each.path, found))
            current.append(each._replace(before=found))
        try:
            self.write(current, ledger, {}, (ending, revision))
        except RollbackError:
            raise
        except KeychangeError as problem:
            kept = ledger_is_there(self.project)
            unrestored = [not_restored(root, each, revision, recorded=kept) for each in changes]
            raise RollbackError(*unrestored, others=problem.diagnostics) from problem
        held = on_disk(root, changes)
        wrong = [each for each in changes if held[each.path] != each.after]
        if wrong:
            raise RollbackError(*(changed_again(each) for each in wrong))
        self.unsettled = False
