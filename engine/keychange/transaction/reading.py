"""Room of the readers: they never wait for a writer, and never see half a commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from keychange.diagnostics import Location, error
from keychange.errors import RefusedError
from keychange.transaction.stages import JOURNAL, PREPARED
from keychange.transaction.state import LEDGER, STATE

T = TypeVar("T")

_ATTEMPTS: Final = 2000
_PAUSE_SECONDS: Final = 0.005


def read_steadily(root: Path, read: Callable[[Mapping[str, bytes | None]], T]) -> T:
    """What ``read`` returns about one state of the project, entirely old or entirely new.

    ``read`` gets what to take instead of the file where a transaction is under way, or was cut
    short: by path, the bytes from before it, None where the file did not exist. Nothing it does
    may last, for it is called again when a transaction began or ended while it read.

    Raises:
        RefusedError: the project changed at every attempt; or a newer keychange's journal is here.
        RollbackError: the journal of an interrupted run is damaged.
    """
    for _ in range(_ATTEMPTS):
        moment = _moment(root)
        instead = _instead(root) if moment and PREPARED in moment[0] else {}
        if instead is not None:
            try:
                result = read(instead)
            except Exception:
                # What it tripped over may be a file of which it saw one half of each state.
                if _moment(root) == moment:
                    raise
            else:
                if _moment(root) == moment:
                    return result
        time.sleep(_PAUSE_SECONDS)
    raise RefusedError(
        error(
            "busy",
            "other commands changed this project each time that it was read",
            Location(STATE),
            hint="run the command again when they are done",
        )
    )


def _moment(root: Path) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
    """Differs once a transaction has begun or ended: each renames in one folder, replaces a file.

    None where there has been none.
    """
    folder = root / JOURNAL
    try:
        names = tuple(sorted(entry.name for entry in folder.iterdir()))
        status = folder.stat()
    except OSError:
        return None
    try:
        ledger = (root / LEDGER).stat()
    except OSError:
        return names, (status.st_mtime_ns,)
    return names, (status.st_mtime_ns, ledger.st_ino, ledger.st_ctime_ns)


def _instead(root: Path) -> dict[str, bytes | None] | None:
    """The before-images by path; None when the transaction has ended in this very moment."""
    from keychange.transaction import journal
    from keychange.transaction.files import Tree

    unfinished = journal.load(Tree(root), PREPARED)
    if unfinished is None:
        return None
    return {name: e.before for e in unfinished.entries for name in (e.path, e.target)}
