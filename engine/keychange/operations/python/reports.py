"""What is said of a value that is neither old nor new, or of an entry that finds nothing."""

from __future__ import annotations

from posixpath import normpath

from keychange.diagnostics import Diagnostic, Location, error, note
from keychange.formats.python.prefilter import may_contain
from keychange.model import Context, OnForeign, Source
from keychange.operations.python.entries import ByValue, PythonOperation


def foreign(operation: PythonOperation, message: str, location: Location, hint: str) -> Diagnostic:
    """A value that is neither old nor new, judged by the operation's own choice."""
    if operation.on_foreign is OnForeign.FAIL:
        return error("foreign-value", message, location, hint=hint)
    return note("foreign-value", f"{message}; it is left", location)


def expects(operation: PythonOperation, source: Source, context: Context, *, alone: bool) -> bool:
    """Whether each entry should find something in this file.

    A file that a pattern brings in need not hold anything. One of several named files need not
    hold what every entry looks for, but should hold something (``alone`` says that none has).
    """
    targets = [normpath(str(context.expand(each))) for each in operation.targets]
    return source.path in targets and (alone or len(targets) == 1)


def missed(
    entry: ByValue,
    operation: PythonOperation,
    source: Source,
    context: Context,
    *,
    alone: bool = True,
) -> tuple[Diagnostic, ...]:
    """An entry by value found nothing; no word where a later migration has been."""
    later = context.later_values
    if not expects(operation, source, context, alone=alone):
        return ()
    if later and may_contain(source.data or b"", later):
        return ()
    message = f"{source.path} holds neither {short(entry.old)} nor {short(entry.new)}"
    hint = "correct `from`, take the file out of the targets, or say `on_foreign: keep`"
    return (foreign(operation, message, Location(source.path), hint),)


def short(value: str) -> str:
    """A value in a message: on one line, not too long."""
    shown = repr(value)
    return shown if len(shown) <= 72 else f"{shown[:60]}...{shown[-8:]}"
