"""Room of the transaction's bad days: every single call that writes fails, or is the last one."""

from __future__ import annotations

import errno
import itertools
import signal

import pytest

from keychange.errors import RefusedError, RollbackError, RolledBackError
from keychange.interruption import Interrupted
from keychange.transaction.lock import lock
from keychange.transaction.recovery import recover
from keychange.transaction.stages import pending_recovery
from support.faults import (
    ERRORS,
    KILLS,
    Faults,
    failing,
    in_child,
    injected,
    killed,
    leftovers,
    quick_folder,
    signalled,
    snapshot,
    was_killed,
)
from support.scene import Scene

DIRECTIONS = ("up", "down")


@pytest.fixture
def quick(tmp_path):
    with quick_folder(tmp_path) as folder:
        yield folder


@pytest.fixture
def scene(quick):
    scene = Scene(quick, replaced=6)  # whole verbs write more: see test_verb_faults
    scene.build()
    return scene


class Course:
    """One direction of a scene, whole at either end, with the calls of an undisturbed run."""

    def __init__(self, scene: Scene, direction: str) -> None:
        self.root = scene.root
        if direction == "down":
            scene.up()
            self.act, self.back = scene.down, scene.up
        else:
            self.act, self.back = scene.up, scene.down
        self.old = snapshot(self.root)
        undisturbed = Faults()
        with injected(undisturbed):
            self.act()
        self.calls = undisturbed.calls
        self.new = snapshot(self.root)
        self.reset(self.new)

    def reset(self, state) -> None:
        """Whatever the ending was, the next run begins at the old state."""
        if state == self.old:
            return
        with injected(Faults()):
            self.back()
        if "made/by" not in self.old:  # removing files leaves their folder: it may be the user's
            (self.root / "made/by").rmdir()
        assert snapshot(self.root) == self.old

    def recovered(self):
        with injected(Faults()), lock(self.root):
            recovery = recover(self.root)
        assert list((self.root / ".keychange/journal").iterdir()) == []
        assert not pending_recovery(self.root)
        return recovery


def test_scene_makes_every_sort_of_call(scene):
    course = Course(scene, "up")
    assert {call.name for call in course.calls} >= {"create", "write", "flush", "replace", "unlink"}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("kill", KILLS)
def test_killed_at_every_call(scene, direction, kill):
    course = Course(scene, direction)
    endings = set()
    for at, call in enumerate(course.calls):
        if kill == "killed-halfway" and call.name != "write":
            continue
        faults = Faults(at, KILLS[kill])
        with injected(faults):
            assert was_killed(in_child(course.act)), call
        recovery = course.recovered()
        state = snapshot(course.root)
        assert state in (course.old, course.new), call
        if recovery:
            assert (recovery.ending == "completed") == (state == course.new), call
        endings.add((recovery and recovery.ending, state == course.new))
        course.reset(state)
    if kill == "killed":
        assert endings == {
            (None, False),
            ("rolled-back", False),
            ("completed", True),
            (None, True),
        }


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("fault", ERRORS)
def test_error_at_every_call(scene, direction, fault):
    course = Course(scene, direction)
    endings = set()
    for at, call in enumerate(course.calls):
        ending = None
        with injected(Faults(at, ERRORS[fault])):
            try:
                course.act()
            except (RefusedError, RolledBackError) as problem:
                ending = type(problem)
                assert all(each.code and each.hint for each in problem.diagnostics), call
        if ending is RefusedError:
            assert not pending_recovery(course.root), call
        course.recovered()
        state = snapshot(course.root)
        assert state == (course.old if ending else course.new), call
        endings.add(ending)
        course.reset(state)
    assert endings == {RefusedError, RolledBackError, None}


