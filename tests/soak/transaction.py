"""Room of patience: random SIGKILLs into commits, undoings and recoveries; nothing may be lost.

python tests/soak/transaction.py --kills 500 --files 400
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "engine")]

from keychange.transaction.commit import commit  # noqa: E402 - path first
from keychange.transaction.lock import lock  # noqa: E402 - path first
from keychange.transaction.preflight import FileWrite  # noqa: E402 - path first
from keychange.transaction.recovery import recover  # noqa: E402 - path first
from support.faults import LEDGER, leftovers, snapshot, start_child, was_killed  # noqa: E402


class Project:
    """Files that all hold one generation, with one that comes and goes, and hard links."""

    def __init__(self, root: Path, files: int) -> None:
        self.root = root
        self.paths = [f"generated/p{number % 97}/config-{number}.json" for number in range(files)]

    def content(self, path: str, generation: int) -> bytes | None:
        if path.endswith("7.json") and generation % 2:
            return None
        return f'{{"file": "{path}", "generation": {generation}}}\n'.encode() * (generation % 5 + 1)

    def ledger(self, generation: int) -> bytes:
        return b"%d" % generation

    def build(self) -> None:
        with lock(self.root):
            writes = [FileWrite(path, None, self.content(path, 0)) for path in self.paths]
            commit(self.root, writes, record=FileWrite(LEDGER, None, self.ledger(0), mode=0o600))
        for number, path in enumerate(self.paths[:20]):
            os.link(self.root / path, self.root / f"hard-link-{number}")

    def step(self) -> None:
        """What a writing command does: lock, recover, commit; one generation further."""
        with lock(self.root, timeout_seconds=60):
            recover(self.root)
            now = int((self.root / LEDGER).read_bytes())
            writes = [
                FileWrite(path, self.content(path, now), self.content(path, now + 1))
                for path in self.paths
            ]
            record = FileWrite(LEDGER, self.ledger(now), self.ledger(now + 1))
            commit(self.root, writes, record=record)

    def recover(self) -> object:
        with lock(self.root, timeout_seconds=60):
            return recover(self.root)

    def losses(self) -> list[str]:
        """The files that do not hold the one generation that the ledger says."""
        found = snapshot(self.root)
        now = int(found[LEDGER][2])
        wrong = [
            path
            for path in self.paths
            if (found[path][2] if path in found else None) != self.content(path, now)
        ]
        return wrong + leftovers(self.root)


def kill_after(action, seconds: float) -> bool:
    """Whether the kill came before the end."""
    pid = start_child(action)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    return was_killed(os.waitpid(pid, 0)[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", type=Path, default=None, help="where to work, a real disk")
    options = parser.parse_args()
    seed = random.randrange(10**9) if options.seed is None else options.seed
    chance = random.Random(seed)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        project = Project(Path(folder), options.files)
        project.build()
        start = time.monotonic()
        project.step()
        usual = time.monotonic() - start
        kills, endings = 0, Counter()
        while kills < options.kills:

            def steps() -> None:
                while True:
                    project.step()

            kills += kill_after(steps, chance.uniform(0, 2.5 * usual))
            while chance.random() < 0.3:
                kills += kill_after(project.recover, chance.uniform(0, 0.7 * usual))
            recovery = project.recover()
            endings[recovery.ending.value if recovery else "nothing to do"] += 1
            if wrong := project.losses():
                print(f"LOST after {kills} kills, seed {seed}: {wrong}")
                return 1
            if kills % 50 == 0:
                print(f"{kills} kills, {dict(endings)}", flush=True)
        generation = int((project.root / LEDGER).read_bytes())
        seconds = time.monotonic() - start
    print(
        f"{kills} kills, {options.files} files, {generation} commits, {seconds:.0f} s,"
        f" 0 losses, {dict(endings)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
