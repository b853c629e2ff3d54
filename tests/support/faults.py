"""Room of things that go wrong: any one system call of a transaction fails, or is the last."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from keychange.transaction import FileWrite, commit, files, lock, recover
from keychange.transaction.files import FileSystem

CALLS = tuple(name for name in vars(FileSystem) if not name.startswith("_"))


class Faults(FileSystem):
    """Counts the calls that write and lets ``fault`` act at the one with number ``at``.

    ``fault`` gets the real call to make it wholly, partly or not at all. Flushes are counted and
    not made: no killed process can tell, and the tests stay quick.
    """

    def __init__(self, at: int = -1, fault: Callable[[Call], object] | None = None) -> None:
        self.at = at
        self.fault = fault
        self.calls: list[Call] = []

    @property
    def reached(self) -> bool:
        return self.at < len(self.calls)


class Call:
    """One call: its name, its arguments, and how to make it."""

    def __init__(self, name: str, arguments: tuple, make: Callable[..., object]) -> None:
        self.name = name
        self.arguments = arguments
        self._make = make

    def make(self):
        if self.name in {"flush", "barrier"}:
            return None
        return self._make(*self.arguments)

    def make_half(self) -> None:
        if self.name == "write":
            descriptor, data = self.arguments
            os.write(descriptor, data[: len(data) // 2])

    def __repr__(self) -> str:
        names = [each for each in self.arguments if isinstance(each, str)]
        return f"{self.name}({', '.join(names)})"


def _counted(name: str):
    real = getattr(FileSystem, name)

    def method(self: Faults, *arguments):
        call = Call(name, arguments, lambda *given: real(self, *given))
        self.calls.append(call)
        if self.fault is not None and len(self.calls) - 1 == self.at:
            self.fault(call)
        return call.make()

    return method


for each_name in CALLS:
    setattr(Faults, each_name, _counted(each_name))


def killed(call: Call) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_halfway(call: Call) -> None:
    call.make_half()
    os.kill(os.getpid(), signal.SIGKILL)


def failing(code: int, *, halfway: bool = False) -> Callable[[Call], None]:
    def fault(call: Call) -> None:
        if halfway:
            call.make_half()
        raise OSError(code, os.strerror(code))

    return fault


def signalled(number: int) -> Callable[[Call], None]:
    def fault(call: Call) -> None:
        os.kill(os.getpid(), number)

    return fault


KILLS = {"killed": killed, "killed-halfway": killed_halfway}
ERRORS = {
    "no-space": failing(errno.ENOSPC, halfway=True),
    "no-access": failing(errno.EACCES),
    "io-error": failing(errno.EIO),
}


@contextlib.contextmanager
def injected(faults: FileSystem) -> Iterator[None]:
    previous = files.system
    files.system = faults
    try:
        yield
    finally:
        files.system = previous


def run(root: Path, writes: list[FileWrite], record: FileWrite | None = None, **options) -> object:
    """What a writing command does: lock, recover, commit."""
    with lock(root):
        recovery = recover(root)
        commit(root, writes, record=record, **options)
    return recovery


def in_child(action: Callable[[], object]) -> int:
    """The wait status of a forked process that does this and ends without cleaning up."""
    with warnings.catch_warnings():
        # pytest-xdist has threads of its own; the child touches none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            action()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(pid, 0)[1]


def was_killed(status: int) -> bool:
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


Snapshot = dict[str, tuple[str, int, bytes]]


def snapshot(root: Path) -> Snapshot:
    """Everything below the root but keychange's own: kind, permission bits, bytes."""
    result: Snapshot = {}
    for folder, folders, names in os.walk(root):
        if folder == str(root) and ".keychange" in folders:
            folders.remove(".keychange")
            ledger = root / ".keychange/ledger.json"
            if ledger.exists():
                mode = stat.S_IMODE(ledger.stat().st_mode)
                result[".keychange/ledger.json"] = ("file", mode, ledger.read_bytes())
        for name in (*folders, *names):
            path = Path(folder, name)
            status = path.lstat()
            mode = stat.S_IMODE(status.st_mode)
            key = path.relative_to(root).as_posix()
            if path.is_symlink():
                result[key] = ("link", 0, os.fsencode(os.readlink(path)))
            elif not path.is_file():
                result[key] = ("folder" if path.is_dir() else "special", mode, b"")
            else:
                result[key] = (f"file x{status.st_nlink}", mode, path.read_bytes())
    return result


def leftovers(root: Path) -> list[str]:
    """Staged files, journals and backups that are still there."""
    found = [path.relative_to(root).as_posix() for path in root.rglob(f"{files.TEMP_PREFIX}*")]
    for folder in ("journal", "backup"):
        inside = root / ".keychange" / folder
        if inside.is_dir():
            found += [path.relative_to(root).as_posix() for path in inside.rglob("*")]
    return found
