"""Every known failure of a local speech model: a stable code, its cause, its fix, its verdict.

Sources: the upgrade guide (sections 7 and 8) and public threads about mlx, mlx-audio and
transformers, named at the entries. ``migrate explain CODE`` prints an entry; the inspector of
the model cache and the probe take their hints from here and from nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from keychange.diagnostics import Diagnostic, Location, Severity
from keychange.probe.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One known failure.

    ``pattern`` is a regular expression: where it is found in the standard error or the exception
    of a probe that ended without a code of its own, this is the failure. ``command`` is the next
    command to run; ``{model}`` stands for the model's id. ``source`` says where it was seen.
    """

    code: str
    title: str
    cause: str
    fix: str
    verdict: Verdict = Verdict.FAIL
    command: str = ""
    pattern: str = ""
    source: str = ""


@cache
def known() -> dict[str, Failure]:
    """All failures by code; of two patterns that match, the one listed first wins."""
    from keychange.probe import known_failures

    return {each.code: each for each in known_failures.FAILURES}


def explain(code: str) -> Failure | None:
    """The entry of a code, None where it is not known here."""
    return known().get(code)


def recognise(text: str) -> Failure | None:
    """The known failure whose pattern is found in a standard error or an exception."""
    import re

    for each in known().values():
        if each.pattern and re.search(each.pattern, text):
            return each
    return None


def diagnostic(
    code: str,
    message: str,
    *,
    model: str = "",
    location: Location | None = None,
    severity: Severity = Severity.ERROR,
) -> Diagnostic:
    """A diagnostic whose hint and command come from the table.

    Raises:
        KeyError: the code is not in the table.
    """
    entry = known()[code]
    command = entry.command.format(model=model) if model else ""
    return Diagnostic(severity, code, message, location, entry.fix, command)
