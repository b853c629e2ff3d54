"""Room of patience with whole verbs: random SIGKILLs, and hundreds started at once.

python tests/soak/verbs.py --kills 500 --starts 200
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "engine")]

from support.faults import leftovers  # noqa: E402 - path first
from support.storm import READERS, WRITERS, storm  # noqa: E402
from support.verb_scene import VerbScene, snapshot  # noqa: E402
from support.verbs import migrate_here, start_here  # noqa: E402

COURSES = (("up", "--yes"), ("down", "--to", "base", "--yes"))


def kill_at_random(scene: VerbScene, kills: int, chance: random.Random) -> Counter[str]:
    """Kill `up` and `down` at any moment; any next command must leave one of the states."""
    endings: Counter[str] = Counter()
    scene.reset(scene.states[0])
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder)
        seconds = 0.3
        while endings["killed"] < kills:
            for arguments in COURSES:
                begun = time.monotonic()
                pid = start_here(scene.root, *arguments, output=output)
                timer = subprocess.Popen(["sleep", f"{chance.uniform(0, 1.3 * seconds):.4f}"])
                timer.wait()
                os.kill(pid, 9)
                status = os.waitpid(pid, 0)[1]
                if status == 9:
                    endings["killed"] += 1
                else:
                    seconds = 0.9 * seconds + 0.1 * (time.monotonic() - begun)
                done = migrate_here(scene.root, *chance.choice((*READERS, *WRITERS)))
                for said in ("rolled back", "completed"):
                    endings[said] += f"was {said}" in done.out + done.err
                scene.which(snapshot(scene.root))
                if leftovers(scene.root):
                    raise AssertionError(leftovers(scene.root))
    return endings


def start_program(root: Path, *arguments: str, output: Path) -> int:
    """Start `migrate` as a program of its own."""
    words = [sys.executable, "-m", "keychange", "-C", str(root), "--color", "never", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "engine")}
    with (output / "out").open("w") as out, (output / "err").open("w") as err:
        process = subprocess.Popen(words, env=environment, stdout=out, stderr=err)
    process.returncode = 0  # whoever started it waits for it by its number
    return process.pid


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--starts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", type=Path, default=None, help="where to work, a real disk")
    options = parser.parse_args()
    seed = random.randrange(10**9) if options.seed is None else options.seed
    chance = random.Random(seed)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        scene = VerbScene(Path(folder))
        start = time.monotonic()
        kills = kill_at_random(scene, options.kills, chance)
        print(f"kills: {dict(kills)}, {time.monotonic() - start:.0f} s, 0 losses", flush=True)
        start = time.monotonic()
        crowd = storm(scene, options.starts, options.starts, chance, start_program)
        print(f"starts: {dict(crowd)}, {time.monotonic() - start:.0f} s, 0 losses")
    return 0


if __name__ == "__main__":
    sys.exit(main())
