"""Room of power cuts: the calls of a run as a disk sees them, and each state that a cut leaves."""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from keychange.errors import KeychangeError
from keychange.transaction import files
from keychange.transaction.files import FileSystem
from keychange.transaction.lock import lock
from keychange.transaction.recovery import recover
from support.disk import (
    ROOT,
    Barrier,
    Cut,
    Disk,
    Event,
    Flush,
    Moded,
    Named,
    Node,
    Nodes,
    Removed,
    Written,
    listing,
    walked,
)
from support.faults import Snapshot, injected, leftovers, snapshot

DRAWS = int(os.environ.get("KEYCHANGE_POWER", "1"))
"""States drawn at random at each cut, beside those that are chosen."""

CAME_BACK = "the journal came back"

Numbers = dict[tuple[int, int], int]
"""The nodes of a model by device and number of the real ones."""


class Untold(FileSystem):
    """The real calls, except that no disk is waited for."""

    flushers = 1

    def flush(self, descriptor):
        pass

    def barrier(self, descriptor):
        pass


class Power(Untold):
    """Makes the calls in a folder, and keeps what the disk below would know of them.

    ``told`` is after how many events the caller was told how it ended.
    """

    def __init__(self, start: Disk, numbers: Numbers) -> None:
        self.start = start
        self.numbers = numbers
        self.nodes = dict(start.nodes)
        self.events: list[Event] = []
        self.told: int | None = None

    @classmethod
    def on(cls, root: Path, *, cached: bool = False) -> Power:
        """Over a folder of which everything is certain."""
        numbers: Numbers = {}
        nodes = _scanned(root, numbers)
        return cls(Disk(nodes, cached=cached), numbers)

    def disks(self, omitted: int | None = None) -> Iterator[Disk]:
        """The disk before the first event and after each; one flush may be left out."""
        disk = self.start.copy()
        disk.nodes = {**self.nodes, **disk.nodes}
        yield disk
        for number, event in enumerate(self.events):
            if number != omitted:
                disk.take(event)
            yield disk

    def create(self, name, folder, mode):
        descriptor = super().create(name, folder, mode)
        self._made(name, folder, "file")
        return descriptor

    def open_or_create(self, name, folder):
        new = files.identity(name, folder) is None
        descriptor = super().open_or_create(name, folder)
        if new:
            self._made(name, folder, "file")
        return descriptor

    def make_folder(self, name, folder, mode):
        super().make_folder(name, folder, mode)
        self._made(name, folder, "folder")

    def write(self, descriptor, data):
        at = os.lseek(descriptor, 0, os.SEEK_CUR)
        written = super().write(descriptor, data)
        self.events.append(Written(self._number(descriptor), at, bytes(data[:written])))
        return written

    def truncate(self, descriptor, size):
        super().truncate(descriptor, size)
        self.events.append(Cut(self._number(descriptor), size))

    def set_mode(self, descriptor, mode):
        super().set_mode(descriptor, mode)
        self.events.append(Moded(self._number(descriptor), mode))

    def replace(self, source, destination, folder):
        moved = self.numbers[_key(os.stat(source, dir_fd=folder, follow_symlinks=False))]
        super().replace(source, destination, folder)
        self.events.append(Named(self._number(folder), destination, moved, source))

    def unlink(self, name, folder):
        super().unlink(name, folder)
        self.events.append(Removed(self._number(folder), name))

    def remove_folder(self, name, folder):
        super().remove_folder(name, folder)
        self.events.append(Removed(self._number(folder), name))

    def flush(self, descriptor):
        self.events.append(Flush(self._number(descriptor)))

    def barrier(self, descriptor):
        self.events.append(Barrier())

    def _number(self, descriptor: int) -> int:
        return self.numbers[_key(os.fstat(descriptor))]

    def _made(self, name: str, folder: int, kind: str) -> None:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        number = len(self.nodes)
        self.numbers[_key(status)] = number
        self.nodes[number] = Node(kind, stat.S_IMODE(status.st_mode))
        self.events.append(Named(self._number(folder), name, number))


