"""Run one process of the target project: its own group, a time limit, its lines as they come."""

from __future__ import annotations

import codecs
import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from keychange.interruption import unstoppable

GRACE: Final = 3.0  # seconds between SIGTERM and SIGKILL
_LONGEST: Final = 1 << 20  # characters of a line
_DRAIN: Final = 0.2  # seconds to wait for output that a process left behind in a pipe


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output without its end; ``stream`` is ``stdout`` or ``stderr``."""

    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended: exit status (negative: the signal), and after how many seconds."""

    status: int
    seconds: float
    timed_out: bool = False


def run_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    limit: float,
    on_line: Callable[[Line], None],
) -> Ending:
    """Run a program to its end, or until the limit (seconds).

    A carriage return ends a line too, so progress bars come through. Whatever happens, an
    interrupt included, nothing of the process group is left when this returns or raises.

    Raises:
        OSError: the program cannot be started.
    """
    started = time.monotonic()
    with started_group(
        list(argv), stderr=subprocess.PIPE, cwd=cwd, environment=environment
    ) as process:
        assert process.stdout is not None  # noqa: S101 (both are pipes)
        assert process.stderr is not None  # noqa: S101
        streams = {"stdout": process.stdout, "stderr": process.stderr}
        in_time = _pump(process, streams, started + limit, on_line)
    return Ending(process.returncode, time.monotonic() - started, not in_time)


def find_program(name: str, root: Path, environment: Mapping[str, str]) -> str | None:
    """The path of a program as a shell in the root would find it; None where there is none.

    ``python`` is also found as ``python3``, the only name that macOS and some Linuxes give it.
    """
    if "/" in name:
        path = root / Path(name).expanduser()
        return str(path) if path.is_file() and os.access(path, os.X_OK) else None
    search = environment.get("PATH", os.defpath)
    found = shutil.which(name, path=search)
    return found or (shutil.which("python3", path=search) if name == "python" else None)


def _pump(
    process: subprocess.Popen[bytes],
    streams: Mapping[str, IO[bytes]],
    deadline: float,
    on_line: Callable[[Line], None],
) -> bool:
    """Pass lines on until the process has ended; False when the deadline came first."""
    with selectors.DefaultSelector() as selector:
        for name, stream in streams.items():
            selector.register(stream, selectors.EVENT_READ, _Splitter(name, on_line))
        while selector.get_map():
            ended = process.poll() is not None
            remaining = deadline - time.monotonic()
            if remaining <= 0 and not ended:
                return False
            ready = selector.select(_DRAIN if ended else min(_DRAIN, remaining))
            if ended and not ready:
                break  # a grandchild holds the pipes open
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)
                key.data.feed(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
        for key in selector.get_map().values():
            key.data.feed(b"")
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


class _Splitter:
    """Bytes to lines; undecodable bytes are replaced, and what never ends is cut at a size."""

    def __init__(self, stream: str, on_line: Callable[[Line], None]) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._stream = stream
        self._on_line = on_line
        self._rest = ""

    def feed(self, chunk: bytes) -> None:
        """Take a chunk; an empty one is the end."""
        text = self._rest + self._decode(chunk, final=not chunk)
        *lines, self._rest = text.replace("\r", "\n").split("\n")
        if not chunk or len(self._rest) > _LONGEST:
            lines, self._rest = [*lines, self._rest], ""
        for line in lines:
            if line:
                self._on_line(Line(self._stream, line))


@contextlib.contextmanager
def started_group(
    command: Sequence[str],
    *,
    stderr: int | IO[bytes],
    cwd: Path,
    environment: Mapping[str, str],
) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a process group of its own, of which nothing is left after the block.

    Raises:
        OSError: the program cannot be started.
    """
    process = None
    try:
        with unstoppable():  # a signal would leave one running that nobody knows of
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        yield process
    finally:
        if process is not None:
            end_group(process)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a process and of everything that it started, and reap it.

    Politely, and after ``GRACE`` seconds for good. The process leads a group of its own.
    """
    with unstoppable():
        if process.poll() is None:
            _signal_group(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone; a zombie on macOS
        os.killpg(group, number)
