"""Spreading: a pure function over many files, over the processors where that pays."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, cast

SHARE = 256 * 1024
"""The bytes from which on a process of its own pays: to examine them takes from some milliseconds
(Python that cannot hold a value) to a tenth of a second (Python that is rewritten and proved); to
start a process and to fetch its answer takes ten to twenty."""

Job = TypeVar("Job")
Result = TypeVar("Result")


def spread(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    sizes: Sequence[int],
    *,
    most: int | None = None,
    told: Callable[[int], object] = lambda number: None,
) -> list[Result]:
    """The results of a function for each job, in order: the same in one process and in many.

    The function is pure, and its results can be pickled. A process that ends without an answer
    (killed, out of memory, an exception) is no error: its jobs are done here, and raise here.

    Args:
        function: what to do.
        jobs: what to do it with.
        sizes: how many bytes each job is to work on.
        most: how many processes at most; as many as there are processors where it is not given.
        told: how many more jobs are done, as far as this process can see.
    """
    count = min(_processors() if most is None else most, sum(sizes) // SHARE, len(jobs))
    if count < 2 or not _can_fork():
        return list(_done(function, jobs, told, 1))
    first, *others = _shares(sizes, count)
    workers: list[_Worker] = []
    try:
        workers.extend(_Worker(function, [jobs[at] for at in share]) for share in others)
        mine = _done(function, [jobs[at] for at in first], told, count)
        results: dict[int, Result] = dict(zip(first, mine, strict=True))
        for share, worker in zip(others, workers, strict=True):
            answer = cast("list[Result] | None", worker.answer())
            results.update(zip(share, answer or [function(jobs[at]) for at in share], strict=True))
        return [results[at] for at in range(len(jobs))]
    finally:
        for worker in workers:
            worker.end()


def _shares(sizes: Sequence[int], count: int) -> list[list[int]]:
    """The jobs by number in shares of about the same size: the largest first, to whom has least."""
    shares: list[list[int]] = [[] for _ in range(count)]
    held = [0] * count
    for job in sorted(range(len(sizes)), key=lambda job: -sizes[job]):
        least = held.index(min(held))
        shares[least].append(job)
        held[least] += sizes[job] + 1
    return shares


def _done(
    function: Callable[[Job], Result],
    jobs: Sequence[Job],
    told: Callable[[int], object],
    count: int,
) -> Iterator[Result]:
    """The results one by one; each speaks for those that other processes have done meanwhile."""
    for job in jobs:
        yield function(job)
        told(count)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _can_fork() -> bool:
    """Whether a copy of this process can go on by itself.

    One with threads cannot: a lock that another thread holds stays locked in the copy. Nor can
    one on macOS, where the system's own libraries start threads.
    """
    threading = sys.modules.get("threading")
    return sys.platform == "linux" and (threading is None or threading.active_count() == 1)


class _Worker:
    """A copy of this process that does a share of the jobs, says what it found, and ends."""

    def __init__(self, function: Callable[[Job], Result], jobs: Sequence[Job]) -> None:
        self._pipe, inner = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _work(function, jobs, inner)
        os.close(inner)

    def answer(self) -> object:
        """The results; None where there are none."""
        with open(self._pipe, "rb", closefd=False) as pipe:
            data = pipe.read()
        import pickle

        pid, self._pid = self._pid, 0
        _, status = os.waitpid(pid, 0)
        return pickle.loads(data) if data and status == 0 else None  # noqa: S301 (from our own copy)

    def end(self) -> None:
        """Leave nothing running, whatever happened: it only computes."""
        os.close(self._pipe)
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def _work(function: Callable[[Job], Result], jobs: Sequence[Job], pipe: int) -> None:
    """The life of a worker. It never returns, and runs and flushes nothing of its parent's."""
    try:
        import pickle

        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, signal.SIG_DFL)  # the parent reports; a worker only ends
        data = pickle.dumps([function(job) for job in jobs], pickle.HIGHEST_PROTOCOL)
        with open(pipe, "wb") as file:
            file.write(data)
        os._exit(0)
    finally:
        os._exit(1)
