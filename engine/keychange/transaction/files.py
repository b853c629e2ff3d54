"""Room of file primitives: the one seam for system calls that write, and a tree without links."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from keychange.regular import MAXIMUM_BYTES
from keychange.transaction.extended import UNSUPPORTED, copy_extended

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OVERWRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SHARED = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
GONE: Final = (FileNotFoundError, NotADirectoryError)
"""What a folder raises that was removed, or that something else has replaced."""


class FileSystem:
    """Every system call of the transaction that writes, one method each, all of them thin.

    Names are relative to ``folder``, a descriptor of the folder that holds them. Tests put a
    subclass in ``files.system`` to fail, or to end the process, at any one call.

    ``flushers`` is how many threads flush at a time; with one, calls have a fixed order.
    """

    flushers = 8

    def create(self, name: str, folder: int, mode: int) -> int:
        """A descriptor of a new file; an existing one is an error."""
        return os.open(name, _CREATE, mode, dir_fd=folder)

    def open_or_create(self, name: str, folder: int) -> int:
        """A descriptor of a private file that several processes share."""
        return os.open(name, _SHARED, 0o600, dir_fd=folder)

    def write(self, descriptor: int, data: memoryview) -> int:
        """How many bytes were written, at the descriptor's position."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file."""
        os.ftruncate(descriptor, size)

    def flush(self, descriptor: int) -> None:
        """Hand a file or folder to the disk."""
        try:
            os.fsync(descriptor)
        except OSError as problem:
            # Some network file systems cannot flush folders; there is nothing else to ask of them.
            if problem.errno not in UNSUPPORTED:
                raise

    def barrier(self, descriptor: int) -> None:
        """Make the disk itself write what was flushed so far; Linux's flush has done so already."""
        if sys.platform == "darwin":
            import fcntl

            with contextlib.suppress(OSError):  # not every file system has it; flush has succeeded
                fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)

    def replace(self, source: str, destination: str, folder: int) -> None:
        """Rename within one folder, over what is there."""
        os.replace(source, destination, src_dir_fd=folder, dst_dir_fd=folder)

    def unlink(self, name: str, folder: int) -> None:
        """Remove a name."""
        os.unlink(name, dir_fd=folder)

    def make_folder(self, name: str, folder: int, mode: int) -> None:
        """Make a folder; an existing one is an error."""
        os.mkdir(name, mode, dir_fd=folder)

    def remove_folder(self, name: str, folder: int) -> None:
        """Remove an empty folder."""
        os.rmdir(name, dir_fd=folder)

    def set_mode(self, descriptor: int, mode: int) -> None:
        """Set the permission bits."""
        os.fchmod(descriptor, mode)

    def set_owner(self, descriptor: int, user: int, group: int) -> None:
        """Set user and group."""
        os.fchown(descriptor, user, group)

    def set_modified(self, descriptor: int, modified_ns: int) -> None:
        """Set the time of the last change, and that of the last access with it."""
        os.utime(descriptor, ns=(modified_ns, modified_ns))

    def copy_extended(self, source: int, destination: int) -> None:
        """Copy extended attributes and access lists between two open files."""
        copy_extended(source, destination)


system = FileSystem()


class Found(NamedTuple):
    """A regular file as it was read: its bytes, and what identifies this very state of it."""

    data: bytes
    status: os.stat_result

    @property
    def identity(self) -> tuple[int, ...]:
        """Differs as soon as the file is written, replaced, or changed in owner or mode."""
        return identity_of(self.status)


class NotAFileError(OSError):
    """Something is there, and it is no regular file."""


class TooLargeError(OSError):
    """The file is larger than any that keychange reads, so it is none that keychange wrote."""


