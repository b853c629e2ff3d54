"""The supervisor: run the worker in its own process group, watch it, and leave nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

from keychange.verification.process import GRACE, started_group

_TICK: Final = 0.1  # seconds between two looks at the clock
_AFTER_RESULT: Final = 10.0  # seconds to end after the result was sent
_MAX_LINE: Final = 1 << 22  # bytes; no line of the protocol is longer
_STDERR_TAIL: Final = 1 << 18  # bytes of standard error that are read back


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a running probe is: ``seconds`` in this stage, ``total`` since the start.

    ``tokens`` are the codec frames that the stage has spoken so far, ``audio`` their seconds.
    """

    stage: str
    seconds: float
    total: float
    tokens: int = 0
    audio: float = 0.0

    def __str__(self) -> str:
        spoken = f": {self.tokens:,} tokens, {self.audio:.1f} s of speech" if self.tokens else ""
        return f"probe: {self.stage}{spoken}"


ProgressCallback: TypeAlias = Callable[[Progress], None]


@dataclass(slots=True)
class Outcome:
    """What became of one worker.

    ``facts`` are its measurements by section, ``result`` its last line, None where it sent none.
    ``stage`` is the one it was in at the end. ``returncode`` is negative for a signal.
    ``timed_out`` is the stage whose limit was passed, or ``total``. ``seconds`` is how long it ran.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    stage: str = "start"
    returncode: int = 0
    timed_out: str = ""
    stderr: str = ""
    seconds: float = 0.0


def supervise(
    command: list[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    limits: Mapping[str, float],
    progress: ProgressCallback | None = None,
) -> Outcome:
    """Run the worker to its end, or until a limit.

    Args:
        command: the interpreter, the worker and its request.
        environment: the whole environment of the process.
        folder: a folder of our own; the working folder, and where standard error is kept.
        limits: seconds by stage, and ``total``.
        progress: called whenever the stage changes, and on every sign of life.

    Raises:
        OSError: the interpreter cannot be started.
    """
    with (folder / "stderr.txt").open("w+b") as stderr:
        with started_group(command, stderr=stderr, cwd=folder, environment=environment) as process:
            watcher = _Watcher(process, limits, progress)
            watcher.watch()
        return watcher.finished(_tail(stderr))


class _Watcher:
    """Reads the lines of one worker, and keeps its clock."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        limits: Mapping[str, float],
        progress: ProgressCallback | None,
    ) -> None:
        self.process, self.limits, self.progress = process, limits, progress
        self.outcome = Outcome()
        self.started = self.entered = time.monotonic()
        self.buffer = b""

    def watch(self) -> None:
        """Until the worker ends, or a limit is passed."""
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        descriptor = self.process.stdout.fileno()
        os.set_blocking(descriptor, False)
        while not self._late():
            readable = select.select([descriptor], [], [], _TICK)[0]
            if readable and not self._read(descriptor):
                break
            if not readable and self.process.poll() is not None:
                break  # it is gone, and a child of its keeps the pipe open
        self._await_end()

    def _late(self) -> bool:
        now = time.monotonic()
        stage = self.outcome.stage
        if self.outcome.result is not None:
            return now - self.entered > _AFTER_RESULT
        if now - self.entered > self.limits.get(stage, self.limits["total"]):
            self.outcome.timed_out = stage
        elif now - self.started > self.limits["total"]:
            self.outcome.timed_out = "total"
        return bool(self.outcome.timed_out)

    def _read(self, descriptor: int) -> bool:
        """Take what is there; False at the end of the pipe."""
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return True
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        self.buffer = self.buffer[-_MAX_LINE:]
        for line in lines:
            self._take(line)
        return bool(data)

    def _take(self, line: bytes) -> None:
        """One line of the protocol; anything else is noise."""
        try:
            event = json.loads(line)
            kind = event["ev"] if event["v"] == 1 else None
        except (ValueError, TypeError, KeyError):
            return
        if kind == "stage":
            self.outcome.stage, self.entered = str(event["name"]), time.monotonic()
        elif kind == "facts":
            self._merge(str(event["section"]), dict(event["values"]))
        elif kind == "result":
            self.outcome.result, self.entered = event, time.monotonic()
        if kind in ("stage", "alive") and self.progress:
            now = time.monotonic()
            stage, since = self.outcome.stage, now - self.entered
            self.progress(Progress(stage, since, now - self.started, *_spoken(event)))

    def _merge(self, section: str, values: dict[str, Any]) -> None:
        if section == "attempts":
            self.outcome.facts.setdefault(section, []).append(values)
        else:
            self.outcome.facts.setdefault(section, {}).update(values)

    def _await_end(self) -> None:
        """The pipe is closed: the worker ends on its own, unless it is late."""
        if not self.outcome.timed_out:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(GRACE)

    def finished(self, stderr: str) -> Outcome:
        """What became of it."""
        self.outcome.returncode = self.process.returncode
        self.outcome.stderr = stderr
        self.outcome.seconds = time.monotonic() - self.started
        return self.outcome


def _spoken(event: Mapping[str, Any]) -> tuple[int, float]:
    """Tokens and seconds of audio of a sign of life; it may be of any worker, and say anything."""
    try:
        return int(event.get("tokens") or 0), float(event.get("audio") or 0.0)
    except (TypeError, ValueError):
        return 0, 0.0


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _STDERR_TAIL))
    return file.read().decode("utf-8", "replace")
