"""Regular files: read one whole, if it is one and of a sane size; nothing here can hang.

It is imported by ``keychange.warm``, and so imports little itself.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False  # see keychange.warm.replay
if TYPE_CHECKING:
    from typing import Final

MAXIMUM_BYTES: Final = 256 * 1024 * 1024
"""Of a file that is read whole; what is edited by hand is far below it."""
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC

_TICK_NS: Final = 20_000_000
_COARSE_NS: Final = 2_000_000_000
"""How long after a change a file may change again and keep its time: a kernel's tick, or where
times have no fraction, as on old file systems, two seconds."""


def read_regular(
    path: str | os.PathLike[str],
    *,
    limit: int = MAXIMUM_BYTES,
    follow: bool = True,
    known: bool = False,
) -> bytes:
    """The bytes of a regular file.

    Args:
        path: the file.
        limit: a larger file is not read, not even in part.
        follow: whether the last name of the path may be a link.
        known: it has just been seen to be a regular file, and need not be looked at again first.

    Raises:
        OSError: it is a folder, a pipe, a socket, a device or too large, or it cannot be read.
    """
    descriptor, status = open_regular(path, limit=limit, follow=follow, known=known)
    try:
        data = os.read(descriptor, status.st_size + 1)  # one call is enough for most
        if len(data) == status.st_size:
            return data
        with open(descriptor, "rb", closefd=False) as file:
            return data + file.read()
    finally:
        os.close(descriptor)


def open_regular(
    path: str | os.PathLike[str],
    *,
    limit: int = MAXIMUM_BYTES,
    follow: bool = True,
    known: bool = False,
) -> tuple[int, os.stat_result]:
    """A descriptor to read a regular file from, and what the system says of it.

    Raises:
        OSError: as ``read_regular``.
    """
    if not known:
        # To open a device can set it going, to open a pipe waits for its other end for ever.
        _require_regular(os.stat(path, follow_symlinks=follow), limit)  # noqa: PTH116 (10,000 files)
    descriptor = os.open(path, _FLAGS if follow else _FLAGS | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        _require_regular(status, limit)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status


def settled(changed_ns: int, started_ns: int) -> bool:
    """Whether a file with this time of its last change was not changed after some moment.

    The time is that of its status, which nobody can set.
    """
    return changed_ns < started_ns - (_TICK_NS if changed_ns % 1_000_000_000 else _COARSE_NS)


def _require_regular(status: os.stat_result, limit: int) -> None:
    if stat.S_ISREG(status.st_mode):
        if status.st_size > limit:
            message = f"it has {status.st_size:,} bytes; the limit is {limit:,}"
            raise OSError(errno.EFBIG, message)
        return
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    raise OSError(errno.EINVAL, "it is not a regular file")
