"""Room of a recorded disk: what a kernel writes to it and flushes, in order; and what of it stayed.

One file, served to the kernel over FUSE's own protocol, lies below a loop device. Of each request
of the file system on top, the loop device makes one of that file: a write a write, a flush an
fsync, one after the other, each answered before the next. FUSE holds nothing back: neither its
write-back cache nor its page cache is on. So the record is what a disk was asked for, and when.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import random
import select
import signal
import stat
import struct
import traceback
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple

PIECES: Final = (512, 4096, 1 << 30)
"""Bytes of which a disk keeps all or none: a sector, a page, or a whole request."""
_LARGEST: Final = 128 << 10
"""Bytes of one request, at most; the kernel splits what is more."""
_DIRECT: Final = 1
_DETACH: Final = 2
_ZEROING: Final = 0x02 | 0x10
_HEAD: Final = struct.Struct("<IIQQIIIHH")
_ANSWER: Final = struct.Struct("<IiQ")
_STARTED: Final = struct.Struct("<IIIIHHIIHHI28x")
_OPENED: Final = struct.Struct("<QII")
_ATTRIBUTES: Final = struct.Struct("<QII6Q10I")
_RANGE: Final = struct.Struct("<QQI")
_WRITTEN: Final = struct.Struct("<II")
_ZEROED: Final = struct.Struct("<QQQI")
_DATA: Final = 40
"""Where the bytes of a write begin."""
_RECORD: Final = struct.Struct("<QQ")
_FLUSHED: Final = (1 << 64) - 1


class _Request(IntEnum):
    FORGET = 2
    GETATTR = 3
    OPEN = 14
    READ = 15
    WRITE = 16
    RELEASE = 18
    FSYNC = 20
    FLUSH = 25
    INIT = 26
    INTERRUPT = 36
    BATCH_FORGET = 42
    FALLOCATE = 43


_UNANSWERED: Final = {_Request.FORGET, _Request.INTERRUPT, _Request.BATCH_FORGET}


class Write(NamedTuple):
    """Bytes at a place of the disk."""

    offset: int
    data: bytes

    def pieces(self, size: int) -> Iterator[Write]:
        """In pieces of which a disk may keep one and lose the other."""
        for start in range(0, len(self.data), size):
            yield Write(self.offset + start, self.data[start : start + size])


Entry = Write | None
"""A write, or a flush: what stands before it is on the disk for good."""


class Image(NamedTuple):
    """A disk: a file that nobody changes, and what was written over it."""

    base: Path
    writes: tuple[Write, ...] = ()

    def after(self, writes: Iterable[Write]) -> Image:
        """The disk with more of what was written to it."""
        return self._replace(writes=(*self.writes, *writes))

    def memory(self) -> mmap.mmap:
        """The bytes of the disk, for this process and its children to write."""
        with self.base.open("rb") as file:
            held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        for offset, data in self.writes:
            held[offset : offset + len(data)] = data
        return held


def entries(record: Path) -> list[Entry]:
    """What a disk was asked for so far, in order; several flushes in a row are one."""
    found: list[Entry] = []
    data, position = record.read_bytes(), 0
    while position < len(data):
        offset, size = _RECORD.unpack_from(data, position)
        position += _RECORD.size
        if offset != _FLUSHED:
            found.append(Write(offset, data[position : position + size]))
        elif found[-1:] != [None]:
            found.append(None)
        position += size
    return found


class Cut(NamedTuple):
    """A disk as a cut leaves it: when the power went, in entries, and in words what it kept."""

    image: Image
    at: int
    words: str


def cuts(
    image: Image, asked: Sequence[Entry], began: int, count: int, chance: random.Random
) -> list[Cut]:
    """Different cuts: a third right after flushes, the others anywhere from ``began``.

    Of what is not flushed a disk with a cache may have written all, nothing, or any pieces.
    """
    found: dict[object, Cut] = {}
    flushes = [at + 1 for at, each in enumerate(asked) if each is None and at >= began]
    moments = chance.sample(flushes, min(len(flushes), count // 3))
    moments += [chance.randint(began, len(asked)) for _ in range(20 * count)]
    for at in moments:
        flushed = max((n + 1 for n in range(at) if asked[n] is None), default=0)
        waiting = [each for each in asked[flushed:at] if each]
        share = chance.choice((0, 1, *(chance.random() for _ in range(4))))
        size = chance.choice(PIECES)
        kept = [p for each in waiting for p in each.pieces(size) if chance.random() < share]
        left = image.after([*filter(None, asked[:flushed]), *kept])
        words = f"after {at} of {len(asked)}, {len(waiting)} not flushed, {share:.0%} of them kept"
        found.setdefault((flushed, *kept), Cut(left, at, f"{words} in pieces of {size}"))
        if len(found) == count:
            break
    return list(found.values())


@contextlib.contextmanager
def plugged_in(image: Image, folder: Path) -> Iterator[tuple[Path, Path]]:
    """The disk as a file for a loop device, and the file of its record, until the block ends."""
    disk, record = folder / "disk", folder / "record"
    disk.touch()
    record.write_bytes(b"")
    memory = image.memory()
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode={stat.S_IFREG:o},user_id=0,group_id=0"
    system = ctypes.CDLL(None, use_errno=True)
    if system.mount(b"disk", os.fsencode(disk), b"fuse", 0, options.encode()):
        problem = ctypes.get_errno()
        raise OSError(problem, os.strerror(problem), "/dev/fuse")
    if (server := os.fork()) == 0:
        failed = 1
        try:
            with record.open("ab", buffering=0) as log:
                _serve(device, memory, log.fileno())
            failed = 0
        except BaseException:  # noqa: BLE001 - whatever it is, the disk is gone
            traceback.print_exc()
        finally:
            os._exit(failed)
    os.close(device)
    memory.close()
    try:
        yield disk, record
    finally:
        system.umount2(os.fsencode(disk), _DETACH)
        ending = os.pidfd_open(server)
        if not select.select([ending], [], [], 60)[0]:
            os.kill(server, signal.SIGKILL)
        os.close(ending)
        _, failed = os.waitpid(server, 0)
        assert not failed, "the disk failed, or is still in use"


def _serve(device: int, memory: mmap.mmap, log: int) -> None:
    """Answer the kernel, one request after the other, until the disk is unplugged."""
    while True:
        try:
            request = os.read(device, _LARGEST + 4096)
        except FileNotFoundError:  # it was taken back before it was read
            continue
        except OSError as problem:
            if problem.errno in (errno.ENODEV, errno.ECONNABORTED):
                return
            raise
        _, code, unique, *_ = _HEAD.unpack_from(request)
        if code in _UNANSWERED:
            continue
        answer = _answer(code, request[_HEAD.size :], memory, log)
        wrong = -errno.ENOSYS if answer is None else 0
        answer = answer or b""
        with contextlib.suppress(FileNotFoundError):  # nobody waits for it any more
            os.write(device, _ANSWER.pack(_ANSWER.size + len(answer), wrong, unique) + answer)


def _answer(code: int, given: bytes, memory: mmap.mmap, log: int) -> bytes | None:
    """What a request comes to; None for those that there are not."""
    match code:
        case _Request.INIT:
            return _STARTED.pack(7, 31, 0, 0, 16, 12, _LARGEST, 1, 0, 0, 0)
        case _Request.GETATTR:
            size, mode = len(memory), stat.S_IFREG | 0o600
            times = (0,) * 6
            return _ATTRIBUTES.pack(60, 0, 0, 1, size, size >> 9, *times, mode, 1, 0, 0, 0, 4096, 0)
        case _Request.OPEN:
            return _OPENED.pack(0, _DIRECT, 0)
        case _Request.READ:
            _, offset, size = _RANGE.unpack_from(given)
            return memory[offset : offset + size]
        case _Request.WRITE:
            _, offset, size = _RANGE.unpack_from(given)
            _write(Write(offset, given[_DATA : _DATA + size]), memory, log)
            return _WRITTEN.pack(size, 0)
        case _Request.FALLOCATE:
            _, offset, size, mode = _ZEROED.unpack_from(given)
            if not mode & _ZEROING:
                return None
            _write(Write(offset, bytes(size)), memory, log)
            return b""
        case _Request.FSYNC:
            os.write(log, _RECORD.pack(_FLUSHED, 0))
            return b""
        case _Request.FLUSH | _Request.RELEASE:
            return b""
    return None


def _write(write: Write, memory: mmap.mmap, log: int) -> None:
    offset, data = write
    memory[offset : offset + len(data)] = data
    os.write(log, _RECORD.pack(offset, len(data)) + data)
