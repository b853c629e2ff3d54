"""Answers of `migrate check` in this process, warm where it can give the last one again."""

import io
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from keychange import cli
from keychange.warm.replay import replay
from keychange.warm.store import FOLDER


def run(root, *arguments, cold=False):
    """The answer of `migrate check` in this process: what it prints and its code."""
    if cold:
        shutil.rmtree(root / FOLDER, ignore_errors=True)
    words = ["-C", str(root), "check", *arguments]
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["migrate", *words]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = replay(words)
            warm = code is not None
            if not warm:
                with pytest.raises(SystemExit) as done:
                    cli.main(words)
                code = done.value.code
    finally:
        sys.argv = before
    return warm, (out.getvalue(), err.getvalue(), code)
