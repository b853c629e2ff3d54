"""Room of power cuts: whatever the disk has kept of a run, the next command finds old or new."""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

from keychange.errors import RollbackError, RolledBackError
from keychange.restoring import keep_aside
from keychange.transaction.journal import Journal
from keychange.transaction.lock import lock
from keychange.transaction.preflight import FileWrite
from keychange.transaction.recovery import recover
from support.disk import Barrier, Disk, Flush, Named, listing, walked
from support.faults import LEDGER, injected, quick_folder, run, snapshot
from support.power import CAME_BACK, DRAWS, Judge, Power, Untold, put

FILES = {
    ".env": (b"TOKEN=s\n", b"TOKEN=s\nMODEL=new\n"),
    "config/run.json": (b'{"model": "old"}\n', b'{"model": "a longer new one"}\n'),
    "nest/fresh/deep/one": (None, b"made one"),
    "nest/fresh/deep/two": (None, b"made two"),
    "hard-1": (b"in place: old, and longer\n", b"in place: new\n"),
    "link": (b"old end", b"new end"),
    "removed/gone": (b"removed", None),
}
MODES = {".env": 0o600, "config/run.json": 0o755}
LEDGERS = b'{"applied": []}', b'{"applied": ["0001"]}'


def build(root: Path, *, ledger: bool = True) -> None:
    """A project with a file of every sort."""
    for path, (old, _) in FILES.items():
        if old is not None:
            file = root / ("linked/real" if path == "link" else path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(old)
            file.chmod(MODES.get(path, 0o644))
    (root / "link").symlink_to("linked/real")
    (root / "removed/bystander").write_bytes(b"")
    (root / "nest").mkdir()
    os.link(root / "hard-1", root / "hard-2")
    if ledger:
        with injected(Untold()):
            run(root, [], FileWrite(LEDGER, None, LEDGERS[0], mode=0o600))


def up(root: Path, ledger: bytes | None = LEDGERS[0]) -> None:
    writes = [FileWrite(path, *pair) for path, pair in FILES.items()]
    run(root, writes, FileWrite(LEDGER, ledger, LEDGERS[1], mode=0o600))


def down(root: Path) -> None:
    writes = [FileWrite(path, *pair[::-1]) for path, pair in FILES.items()]
    run(root, writes, FileWrite(LEDGER, *LEDGERS[::-1]))


class Failing(Power):
    """Fails once; ``failed`` is after how many events."""

    failed = 0

    def fail(self):
        self.failed = len(self.events)
        raise OSError(errno.EIO, os.strerror(errno.EIO))


class Unwritten(Failing):
    """Cannot write the ledger, the last file: everything is undone."""

    def replace(self, source, destination, folder):
        if destination == "ledger.json" and not self.failed:
            self.fail()
        super().replace(source, destination, folder)


class Unmarked(Failing):
    """Cannot flush the mark of the commit: it is taken back, and everything is undone."""

    def flush(self, descriptor):
        if isinstance(self.events[-1], Named) and self.events[-1].name == "committed":
            self.fail()
        super().flush(descriptor)


class Undecided(Failing):
    """Can neither flush the mark nor that it was taken back: it stays."""

    def flush(self, descriptor):
        last = self.events[-1]
        if isinstance(last, Named) and "committed" in (last.name, last.instead_of):
            self.fail()
        super().flush(descriptor)


KINDS = {"unwritten": Unwritten, "unmarked": Unmarked, "undecided": Undecided}


class Course(NamedTuple):
    """What was recorded of a run, what the caller was told, and the judge of what is left."""

    power: Power
    promised: str
    judge: Judge

    @property
    def since(self) -> int:
        """After how many events it is no longer as in ``up``."""
        return self.power.failed if isinstance(self.power, Failing) else 0


def new(identifier, folders, entries) -> Journal:
    return Journal(identifier, "2026-01-01T00:00:00+00:00", tuple(folders), tuple(entries))


def recorded(power: Power, action: Callable[[], None]) -> str:
    """Let it run; says what the caller is told, which may be that it is not known."""
    told = "new"
    # Runs that are alike then leave states that are alike, and each of those is tried once.
    with injected(power), mock.patch("os.urandom", bytes), mock.patch.object(Journal, "new", new):
        try:
            action()
        except RolledBackError:
            told = "old"
        except RollbackError as problem:
            assert [each.code for each in problem.diagnostics] == ["commit-unconfirmed"]
            return "unknown"
    power.told = len(power.events)
    return told


def play(folder: Path, name: str, *, cached: bool) -> Course:
    root, judging, other = (folder / each for each in ("root", "judging", "other"))
    for each in (root, judging, other):
        each.mkdir()
    ledger = None if name == "first" else LEDGERS[0]
    for each in (root, other):
        build(each, ledger=ledger is not None)
    before = snapshot(root)
    with injected(Untold()):
        up(other, ledger)
    after = snapshot(other)
    power = KINDS.get(name, Power).on(root, cached=cached)
    told = recorded(power, lambda: up(root, ledger))
    if name == "down":
        # The disk may still not be certain of how the run before ended.
        *_, disk = power.disks()
        power = Power(disk, power.numbers)
        folders = {each: after[each] for each in ("nest/fresh", "nest/fresh/deep")}
        before, after = after, before | folders
        told = recorded(power, lambda: down(root))
    assert told == "unknown" or snapshot(root) == (before if told == "old" else after)
    return Course(power, told, Judge(judging, before, after))


@pytest.fixture
def quick(tmp_path):
    with quick_folder(tmp_path) as folder:
        yield folder


DISKS = pytest.mark.parametrize("cached", [False, True], ids=["linux", "macos"])


@DISKS
@pytest.mark.parametrize("name", ["first", "up", "down", *KINDS])
def test_power_cut_after_every_call(quick, name, cached):
    course = play(quick, name, cached=cached)
    power, judge = course.power, course.judge
    assert course.promised == {"unwritten": "old", "unmarked": "old", "undecided": "unknown"}.get(
        name, "new"
    )
    # A disk with a cache of its own leaves whatever another leaves, and more.
    each = cached or DRAWS > 1
    assert list(judge.losing(power, course.promised, since=course.since, each=each)) == []
    assert judge.tried >= (3 if name == "undecided" else 250 if each else 50)


def recovering(root: Path) -> None:
    with lock(root):
        recover(root)


def next_command(
    course: Course, start: Disk, action: Callable[[Path], None] = recovering
) -> tuple[Power, str]:
    """What it does in a folder that has what the system shows of the disk, and where it ends."""
    root = course.judge.folder / "next"
    root.mkdir()
    power = Power(start, put(start.shown(), root))
    recorded(power, lambda: action(root))
    shown = {"old": course.judge.old, "new": course.judge.new}
    (end,) = (name for name, state in shown.items() if snapshot(root) == state)
    shutil.rmtree(root)
    return power, end


def before_flushes(course: Course) -> Iterator[Disk]:
    """The disk after each call but a flush, which shows nothing else and makes more certain."""
    events = [None, *course.power.events]
    for number, (event, disk) in enumerate(zip(events, course.power.disks(), strict=True)):
        if number >= course.since and not isinstance(event, Flush | Barrier):
            yield disk


def left_by_cuts(course: Course) -> Iterator[Disk]:
    """States that a power cut leaves: one of each cut, of every sort in turn; or all there are."""
    turn = itertools.count()
    seen = set()
    for disk in before_flushes(course):
        states = [disk.after(fates) for fates in disk.cuts(each=False)]
        for nodes in states if DRAWS > 1 else [states[next(turn) % len(states)]]:
            if (key := listing(nodes)) not in seen:
                seen.add(key)
                yield Disk(nodes, cached=disk.cached)


def killed(course: Course) -> Iterator[Disk]:
    """What a killed process leaves: the system shows what the disk may not have."""
    for disk in before_flushes(course):
        yield disk.copy()


@pytest.mark.parametrize("ended", [left_by_cuts, killed])
@pytest.mark.parametrize(
    ("name", "cached"), [("up", False), ("unwritten", True)], ids=["up-linux", "unwritten-macos"]
)
def test_power_cut_after_every_call_of_the_recovery(quick, name, cached, ended):
    course = play(quick, name, cached=cached)
    ends = set()
    for start in ended(course):
        power, end = next_command(course, start)
        losing = [*course.judge.losing(power, end, each=False)]
        # One that was killed after its last step left nothing to see, and nothing to flush.
        assert [each for each in losing if ended is not killed or each.problem != CAME_BACK] == []
        ends.add(end)
    assert ends == ({"old"} if name in KINDS else {"old", "new"})


def test_power_cut_after_a_first_run_was_killed(quick):
    """The folders that it made are there, and nobody has flushed them."""
    course = play(quick, "first", cached=False)
    prepared = next(n for n, disk in enumerate(course.power.disks()) if "prepared" in names(disk))
    for start in itertools.islice(killed(course), prepared):
        if start.pending and isinstance(start.pending[-1], Named):
            power, end = next_command(course, start, lambda root: up(root, None))
            assert end == "new"
            losing = [*course.judge.losing(power, "new", each=False)]
            assert [e for e in losing if not e.problem.startswith("git would take")] == []


def names(disk: Disk) -> set[str]:
    return {path.rpartition("/")[2] for path, _ in walked(disk.shown())}


FLUSHED_ALL_THE_SAME = {
    ("first", False): {},
    ("unwritten", False): {
        (".keychange/.keychange-ID-7", 0): "it never gets its name",
        ("hard-1", 0): "it is overwritten once more",
    },
    ("up", True): {},
}
"""Flushes on which no state of a course rests, by path and turn, and why they are there."""


@pytest.mark.parametrize(("name", "cached"), FLUSHED_ALL_THE_SAME)
def test_each_flush_is_needed(quick, name, cached):
    """Left out, any one of them, there are states from which nobody comes back."""
    course = play(quick, name, cached=cached)
    turns = Counter()
    needless = []
    wanted = Barrier if cached else Flush
    for number, disk in enumerate(course.power.disks()):
        event = course.power.events[number] if number < len(course.power.events) else None
        if not isinstance(event, wanted):
            continue
        path = "" if cached else next(p for p, n in walked(disk.shown()) if n == event.node)
        path = re.sub("[0-9a-f]{16}", "ID", path)
        losing = itertools.chain.from_iterable(
            course.judge.losing(
                course.power, course.promised, since=number + 1, omitted=number, each=each
            )
            for each in (False, True)
        )
        if next(losing, None) is None:
            needless.append((path, turns[path]))
        turns[path] += 1
    assert needless == list(FLUSHED_ALL_THE_SAME[name, cached])
    assert turns.total() >= (6 if cached else 20)


def test_bytes_that_are_not_restored_are_on_the_disk_before_the_journal_goes(quick):
    """The user saves a file while it is undone: what it held before is kept, at every moment."""

    class Meddled(Unwritten):
        def fail(self):
            (root / ".env").write_bytes(b"the user's")
            super().fail()

    root = quick
    build(root)
    power = Meddled.on(root, cached=True)
    with injected(power), pytest.raises(RollbackError):
        up(root)
    for disk in itertools.islice(power.disks(), power.failed, None):
        for fates in disk.cuts(each=True):
            found = listing(disk.after(fates))
            kept = [data for path, *_, data in found if path.startswith(".keychange/")]
            assert any(FILES[".env"][0] in data for data in kept)
    assert not (root / ".keychange/journal/prepared").exists()


def test_what_is_kept_aside_has_a_name_that_lasts(tmp_path):
    flushed = set()

    class Noting(Untold):
        def flush(self, descriptor):
            flushed.add(os.fstat(descriptor).st_ino)

    with injected(Noting()):
        kept = tmp_path / keep_aside(tmp_path, "deep/file", b"x")
    way = [each for each in kept.parents if each.is_relative_to(tmp_path)]
    assert len(way) == 5
    assert {each.stat().st_ino for each in way} <= flushed
