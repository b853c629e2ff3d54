"""Room of the lock: one writer per root; the system itself releases it when its process ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from keychange.decoding import exactly
from keychange.diagnostics import Diagnostic, Location, error
from keychange.errors import RefusedError
from keychange.transaction import files
from keychange.transaction.files import Tree
from keychange.transaction.state import STATE, ensure_state_dir, unusable

_PAUSES = (0.05, 0.5)
"""Seconds between two attempts, at least and at most."""
_UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})

_held: dict[str, tuple[int, int]] = {}
"""By real root: the process and the descriptor that hold the lock; a forked child holds none."""


class Owner(NamedTuple):
    """Who holds the lock, for messages only: no decision rests on it.

    ``since`` is the time of locking, ISO 8601 in UTC. ``process_start`` tells a process from a
    later one with the same number, where the system says when one started.
    """

    pid: int
    host: str
    since: str
    command: str
    process_start: str = ""

    @classmethod
    def this(cls, command: str) -> Owner:
        """The record of the running process."""
        pid = os.getpid()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(pid, os.uname().nodename, now, command, _process_start(pid))

    @classmethod
    def parse(cls, data: bytes) -> Owner | None:
        """The record, None where it is empty, half written or of another format."""
        try:
            record = json.loads(data)
            words = (record[name] for name in ("host", "since", "command", "process_start"))
            return cls(exactly(int, record["pid"]), *(exactly(str, each) for each in words))
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    @property
    def is_current(self) -> bool:
        """False for a record that an ended process left, also where its number is in use again."""
        if self.host != os.uname().nodename:
            return True
        return _is_alive(self.pid) and self.process_start == _process_start(self.pid)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.command}, since {self.since})"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:  # it is somebody else's
        return True
    except (OSError, OverflowError):
        return False
    return True


def _process_start(pid: int) -> str:
    """When a process started, in the system's own units; empty where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return fields[19].decode("ascii")


@contextlib.contextmanager
def lock(root: Path, timeout_seconds: float = 0.0, *, command: str = "migrate") -> Iterator[None]:
    """Hold the root's lock for the length of the block.

    It waits ``timeout_seconds`` for another process to end; 0 asks once. ``command`` is what others
    are told is running; it must hold no secret.

    Raises:
        RefusedError: ``locked``, another process holds it, by name; or the state folder or the
            file system does not allow a lock.
    """
    ensure_state_dir(root)
    began = time.monotonic()
    while (descriptor := _attempt(root)) is None:
        waited = time.monotonic() - began
        remaining = timeout_seconds - waited
        if remaining <= 0:
            raise RefusedError(_locked(root, timeout_seconds))
        # Ever more rarely: hundreds that wait would take the machine from the one that works.
        shortest, longest = _PAUSES
        time.sleep(min(max(shortest, waited / 20), longest, remaining))
    key = os.path.realpath(root)
    _held[key] = (os.getpid(), descriptor)
    try:
        _sign(descriptor, Owner.this(command))
        yield
    finally:
        _held.pop(key, None)
        with contextlib.suppress(OSError):
            files.system.truncate(descriptor, 0)
        os.close(descriptor)


def require_lock(root: Path) -> None:
    """Make sure that this process holds the root's lock, and that it still keeps others out.

    Raises:
        RuntimeError: the caller has not taken the lock.
        RefusedError: ``lock-lost``, somebody removed the lock file.
    """
    pid, descriptor = _held.get(os.path.realpath(root), (0, -1))
    if pid != os.getpid():
        raise RuntimeError("the lock must be held here")
    try:
        kept = os.path.samestat((root / STATE / "lock").lstat(), os.fstat(descriptor))
    except OSError:
        kept = False
    if not kept:
        raise RefusedError(
            error(
                "lock-lost",
                f"{STATE}/lock was removed while this command ran, so that another may run too",
                Location(f"{STATE}/lock"),
                hint="leave that folder alone while a command runs, then run the command again",
            )
        )


def _attempt(root: Path) -> int | None:
    """The descriptor that holds the lock, None while another process holds it."""
    try:
        with Tree(root).folder(STATE) as folder:
            descriptor = files.system.open_or_create("lock", folder)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                named = os.stat("lock", dir_fd=folder, follow_symlinks=False)
            except (BlockingIOError, FileNotFoundError):
                os.close(descriptor)
                return None
            except BaseException:
                os.close(descriptor)
                raise
    except OSError as problem:
        raise RefusedError(_unlockable(root, problem)) from problem
    if not os.path.samestat(named, os.fstat(descriptor)):
        # The file was removed and made again in between: this lock would keep nobody out.
        os.close(descriptor)
        return None
    return descriptor


def _sign(descriptor: int, owner: Owner) -> None:
    """Say who holds the lock; a disk without room for it takes nothing from the lock."""
    record = json.dumps({"format": 1, **owner._asdict()}) + "\n"
    with contextlib.suppress(OSError):
        files.system.truncate(descriptor, 0)
        files.write_all(descriptor, record.encode())


def owner(root: Path) -> Owner | None:
    """Who holds the lock right now, by its own record; for messages, no decision may rest on it."""
    with contextlib.suppress(OSError):
        found = Tree(root).read(f"{STATE}/lock")
        recorded = Owner.parse(found.data) if found else None
        return recorded if recorded and recorded.is_current else None
    return None


def _locked(root: Path, timeout_seconds: float) -> Diagnostic:
    who = owner(root) or "another process"
    waited = f" after {timeout_seconds:g} s" if timeout_seconds else ""
    return error(
        "locked",
        f"{who} is changing this project; it still held the lock{waited}",
        Location(f"{STATE}/lock"),
        hint="wait for it to end, or let this command wait for it with --lock-timeout SECONDS",
    )


def _unlockable(root: Path, problem: OSError) -> Diagnostic:
    if problem.errno in _UNSUPPORTED:
        return error(
            "lock-unsupported",
            f"this file system has no locks: {problem.strerror}",
            Location(f"{STATE}/lock"),
            hint="keep the project on a local disk",
        )
    return unusable(root, f"{STATE}/lock", "the lock file", problem)
