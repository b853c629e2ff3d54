"""Room of the journal: one file that says how to undo a transaction; its name says how far it is.

It is written under the name ``writing``; once it is on the disk it becomes ``prepared``, and from
then on the transaction is undone unless it becomes ``committed``. Then it is removed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from keychange.diagnostics import Location, error
from keychange.errors import RefusedError, RollbackError
from keychange.transaction import files
from keychange.transaction.files import Tree
from keychange.transaction.flushing import Flushing
from keychange.transaction.journal_file import Journal, NewerFormatError
from keychange.transaction.stages import COMMITTED, JOURNAL, PREPARED, WRITING
from keychange.transaction.state import STATE, ensure_folder


def load(tree: Tree, stage: str) -> Journal | None:
    """The journal that is at a stage, None where there is none.

    Raises:
        RefusedError: a newer keychange wrote it.
        RollbackError: it cannot be read, so that nothing can be restored from it.
    """
    path = f"{JOURNAL}/{stage}"
    try:
        found = tree.read(path)
        return Journal.decode(found.data) if found else None
    except NewerFormatError:
        raise RefusedError(
            error(
                "newer-state",
                "a newer keychange was interrupted here and left a journal of a newer format",
                Location(path),
                hint="run that newer version once: it finishes or undoes what it began",
            )
        ) from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise RollbackError(
            error(
                "damaged-journal",
                f"the journal of an interrupted run cannot be read: {reason}",
                Location(path),
                hint="compare the files with what you have of them elsewhere, then remove it",
            )
        ) from problem


def prepare(tree: Tree, journal: Journal) -> None:
    """Put the journal on the disk; from here on the transaction will be finished or undone.

    Raises:
        OSError: it could not be written; what was written of it is gone or will be undone.
    """
    with tree.folder(STATE) as state:
        made = ensure_folder("journal", state)
        # Who made the folders may have been killed; where a ledger is, somebody has flushed them.
        flushed = not made and files.identity("ledger.json", state) is not None
    with tree.folder(JOURNAL) as folder:
        try:
            forget(WRITING, folder)
            _write(tree, journal, also=() if flushed else ("", STATE))
            # A name must not get to the disk before its bytes: the journal would count as damaged.
            files.system.barrier(folder)
            files.system.replace(WRITING, PREPARED, folder)
            files.system.flush(folder)
            files.system.barrier(folder)
        except OSError:
            for name in (WRITING, PREPARED):
                with contextlib.suppress(OSError):
                    forget(name, folder)
            raise


def _write(tree: Tree, journal: Journal, *, also: Iterable[str]) -> None:
    """Write it and flush it, and these folders with it."""
    with Flushing() as flushing, tree.walk() as walk:
        for path in also:
            flushing.add(path, os.dup(walk.to(path)))
        descriptor = files.create(WRITING, walk.to(JOURNAL), journal.encode())
        flushing.add(WRITING, descriptor)


def confirm(tree: Tree, stage: str) -> None:
    """Make sure that the disk has the stage too: who set it may have been killed.

    Raises:
        OSError: it could not be written.
    """
    with tree.folder(JOURNAL) as folder:
        if stage == PREPARED:  # a power cut can leave the name that it had or was to have
            forget(COMMITTED, folder)
        files.system.flush(folder)
        files.system.barrier(folder)


def discard_unfinished(tree: Tree) -> None:
    """Remove what was cut short before it became a journal: no file had been touched."""
    with contextlib.suppress(OSError), tree.folder(JOURNAL) as folder:
        files.system.unlink(WRITING, folder)
        files.system.flush(folder)


def mark_committed(tree: Tree) -> None:
    """The one step that makes a transaction final."""
    with tree.folder(JOURNAL) as folder:
        files.system.replace(PREPARED, COMMITTED, folder)
        files.system.flush(folder)
        files.system.barrier(folder)


def unmark(tree: Tree) -> None:
    """Take the mark back, so that the transaction can be undone.

    Raises:
        OSError: it could not be taken back, so the mark is there.
    """
    with tree.folder(JOURNAL) as folder:
        files.system.replace(COMMITTED, PREPARED, folder)
        try:
            files.system.flush(folder)
            files.system.barrier(folder)
        except OSError:
            files.system.replace(PREPARED, COMMITTED, folder)
            raise


def remove(tree: Tree, stage: str) -> None:
    """Remove the journal and the before-images in it: there is nothing left to do."""
    with tree.folder(JOURNAL) as folder:
        files.system.unlink(stage, folder)
        files.system.flush(folder)
        if stage == PREPARED:  # were it to come back, it would undo what the user does next
            files.system.barrier(folder)


def forget(name: str, folder: int) -> None:
    """Remove a name that may not be there."""
    with contextlib.suppress(FileNotFoundError):
        files.system.unlink(name, folder)