@pytest.mark.parametrize(
    ("number", "every"), [(signal.SIGINT, 1), (signal.SIGTERM, 20), (signal.SIGHUP, 20)]
)
def test_signal_at_every_call(scene, number, every):
    course = Course(scene, "up")
    first = next(i for i, c in enumerate(course.calls) if c.name == "create")
    last = max(i for i, c in enumerate(course.calls) if "committed" in c.arguments)
    endings = set()
    for at in (*range(first, last, every), last):
        with injected(Faults(at, signalled(number))), pytest.raises(Interrupted) as caught:
            course.act()
        assert caught.value.signal_number == number
        state = snapshot(course.root)
        assert state == (course.new if caught.value.committed else course.old)
        endings.add(caught.value.committed)
        course.reset(state)
    assert leftovers(course.root) == []
    assert endings == {True, False}


class Twice(Faults):
    """Fails one call for good, as a disk does that is full, then a second one in the undoing."""

    def __init__(self, first: int, second: int, fault) -> None:
        super().__init__()
        self.first = first
        self.second = second
        self.second_fault = fault
        self.fault = self._either
        self.at = first

    def _either(self, call) -> None:
        if self.at == self.first:
            self.at = self.second
            raise OSError(errno.ENOSPC, "No space left on device")
        self.second_fault(call)


@pytest.fixture
def small(quick):
    scene = Scene(quick, replaced=4)
    scene.build()
    return Course(scene, "up")


def late(course: Course) -> int:
    """The call that replaces the ledger, the last of the files."""
    return next(
        i
        for i, call in enumerate(course.calls)
        if call.name == "replace" and "ledger.json" in call.arguments
    )


def undoing(course: Course) -> range:
    """The numbers of all calls of the undoing after a failure at ``late``."""
    first = late(course)
    faults = Faults(first, failing(errno.ENOSPC))
    with injected(faults), pytest.raises(RolledBackError):
        course.act()
    return range(first + 1, len(faults.calls))


def test_killed_at_every_call_of_the_undoing(small):
    for second in undoing(small):
        with injected(Twice(late(small), second, killed)):
            assert was_killed(in_child(small.act))
        small.recovered()
        assert snapshot(small.root) == small.old


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_error_at_every_call_of_the_undoing(small, code):
    endings = set()
    for second in undoing(small):
        faults = Twice(late(small), second, failing(code))
        with injected(faults):
            try:
                small.act()
            except (RolledBackError, RollbackError) as problem:
                ending = problem
        state = snapshot(small.root)
        if isinstance(ending, RolledBackError):
            assert state == small.old
        else:
            for path in state.keys() | small.old.keys():
                if state.get(path) != small.old.get(path):
                    assert_named(small, path, ending)
        endings.add(type(ending))
        small.recovered()
        assert snapshot(small.root) == small.old
    assert endings == {RolledBackError, RollbackError}


def assert_named(course: Course, path: str, problem: RollbackError) -> None:
    """The error names each file that is not what it was, and a backup that exists."""
    kind, _, data = course.old.get(path, ("none", 0, b""))
    if not kind.startswith("file"):
        return
    backups = [
        word.rstrip(";,")
        for each in problem.diagnostics
        for word in each.message.split()
        if word.startswith(".keychange/")
    ]
    contents = [(course.root / backup).read_bytes() for backup in backups]
    assert any(data in each for each in contents), (path, problem)


def test_killed_at_every_call_of_a_recovery(small):
    with injected(Faults(late(small) + 1, killed)):
        assert was_killed(in_child(small.act))

    def recovering():
        with lock(small.root):
            recover(small.root)

    for at in itertools.count():
        faults = Faults(at, killed)
        with injected(faults):
            status = in_child(recovering)
        if not was_killed(status):
            break
    assert at > 20
    small.recovered()
    assert snapshot(small.root) == small.old


def test_everything_fails_from_some_call_on(small):
    """A disk that dies: whatever keychange says then, a later recovery has it all."""

    class Dying(Faults):
        def __init__(self, at: int) -> None:
            super().__init__(at)
            self.fault = self._forever

        def _forever(self, call) -> None:
            self.at += 1
            raise OSError(errno.EIO, "Input/output error")

    for at in range(len(small.calls)):
        try:
            with injected(Dying(at)):
                small.act()
        except (RefusedError, RolledBackError):
            assert snapshot(small.root) == small.old
        except RollbackError as problem:
            assert problem.diagnostics
        small.recovered()
        small.reset(snapshot(small.root))