def _key(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _scanned(root: Path, numbers: Numbers) -> Nodes:
    nodes: Nodes = {}

    def scan(path: Path) -> int:
        status = path.lstat()
        number = numbers.setdefault(_key(status), len(numbers))
        mode = stat.S_IMODE(status.st_mode)
        if path.is_symlink():
            nodes[number] = Node("link", mode, os.fsencode(path.readlink()))
        elif path.is_dir():
            nodes[number] = Node(
                "folder", mode, names={each.name: scan(each) for each in sorted(path.iterdir())}
            )
        else:
            nodes[number] = Node("file", mode, path.read_bytes())
        return number

    assert scan(root) == ROOT
    return nodes


def put(nodes: Nodes, root: Path) -> Numbers:
    """Make in an empty folder what can be reached on a disk."""
    numbers: Numbers = {}
    made: dict[int, Path] = {}
    for path, number in walked(nodes):
        place = root / path
        node = nodes[number]
        if number in made:
            place.hardlink_to(made[number])
            continue
        made[number] = place
        if node.kind == "link":
            place.symlink_to(os.fsdecode(node.data))
        elif node.kind == "file":
            place.write_bytes(node.data)
            place.chmod(node.mode)
            os.utime(place, (0, 0))
        else:
            place.mkdir(exist_ok=number == ROOT)
            place.chmod(node.mode)
        numbers[_key(place.lstat())] = number
    return numbers


class Losing(NamedTuple):
    """A state from which the next command does not come back as it must.

    ``event`` says after how many events the power was cut, ``last`` is the last of them, and
    ``fates`` are those of the changes that were not certain.
    """

    event: int
    last: Event | None
    fates: tuple[str, ...]
    problem: str


class Judge:
    """Puts a state into a folder, lets the next command recover there, and says what it found.

    Each state is tried once; ``tried`` is how many there were.
    """

    def __init__(self, folder: Path, old: Snapshot, new: Snapshot) -> None:
        self.folder = folder
        self.old = old
        self.new = new
        self._known: dict[object, str] = {}

    @property
    def tried(self) -> int:
        return len(self._known)

    def losing(
        self,
        power: Power,
        promised: str,
        *,
        since: int = 0,
        omitted: int | None = None,
        each: bool = True,
    ) -> Iterator[Losing]:
        """Each state of each cut that ends otherwise than it may, ``since`` so many events.

        Once the caller was told, it must be ``promised`` with nothing left to do; before that,
        old or new. Without ``each`` there are fewer states, and only cuts before a flush: the one
        that has all uncertain changes of those before it.
        """
        chance = random.Random(0)
        for number, disk in enumerate(power.disks(omitted)):
            following = power.events[number : number + 1]
            flushed = not following or isinstance(following[0], Flush | Barrier)
            if number < since or not (each or flushed):
                continue
            told = power.told is not None and number >= power.told
            drawn = [disk.drawn(chance) for _ in range(DRAWS if each else 0)]
            for fates in (*disk.cuts(each=each), *drawn):
                outcome = self._outcome(disk.after(fates), disk if told else None)
                if outcome != promised and (told or outcome not in ("old", "new")):
                    last = power.events[number - 1] if number else None
                    yield Losing(number, last, disk.described(fates), outcome)

    def _outcome(self, nodes: Nodes, ended: Disk | None) -> str:
        """``old`` or ``new``; or else a sentence that says what is wrong."""
        key = tuple(each for each in listing(nodes) if each[0] != ".keychange/lock")
        if key not in self._known:
            root = self.folder / "state"
            root.mkdir()
            put(nodes, root)
            self._known[key] = _unignored(root) or self._recovered(root)
            shutil.rmtree(root)
        if ended and any(_came_back(path, ended) for path, *_ in key):
            return CAME_BACK
        return self._known[key]

    def _recovered(self, root: Path) -> str:
        with injected(Untold()):
            try:
                with lock(root):
                    recover(root)
                    again = recover(root)
            except KeychangeError as problem:
                return "; ".join(each.message for each in problem.diagnostics)
        if again:
            return f"it recovers again: {again}"
        found = snapshot(root)
        state = root / ".keychange"
        left = leftovers(root) + [str(each) for each in state.glob("journal/*")]
        if left:
            return f"left over: {left}"
        if (state / ".gitignore").read_bytes().strip(b"\0\n") != b"*":
            return "git is not told to ignore"
        if found in (self.old, self.new):
            return "old" if found == self.old else "new"
        paths = self.new.keys() | self.old.keys() | found.keys()
        differing = [path for path in paths if found.get(path) != self.new.get(path)]
        return f"neither old nor new: {sorted(differing)} differ from the new"


def _came_back(path: str, ended: Disk) -> bool:
    """Whether it is a journal that was removed, and may not be there again.

    On a disk with a cache of its own one that undoes nothing may, for the next command removes it.
    """
    folder, _, name = path.rpartition("/")
    return folder == ".keychange/journal" and (name == "prepared" or not ended.cached)


def _unignored(root: Path) -> str:
    """Bytes of the project that git would take in before the next command has come."""
    state = root / ".keychange"
    ignored = state / ".gitignore"
    if ignored.exists() and ignored.read_bytes().startswith(b"*"):
        return ""
    exposed = [each for each in state.glob("journal/*") if each.stat().st_size]
    return f"git would take {exposed}" if exposed else ""
