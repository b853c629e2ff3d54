"""Room of the commit: all files of a transaction, or none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from keychange.activity import counted
from keychange.diagnostics import Diagnostic, Location, error
from keychange.errors import RefusedError, RollbackError, RolledBackError
from keychange.interruption import Deferral, Interrupted
from keychange.transaction import files, journal
from keychange.transaction.files import Tree, Walk, split
from keychange.transaction.flushing import Flushing
from keychange.transaction.journal_file import Journal
from keychange.transaction.lock import require_lock
from keychange.transaction.preflight import FileWrite, Prepared, Target, preflight
from keychange.transaction.recovery import complete, finish
from keychange.transaction.rollback import roll_back
from keychange.transaction.stages import COMMITTED, JOURNAL, stage_of
from keychange.transaction.staging import stage


class _WriteFailure(Exception):
    """Why a transaction cannot go on, as the user is told."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def commit(
    root: Path,
    writes: Sequence[FileWrite],
    *,
    record: FileWrite | None = None,
    reads: Mapping[str, str | None] = MappingProxyType({}),
) -> None:
    """Write all files, or none; the lock must be held, and no interrupted run be left to undo.

    ``record`` is the ledger, written last. ``reads`` maps every file that planning read to the
    SHA-256 of its bytes, None where it was absent. Writes that change nothing are left out; if
    none is left, nothing happens.

    Raises:
        RefusedError: stale plan, a target that cannot be written, no room; nothing was changed.
        RolledBackError: a write failed; everything was restored and compared.
        RollbackError: that failed too; each file and its backup is named.
        Interrupted: a signal came; its ``committed`` says whether all files are old or new.
    """
    require_lock(root)
    wanted = [
        each for each in (*writes, *([record] if record else ())) if each.before != each.after
    ]
    if not wanted:
        return
    tree = Tree(root)
    _clear(tree)
    identifier = os.urandom(8).hex()
    prepared = preflight(tree, identifier, wanted, reads)
    plan = Journal.new(identifier, prepared.folders, [each.entry for each in prepared.targets])
    committed = False
    try:
        with Deferral() as signals:
            _prepare(tree, plan)
            touched: set[str] = set()
            try:
                _write(tree, prepared, touched, signals)
                journal.mark_committed(tree)
            except BaseException as cause:
                _undo(tree, plan, touched, cause)
                raise
            committed = True
            with contextlib.suppress(OSError):  # it is committed: the next command clears up
                finish(tree, plan)
        if signals.received is not None:
            raise Interrupted(signals.received, committed=True)
    except KeyboardInterrupt as stop:  # or one that came when they were no longer held back
        stop.committed = committed  # type: ignore[attr-defined]
        raise


def _clear(tree: Tree) -> None:
    """Finish an earlier commit of this very run that is complete and could not clear up."""
    found = stage_of(Path(tree.root))
    if found == COMMITTED and (earlier := journal.load(tree, COMMITTED)):
        complete(tree, earlier)
    elif found:
        raise RuntimeError("commit before recovery")


def _prepare(tree: Tree, plan: Journal) -> None:
    try:
        journal.prepare(tree, plan)
    except OSError as problem:
        raise RefusedError(
            error(
                "journal-unwritable",
                f"the journal cannot be written, so no file was: {problem.strerror}",
                Location(JOURNAL),
                hint="every change is journaled first; remove the cause and run the command again",
            )
        ) from problem


def _write(tree: Tree, prepared: Prepared, touched: set[str], signals: Deferral) -> None:
    for path in prepared.folders:
        parent, name = split(path)
        with _telling(path), tree.folder(parent) as descriptor:
            files.system.make_folder(name, descriptor, 0o777)
    with _telling(), tree.walk() as walk:
        _stage_all(walk, prepared.targets, signals)
        files.system.barrier(walk.to(""))
    with _telling(), tree.walk() as walk:
        _put_all(walk, prepared, touched, signals)
        files.system.barrier(walk.to(""))
    signals.safe_point()


