"""One known failure, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from keychange.probing.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One known failure.

    ``example`` is what it looks like: the words that were seen, or the line of a report.
    ``pattern`` is a regular expression: where it is found in the standard error or the exception
    of a probe that ended without a code of its own, this is the failure. ``command`` is the next
    command to run; ``{model}`` stands for the model's id. ``source`` says where it was seen.
    """

    code: str
    title: str
    cause: str
    fix: str
    example: str
    verdict: Verdict = Verdict.FAIL
    command: str = ""
    pattern: str = ""
    source: str = ""
