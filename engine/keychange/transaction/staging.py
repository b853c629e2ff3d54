"""Room of writing one file: staged beside its target with all it keeps, then put in its place."""

from __future__ import annotations

import os

from keychange.transaction import files
from keychange.transaction.extended import has_extended
from keychange.transaction.journal_file import Attributes


def stage(
    folder: int,
    temp: str,
    data: bytes,
    attributes: Attributes | None,
    *,
    like: str,
    mode: int | None,
) -> int:
    """The open descriptor of a new file, complete but not yet flushed.

    With ``attributes`` it is made like the file ``like`` in the same folder; without, it gets
    ``mode``, or what the umask leaves.
    """
    first = 0o666 if attributes is None and mode is None else 0o600
    descriptor = files.system.create(temp, folder, first)
    try:
        files.write_all(descriptor, data)
        if attributes is not None:
            _keep(descriptor, folder, attributes, like)
        elif mode is not None:
            files.system.set_mode(descriptor, mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _keep(descriptor: int, folder: int, attributes: Attributes, like: str) -> None:
    """Owner first, for it clears bits of the mode; the mode last, for access lists change it."""
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (attributes.user, attributes.group):
        files.system.set_owner(descriptor, attributes.user, attributes.group)
    original = os.open(like, files.READ, dir_fd=folder)
    try:
        if has_extended(original) or has_extended(descriptor):
            files.system.copy_extended(original, descriptor)
    finally:
        os.close(original)
    files.system.set_mode(descriptor, attributes.mode)
