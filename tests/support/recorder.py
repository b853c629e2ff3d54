"""Room of the recorder: `migrate` as a person sees it, 80 by 24, or as a pipe gets it.

Each run is a fork of this process, so nothing is imported again. What differs from run to run and
from machine to machine is made equal in one place, ``settled``.
"""

from __future__ import annotations

import fcntl
import gc
import os
import pty
import re
import select
import shlex
import struct
import sys
import tempfile
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from support.faults import start_child

ROWS, COLUMNS = 24, 80
TERMINAL = {"TERM": "xterm-256color"}
PROMPT = re.compile(rb"\[[yY]/[nN]\](\x1b\[[0-9;]*m)*: ?$")


@dataclass(frozen=True)
class Seen:
    """What a command came to: its exit code, and what appeared on each stream.

    In a terminal there is one stream, ``out``, which holds both in their order.
    """

    code: int
    out: str
    err: str = ""


def warm() -> None:
    """Import here what every fork needs, so that none of them has to."""
    from keychange.cli import VERBS
    from keychange.operations import KINDS

    for name in VERBS:
        import_module(f"keychange.cli.{name}_verb")
    for name in (
        *("jsonschema", "libcst", "libcst.metadata", "ruamel.yaml", "deepdiff"),
        *("keychange.workflow", "keychange.render.text", "keychange.render.document"),
        *(f"keychange.operations.{each}" for each in KINDS),
    ):
        import_module(name)
    gc.collect()
    gc.freeze()  # a fork that counts no references copies no pages


def environment(home: Path, **more: str) -> Mapping[str, str]:
    """What every run gets: the same on every machine but for the places of the programs."""
    return {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "PAGER": "cat",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "HF_HUB_OFFLINE": "1",
        **more,
    }


def migrate(arguments: Sequence[str]) -> Callable[[], int]:
    """The program, in this process and to its end; what the console script does."""

    def run() -> int:
        from keychange.__main__ import main

        sys.argv = ["migrate", *arguments]
        try:
            main()
        except SystemExit as done:
            return done.code if isinstance(done.code, int) else int(bool(done.code))
        return 0

    return run


def bash(command: str) -> Callable[[], int]:
    """A line for the shell; it takes the place of this process."""

    def run() -> int:
        os.execvpe("bash", ["bash", "-c", command], dict(os.environ))

    return run


def action(command: str) -> Callable[[], int]:
    """A line as it is typed: `migrate` alone in this process, everything else by the shell."""
    words = shlex.split(command)
    plain = not set(command) & set("|<>;&$`*") and "=" not in words[0]
    return migrate(words[1:]) if words[0] == "migrate" and plain else bash(command)


def in_terminal(
    run: Callable[[], int], folder: Path, environment: Mapping[str, str], keys: str = ""
) -> Seen:
    """Run something in a terminal of its own; ``keys`` are typed where it asks."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def child() -> None:
        os.close(ours)
        os.login_tty(theirs)
        become(run, folder, environment)

    pid = start_child(child)
    seen, waiting = b"", [f"{key}\n".encode() for key in keys.split("\n") if key]
    status = None
    # Our end of theirs stays open to the end: what is written last is lost, now and then, with
    # the last process that has the terminal.
    while (ready := select.select([ours], [], [], 0.05)[0]) or status is None:
        if not ready:
            ended, said = os.waitpid(pid, os.WNOHANG)
            status = said if ended else None
            continue
        seen += os.read(ours, 65536)
        if waiting and PROMPT.search(seen):
            os.write(ours, waiting.pop(0))
    os.close(theirs)
    os.close(ours)
    return Seen(os.waitstatus_to_exitcode(status), seen.decode().replace("\r\n", "\n"))


def in_pipes(run: Callable[[], int], folder: Path, environment: Mapping[str, str]) -> Seen:
    """Run something without a terminal, as a script or CI does."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:

        def child() -> None:
            nothing = os.open(os.devnull, os.O_RDONLY)
            for number, descriptor in enumerate((nothing, out.fileno(), err.fileno())):
                os.dup2(descriptor, number)
            become(run, folder, environment)

        code = _code(start_child(child))
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return Seen(code, *texts)


def become(run: Callable[[], int], folder: Path, environment: Mapping[str, str]) -> None:
    """Be another process as far as a program can tell, to the end."""
    gc.disable()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False, encoding="utf-8")
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", closefd=False, encoding="utf-8", buffering=1)
    if sys.stdout.isatty():
        sys.stdout.reconfigure(line_buffering=True)
    code = run()
    sys.stdout.flush()
    os._exit(code)


def _code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


_SETTLED = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "2026-01-02T03:04:05Z"),
    (r"/tmp/keychange-demo-\w{8}", "/tmp/keychange-demo"),
    (r"\d{8}T\d{6}Z", "20260102T030405Z"),
    (r"\d+(\.\d+)? (s|ms|GB|MB)\b", r"1.0 \2"),
    (r"(?<![0-9a-f])[0-9a-f]{12,64}(?![0-9a-f])", lambda found: "0" * len(found[0])),
    (r"Python 3\.\d+\.\d+\S*", "Python 3.12.0"),
    (r"git version \S+", "git version 2.50.0"),
    (r"(Linux|Darwin|macOS) \d\S* \S+", "Linux 6.0, x86_64"),
    (r"(Linux|Darwin|macOS) (x86_64|arm64|aarch64)", "Linux x86_64"),
)


def moved(text: str, places: Mapping[str, str]) -> str:
    """The text with each place of this run under the name that stands for it.

    What was live, a line that was taken away again, is gone.
    """
    for place, name in places.items():
        text = text.replace(place, name)
    return re.sub(r"[^\n\r]*\r\x1b\[K", "", text)


def settled(text: str, places: Mapping[str, str]) -> str:
    """As ``moved``, and what depends on the run or the machine is made equal."""
    text = moved(text, places)
    for pattern, new in _SETTLED:
        text = re.sub(pattern, new, text)
    return text


def readable(text: str) -> str:
    """A terminal's text with its control characters written out."""
    return text.replace("\x1b", "\\e").replace("\r", "\\r").replace("\a", "\\a")
