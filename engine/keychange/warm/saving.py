"""Saving: files of the cache, replaced whole and readable by their owner alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from keychange.settings import TEMP_PREFIX
from keychange.transaction.state import ensure_state_dir
from keychange.warm import store

_KEPT: Final = 16
"""Answers to keep, one for each way of asking."""


def save(root: Path, name: str, body: bytes) -> None:
    """Replace a file of the cache whole; only its owner can read it.

    Raises:
        OSError: it cannot be written.
        RefusedError: the folder of keychange's own records cannot be used.
    """
    ensure_state_dir(root)
    folder = root / store.FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor, staged = tempfile.mkstemp(prefix=TEMP_PREFIX, dir=folder)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(store.pack(body))
        os.replace(staged, folder / name)
    except OSError:
        os.unlink(staged)
        raise
    _prune(folder.glob("check-*"))


def _prune(files: Iterable[Path]) -> None:
    by_age = sorted(files, key=lambda each: each.stat().st_mtime_ns, reverse=True)
    for each in by_age[_KEPT:]:
        each.unlink(missing_ok=True)
