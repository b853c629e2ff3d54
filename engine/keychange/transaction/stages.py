"""Room of the stages: how far a transaction is, by the name of its journal; a look, no more."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from keychange.errors import RefusedError
from keychange.transaction.state import STATE, unusable

JOURNAL: Final = f"{STATE}/journal"
"""The folder of the journal."""
WRITING: Final = "writing"
PREPARED: Final = "prepared"
COMMITTED: Final = "committed"


def stage_of(root: Path) -> str | None:
    """``prepared`` or ``committed`` where a transaction is under way or unfinished, else None."""
    for stage in (PREPARED, COMMITTED):
        if os.path.isfile(root / JOURNAL / stage):  # noqa: PTH113 - is_file raises without access
            return stage
    return None


def has_remains(root: Path) -> bool:
    """Whether a transaction is under way, or has left anything at all.

    Raises:
        RefusedError: that may not be looked at, so that nobody knows what the files hold.
    """
    try:
        return any((root / JOURNAL).iterdir())
    except PermissionError as problem:
        raise RefusedError(unusable(root, JOURNAL, "the journal", problem)) from problem
    except OSError:
        return False


def pending_recovery(root: Path) -> bool:
    """Whether a transaction is under way or was interrupted; reads only, and never waits."""
    return stage_of(root) is not None
