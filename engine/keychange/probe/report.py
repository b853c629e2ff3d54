"""What a probe reports: checks with value and limit, a verdict, and one line that people believe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from keychange.diagnostics import Diagnostic, Severity
from keychange.probe import failures
from keychange.probe.verdict import CheckVerdict, Verdict

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One named check: what was measured, against which limit, in which unit.

    ``limit`` is written as it is read (``<= 0.01``); ``code`` names the failure where it did not
    pass, and ``message`` says it in words.
    """

    name: str
    verdict: CheckVerdict
    value: Any = None
    limit: str = ""
    unit: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """The outcome of one probe.

    ``code`` is the failure that decided, empty for a pass, and ``stage`` where it happened. The
    sections ``audio``, ``perf``, ``checkpoint``, ``versions``, ``machine`` and ``device`` hold
    measurements; the README of the report format is ``schemas/probe_report``. ``warnings`` counts
    the known harmless ones by name. ``stderr`` is the end of the standard error without them,
    kept where the probe did not pass. ``artifacts`` are the files that were kept.
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
    warnings: Mapping[str, int] = field(default_factory=dict)
    suspicious: tuple[str, ...] = ()
    stderr: tuple[str, ...] = ()
    artifacts: tuple[Path, ...] = ()
    seconds: float = 0.0
    started: str = ""
