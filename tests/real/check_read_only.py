"""The room where `check` is watched by the kernel: it opens nothing for writing but its cache.

    python tests/real/check_read_only.py [FOLDER]

Needs Linux and strace; the part with a read-only file system needs root. A project is made below
FOLDER (a temporary one by default) and checked cold and warm, in every format and with every
option, and with a ledger, a stale cache and drift. Each run is traced with all its processes; a
call that would change a file outside ``.keychange/``, or that opens a socket, is a failure. The
same checks run on a file system that is mounted read-only, and have to give the same answers.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.voice_project import FILES, OLD, write
from support.workspace import track

WAYS = (
    (),
    ("--index",),
    ("--exhaustive",),
    ("--fix",),
    ("--left-behind", "fail"),
    ("--left-behind", "ignore"),
    ("app/voice.py", "README.md"),
    *(("--format", each) for each in ("json", "github", "concise", "sarif")),
)
CHANGING = (
    *("open", "openat", "creat", "rename", "renameat", "renameat2", "unlink", "unlinkat"),
    *("mkdir", "mkdirat", "rmdir", "link", "linkat", "symlink", "symlinkat", "truncate"),
    *("chmod", "fchmodat", "chown", "fchownat", "utimensat", "mknod", "mknodat", "setxattr"),
    *("socket", "connect", "bind", "mount"),
)
_CALL = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)$")
_OPENS = frozenset({"open", "openat", "creat"})
_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
_NAMES = re.compile(r'(?:\d+<([^<>]*)>, )?"((?:\\.|[^"\\])*)"')
"""The folder of an open descriptor that a name is relative to, where there is one, and the name."""


def project(root: Path) -> Path:
    """A project that has been applied, and in which something has drifted since."""
    write(root, FILES)
    write(root, {".env": f"VOICE={OLD}\n", "app/voice.py": f'VOICE = "{OLD}"\n'})
    track(root)
    done = migrate(root, "up", "--yes")
    assert done.returncode == 0, done.stderr
    write(root, {"README.md": f"It was {OLD}.\n", "app/new.py": f'X = "{OLD}"\n'})
    return root


def migrate(
    root: Path, *arguments: str, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    command = [*before, sys.executable, "-m", "keychange", "-C", str(root), *arguments]
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def breaches(trace: str, root: Path) -> Iterator[str]:
    """The calls of a trace that change something outside of the project's ``.keychange``."""
    for line in trace.splitlines():
        call = _CALL.match(line)
        if call is None or call[1] not in CHANGING:
            continue
        name, rest = call[1], call[2]
        if name in ("socket", "connect", "bind"):
            yield line
            continue
        if name in _OPENS and not (name == "creat" or _WRITES.search(rest)):
            continue
        named = [root / folder / each for folder, each in _NAMES.findall(rest) if each]
        allowed = all(
            Path(os.path.normpath(each)).is_relative_to(root / ".keychange")
            or each == Path(os.devnull)
            for each in named
        )
        if not (named and allowed):
            yield line


def traced(root: Path, *arguments: str) -> tuple[str, list[str]]:
    """The answer of a check as ``strace`` saw it, and what it should not have done."""
    with tempfile.NamedTemporaryFile("r", suffix=".strace") as file:
        calls = f"trace={','.join(CHANGING)}"
        strace = ("strace", "-f", "-y", "-qq", "-s", "4096", "-o", file.name, "-e", calls)
        done = migrate(root, "check", *arguments, before=strace)
        trace = file.read()
    assert "openat(" in trace, f"strace saw nothing:\n{done.stderr}"
    return said(done), list(breaches(trace, root))


def sees_writes(root: Path) -> bool:
    """Whether the watch would notice: `plan --out` writes a file outside of ``.keychange``."""
    with tempfile.NamedTemporaryFile("r", suffix=".strace") as file:
        strace = ("strace", "-f", "-y", "-qq", "-o", file.name, "-e", f"trace={','.join(CHANGING)}")
        migrate(root, "plan", "--out", str(root.parent / "up.plan"), before=strace)
        return bool(list(breaches(file.read(), root)))


def said(done: subprocess.CompletedProcess[str]) -> str:
    return f"{done.returncode}\n{done.stdout}\n{done.stderr}"


@contextmanager
def read_only(folder: Path, name: str) -> Iterator[Path]:
    """A copy of a folder on a file system of its own that cannot be written."""
    place = folder.with_name(name)
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], check=True)
    try:
        shutil.copytree(folder, place / "project", symlinks=True)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        yield place / "project"
    finally:
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    options = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        root = project(Path(os.path.realpath(folder)) / "project")
        assert sees_writes(root), "the watch sees nothing"
        answers = {}
        for state in ("cold", "warm", "damaged cache"):
            for way in WAYS:
                if state == "cold":
                    shutil.rmtree(root / ".keychange/cache", ignore_errors=True)
                elif state == "damaged cache":
                    for path in (root / ".keychange/cache").iterdir():
                        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
                answer, found = traced(root, *way)
                answers.setdefault(way, answer)
                found += ["another answer"] if answers[way] != answer else []
                wrong += bool(found)
                print(f"{'FAIL' if found else 'pass'}  {state}: check {' '.join(way)}")
                print("".join(f"      {each}\n" for each in found), end="")
        if os.geteuid() != 0:
            print("skip  a read-only file system: needs root")
            return 1
        for state in ("with its cache", "without a cache"):
            if state == "without a cache":
                shutil.rmtree(root / ".keychange/cache")
            with read_only(root, f"ro-{len(state)}") as place:
                for way in WAYS:
                    answer = said(migrate(place, "check", *way))
                    fine = answer.replace(str(place), str(root)) == answers[way]
                    wrong += not fine
                    print(f"{'pass' if fine else 'FAIL'}  read-only, {state}: {' '.join(way)}")
                    print("" if fine else f"      {answer}\n", end="")
    print(f"{wrong} failures")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
