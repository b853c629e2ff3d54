"""Aside: bytes that would be lost otherwise, kept in keychange's own folder for their owner."""

from __future__ import annotations

import os
import time
from pathlib import Path

from keychange.transaction.state import ensure_own_folder


def keep_aside(root: Path, path: str, data: bytes) -> str:
    """Keep some bytes of a file, readable by their owner alone.

    Returns:
        Where they are, from the root. Nothing that was kept before is overwritten.

    Raises:
        OSError, RefusedError: they cannot be written.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    folder = ensure_own_folder(root, "rescued")
    for attempt in range(1, 1000):
        kept = folder / (stamp if attempt == 1 else f"{stamp}-{attempt}") / path
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return kept.relative_to(root).as_posix()
    raise FileExistsError(f"{folder}/{stamp}")
