"""Measure: contenders for one piece of work, run in turn; medians, ratios and what was exact."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Spent:
    """What one run took: wall and CPU seconds, and the peak memory of one process in bytes."""

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Contender:
    """One way to do the work.

    ``at_most`` is the ratio of keychange's time to its time that is aimed at. ``exact`` says
    after a run whether the work was done, and nothing else. With ``inside`` the wall time is what
    the command prints last, in seconds: the work of a process that has already started.
    """

    name: str
    command: Sequence[str | Path] | Callable[[], Sequence[str | Path]]
    at_most: float | None = None
    exact: Callable[[], bool] = lambda: True
    environment: Mapping[str, str] = field(default_factory=dict)
    expected: tuple[int, ...] = (0,)
    runs: int | None = None
    inside: bool = False


@dataclass
class Row:
    """One line of the result: keychange and one other."""

    workload: str
    against: str
    ours_ms: float
    theirs_ms: float
    ratio: float
    at_most: float | None
    ours_cpu_ms: float
    runs: int
    exact: bool

    @property
    def met(self) -> bool:
        """Whether the ratio is what was aimed at."""
        return self.exact and (self.at_most is None or self.ratio <= self.at_most)


def spend(contender: Contender, folder: Path) -> Spent:
    """Run once; output is thrown away. One that is not here, or fails, raises SystemExit."""
    command = contender.command() if callable(contender.command) else contender.command
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        **contender.environment,
    }
    log = folder.with_name(f"{folder.name}.log")
    with log.open("wb") as out:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, out.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, out.fileno(), 2),
        ]
        words = [str(each) for each in command]
        here = Path.cwd()
        os.chdir(folder)
        try:
            start = time.perf_counter()
            try:
                process = os.posix_spawnp(words[0], words, environment, file_actions=actions)
            except OSError as problem:
                raise SystemExit(f"{contender.name}: {words[0]}: {problem.strerror}") from problem
            _, status, usage = os.wait4(process, 0)
            wall = time.perf_counter() - start
        finally:
            os.chdir(here)
    code = os.waitstatus_to_exitcode(status)
    if code not in contender.expected:
        said = log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"{contender.name}: ended with {code}\n{' '.join(words)[:500]}\n{said}")
    if contender.inside:
        wall = float(log.read_text().split()[-1])
    unit = 1 if sys.platform == "darwin" else 1024
    return Spent(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def contest(
    workload: str,
    folder: Path,
    ours: Contender,
    others: Sequence[Contender],
    *,
    runs: int,
    before: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Run all in turn, ``runs`` times after one run to warm up, and compare the medians.

    Where a peer takes minutes, its ``runs`` may be fewer; it is then compared with the median of
    all of ours. A peer that is not here, or fails, is left out, and it is said.
    """
    others = list(others)
    spent: dict[str, list[Spent]] = {each.name: [] for each in (ours, *others)}
    exact = dict.fromkeys(spent, True)
    for number in range(runs + 1):
        for each in (ours, *tuple(others)):
            most = each.runs if each.runs is not None else runs + 1
            if number >= max(1, most):
                continue
            before()
            try:
                taken = spend(each, folder)
            except SystemExit as problem:
                if each is ours:
                    raise
                print(f"left out of {workload}: {problem}", file=sys.stderr)
                others.remove(each)
                continue
            exact[each.name] &= each.exact()
            if number or most == 1:
                spent[each.name].append(taken)
        print(".", end="", flush=True, file=sys.stderr)
    print(f" {workload}", file=sys.stderr)
    mine = spent[ours.name]
    rows = []
    for each in others:
        ours_ms = statistics.median(one.wall for one in mine) * 1000
        theirs_ms = statistics.median(one.wall for one in spent[each.name]) * 1000
        rows.append(
            Row(
                workload=workload,
                against=each.name,
                ours_ms=ours_ms,
                theirs_ms=theirs_ms,
                ratio=ours_ms / theirs_ms,
                at_most=each.at_most,
                ours_cpu_ms=statistics.median(one.cpu for one in mine) * 1000,
                runs=len(spent[each.name]),
                exact=exact[ours.name] and exact[each.name],
            )
        )
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    lines = [
        "| workload | keychange | against | theirs | ratio | aim | exact |",
        "|---|---:|---|---:|---:|---:|---|",
    ]
    for row in rows:
        aim = "" if row.at_most is None else f"{row.at_most:.3g}{'' if row.met else ' (missed)'}"
        lines.append(
            f"| {row.workload} | {_time(row.ours_ms)} | {row.against} | {_time(row.theirs_ms)} "
            f"| {row.ratio:.3g} | {aim} | {'yes' if row.exact else 'NO'} |"
        )
    return "\n".join(lines)


def _time(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.1f} ms"


def data(rows: Sequence[Row]) -> list[dict[str, object]]:
    """The rows as JSON data."""
    return [{**asdict(row), "met": row.met} for row in rows]


def say(command: Sequence[str | Path], folder: Path | None = None) -> str:
    """What a command prints; one that fails ends the bench."""
    done = subprocess.run(
        [str(each) for each in command], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))[:300]}\n{done.stdout}{done.stderr}")
    return done.stdout