class Tree:
    """The files below one root, reached folder by folder without ever following a link.

    Paths are relative to the root, with forward slashes, resolved before: a component that has
    become a link since is an ``OSError``, so nothing outside the root can be reached.
    """

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root)

    def absolute(self, path: str) -> str:
        """The path for calls that take no descriptor."""
        return f"{self.root.rstrip('/')}/{path}" if path else self.root

    @contextlib.contextmanager
    def folder(self, path: str) -> Iterator[int]:
        """A descriptor of the folder ``path``, open for the length of the block."""
        with self.walk() as walk:
            yield walk.to(path)

    @contextlib.contextmanager
    def walk(self) -> Iterator[Walk]:
        """A walk through folders for the length of the block; it begins at the root."""
        walk = Walk(self.root)
        try:
            yield walk
        finally:
            walk.close()

    def read(self, path: str) -> Found | None:
        """The file, None where there is none, its folders included.

        Raises:
            NotAFileError: a folder, link, FIFO, socket or device is there.
            TooLargeError: it is not read.
            OSError: it cannot be read, or a folder of the path is none.
        """
        folder, name = split(path)
        try:
            with self.folder(folder) as descriptor:
                return read(name, descriptor)
        except FileNotFoundError:
            return None


class Walk:
    """A way through the folders of a tree: those that two paths in a row share are opened once.

    Whoever moves a folder that is being walked moves what is written into it along.
    """

    def __init__(self, root: str) -> None:
        self._parts: list[str] = []
        self._descriptors = [os.open(root, _FOLDER)]

    def to(self, path: str) -> int:
        """A descriptor of the folder ``path``, open until the walk goes on or ends."""
        parts = path.split("/") if path else []
        shared = 0
        for part, other in zip(parts, self._parts, strict=False):
            if part != other:
                break
            shared += 1
        self._leave(shared)
        for part in parts[shared:]:
            self._descriptors.append(_enter(part, self._descriptors[-1]))
            self._parts.append(part)
        return self._descriptors[-1]

    def close(self) -> None:
        """End the walk."""
        self._leave(-1)

    def _leave(self, depth: int) -> None:
        while len(self._descriptors) > depth + 1:
            os.close(self._descriptors.pop())
        del self._parts[max(depth, 0) :]


def _enter(name: str, folder: int) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError as problem:
        if problem.errno == errno.ELOOP:  # what macOS says of a link, where Linux says ENOTDIR
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name) from problem
        raise


def split(path: str) -> tuple[str, str]:
    """The folder and the name of a path."""
    folder, _, name = path.rpartition("/")
    return folder, name


def identity_of(status: os.stat_result) -> tuple[int, ...]:
    """What differs as soon as a file is written, replaced, or changed in owner or mode."""
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def identity(name: str, folder: int) -> tuple[int, ...] | None:
    """The identity of what a name stands for right now, None where it stands for nothing."""
    try:
        return identity_of(os.stat(name, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return None


def read(name: str, folder: int) -> Found:
    """A regular file in a folder; nothing else is opened, so that no FIFO can hang the program."""
    if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise NotAFileError(errno.EINVAL, "not a regular file", name)
    descriptor = os.open(name, READ, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotAFileError(errno.EINVAL, "not a regular file", name)
        if status.st_size > MAXIMUM_BYTES:
            raise TooLargeError(errno.EFBIG, os.strerror(errno.EFBIG), name)
        return Found(file.read(), status)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte, however many calls it takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[system.write(descriptor, rest) :]


def overwrite(name: str, folder: int, data: bytes) -> None:
    """Write a file in place and flush it: it stays the same file for every other link to it."""
    descriptor = open_to_overwrite(name, folder)
    try:
        write_all(descriptor, data)
        system.truncate(descriptor, len(data))
        system.flush(descriptor)
    finally:
        os.close(descriptor)


def flush(name: str, folder: int) -> None:
    """Flush a file that may have been written by a process that was killed then."""
    descriptor = os.open(name, READ, dir_fd=folder)
    try:
        system.flush(descriptor)
    finally:
        os.close(descriptor)


def open_to_overwrite(name: str, folder: int) -> int:
    """A descriptor for writing that changes nothing yet: the system says whether it may."""
    return os.open(name, _OVERWRITE, dir_fd=folder)


def create(name: str, folder: int, data: bytes) -> int:
    """The descriptor of a new file that only its owner can read, not yet flushed."""
    descriptor = system.create(name, folder, 0o600)
    try:
        write_all(descriptor, data)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
