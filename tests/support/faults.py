"""Room of things that go wrong: any one system call of a transaction fails, or is the last."""

from __future__ import annotations

import contextlib
import errno
import inspect
import os
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from keychange.settings import TEMP_PREFIX
from keychange.transaction import files
from keychange.transaction.commit import commit
from keychange.transaction.files import FileSystem
from keychange.transaction.lock import lock
from keychange.transaction.preflight import FileWrite
from keychange.transaction.recovery import recover

LEDGER = ".keychange/ledger.json"
KEPT = {".gitignore", "lock", "ledger.json", "journal", "cache"}
"""What keychange's folder holds between two commands; ``journal`` is empty then."""

CALLS = tuple(name for name, each in vars(FileSystem).items() if inspect.isfunction(each))


class Faults(FileSystem):
    """Counts the calls that write and lets ``fault`` act at the one with number ``at``.

    ``fault`` gets the real call to make it wholly, partly or not at all. Flushes are counted and
    not made: no killed process can tell, and the tests stay quick. One thread makes them all, so
    that the same call has the same number each time.
    """

    flushers = 1

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


@contextlib.contextmanager
def quick_folder(otherwise: Path) -> Iterator[Path]:
    """A folder in memory, where the system has one: thousands of runs must not wait for a disk."""
    memory = Path("/dev/shm")
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def run(root: Path, writes: list[FileWrite], record: FileWrite | None = None, **options) -> object:
    """What a writing command does: lock, recover, commit."""
    with lock(root):
        recovery = recover(root)
        commit(root, writes, record=record, **options)
    return recovery


def start_child(action: Callable[[], object]) -> int:
    """The number of a forked process that does this and ends without cleaning up."""
    with warnings.catch_warnings():
        # pytest-xdist has threads of its own; the child touches none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            action()
            code = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(code)
    return pid


def in_child(action: Callable[[], object]) -> int:
    """The wait status of a forked process that does this."""
    return os.waitpid(start_child(action), 0)[1]


def was_killed(status: int) -> bool:
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def write_note(file: Path, text: str) -> None:
    """Give a file an extended attribute."""
    if sys.platform == "linux":
        os.setxattr(file, "user.note", text.encode())
    else:
        subprocess.run(["xattr", "-w", "user.note", text, str(file)], check=True)


def read_note(file: Path) -> str:
    """That attribute; an error where the file has lost it."""
    if sys.platform == "linux":
        return os.getxattr(file, "user.note").decode()
    command = ["xattr", "-p", "user.note", str(file)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def names_of_notes(file: Path) -> list[str]:
    """The extended attributes of a file, by name; an access list is one of them on Linux."""
    if sys.platform == "linux":
        return os.listxattr(file)
    command = ["xattr", str(file)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def hand_down(folder: Path) -> None:
    """Let files that are made in a folder begin with an access list (POSIX; macOS has others)."""
    if sys.platform == "linux":
        entries = [(0x01, 6, -1), (0x02, 7, 12345), (0x04, 5, -1), (0x10, 7, -1), (0x20, 0, -1)]
        packed = b"".join(struct.pack("<HHi", *each) for each in entries)
        os.setxattr(folder, "system.posix_acl_default", struct.pack("<I", 2) + packed)


Snapshot = dict[str, tuple[str, int, bytes]]


def snapshot(root: Path) -> Snapshot:
    """Everything below the root, of keychange's own only the ledger: kind, mode, bytes."""
    result: Snapshot = {}
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                path = f"{folder}{entry.name}"
                status = entry.stat(follow_symlinks=False)
                mode = stat.S_IMODE(status.st_mode)
                if entry.is_symlink():
                    result[path] = ("link", 0, os.fsencode(Path(entry.path).readlink()))
                elif entry.is_file():
                    data = Path(entry.path).read_bytes()
                    result[path] = (f"file x{status.st_nlink}", mode, data)
                elif not entry.is_dir():
                    result[path] = ("special", mode, b"")
                elif path != ".keychange":
                    result[path] = ("folder", mode, b"")
                    waiting.append(f"{path}/")
    ledger = root / LEDGER
    if ledger.exists():
        result[LEDGER] = ("file", stat.S_IMODE(ledger.stat().st_mode), ledger.read_bytes())
    return result


def leftovers(root: Path) -> list[str]:
    """Staged files, journals and backups that are still there."""
    found = [path for path in snapshot(root) if TEMP_PREFIX in path]
    state = root / ".keychange"
    for folder in (state, state / "journal", state / "backup"):
        if folder.is_dir():
            found += [str(path) for path in folder.iterdir() if path.name not in KEPT]
    return found


WRITES = [
    FileWrite("a", b"old a", b"new a"),
    FileWrite("b", b"old b", b"new b"),
    FileWrite("sub/made", None, b"made"),
    FileWrite("gone", b"old gone", None),
]


def build_four(root: Path) -> Path:
    """The old state of ``WRITES``."""
    for write in WRITES:
        if write.before is not None:
            (root / write.path).write_bytes(write.before)
    return root


def at_call(name: str, *arguments: str, number: int = 0):
    """A fault that acts at a call of that name with these among its arguments."""

    class AtCall(Faults):
        def __init__(self, fault) -> None:
            super().__init__(0, self._check)
            self.fault_there = fault
            self.seen = 0

        def _check(self, call: Call) -> None:
            self.at += 1
            if call.name == name and set(arguments) <= set(call.arguments):
                self.seen += 1
                if self.seen == number + 1:
                    self.fault_there(call)

    return AtCall
