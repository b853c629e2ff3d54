"""The pager: a long result on a terminal goes through one, as with git; elsewhere never."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence

from keychange.cli.streams import finish


def chosen(environment: Mapping[str, str]) -> str:
    """The pager's command for a shell: KEYCHANGE_PAGER, else PAGER, else less; empty for none."""
    for name in ("KEYCHANGE_PAGER", "PAGER"):
        if name in environment:
            command = environment[name].strip()
            return "" if command == "cat" else command
    return "less" if shutil.which("less") else ""


def page(lines: Sequence[str]) -> bool:
    """Show lines through the pager; False where none is needed or none can be started.

    One that is closed early ends the output, and nothing else; Ctrl-C meanwhile is the pager's.
    """
    environment = {"LESS": "FRX", "LV": "-c", **os.environ}
    command = chosen(os.environ)
    fits = len(lines) < shutil.get_terminal_size((80, 24)).lines
    if fits or not command or os.environ.get("TERM") == "dumb" or os.environ.get("CI"):
        return False
    finish()
    try:
        process = subprocess.Popen(
            ["sh", "-c", command], stdin=subprocess.PIPE, env=environment, text=True
        )
    except OSError:
        return False
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        # communicate() takes a pager that does not read to the end for no error.
        process.communicate("".join(f"{line}\n" for line in lines))
    except KeyboardInterrupt:  # another signal ends both, and leaves the terminal as it was
        process.terminate()
        process.wait()
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    return process.returncode != 127  # of the shell: there is no such command
