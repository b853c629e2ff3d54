"""Room of the journal: one file that says how to undo a transaction; its name says how far it is.

It is written under the name ``writing``; once it is on the disk it becomes ``prepared``, and from
then on the transaction is undone unless it becomes ``committed``. Then it is removed.
"""

from __future__ import annotations

import contextlib

from keychange.diagnostics import Location, error
from keychange.errors import RefusedError, RollbackError
from keychange.transaction import files
from keychange.transaction.files import Tree
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
        ensure_folder("journal", state)
    with tree.folder(JOURNAL) as folder:
        try:
            forget(WRITING, folder)
            files.write_new(WRITING, folder, journal.encode())
            files.system.replace(WRITING, PREPARED, folder)
            files.system.flush(folder)
        except OSError:
            for name in (WRITING, PREPARED):
                with contextlib.suppress(OSError):
                    forget(name, folder)
            raise


def discard_unfinished(tree: Tree) -> None:
    """Remove what was cut short before it became a journal: no file had been touched."""
    with contextlib.suppress(OSError), tree.folder(JOURNAL) as folder:
        forget(WRITING, folder)


def mark_committed(tree: Tree) -> None:
    """The one step that makes a transaction final."""
    with tree.folder(JOURNAL) as folder:
        files.system.replace(PREPARED, COMMITTED, folder)
        files.system.flush(folder)
        files.system.barrier(folder)


def unmark(tree: Tree) -> None:
    """Take the mark back, so that the transaction can be undone."""
    with tree.folder(JOURNAL) as folder:
        files.system.replace(COMMITTED, PREPARED, folder)
        # What makes this flush fail makes the one after the undo fail too, and that one tells.
        with contextlib.suppress(OSError):
            files.system.flush(folder)


def remove(tree: Tree, stage: str) -> None:
    """Remove the journal and the before-images in it: there is nothing left to do."""
    with tree.folder(JOURNAL) as folder:
        files.system.unlink(stage, folder)
        files.system.flush(folder)


def forget(name: str, folder: int) -> None:
    """Remove a name that may not be there."""
    with contextlib.suppress(FileNotFoundError):
        files.system.unlink(name, folder)
