"""Room of recorded commands: a project on a recorded disk, and what commands ask of that disk."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "engine")]

from file_systems import VALUES, ended, project, run  # noqa: E402 - path first
from recorded_disk import Cut, Entry, Image, cuts, entries, plugged_in  # noqa: E402 - path first

from support import workspace  # noqa: E402 - path first
from support.history import declare, migration, write  # noqa: E402 - path first
from support.workspace import File, changed, files  # noqa: E402 - path first

REPLACED: Final = 20
IN_PLACE: Final = 4
Sides = Mapping[str, Mapping[str, File]]
"""The files of the project, ``old`` and ``new``."""


class Kind(NamedTuple):
    """A file system: how it is made and mounted."""

    system: str
    megabytes: int
    options: str = "loop"


KINDS: Final = {
    "ext4": Kind("ext4", 32),
    "ext4-writeback": Kind("ext4", 32, "loop,data=writeback"),
    "ext4-noauto_da_alloc": Kind("ext4", 32, "loop,noauto_da_alloc"),
    "xfs": Kind("xfs", 320),
    # A file mounted as a disk says that it rotates, and then btrfs waits for it to come round.
    "btrfs": Kind("btrfs", 128, "loop,ssd"),
}


class NotMountedError(Exception):
    """The kernel refuses what a cut left of the file system."""


@dataclass
class Disk:
    """A mounted disk; ``entries`` is whole once it is no longer mounted."""

    root: Path
    record: Path
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class Recording:
    """What a command asked of a disk, from ``began`` to ``ended``, and on which side it ended."""

    image: Image
    entries: Sequence[Entry]
    began: int
    ended: int
    sides: Sides
    last: str

    @property
    def after(self) -> Image:
        return self.image.after(filter(None, self.entries))

    def cuts(self, count: int, chance: random.Random) -> list[Cut]:
        return cuts(self.image, self.entries, self.began, count, chance)


@contextlib.contextmanager
def mounted(kind: Kind, image: Image) -> Iterator[Disk]:
    with tempfile.TemporaryDirectory() as folder, plugged_in(image, Path(folder)) as (file, record):
        where = Path(folder) / "mounted"
        where.mkdir()
        words = ["mount", "-t", kind.system, "-o", kind.options, str(file), str(where)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotMountedError(done.stderr.partition("\n")[0].rpartition(": ")[2])
        disk = Disk(where / "project", record)
        try:
            yield disk
        finally:
            run("umount", where)
            disk.entries = entries(record)


def prepared(folder: Path) -> Path:
    """A project of which files are replaced, made in folders to come, and written in place."""
    root = project(folder, REPLACED)
    extra = "  - {env: made/here/.env, missing: create, set: {MODEL: {to: b-longer}}}\n"
    declare(root, migration("0001_one", *VALUES, extra=extra))
    for number in range(IN_PLACE):
        padding = "".join(f'  "key-{line}": "{number}",\n' for line in range(900))
        path = f"conf/in-place-{number}.json"
        write(root, path, f'{{"model": "{VALUES[0]}",\n{padding} "n": 1}}\n')
        (root / "linked").mkdir(exist_ok=True)
        (root / f"linked/{number}.json").hardlink_to(root / path)
    return root


def made(kind: Kind, folder: Path) -> Image:
    """A disk with a project on it."""
    base = folder / "base"
    with base.open("wb") as file:
        file.truncate(kind.megabytes << 20)
    run(f"mkfs.{kind.system}", "-q", base)
    with mounted(kind, Image(base)) as disk:
        prepared(disk.root.parent)
    return Image(base).after(filter(None, disk.entries))


def flush(path: Path) -> None:
    held = os.open(path, os.O_RDONLY)
    os.fsync(held)
    os.close(held)


@contextlib.contextmanager
def company(folder: Path) -> Iterator[None]:
    """Another program that makes the file system write what it holds, again and again."""
    held, over = os.open(folder, os.O_RDONLY), threading.Event()
    system = ctypes.CDLL(None)

    def work() -> None:
        while not over.wait(0.001):
            system.syncfs(held)

    busy = threading.Thread(target=work)
    busy.start()
    try:
        yield
    finally:
        over.set()
        busy.join()
        os.close(held)


def record(
    kind: Kind, image: Image, sides: Sides, verb: str, program: Sequence[str], *, busy: bool
) -> Recording:
    """Run a command on a disk; once it has ended, the file system writes what it still held."""
    words = [verb, "--yes"] if verb in ("up", "down") else [verb]
    with mounted(kind, image) as disk:
        flush(disk.root)
        began = len(entries(disk.record))
        beside = company(disk.root) if busy else contextlib.nullcontext()
        with beside, mock.patch.object(workspace, "MIGRATE", program):
            assert (found := ended(disk.root, *words)) == (0, set()), found
            done = len(entries(disk.record))
        now = files(disk.root)
    last = next(name for name, each in sides.items() if not changed(each, now))
    return Recording(image, tuple(disk.entries), began, done, sides, last)


def recordings(kind: Kind, image: Image, program: Sequence[str]) -> Iterator[tuple[str, Recording]]:
    with mounted(kind, image) as disk:
        old = files(disk.root)
        assert ended(disk.root, "up", "--yes") == (0, set())
        sides = {"old": old, "new": files(disk.root)}
    up = record(kind, image, sides, "up", workspace.MIGRATE, busy=False)
    checked = record(kind, up.after, sides, "check", workspace.MIGRATE, busy=False)
    disks = {
        "up": image,
        "check": up.after,
        "down": checked.after,
        "recover": interrupted(kind, up),
    }
    for busy in (False, True):
        for verb, before in disks.items():
            name = f"{verb}, in company" if busy else verb
            yield name, record(kind, before, sides, verb, program, busy=busy)


def interrupted(kind: Kind, recording: Recording) -> Image:
    """The disk after the last flush at which the command could still be undone."""
    for at in range(recording.ended, recording.began, -1):
        if recording.entries[at - 1] is None:
            image = recording.image.after(filter(None, recording.entries[:at]))
            with mounted(kind, image) as disk:
                if (disk.root / ".keychange/journal/prepared").exists():
                    assert changed(recording.sides["old"], files(disk.root))
                    return image
    raise AssertionError("there is no such moment")


def keeps_what_is_flushed(kind: Kind, image: Image) -> None:
    """The record itself is right: a flushed file outlives a cut, and one that is not does not."""
    with mounted(kind, image) as disk:
        write(disk.root, "flushed", "flushed" * 2000)
        flush(disk.root / "flushed")
        flush(disk.root)
        write(disk.root, "not-flushed", "lost")
        asked = entries(disk.record)
    assert asked[-1] is None, "a flush of the file system is none of the disk"
    with mounted(kind, image.after(filter(None, asked))) as disk:
        assert (disk.root / "flushed").read_text() == "flushed" * 2000
        assert not (disk.root / "not-flushed").exists()
