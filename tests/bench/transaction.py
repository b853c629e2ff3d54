"""Workload of the price: a commit against writing the same files plainly with one flush each."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

from measure import Row
from places import Places

from keychange.transaction.commit import commit
from keychange.transaction.lock import lock
from keychange.transaction.preflight import FileWrite


def transaction(places: Places, runs: int, number: int) -> list[Row]:
    """So many files of 1 KB, a hundred of them in a folder of their own, as in real projects.

    Both run in this process: what is compared is the writing, not the start.
    """
    root = places.fresh("transaction")
    before = _contents(number, 0)
    for path, data in before.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    ours: list[float] = []
    theirs: list[float] = []
    ours_cpu: list[float] = []
    exact = True
    for generation in range(1, 2 * runs + 3):
        after = _contents(number, generation)
        plain = generation % 2
        os.sync()
        cpu, start = time.process_time(), time.perf_counter()
        if plain:
            _plainly(root, after)
        else:
            with lock(root):
                commit(root, [FileWrite(path, before[path], after[path]) for path in after])
        wall = time.perf_counter() - start
        if generation > 2:  # the first of each warms up
            (theirs if plain else ours).append(wall)
        if generation > 2 and not plain:
            ours_cpu.append(time.process_time() - cpu)
        exact &= all((root / path).read_bytes() == data for path, data in after.items())
        before = after
    row = Row(
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
    return [row]


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
