"""Putting a report together: what was measured, what was judged, and which check decides; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from keychange.diagnostics import errors_in
from keychange.probing import failures, harmless
from keychange.probing.classification import Cause
from keychange.probing.report import CheckResult, ProbeReport
from keychange.probing.supervisor import Outcome
from keychange.probing.verdict import CheckVerdict, Verdict
from keychange.verification.model.inspection import Inspection

_STDERR_LINES: Final = 30


def snapshot_checks(inspection: Inspection) -> tuple[CheckResult, ...]:
    """The findings of the inspector as checks; one that passes where there is no error."""
    found = tuple(
        CheckResult(
            name="snapshot",
            stage="snapshot",
            verdict=CheckVerdict(failures.known()[each.code].verdict),
            code=each.code,
            message=each.message,
        )
        for each in errors_in(inspection.diagnostics)
    )
    size = float(f"{inspection.checkpoint.size / 1e9:.4g}")
    passed = CheckVerdict.PASS
    whole = CheckResult(name="snapshot", stage="snapshot", verdict=passed, value=size, unit="GB")
    return found or (whole,)


def measured(report: ProbeReport, outcome: Outcome) -> ProbeReport:
    """The report with the sections that the worker measured."""
    facts, lines = outcome.facts, harmless.sort(outcome.stderr)
    passed = outcome.result is not None and outcome.result["ok"]
    return replace(
        report,
        audio=facts.get("audio", {}),
        reference=facts.get("reference", {}),
        perf=_performance(facts, outcome.seconds),
        versions=facts.get("versions", {}),
        machine={**report.machine, **facts.get("machine", {})},
        device=_device(facts.get("device", {})),
        voice=facts.get("voice", {}),
        words=facts.get("words", {}),
        warnings=lines.harmless,
        suspicious=lines.suspicious,
        stderr=() if passed else lines.rest[-_STDERR_LINES:],
    )


def _device(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Device, back end and the name of the hardware; mlx names it by another key on CUDA."""
    info = facts.get("info") or {}
    name = info.get("device_name") or info.get("name") or ""
    found = {"default": facts.get("default"), "backend": facts.get("backend"), "name": name}
    return {**found, "info": info} if facts else {}


def _performance(facts: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Seconds, tokens and speed of the cold and the warm run, and memory in GB.

    ``speed`` is seconds of speech per second, of the warm run where there is one.
    """
    attempts, warm = facts.get("attempts") or [], facts.get("repeat")
    found: dict[str, Any] = {"total_seconds": round(seconds, 3)}
    found["stages"] = facts.get("timings", {})
    if "active_bytes" in facts.get("model", {}):
        found["active_gb"] = round(facts["model"]["active_bytes"] / 1e9, 3)
    if not attempts:
        return found
    last = warm or attempts[-1]
    found |= {
        "first_seconds": attempts[0]["seconds"],
        "cold": attempts[-1],
        "warm": warm,
        "attempts": attempts,
        "seconds": last["seconds"],
        "speed": last["speed"],
        "peak_gb": round(max(each["peak_bytes"] for each in (*attempts, last)) / 1e9, 3),
    }
    return found


def decided(
    report: ProbeReport, checks: tuple[CheckResult, ...], cause: Cause | None
) -> ProbeReport:
    """The report with its verdict: that of the first check that decides.

    Checks come in the order of the stages, and a cause that ended the worker comes last: what was
    measured before a crash explains it better than the crash does.
    """
    if cause and all(each.code != cause.code for each in checks if each.verdict.decides):
        checks = (*checks, _check_of(cause))
    deciding = next((each for each in checks if each.verdict.decides), None)
    if deciding is None:
        return replace(report, verdict=Verdict.PASS, checks=checks)
    return replace(
        report,
        verdict=Verdict(deciding.verdict),
        code=deciding.code,
        message=deciding.message,
        stage=deciding.stage,
        checks=checks,
    )


def _check_of(cause: Cause) -> CheckResult:
    """The check that a cause fails, named for the stage that it happened in."""
    return CheckResult(
        name=cause.stage,
        stage=cause.stage,
        verdict=CheckVerdict(failures.known()[cause.code].verdict),
        code=cause.code,
        message=cause.message,
    )
