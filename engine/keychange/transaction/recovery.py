"""Room of recovery: what an interrupted run left is undone, or finished once it was committed."""

from __future__ import annotations

import contextlib
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from keychange.diagnostics import Location, error
from keychange.errors import RefusedError, RollbackError
from keychange.interruption import Deferral, Interrupted
from keychange.transaction import files, journal
from keychange.transaction.files import Tree, split
from keychange.transaction.flushing import flush_folders
from keychange.transaction.journal_file import Journal
from keychange.transaction.lock import lock, require_lock
from keychange.transaction.rollback import roll_back
from keychange.transaction.stages import COMMITTED, JOURNAL, stage_of


class Ending(StrEnum):
    """What recovery did with an unfinished transaction."""

    ROLLED_BACK = "rolled-back"
    COMPLETED = "completed"


class Recovery(NamedTuple):
    """What recovery found and did.

    ``paths`` are the files of the transaction, ``restored`` those that were put back and
    compared; ``since`` is when the interrupted run began, ISO 8601 in UTC.
    """

    ending: Ending
    since: str
    paths: tuple[str, ...]
    restored: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One sentence for the user, without its full stop."""
        begun = f"the interrupted run of {self.since}"
        if self.ending is Ending.COMPLETED:
            return f"{begun} had written all {len(self.paths)} files and was completed"
        return (
            f"{begun} was rolled back; {len(self.restored)} of its {len(self.paths)} files"
            " had been written, and were restored and compared"
        )


def recover(root: Path) -> Recovery | None:
    """Undo, or finish once committed, what an interrupted run left; the lock must be held.

    Returns None where there is nothing to do.

    Raises:
        RefusedError: a newer keychange was interrupted, and only that one can recover; or the
            journal of a complete run cannot be removed.
        RollbackError: not everything could be restored; each file and its backup is named.
    """
    require_lock(root)
    tree = Tree(root)
    stage_found = stage_of(root)
    journal.discard_unfinished(tree)
    if stage_found is None:
        return None
    plan = journal.load(tree, stage_found)
    if plan is None:
        return None
    with Deferral() as signals:
        if stage_found == COMMITTED:
            complete(tree, plan)
            result = Recovery(Ending.COMPLETED, plan.since, plan.paths)
        else:
            undone = roll_back(tree, plan)
            if undone.failures:
                raise RollbackError(*undone.failures)
            restored = tuple(p for p in plan.paths if p in undone.restored)
            result = Recovery(Ending.ROLLED_BACK, plan.since, plan.paths, restored)
    if signals.received is not None:
        raise Interrupted(signals.received, committed=result.ending is Ending.COMPLETED)
    return result


def recover_if_free(root: Path) -> Recovery | None:
    """As ``recover``, for commands that only read, where ``has_remains``: they never wait.

    Returns None as well where another process has the lock, or where this one may not take it;
    ``read_steadily`` then shows the state from before.

    Raises:
        RefusedError, RollbackError: as ``recover``.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(lock(root, command="migrate recover"))
        except RefusedError:
            return None
        return recover(root)


def complete(tree: Tree, plan: Journal) -> None:
    """As ``finish``, with words for the user.

    Raises:
        RefusedError: what only the undo needed cannot be removed.
    """
    try:
        journal.confirm(tree, COMMITTED)
        finish(tree, plan)
    except OSError as problem:
        raise RefusedError(
            error(
                "journal-unremovable",
                "a run was interrupted after all its files were written, and what is left of it"
                f" cannot be removed: {problem.strerror}",
                Location(f"{JOURNAL}/{COMMITTED}"),
                hint="every file holds its new bytes; remove the cause, then let keychange finish",
                command="migrate recover",
            )
        ) from problem


def finish(tree: Tree, plan: Journal) -> None:
    """Remove what only the undo needed: files set aside, then the journal.

    Raises:
        OSError: something of it could not be removed, or the disk did not confirm it.
    """
    removed = [entry for entry in plan.entries if entry.after is None]
    for entry in removed:
        folder, _ = split(entry.target)
        with contextlib.suppress(*files.GONE), tree.folder(folder) as parent:
            journal.forget(entry.temp, parent)
    if removed:
        flush_folders(tree, (entry.target for entry in removed))
    journal.remove(tree, COMMITTED)
