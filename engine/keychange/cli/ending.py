"""Ending: how a verb ends that was refused, was stopped, or met what nobody foresaw."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from keychange.cli.session import Session
from keychange.diagnostics import Diagnostic, error
from keychange.errors import KeychangeError
from keychange.secrets import without_secrets

if TYPE_CHECKING:
    from keychange.model import Json

_CLOSING = {
    "refused": ("Refused: nothing was written.", "Refused: nothing else was written."),
    "rolled-back": (
        "Rolled back: every file was restored and compared.",
        "Rolled back: every file of this step was restored and compared.",
    ),
    "rolled-back-unconfirmed": ("Rolled back, not confirmed: look at the files named above.",) * 2,
    "rollback-failed": ("Not restored: the files named above need your hand.",) * 2,
}
"""The last line for an ending: where nothing was done before, and where something was."""

_NOTHING = "nothing was written"
_UNTOUCHED = {
    "model": "no file of the project was written; what was fetched is kept, and goes on from there",
    "verify": "no file was written; what passed before is recorded",
    "demo": "no file was written but those of the demo",
}
"""What an interruption leaves where no step was begun."""


def failed(session: Session, problem: KeychangeError) -> int:
    """End with an error of ours: what is wrong, where, and what to do."""
    code = problem.exit_code
    if session.format == "json":
        done: list[Json] = [*problem.done]
        return session.emit(code, problem.diagnostics, ending=problem.ending, done=done)
    with session.telling(code):
        session.report(problem.diagnostics)
        if problem.ending in _CLOSING:
            closing = _CLOSING[problem.ending][bool(problem.done)]
            session.say(_stays(session, problem.done) + closing)
    return code


def _stays(session: Session, done: Iterable[str]) -> str:
    """Words for the revisions that a run had finished before it stopped."""
    names = ", ".join(done)
    how = "taken back" if session.verb == "down" else "applied"
    return f"Stopped. {how.capitalize()} before, and left so: {names}. " if names else ""


def interrupted(session: Session, stop: BaseException | None) -> int:
    """End where a signal stopped the run, unless it was said before how this ends."""
    if session.ended is not None:
        return session.ended
    first = stop  # a further one may have come on the way here, which knows nothing
    while first is not None and not hasattr(first, "done"):
        first = first.__context__
    stop = first or stop
    code = 128 + int(getattr(stop, "signal_number", signal.SIGINT))
    with session.telling(code):
        try:
            _say_what_is_left(
                session,
                code,
                committed=getattr(stop, "committed", None),
                done=getattr(stop, "done", ()),
                diagnostics=getattr(stop, "diagnostics", ()),
            )
        except OSError:  # the terminal has gone
            _forget_output()
    return code


def _say_what_is_left(
    session: Session,
    code: int,
    *,
    committed: bool | None,
    done: tuple[str, ...],
    diagnostics: Iterable[Diagnostic],
) -> None:
    """What the files hold after an interruption.

    ``committed`` says that those of the step under way are all new, or all old; None where none
    was begun.
    """
    if session.format == "json":
        named: list[Json] = [*done]
        session.emit(code, diagnostics, ending="interrupted", committed=committed, done=named)
        return
    session.report(diagnostics)
    other = "other " if done else ""
    words = {
        None: _UNTOUCHED.get(session.verb, "nothing else was written" if done else _NOTHING),
        False: f"every {other}file is as it was before",
        True: "every file holds its new value",
    }[committed]
    if committed and session.verb == "up":
        words += ", not verified; `migrate up` goes on with the checks"
    session.wipe()  # what the terminal shows of the key
    print(without_secrets(f"{_stays(session, done)}Interrupted; {words}."), file=sys.stderr)


def crashed(session: Session, problem: Exception) -> int:
    """End with an error that nobody foresaw, or where there is nowhere to tell anything.

    The text of the error may hold anything, so it is not shown.
    """
    ended = session.ended
    try:
        if ended is not None and isinstance(problem, OSError):
            raise problem
        if session.debug:
            _trace(problem)
        message = f"unexpected {type(problem).__name__}; this is a bug in keychange"
        again = "" if session.debug else "run it again with --debug and "
        hint = f"{again}report what it shows"
        code = failed(session, KeychangeError(error("internal-error", message, hint=hint)))
        sys.stdout.flush()
    except OSError as unheard:
        with suppress(OSError):
            how = f" The run itself ended with exit code {ended}." if ended is not None else ""
            print(f"Cannot write what there is to say: {unheard.strerror}.{how}", file=sys.stderr)
            sys.stderr.flush()
        _forget_output()
        return ended or 2
    return code


def _trace(problem: BaseException) -> None:
    """The way to an error and to its causes, without their texts: those may quote a file."""
    import traceback

    cause = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    if cause is not None:
        _trace(cause)
    print("Traceback (most recent call last):", file=sys.stderr)
    print("".join(traceback.format_tb(problem.__traceback__)), end="", file=sys.stderr)
    print(f"{type(problem).__qualname__} (its text may quote a file)", file=sys.stderr)


def _forget_output() -> None:
    """Let what waits to be written, where nothing can be, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