def _stage_all(walk: Walk, targets: Iterable[Target], signals: Deferral) -> None:
    staged = [t for t in targets if t.after is not None and t.entry.overwrite is None]
    with Flushing() as flushing:
        for target in counted(staged, "staging", len(staged)):
            signals.safe_point()
            _stage(walk, target, flushing)


def _stage(walk: Walk, target: Target, flushing: Flushing) -> None:
    entry = target.entry
    folder, name = split(entry.target)
    with _telling(entry.path):
        parent = walk.to(folder)
        descriptor = stage(
            parent, entry.temp, target.after or b"", entry.attributes, like=name, mode=target.mode
        )
    flushing.add(entry.path, descriptor)


def _put_all(walk: Walk, prepared: Prepared, touched: set[str], signals: Deferral) -> None:
    last = {split(target.entry.target)[0]: target for target in prepared.targets}
    with Flushing() as flushing:
        for folder in dict.fromkeys(split(path)[0] for path in prepared.folders):
            if folder not in last:
                flushing.add(folder, os.dup(walk.to(folder)))
        for target in counted(prepared.targets, "writing", len(prepared.targets)):
            signals.safe_point()
            with _telling(target.entry.path):
                _put(walk, target, touched)
            folder, _ = split(target.entry.target)
            if last[folder] is target:
                flushing.add(folder, os.dup(walk.to(folder)))


def _put(walk: Walk, target: Target, touched: set[str]) -> None:
    entry = target.entry
    folder, name = split(entry.target)
    parent = walk.to(folder)
    if files.identity(name, parent) != target.identity:
        raise _WriteFailure(
            error(
                "changed-meanwhile",
                f"{entry.path} was changed by somebody else at the same time and left so",
                Location(entry.path),
                hint="run the command again: it plans afresh",
            )
        )
    touched.add(entry.target)
    if entry.after is None:
        files.system.replace(name, entry.temp, parent)
    elif entry.overwrite is not None:
        files.overwrite(name, parent, entry.overwrite)
    else:
        files.system.replace(entry.temp, name, parent)


@contextlib.contextmanager
def _telling(path: str = "") -> Iterator[None]:
    """Name the file in whatever the system objects to in the block, or else the one it names."""
    try:
        yield
    except OSError as problem:
        path = path or problem.filename or "."
        raise _WriteFailure(
            error(
                "write-failed",
                f"writing {path} failed: {problem.strerror}",
                Location(path),
                hint="remove the cause and run the command again",
            )
        ) from problem


def _undo(tree: Tree, plan: Journal, touched: set[str], cause: BaseException) -> None:
    """Roll back after a failure, and say how that ended unless the cause may say it itself."""
    try:
        if stage_of(Path(tree.root)) == COMMITTED:
            # The mark was set and could not be flushed: nobody may rely on it.
            journal.unmark(tree)
        undone = roll_back(tree, plan, touched)
    except OSError as problem:
        raise RollbackError(_unmarked(problem)) from cause
    why = cause.diagnostic if isinstance(cause, _WriteFailure) else None
    if isinstance(cause, OSError):
        why = _unconfirmed(cause)
    if undone.failures:
        raise RollbackError(*undone.failures, others=[why] if why else []) from cause
    if why:
        raise RolledBackError(why) from cause


def _unmarked(problem: OSError) -> Diagnostic:
    return error(
        "commit-unconfirmed",
        "all files hold their new bytes, but the disk confirmed neither that nor the way back:"
        f" {problem.strerror}; the bytes from before are in {JOURNAL}/{COMMITTED}",
        Location(f"{JOURNAL}/{COMMITTED}"),
        hint="look at the files; to keep the new ones, let keychange finish",
        command="migrate recover",
    )


def _unconfirmed(problem: OSError) -> Diagnostic:
    return error(
        "write-failed",
        f"the disk did not confirm the commit: {problem.strerror}",
        Location(JOURNAL),
        hint="remove the cause and run the command again",
    )
