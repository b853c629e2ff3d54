"""Workload of the price: a commit against writing the same files plainly with one flush each."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import time
from pathlib import Path

from measure import Row

from keychange.transaction.commit import commit
from keychange.transaction.lock import lock
from keychange.transaction.preflight import FileWrite


def transaction(folder: Path, runs: int, number: int) -> Row:
    """So many files of 1 KB, in a hundred folders of their own, as projects have them.

    Both run in this process: what is compared is the writing, not the start.
    """
    _spread(folder)
    ours: list[float] = []
    theirs: list[float] = []
    ours_cpu: list[float] = []
    exact = True
    contents = [_contents(number, generation) for generation in range(3)]
    for run in range(runs + 1):
        root = folder / f"{number}-{os.getpid()}-{run}"
        for path, data in contents[0].items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        for plain in (True, False) if run % 2 else (False, True):
            before, after = contents[:2] if plain == bool(run % 2) else contents[1:]
            writes = [FileWrite(path, before[path], after[path]) for path in after]
            os.sync()
            cpu, start = time.process_time(), time.perf_counter()
            if plain:
                _plainly(root, after)
            else:
                with lock(root):
                    commit(root, writes)
            wall = time.perf_counter() - start
            exact &= all((root / path).read_bytes() == data for path, data in after.items())
            if run:  # the first warms up
                (theirs if plain else ours).append(wall)
            if run and not plain:
                ours_cpu.append(time.process_time() - cpu)
    return Row(
        workload=f"the transaction alone, {number} files in 100 folders",
        against="plain writing, one flush a file",
        ours_ms=statistics.median(ours) * 1000,
        theirs_ms=statistics.median(theirs) * 1000,
        ratio=statistics.median(mine / plain for mine, plain in zip(ours, theirs, strict=True)),
        at_most=1.25,
        ours_cpu_ms=statistics.median(ours_cpu) * 1000,
        runs=runs,
        exact=exact,
    )


def _spread(folder: Path) -> None:
    """Let each folder in it lie in a part of the disk of its own, where that can be had.

    Without a journal, ext4 looks for each new file through all that were deleted in the same part
    in the last minutes, which would be those of the runs before.
    """
    with contextlib.suppress(OSError):
        subprocess.run(["chattr", "+T", folder], capture_output=True, check=False)


def _contents(number: int, generation: int) -> dict[str, bytes]:
    filler = b"x" * 1000
    return {
        f"generated/p{each % 100}/config-{each}.json": b"%d %s" % (generation, filler)
        for each in range(number)
    }


def _plainly(root: Path, after: dict[str, bytes]) -> None:
    for path, data in after.items():
        descriptor = os.open(root / path, os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, data)
        os.fsync(descriptor)
        os.close(descriptor)
