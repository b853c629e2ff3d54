"""Room of the price: a commit against writing the same files plainly with one flush each.

python tests/bench/transaction.py --files 105 --rounds 15
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "engine")]

from keychange.transaction import FileWrite, commit, lock  # noqa: E402 - path first


def contents(files: int, generation: int) -> dict[str, bytes]:
    """Most of the files are JSON of about 1 KB in a folder of their own, as in real projects."""
    filler = b"x" * 1000
    return {
        f"generated/p{number % 100}/config-{number}.json": b"%d %s" % (generation, filler)
        for number in range(files)
    }


def plainly(root: Path, after: dict[str, bytes]) -> None:
    for path, data in after.items():
        descriptor = os.open(root / path, os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, data)
        os.fsync(descriptor)
        os.close(descriptor)


def transaction(root: Path, before: dict[str, bytes], after: dict[str, bytes]) -> None:
    with lock(root):
        commit(root, [FileWrite(path, before[path], after[path]) for path in after])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=105)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", type=Path, default=None, help="where to work, a real disk")
    options = parser.parse_args()
    times: dict[str, list[float]] = {"plain": [], "commit": []}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        root = Path(folder)
        before = contents(options.files, 0)
        for path, data in before.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        for number in range(1, 2 * options.rounds + 3):
            after = contents(options.files, number)
            os.sync()
            start = time.perf_counter()
            if number % 2:
                plainly(root, after)
            else:
                transaction(root, before, after)
            seconds = time.perf_counter() - start
            if number > 2:  # the first round warms up
                times["plain" if number % 2 else "commit"].append(seconds)
            before = after
    ratios = [ours / theirs for ours, theirs in zip(times["commit"], times["plain"], strict=True)]
    for name, values in times.items():
        print(
            f"{name:8}{statistics.median(values) * 1000:8.1f} ms  (best {min(values) * 1000:.1f})"
        )
    print(f"median ratio {statistics.median(ratios):.2f}, {options.files} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
