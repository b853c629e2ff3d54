"""Outgoing: a file where a user names one, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from keychange.settings import TEMP_PREFIX


def write_whole(path: Path, data: bytes, mode: int) -> None:
    """Make a file, or replace the one that is there; ``mode`` is subject to the umask.

    Raises:
        OSError: it cannot be written; what was there is there still.
    """
    staged = path.with_name(f"{TEMP_PREFIX}{secrets.token_hex(4)}-{path.name}")
    try:
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            staged.unlink()
        raise
