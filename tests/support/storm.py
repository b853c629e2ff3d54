"""Room of crowds: many verbs started at once on one project, some of them killed."""

from __future__ import annotations

import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from support.faults import leftovers, was_killed
from support.verb_scene import VerbScene, snapshot
from support.verbs import Ended, heard, migrate_here, start_here

READERS = (("plan",), ("check",), ("status",))
WRITERS = (
    ("up", "--yes"),
    ("up", "--yes", "--lock-timeout", "60"),
    ("down", "--yes", "--lock-timeout", "60"),
    ("recover", "--lock-timeout", "60"),
)
REFUSALS = ("locked", "stale-plan")
"""How a writer may be refused by another: the lock was taken, or the files have changed since."""

Start = Callable[..., int]


def storm(
    scene: VerbScene, starts: int, at_once: int, chance: random.Random, start: Start = start_here
) -> Counter[str]:
    """Start so many verbs, and judge how each ended; returns the endings by their number.

    The project must hold one of the allowed states at the end, with nothing left over.
    """
    with tempfile.TemporaryDirectory() as folder:
        crowd = _Crowd(scene, Path(folder), start)
        for number in range(starts):
            crowd.start(chance.choice(WRITERS if number % 2 else READERS))
            if number % 7 == 0 and len(crowd.running) > 1:
                os.kill(chance.choice(list(crowd.running)), signal.SIGKILL)
            crowd.reap(down_to=at_once - 1)
        crowd.reap()
    assert migrate_here(scene.root, "recover").code == 0
    scene.which(snapshot(scene.root))
    assert leftovers(scene.root) == []
    return crowd.endings


class _Crowd:
    """The verbs under way on one project, and how the others ended."""

    def __init__(self, scene: VerbScene, folder: Path, start: Start) -> None:
        self.endings: Counter[str] = Counter()
        self.running: dict[int, tuple[tuple[str, ...], Path]] = {}
        self._root, self._folder, self._start = scene.root, folder, start
        self._views = {
            arguments: {scene.undisturbed(state, *arguments) for state in scene.allowed}
            for arguments in READERS
        }
        scene.reset(scene.states[0])

    def start(self, arguments: tuple[str, ...]) -> None:
        output = Path(tempfile.mkdtemp(dir=self._folder))
        pid = self._start(self._root, *arguments, output=output)
        self.running[pid] = (arguments, output)

    def reap(self, down_to: int = 0) -> None:
        while len(self.running) > down_to:
            pid, status = os.wait()
            arguments, output = self.running.pop(pid)
            self.endings[self._judged(arguments, heard(output, status))] += 1

    def _judged(self, arguments: tuple[str, ...], done: Ended) -> str:
        """A reader must see one state, whole; a writer do what it was asked, or be refused."""
        if was_killed(done.status):
            return "killed"
        assert "Traceback" not in done.err, done.err
        if arguments in READERS:
            assert (done.out, done.code) in self._views[arguments], (arguments, done)
            return "read"
        if done.code == 0:
            return "written"
        refusal = next((each for each in REFUSALS if f"error[{each}]" in done.err), "")
        assert (done.code, bool(refusal)) == (1, True), (arguments, done)
        assert refusal != "locked" or "is changing this project" in done.err, done.err
        return refusal
