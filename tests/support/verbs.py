"""Room of whole verbs under fault: planned once, then run from the first write again and again."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from unittest import mock

from keychange import loader
from keychange.cli import main
from keychange.cli.session import Session
from keychange.transaction import files
from support.faults import ERRORS, KILLS, Call, Faults, injected, start_child

ACTIONS = {**KILLS, **ERRORS}
NOON = time.gmtime(1_800_000_000)
"""When every verb here runs, so that two ledgers of one history are equal."""

NONE: Mapping[str, Callable[[Call], object]] = MappingProxyType({})

_parsed = functools.cache(loader.parse_migration)


def parse_once(data: bytes, shown: str, *, expected_id: str | None = None, **_: object) -> object:
    """The slowest part of loading depends on nothing that a fault can touch."""
    return _parsed(data, shown, expected_id=expected_id)


@dataclass(frozen=True)
class Ended:
    """How a verb ended: wait status, output, and the calls that write, one line each."""

    status: int
    out: str
    err: str
    calls: tuple[str, ...] = ()

    @property
    def code(self) -> int:
        return os.waitstatus_to_exitcode(self.status)


def _as_verb(root: Path, arguments: tuple[str, ...], output: Path, *, fresh: bool = True) -> None:
    """Be ``migrate`` to the end of this process, with its output in files."""
    gc.disable()
    time.gmtime = lambda *_: NOON
    loader.parse_migration = parse_once
    if fresh:
        _speak(output)
    try:
        main(["-C", str(root), "--color", "never", *arguments])
    except SystemExit as done:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(done.code or 0))


def _speak(output: Path) -> None:
    sys.stdout = (output / "out").open("w")
    sys.stderr = (output / "err").open("w")


def heard(output: Path, status: int, calls: tuple[str, ...] = ()) -> Ended:
    """What a verb that has ended left in its folder of output."""
    out, err = ((output / name).read_text() for name in ("out", "err"))
    return Ended(status, out, err, calls)


def start_here(root: Path, *arguments: str, output: Path) -> int:
    """Start a verb in a fork of this process: quick, for nothing is imported again."""
    return start_child(lambda: _as_verb(root, arguments, output))


def migrate_here(root: Path, *arguments: str) -> Ended:
    """Run a verb in a fork of this process."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder)
        pid = start_here(root, *arguments, output=output)
        return heard(output, os.waitpid(pid, 0)[1])


class Forks:
    """One writing verb, stopped before its first write.

    Each ``run`` is a fork of the process that waits there, and goes on to the end, or to the fault
    at the call with the number ``at``. Loading and planning are done once.
    """

    def __init__(
        self, root: Path, *arguments: str, actions: Mapping[str, Callable[[Call], object]] = NONE
    ) -> None:
        self._actions = {**ACTIONS, **actions}
        self._folder = tempfile.TemporaryDirectory()
        self._output = Path(self._folder.name)
        self._requests, self._ask = os.pipe()
        self._answers, self._answer = os.pipe()
        self._pid = start_child(lambda: self._wait_there(root, arguments))
        os.close(self._requests)
        os.close(self._answer)
        if os.read(self._answers, 1) != b".":
            raise RuntimeError(f"it ended before its first write: {heard(self._output, 0)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ask)
        os.close(self._answers)
        os.waitpid(self._pid, 0)
        self._folder.cleanup()

    def run(self, at: int = -1, action: str = "") -> Ended:
        """From the first write on; ``action`` is one of ``ACTIONS``, or a further one by name."""
        os.write(self._ask, f"{at} {action}\n".encode())
        status = int(os.read(self._answers, 100))
        calls = (self._output / "calls").read_text().splitlines()
        return heard(self._output, status, tuple(calls))

    def _wait_there(self, root: Path, arguments: tuple[str, ...]) -> None:
        os.close(self._ask)
        os.close(self._answers)
        system = Faults(0, self._serve)
        self._system = files.system = system
        _speak(self._output)
        _as_verb(root, arguments, self._output, fresh=False)

    def _serve(self, first: Call) -> None:
        """Fork at each request; only the forks return from here."""
        os.write(self._answer, b".")
        with os.fdopen(self._requests, "rb") as requests:
            while request := requests.readline().decode():
                at, action = request.rstrip("\n").split(" ")
                for name in ("out", "err", "calls"):
                    (self._output / name).write_text("")
                pid = os.fork()
                if pid == 0:
                    _speak(self._output)
                    self._go_on(int(at), self._actions.get(action), first)
                    return
                os.write(self._answer, b"%d" % os.waitpid(pid, 0)[1])
        os._exit(0)

    def _go_on(self, at: int, fault: Callable[[Call], object] | None, first: Call) -> None:
        self._system.at, self._system.fault = at, fault
        self._system.calls = Log(self._output / "calls", first)
        if at == 0 and fault:
            fault(first)


class Log(list[Call]):
    """The calls so far, also in a file: their process may not live to tell."""

    def __init__(self, file: Path, first: Call) -> None:
        super().__init__()
        self._file = file.open("a", buffering=1)
        self.append(first)

    def append(self, call: Call) -> None:
        super().append(call)
        self._file.write(f"{call}\n")


class Replay:
    """One writing verb again and again in this very process, each time on the plan of the first.

    Quicker than ``Forks``, for faults that a process survives.
    """

    def __init__(self, root: Path, *arguments: str) -> None:
        self._arguments = ("-C", str(root), "--color", "never", *arguments)
        self._planned: list[object] = []

    def run(self, at: int = -1, action: str = "") -> Ended:
        system = Faults(at, ACTIONS.get(action))
        out, err = io.StringIO(), io.StringIO()
        handler = signal.getsignal(signal.SIGTERM)
        try:
            with (
                injected(system),
                mock.patch.object(Session, "read", self._read),
                mock.patch.object(time, "gmtime", return_value=NOON),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                main(self._arguments)
        except SystemExit as done:
            code = int(done.code or 0)
        finally:
            signal.signal(signal.SIGTERM, handler)
        return Ended(code << 8, out.getvalue(), err.getvalue(), tuple(map(str, system.calls)))

    @property
    def _read(self) -> Callable[..., object]:
        real = Session.read

        def read(session: Session, work: Callable[..., object], **options: Any) -> object:
            if not self._planned:
                self._planned.append(real(session, work, **options))
            return self._planned[0]

        return read
