"""Workflow: the stages strung together: up, down, verify, probe and stamp."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from keychange.diagnostics import error, errors_in
from keychange.errors import KeychangeError, RefusedError
from keychange.history import HEAD
from keychange.interruption import Once
from keychange.ledger import Entry, Status
from keychange.model import Migration, Plan
from keychange.options import Interrupted, Options
from keychange.outcome import Ending, Outcome
from keychange.planning import plan_down
from keychange.planning.integrity import edited_since
from keychange.project import Project
from keychange.run import Run
from keychange.searching import holding_now
from keychange.transaction.lock import lock
from keychange.transaction.preflight import stale
from keychange.transaction.recovery import recover
from keychange.transaction.stages import pending_recovery

if TYPE_CHECKING:
    from keychange.outcome import CheckOutcome
    from keychange.renumbering import Renumbering
    from keychange.stamping import Stamping


def up(project: Project, plan: Plan, options: Options) -> Outcome:
    """Apply a plan toward head: requirements, then for each step: commit, verify, record.

    A step whose checks do not pass is rolled back and compared, and no later one is tried. A
    migration that an interrupted run left unverified comes first, as the options say; once it is
    rolled back, nothing else is done.

    Raises:
        RefusedError: the plan has errors or is stale, a requirement is not met, or another
            process has the lock; nothing was written.
        RolledBackError: writing failed; everything was restored and compared.
        RollbackError: a restore failed or could not be confirmed.
    """
    back = options.interrupted is Interrupted.ROLL_BACK
    waiting = interrupted(project)
    if back:
        return _roll_back(project, waiting, options)
    _refuse_errors(plan)
    first = [m for each in waiting if options.verify and (m := _of(project, each))]
    if not plan.todo and not first and not pending_recovery(project.root):
        return Outcome()
    with _running(project, options, "up") as run:
        run.require([*first, *(each.migration for each in plan.todo if each.migration)])
        for migration in first:
            if not run.confirm(migration, None):
                return run.outcome
        written: set[str] = set()
        for step in plan.todo:
            run.measure(step)
            _refuse_found(project, plan)
            run.commit_up(step, _unwritten(plan, written))
            written.update(each.path for each in step.changes)
            if step.migration and not run.confirm(step.migration, step):
                return run.outcome
        return run.outcome


def interrupted(project: Project) -> tuple[Entry, ...]:
    """What is applied, unverified, because the run that applied it never came to an end."""
    return tuple(e for e in project.ledger.entries if e.status is Status.INTERRUPTED)


def _roll_back(project: Project, waiting: tuple[Entry, ...], options: Options) -> Outcome:
    if not waiting:
        return Outcome()
    problems = [
        found
        for each in waiting
        for found in errors_in(plan_down(project, (each.unsettled,)).diagnostics)
    ]
    if problems:
        raise RefusedError(*problems)
    with _running(project, options, "up") as run:
        for entry in reversed(waiting):
            run.roll_back(entry.revision, None, Ending.TAKEN_BACK)
            run.finish(entry.revision, Ending.TAKEN_BACK)
        return run.outcome


def down(project: Project, plan: Plan, options: Options) -> Outcome:
    """Apply a plan toward base, newest first, each step in a transaction of its own.

    Raises:
        RefusedError, RolledBackError, RollbackError: as ``up``.
    """
    _refuse_errors(plan)
    if not plan.steps and not pending_recovery(project.root):
        return Outcome()
    with _running(project, options, "down") as run:
        written: set[str] = set()
        for step in plan.steps:
            ledger = run.project.ledger.without(step.revision)
            last = (Ending.TAKEN_BACK, step.revision)
            run.write(step.changes, ledger, _unwritten(plan, written), last)
            written.update(each.path for each in step.changes)
            run.finish(step.revision, Ending.TAKEN_BACK)
        return run.outcome


def verify(project: Project, options: Options, *, again: bool = False) -> Outcome:
    """Run the checks of applied migrations that have not passed them, or of all ``again``.

    Nothing is rolled back: it is the user who decides what to do with a verdict.

    Raises:
        RefusedError: the ledger is damaged, or an applied migration is not what it was when it
            was applied; a requirement is not met, or another process has the lock.
    """
    problems = [*([project.damage] if project.damage else []), *edited_since(project)]
    if problems:
        raise RefusedError(*problems)
    with _running(project, replace(options, keep=True), "verify") as run:
        entries = [e for e in project.ledger.entries if again or e.status is not Status.VERIFIED]
        migrations = [found for each in entries if (found := _of(project, each))]
        run.require(migrations)
        for migration in migrations:
            run.confirm(migration, None)
        return run.outcome


def probe(project: Project, revision: str, options: Options) -> CheckOutcome:
    """Run the probe that a migration declares; for head, the last migration that has one.

    Raises:
        UsageProblem: there is no such revision.
        RefusedError: ``no-probe``, or a requirement is not met.
    """
    from keychange import checks
    from keychange.preconditions import unmet_requirements

    migrations = project.history.upto(project.history.resolve(revision))
    candidates = migrations if revision == HEAD else migrations[-1:]
    found = next((each for each in reversed(candidates) if checks.probe_of(each)), None)
    check = checks.probe_of(found) if found else None
    if found is None or check is None:
        message = f"no migration up to `{revision}` declares a probe"
        hint = "add `- probe: mlx_speech` to its `verify` list"
        raise RefusedError(error("no-probe", message, hint=hint, command="migrate history"))
    templates = project.templates[found.revision]
    unmet = unmet_requirements(project.root, [(found, templates)], options, runtime=True)
    if unmet:
        raise RefusedError(*unmet)
    return checks.probe(project.root, found, check, templates, options)


def stamp(project: Project, stamping: Stamping, options: Options) -> Outcome:
    """Record what a user says is applied; no file of the project is touched.

    Raises:
        RefusedError: another process has the lock, or has changed the ledger since.
        RolledBackError, RollbackError: the ledger could not be written.
    """
    if not stamping.changes and not project.damage:
        return Outcome()
    with _running(project, options, "stamp") as run:
        run.write((), stamping.ledger, {}, (Ending.STAMPED, stamping.revision))
        run.finish(stamping.revision, Ending.STAMPED)
        return run.outcome


def rebase(project: Project, made: Renumbering, options: Options) -> Outcome:
    """Rename migration files, with the ledger, in one transaction.

    Raises:
        RefusedError, RolledBackError, RollbackError: as ``up``.
    """
    with _running(project, options, "rebase") as run:
        names = tuple(made.renames.values()) or tuple(made.followed.values())
        run.write(made.changes, made.ledger, {}, (Ending.REBASED, names[-1]), made.modes)
        for name in names:
            run.finish(name, Ending.REBASED)
        return run.outcome


def _of(project: Project, entry: Entry) -> Migration | None:
    return project.history.get(entry.revision)


def _unwritten(plan: Plan, written: set[str]) -> Mapping[str, str | None]:
    """What has to be as it was read: all but what this very run has written since."""
    return {path: digest for path, digest in plan.reads.items() if path not in written}


def _refuse_found(project: Project, plan: Plan) -> None:
    """Refuse a plan where a file that was searched and left out came to hold a value since."""
    found = holding_now(project.root, plan.searched)
    if found:
        raise RefusedError(*map(stale, found))


def _refuse_errors(plan: Plan) -> None:
    if errors_in(plan.diagnostics):
        raise RefusedError(*plan.diagnostics)


@contextmanager
def _running(project: Project, options: Options, verb: str) -> Iterator[Run]:
    """Hold the lock and undo what an interrupted run left; a plan made before that is stale.

    Whatever stops the run says which revisions were done before.
    """
    run = Run(project, options, verb)
    with Once():
        try:
            with lock(project.root, options.lock_timeout, command=f"migrate {verb}"):
                run.outcome = Outcome(recovery=recover(project.root))
                yield run
        except KeychangeError as problem:
            problem.done = run.outcome.done
            known = [each for each in run.outcome.diagnostics if each not in problem.diagnostics]
            problem.diagnostics = (*problem.diagnostics, *known)
            raise
        except KeyboardInterrupt as stop:
            stop.done = run.outcome.done  # type: ignore[attr-defined]
            stop.diagnostics = run.outcome.diagnostics  # type: ignore[attr-defined]
            if run.unsettled and getattr(stop, "committed", None) is None:
                stop.committed = True  # type: ignore[attr-defined]
            raise
