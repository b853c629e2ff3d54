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
import gc
import os
import random
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "engine")]

from file_systems import CannotMakeError, in_own_namespace  # noqa: E402 - path first
from recorded_commands import (  # noqa: E402 - path first
    KINDS,
    Kind,
    NotMountedError,
    Recording,
    keeps_what_is_flushed,
    made,
    mounted,
    prepared,
    recordings,
)
from recorded_disk import Cut  # noqa: E402 - path first

from keychange.transaction.stages import has_remains  # noqa: E402 - path first
from support import workspace  # noqa: E402 - path first
from support.faults import KEPT  # noqa: E402 - path first
from support.history import codes, recorded, say  # noqa: E402 - path first
from support.workspace import changed, files  # noqa: E402 - path first

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


def judged(root: Path, first: str, cut: Cut, recording: Recording) -> str:
    """The side on which the project is after the next command; and that it goes on from there."""
    remains = has_remains(root)
    said = say(root, first)
    assert set(codes(said)) <= {"pending"}, (first, codes(said))
    now, sides = files(root), recording.sides
    side = next((name for name, each in sides.items() if not changed(each, now)), None)
    assert side is not None, f"neither: {sorted(changed(sides['old'], now))[-3:]} are not old"
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
    return f"{side}, recovered" if remains else side


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
    return said or "LOST: keychange itself died"


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
                    if sort.partition(",")[0] not in recording.sides and not found[sort]:
                        print(f"{name}, {what}, cut {cut.words}, then {first}: {said}")
                    found[sort] += 1
                lost += found["LOST"]
                flushes = recording.entries.count(None)
                asked = f"{len(recording.entries) - flushes} writes and {flushes} flushes"
                counts = "; ".join(f"{number} {sort}" for sort, number in sorted(found.items()))
                print(f"{name}, {what}: {found.total()} cuts in {asked}: {counts}", flush=True)
            right = bool(lost) == given.without_flushes
            print(f"{name}: {lost} lost, {'as it must be' if right else 'WRONG'}", flush=True)
            wrong += not right
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
