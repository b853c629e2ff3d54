"""A project folder under test: run `migrate` on it, and know every byte of it."""

import contextlib
import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.documents import printed

MIGRATE = (sys.executable, "-c", "from keychange.__main__ import main; main()")
OURS = (".git", ".keychange")
QUIET = {"NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True)
class File:
    """A file as it is on the disk."""

    data: bytes
    mode: int
    written: int


def files(root):
    """Every file of a project by its path from the root, without git's and keychange's own."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_file() and name.parts[0] not in OURS:
            status = path.stat()
            found[name.as_posix()] = File(path.read_bytes(), status.st_mode, status.st_mtime_ns)
    return found


def changed(before, after):
    """The paths that were added, removed, or whose bytes or mode differ."""
    paths = before.keys() | after.keys()
    return {
        path
        for path in paths
        if path not in before
        or path not in after
        or (before[path].data, before[path].mode) != (after[path].data, after[path].mode)
    }


def migrate(root, *arguments, migrations=None, environment=None):
    """Run `migrate -C ROOT ...` in a process of its own, which downloads nothing unless told to."""
    command = [*MIGRATE, "-C", root, *(["--migrations", migrations] if migrations else [])]
    given = {key: value for key, value in os.environ.items() if not key.startswith("FLAMING_HORSE")}
    done = subprocess.run(
        [*command, *arguments],
        env={**given, **QUIET, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.stdout.startswith('{\n  "format_version"'):
        printed(done.stdout)
    return done


def track(root):
    """Make a project a git repository with everything that it does not ignore committed."""
    person = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    for arguments in (("init", "-q"), ("add", "."), (*person, "commit", "-q", "-m", "as it was")):
        subprocess.run(["git", "-c", "core.autocrlf=false", *arguments], cwd=root, check=True)


def sourced(env_file, *, export):
    """What bash's processes see after sourcing a file in an empty environment."""
    script = f"{'set -a; ' if export else ''}. '{Path(env_file)}'; exec env -0"
    done = subprocess.run(["bash", "-c", script], env={}, capture_output=True, check=True)
    pairs = (entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
    return {key: value for key, value in pairs if key not in ("PWD", "OLDPWD", "SHLVL", "_")}


@dataclass(frozen=True)
class Said:
    """What a command came to; like a finished process."""

    returncode: int
    stdout: str
    stderr: str


def migrate_here(root, *arguments):
    """Run `migrate -C ROOT ...` in this very process: quick, and open to fault injection."""
    from keychange.cli import main

    out, err = io.StringIO(), io.StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(["-C", str(root), *map(str, arguments)])
        except SystemExit as done:
            code = done.code
        finally:
            signal.signal(signal.SIGTERM, handler)
    return Said(code, out.getvalue(), err.getvalue())


def git(root, *arguments):
    """Run git as a person of no name, and return what it prints."""
    person = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    command = ["git", *person, "-c", "core.autocrlf=false", "-c", "init.defaultBranch=main"]
    done = subprocess.run([*command, *arguments], cwd=root, check=True, capture_output=True)
    return done.stdout.decode()
