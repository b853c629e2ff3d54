"""Every known failure of a local speech model: a stable code, its cause, its fix, its verdict.

Sources: the upgrade guide (sections 7 and 8) and public threads about mlx, mlx-audio and
transformers, named at the entries. The inspector of
the model cache and the probe take their hints from here and from nowhere else.
"""

from __future__ import annotations

from functools import cache

from keychange.diagnostics import Diagnostic, Severity
from keychange.probing.known_failures import FAILURES, Failure

__all__ = ["Failure", "diagnostic", "known", "recognise"]


@cache
def known() -> dict[str, Failure]:
    """All failures by code; of two patterns that match, the one listed first wins."""
    return {each.code: each for each in FAILURES}


def recognise(text: str) -> Failure | None:
    """The known failure whose pattern is found in a standard error or an exception."""
    import re

    for each in known().values():
        if each.pattern and re.search(each.pattern, text):
            return each
    return None


def diagnostic(
    code: str, message: str, *, model: str = "", severity: Severity = Severity.ERROR
) -> Diagnostic:
    """A diagnostic whose hint and command come from the table.

    Raises:
        KeyError: the code is not in the table.
    """
    entry = known()[code]
    command = entry.command.format(model=model) if model else ""
    return Diagnostic(severity, code, message, None, entry.fix, command)
