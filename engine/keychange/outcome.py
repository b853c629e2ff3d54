"""Outcome: how a run ended and what its checks said, as values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from keychange.diagnostics import Diagnostic
from keychange.model import Json
from keychange.probing.verdict import Verdict

if TYPE_CHECKING:
    from keychange.transaction.recovery import Recovery


class CheckOutcome(NamedTuple):
    """One check of one migration: a verdict, one line that says it, and the measured rows.

    ``details`` is the JSON that the ledger keeps as evidence. ``hidden`` are the values that
    renderers mask wherever they stand: what a process prints may hold any of ``.env``. ``table``
    is a probe's report as Markdown.
    """

    name: str
    verdict: Verdict
    headline: str
    rows: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    details: Mapping[str, Json] = MappingProxyType({})
    hidden: frozenset[str] = frozenset()
    table: str = ""

    def data(self) -> Json:
        """The outcome as JSON."""
        return {
            "name": self.name,
            "verdict": self.verdict.value,
            "headline": self.headline,
            **self.details,
        }


class Ending(StrEnum):
    """How a run ended. Each has its words and its exit code, and agrees with the bytes on disk.

    A refusal, and a restore that failed or could not be confirmed, are errors: see
    ``KeychangeError.ending``. ``applied-unverified`` stands in the ledger while checks run.
    """

    NOTHING = "nothing-to-do"
    APPLIED = "applied"
    UNVERIFIED = "applied-unverified"
    TAKEN_BACK = "taken-back"
    STAMPED = "stamped"
    REBASED = "rebased"
    ROLLED_BACK = "rolled-back"
    INCONCLUSIVE = "rolled-back-inconclusive"
    KEPT = "kept-unverified"


_WELL = frozenset(
    (Ending.NOTHING, Ending.APPLIED, Ending.TAKEN_BACK, Ending.STAMPED, Ending.REBASED)
)


class Outcome(NamedTuple):
    """What a run did.

    ``done`` are the revisions that stay as asked, of which ``unverified`` were to be checked and
    were not; ``undone`` is the one that was rolled back.
    ``checks`` are the outcomes of verification, by revision, ``baselines`` those of the models
    that were in use before.
    """

    ending: Ending = Ending.NOTHING
    done: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    undone: str = ""
    checks: Mapping[str, tuple[CheckOutcome, ...]] = MappingProxyType({})
    baselines: Mapping[str, CheckOutcome] = MappingProxyType({})
    diagnostics: tuple[Diagnostic, ...] = ()
    recovery: Recovery | None = None

    @property
    def exit_code(self) -> int:
        """0 when it is as asked, 3 when a check did not pass."""
        return 0 if self.ending in _WELL else 3

    @property
    def verdict(self) -> Verdict | None:
        """What the checks say together; None where none was run.

        One that fails decides; else one that could not be tested here does.
        """
        found = {each.verdict for results in self.checks.values() for each in results}
        order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
        return next((each for each in order if each in found), None)
