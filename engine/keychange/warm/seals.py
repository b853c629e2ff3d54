"""Seals: whether files and folders are as they were when they were read."""

from __future__ import annotations

import os
import zlib

from keychange.regular import read_regular

TYPE_CHECKING = False  # see keychange.warm.replay
if TYPE_CHECKING:
    from typing import TypeAlias

    Signature: TypeAlias = tuple[int, int, int, int]
    Seal: TypeAlias = tuple[Signature | None, bytes | None] | None
    """A file by its ``stat``, None where that cannot be trusted, and its SHA-256; None: absent."""


def unchanged(root: str, path: str, seal: Seal) -> bool:
    """Whether a file, from the root, is as it was sealed.

    Raises:
        OSError: something is there that cannot be read, or is no regular file.
    """
    full = path if path.startswith("/") else f"{root}/{path}"
    try:
        status = os.stat(full)
    except (FileNotFoundError, NotADirectoryError):
        return seal is None
    if seal is None:
        return False
    signature, digest = seal
    if signature == (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino):
        return True
    if digest is None:
        return False
    return sha256(read_regular(full)) == digest


def sha256(data: bytes) -> bytes:
    """The digest, without ``hashlib``, whose import costs more than all else here."""
    try:
        from _sha2 import sha256 as make  # type: ignore[import-not-found] # since Python 3.12
    except ImportError:
        from hashlib import sha256 as make
    digest: bytes = make(data).digest()
    return digest


def same_listing(root: str, folder: str, changed: int, names: int) -> bool:
    """Whether a folder holds the names that it held: by its time, else by the names themselves."""
    full = folder if folder.startswith("/") else f"{root}/{folder}"
    try:
        now = os.stat(full).st_ctime_ns
    except (FileNotFoundError, NotADirectoryError):
        return names < 0
    return names >= 0 and (now == changed or listing(full) == names)


def listing(folder: str) -> int:
    """A checksum of the names in a folder, and of where those that are links lead."""
    with os.scandir(folder) as entries:
        names = [f"{e.name}//{os.readlink(e.path)}" if e.is_symlink() else e.name for e in entries]
    return zlib.crc32("/".join(sorted(names)).encode("utf-8", "surrogateescape"))


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern may match a path; with more than ``*`` in a part, that is taken for yes."""
    return _matches(path.split("/"), pattern.split("/"))


def _matches(names: list[str], parts: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_matches(names[skip:], parts[1:]) for skip in range(len(names) + 1))
    if not names or not _fits(names[0], parts[0]):
        return False
    return _matches(names[1:], parts[1:])


def _fits(name: str, part: str) -> bool:
    if "?" in part or "[" in part:
        return True
    first, *rest = part.split("*")
    if not rest:
        return name == part
    if not (name.startswith(first) and name.endswith(rest[-1])):
        return False
    at = len(first)
    for each in rest[:-1]:
        at = name.find(each, at)
        if at < 0:
            return False
        at += len(each)
    return at <= len(name) - len(rest[-1])
