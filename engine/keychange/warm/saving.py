"""Saving: files of the cache, replaced whole and readable by their owner alone."""

from __future__ import annotations

import os
import posixpath
from contextlib import suppress
from pathlib import Path
from typing import Final

from keychange.settings import TEMP_PREFIX
from keychange.transaction.files import Tree
from keychange.transaction.state import ensure_own_folder
from keychange.warm import store

_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_KEPT: Final = 16
"""Answers to keep, one for each way of asking."""


def save(root: Path, name: str, body: bytes) -> None:
    """Replace a file of the cache whole; only its owner can read it.

    Raises:
        OSError: it cannot be written.
        RefusedError: the folder of keychange's own records cannot be used.
    """
    ensure_own_folder(root, posixpath.basename(store.FOLDER))
    with Tree(root).folder(store.FOLDER) as folder:  # which follows no link of a checkout
        staged = f"{TEMP_PREFIX}{os.urandom(8).hex()}"
        try:
            with open(os.open(staged, _CREATE, 0o600, dir_fd=folder), "wb") as stream:
                stream.write(store.pack(body))
            os.replace(staged, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(staged, dir_fd=folder)
            raise
        _prune(folder)


def _prune(folder: int) -> None:
    """Leave the answers that were given last; another process may be at it, too."""
    by_age = []
    for name in os.listdir(folder):
        with suppress(FileNotFoundError):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if name.startswith(("check-", TEMP_PREFIX)):
                by_age.append((status.st_mtime_ns, name))
    for _, name in sorted(by_age)[:-_KEPT]:
        with suppress(OSError):
            os.unlink(name, dir_fd=folder)
