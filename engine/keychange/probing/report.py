"""What a probe reports: a verdict, checks with value and limit, and one line to believe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from keychange.diagnostics import Diagnostic, Severity
from keychange.probing import failures
from keychange.probing.verdict import CheckVerdict, Verdict

FORMAT_VERSION: Final = 1
_GPUS: Final = frozenset({"metal", "cuda"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One named check: what was measured, against which limit, in which unit.

    ``limit`` is written as it is read (``<= 0.01``); ``code`` names the failure where it did not
    pass, and ``message`` says it in words.
    """

    name: str
    verdict: CheckVerdict
    stage: str = ""
    value: Any = None
    limit: str = ""
    unit: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """The outcome of one probe.

    ``code`` is the failure that decided, empty for a pass, and ``stage`` where it happened. The
    sections from ``audio`` to ``words`` hold measurements, empty where it did not come to them.
    ``warnings`` counts the known harmless ones by name. ``suspicious`` are lines that mlx-audio
    prints instead of raising. ``stderr`` is the end of the standard error without them,
    kept where the probe did not pass. ``artifacts`` are the files that were kept. ``retried`` is
    the code of a first run that was tried again.
    """

    model: str
    verdict: Verdict
    code: str = ""
    message: str = ""
    stage: str = ""
    checks: tuple[CheckResult, ...] = ()
    audio: Mapping[str, Any] = field(default_factory=dict)
    reference: Mapping[str, Any] = field(default_factory=dict)
    perf: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)
    voice: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    suspicious: tuple[str, ...] = ()
    stderr: tuple[str, ...] = ()
    artifacts: tuple[Path, ...] = ()
    started: str = ""
    retried: str = ""

    @property
    def proven_on_gpu(self) -> bool:
        """Whether this is a pass on a GPU, with weights that are not made up."""
        passed = self.verdict is Verdict.PASS
        return passed and self.device.get("backend") in _GPUS and not self.made_up

    @property
    def made_up(self) -> bool:
        """Whether keychange made the weights itself."""
        return bool(self.checkpoint.get("made_up"))

    def diagnostic(self) -> Diagnostic:
        """The verdict as a diagnostic: an error with cause and fix, or a note where it passed."""
        if self.verdict is Verdict.PASS:
            return Diagnostic(Severity.NOTE, "probe-passed", self.headline())
        return failures.diagnostic(self.code, self.message, model=self.model)

    def headline(self) -> str:
        """One line: what ran where, how fast; what it does not prove is said in it."""
        from keychange.probing.headline import headline

        return headline(self)

    def to_document(self) -> dict[str, Any]:
        """The report as JSON can hold it; format: ``schemas/probe_report.schema.json``."""
        document = asdict(self)
        document["artifacts"] = [str(each) for each in self.artifacts]
        return {
            "format_version": FORMAT_VERSION,
            "headline": self.headline(),
            "proven_on_gpu": self.proven_on_gpu,
            **document,
        }

    def to_json(self) -> str:
        """The document as indented text that ends in a newline."""
        return json.dumps(self.to_document(), indent=2, allow_nan=False, default=str) + "\n"
