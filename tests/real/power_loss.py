"""Room of power cuts: the power goes at any moment of a command, on real file systems, as root.

sudo python tests/real/power_loss.py [--cuts N] [--seed N] [--without-flushes] [FILE SYSTEM ...]

A project lies on a disk whose writes and flushes are recorded (`recorded_disk`) while `up`,
`check`, `down` and the recovery of a cut `up` run on it, each once alone and once beside a program
that makes the file system write all the time. Then the disk is made as a cut leaves it: all that
was flushed, and of what was written since everything, nothing, or any pieces. The kernel mounts it,
and the next command must leave every file old or every file new; and once the cut one had ended, as
it said.

What the kernel refuses to mount is the file system's own matter, and counted apart.
``--without-flushes`` proves that this can fail: keychange runs without its flushes, and must lose.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import os
import random
import subprocess
import sys
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "engine")]

from file_systems import (  # noqa: E402 - path first
    VALUES,
    CannotMakeError,
    ended,
    in_own_namespace,
    project,
    run,
)
from recorded_disk import Cut, Entry, Image, cuts, entries, plugged_in  # noqa: E402 - path first

from support import workspace  # noqa: E402 - path first
from support.faults import KEPT  # noqa: E402 - path first
from support.history import codes, declare, migration, recorded, say, write  # noqa: E402 - path first
from support.workspace import File, changed, files  # noqa: E402 - path first

REPLACED: Final = 20
IN_PLACE: Final = 4
FIRST: Final = ("status", "check", "history", "plan", "recover")
"""The first command after a cut is any of these."""
WITHOUT_FLUSHES: Final = (
    sys.executable,
    "-c",
    """
from keychange.__main__ import main
from keychange.transaction.files import FileSystem
FileSystem.flush = FileSystem.barrier = lambda *of: None
main()
""",
)
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
        words = ["mount", "-t", kind.system, "-o", kind.options, file, where]
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
    extra = (
        f"  - env: made/here/.env\n    missing: create\n    set: {{MODEL: {{to: {VALUES[1]}}}}}\n"
    )
    declare(root, migration("0001_one", *VALUES, extra=extra))
    for number in range(IN_PLACE):
        padding = "".join(f'  "key-{line}": "{number}",\n' for line in range(900))
        write(
            root, f"conf/in-place-{number}.json", f'{{"model": "{VALUES[0]}",\n{padding} "n": 1}}'
        )
        (root / "linked").mkdir(exist_ok=True)
        (root / f"linked/{number}.json").hardlink_to(root / f"conf/in-place-{number}.json")
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
        for name in ("flushed", "not-flushed"):
            (disk.root / name).write_bytes(name.encode() * 2000)
            if name == "flushed":
                flush(disk.root / name)
                flush(disk.root)
        asked = entries(disk.record)
    assert asked[-1] is None, "a flush of the file system is none of the disk"
    with mounted(kind, image.after(filter(None, asked))) as disk:
        assert (disk.root / "flushed").read_bytes() == b"flushed" * 2000
        assert not (disk.root / "not-flushed").exists()


def judged(root: Path, first: str, cut: Cut, recording: Recording) -> str:
    """The side on which the project is after the next command; and that it goes on from there."""
    said = say(root, first)
    assert set(codes(said)) <= {"pending"}, (first, codes(said))
    now, sides = files(root), recording.sides
    side = next((name for name, each in sides.items() if not changed(each, now)), None)
    assert side is not None, f"neither old nor new: {sorted(changed(sides['old'], now))} differ"
    assert cut.at < recording.ended or side == recording.last, f"{side} after the command had ended"
    ours = root / ".keychange"
    if ours.exists():
        assert {each.name for each in ours.iterdir()} <= KEPT, sorted(ours.iterdir())
        assert not [*(ours / "journal").glob("*")], "a journal stayed"
    assert bool(recorded(root)) == (side == "new"), recorded(root)
    assert say(root, "check")["exit_code"] == (side == "old"), "check is wrong"
    done = say(root, "up" if side == "old" else "down", "--yes")
    assert (done["exit_code"], codes(done)) == (0, []), codes(done)
    other = sides["new" if side == "old" else "old"]
    assert not changed(other, files(root)), "it did not go on"
    return side


def apart(judge: Callable[[], str]) -> str:
    """What a function says in a process of its own: nothing is remembered from disk to disk."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            said = judge()
        except BaseException:  # noqa: BLE001 - whatever it is, it is the verdict
            said = f"LOST: {traceback.format_exc().splitlines()[-1]}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


def verdict(kind: Kind, cut: Cut, recording: Recording, first: str) -> str:
    try:
        with mounted(kind, cut.image) as disk:
            return apart(lambda: judged(disk.root, first, cut, recording))
    except NotMountedError as problem:
        return f"not mounted: {problem}"


def warm_up() -> None:
    """Import what the verdicts need, once for all of them."""
    with tempfile.TemporaryDirectory() as folder:
        root = prepared(Path(folder))
        for words in (*((each,) for each in FIRST), ("up", "--yes"), ("down", "--yes")):
            say(root, *words)
        recorded(root)
    gc.freeze()


def main() -> int:
    if (outside := in_own_namespace()) is not None:
        return outside
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", type=int, default=40, help="of each of eight recordings")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--without-flushes", action="store_true")
    parser.add_argument("kinds", nargs="*", metavar="FILE SYSTEM", help=f"of {', '.join(KINDS)}")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    print(f"seed {given.seed}")
    program = WITHOUT_FLUSHES if given.without_flushes else workspace.MIGRATE
    warm_up()
    wrong = 0
    for name in given.kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                image = made(KINDS[name], Path(folder))
            except CannotMakeError as problem:
                print(f"{name}: cannot be made here: {problem}")
                continue
            keeps_what_is_flushed(KINDS[name], image)
            lost = 0
            for what, recording in recordings(KINDS[name], image, program):
                found: Counter[str] = Counter()
                for cut in recording.cuts(given.cuts, chance):
                    first = chance.choice(FIRST)
                    said = verdict(KINDS[name], cut, recording, first)
                    sort = said.partition(":")[0]
                    if sort not in recording.sides and not found[sort]:
                        print(f"{name}, {what}, cut {cut.words}, then {first}: {said}")
                    found[sort] += 1
                lost += found["LOST"]
                flushes = recording.entries.count(None)
                asked = f"{len(recording.entries) - flushes} writes and {flushes} flushes"
                counts = ", ".join(f"{number} {sort}" for sort, number in sorted(found.items()))
                print(f"{name}, {what}: {found.total()} cuts in {asked}: {counts}", flush=True)
            wrong += bool(lost) != given.without_flushes
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
