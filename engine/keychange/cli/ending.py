"""Ending: how a verb ends that was refused, was stopped, or met what nobody foresaw."""

from __future__ import annotations

import errno
import signal
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from keychange.cli.session import Session
from keychange.cli.streams import finish, narrate
from keychange.diagnostics import Diagnostic, Location, error, in_order
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
    with session.telling(code):
        session.settle(code, *_heads(session, problem.diagnostics))
        if session.format == "json":
            done: list[Json] = [*problem.done]
            return session.emit(code, problem.diagnostics, ending=problem.ending, done=done)
        session.report(problem.diagnostics)
        if problem.ending in _CLOSING:
            closing = _CLOSING[problem.ending][bool(problem.done)]
            session.say(_stays(session, problem.done) + closing)
    return code


def _heads(session: Session, diagnostics: Iterable[Diagnostic]) -> list[str]:
    """The first line of each diagnostic, where it is only said on standard output."""
    if session.format == "text":
        return []
    from keychange.render import diagnostics as rendering

    style = session.style(sys.stderr)
    return [rendering.head(each, style) for each in in_order(diagnostics)]


def unheard(session: Session, problem: OSError) -> int:
    """End where the result cannot be printed; returns the exit code.

    A reader that has gone, as ``| head`` does, misses nothing unless something was done.
    """
    if session.settled is None and problem.errno == errno.EPIPE:
        return 1
    code, lines = session.settled or (2, ())
    reason = (problem.strerror or str(problem)).lower()
    message = f"the result cannot be written to standard output: {reason}"
    hint = "make room for it, or send it somewhere else, and run the command again"
    if session.settled:
        hint = "what the run came to stands below, and counts"
    from keychange.render import diagnostics as rendering

    told = error("unwritable-output", message, Location("<stdout>"), hint=hint)
    for line in (*rendering.full([told], session.style(sys.stderr)), *lines):
        narrate(without_secrets(line))
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
        _say_what_is_left(
            session,
            code,
            committed=getattr(stop, "committed", None),
            done=getattr(stop, "done", ()),
            diagnostics=getattr(stop, "diagnostics", ()),
        )
        finish()
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
    other = "other " if done else ""
    words = {
        None: _UNTOUCHED.get(session.verb, "nothing else was written" if done else _NOTHING),
        False: f"every {other}file is as it was before",
        True: "every file holds its new value",
    }[committed]
    if committed and session.verb == "up":
        words += ", not verified; `migrate up` goes on with the checks"
    told = f"{_stays(session, done)}Interrupted; {words}."
    session.settle(code, *_heads(session, diagnostics), told)
    if session.format == "json":
        named: list[Json] = [*done]
        session.emit(code, diagnostics, ending="interrupted", committed=committed, done=named)
        return
    session.report(diagnostics)
    session.wipe()  # what the terminal shows of the key
    narrate(without_secrets(told))


def crashed(session: Session, problem: Exception) -> int:
    """End with an error that nobody foresaw; its text may hold anything, so it is not shown."""
    if session.debug:
        _trace(problem)
    message = f"unexpected {type(problem).__name__}; this is a bug in keychange"
    again = "" if session.debug else "run it again with --debug and "
    hint = f"{again}report what it shows"
    return failed(session, KeychangeError(error("internal-error", message, hint=hint)))


def _trace(problem: BaseException) -> None:
    """The way to an error and to its causes, without their texts: those may quote a file."""
    import traceback

    cause = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    if cause is not None:
        _trace(cause)
    narrate("Traceback (most recent call last):")
    narrate("".join(traceback.format_tb(problem.__traceback__)), end="")
    narrate(f"{type(problem).__qualname__} (its text may quote a file)")
