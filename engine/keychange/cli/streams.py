"""Streams: results on standard output, which must arrive; narration, which need not be heard."""

from __future__ import annotations

import os
import sys
from typing import TextIO


class OutputError(Exception):
    """A result cannot be written to standard output; the system says why."""

    def __init__(self, problem: OSError) -> None:
        super().__init__(problem.strerror)
        self.problem = problem


def result(text: str) -> None:
    """A line of a result.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        print(text)
    except OSError as problem:
        raise OutputError(problem) from problem


def finish() -> None:
    """Write what waits on standard output.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        sys.stdout.flush()
    except OSError as problem:
        raise OutputError(problem) from problem


def narrate(text: str, end: str = "\n") -> None:
    """A line of narration; where nobody can hear it, the work goes on without."""
    try:
        print(text, end=end, file=sys.stderr, flush=True)
    except OSError:
        forget(sys.stderr)


def forget(stream: TextIO) -> None:
    """Let what waits in one of the two streams, and all that follows, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1 if stream is sys.stdout else 2)
    os.close(nowhere)
