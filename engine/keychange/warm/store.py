"""Store: the files of the cache; each says who wrote it, and that it is whole."""

from __future__ import annotations

import os
import sys
import zlib

from keychange import __version__
from keychange.regular import open_regular

TYPE_CHECKING = False  # see keychange.warm.replay
if TYPE_CHECKING:
    from typing import Final

FOLDER: Final = ".keychange/cache"


def _header() -> bytes:
    """The first line: what another keychange or another Python wrote is not read."""
    return f"keychange cache 1 {__version__} {sys.hexversion:x}\n".encode()


def load(root: str, name: str) -> bytes:
    """The contents of a file of the cache.

    Raises:
        OSError: it is not there, or no regular file.
        ValueError: it is not whole, of another version, or not this user's own: a file that came
            with a checkout can be read by others, and is not to be trusted.
    """
    descriptor, status = open_regular(f"{root}/{FOLDER}/{name}", follow=False)
    with open(descriptor, "rb") as stream:
        line = stream.readline(200)
        checksum, body = stream.read(4), stream.read()
    private = status.st_uid == os.getuid() and not status.st_mode & 0o077
    if not private or line != _header() or zlib.crc32(body) != int.from_bytes(checksum, "big"):
        raise ValueError(name)
    return body


def pack(body: bytes) -> bytes:
    """A file of the cache with these contents."""
    return _header() + zlib.crc32(body).to_bytes(4, "big") + body
