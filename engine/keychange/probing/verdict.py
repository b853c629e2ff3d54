"""The verdicts: what a check, or a whole probe, says."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What a probe says.

    ``INCONCLUSIVE`` says nothing about the migration: the machine, the session or the reference
    recording kept the model from being tested.
    """

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class CheckVerdict(StrEnum):
    """What one check says; ``WARN`` and ``SKIPPED`` decide nothing, and are never a pass."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    WARN = "warn"
    SKIPPED = "skipped"

    @property
    def decides(self) -> bool:
        """Whether it keeps the probe from passing."""
        return self in (CheckVerdict.FAIL, CheckVerdict.INCONCLUSIVE)
