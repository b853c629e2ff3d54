"""The probe's client: inspect the snapshot, run the worker, judge what it measured."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from keychange.closest_name import hint_of
from keychange.diagnostics import error
from keychange.errors import UsageProblem
from keychange.probing import assembly, thresholds
from keychange.probing.classification import Cause, cause_of
from keychange.probing.duration import expect
from keychange.probing.headline import markdown
from keychange.probing.judgement import Standard, judge
from keychange.probing.recogniser import cached_recogniser, word_error_rate
from keychange.probing.report import ProbeReport
from keychange.probing.request import STAGE_LIMITS, ProbeRequest
from keychange.probing.supervisor import Outcome, Progress, ProgressCallback, supervise
from keychange.probing.verdict import Verdict
from keychange.verification.model.cache import inspect_model

__all__ = ["Progress", "ProgressCallback", "run_probe", "worker_environment"]

_RETRIED: Final = frozenset({"gpu-watchdog"})  # often gone the next time (mlx #3267)
_WORKER: Final = Path(__file__).with_name("worker.py")
# They belong to our own interpreter and would make the target's a different one.
_NOT_PASSED: Final = frozenset(
    {"PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__"}
)
_OFFLINE: Final[Mapping[str, str]] = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONSAFEPATH": "1",
    "PYTHONUNBUFFERED": "1",
}


def worker_environment(additions: Mapping[str, str]) -> dict[str, str]:
    """The environment of the worker: this process's, the additions, and offline in any case."""
    inherited = {key: value for key, value in os.environ.items() if key not in _NOT_PASSED}
    return {**inherited, **additions, **_OFFLINE}


def run_probe(request: ProbeRequest, progress: ProgressCallback | None = None) -> ProbeReport:
    """Synthesise speech with the request's model and interpreter, and judge it.

    The snapshot is inspected first; where it is not whole, nothing is started. The worker runs in
    its own process group, offline, and nothing of it is left when this returns or raises. Where
    the GPU watchdog ended it, it is run once more.
    ``progress`` is called on every change of stage, about every two seconds, and twice a second
    while the model speaks.

    Raises:
        UsageProblem: the request overrides a threshold or a limit that does not exist.
        OSError: the output folder cannot be written.
        KeyboardInterrupt: after the worker was ended.
    """
    limits, numbers = _limits(request), thresholds.resolve(request.thresholds)
    environment = worker_environment(request.environment)
    report = _blank(request.model)
    try:
        transcript = _transcript(request)
    except (OSError, UnicodeDecodeError) as problem:
        absent = Cause("reference-missing", str(problem), "reference")
        return _kept(request, assembly.decided(report, (), absent))
    inspection = inspect_model(request.model, environment, request.expect)
    report = replace(report, checkpoint=asdict(inspection.checkpoint))
    snapshot = assembly.snapshot_checks(inspection)
    if not inspection.ok:
        return _kept(request, assembly.decided(report, snapshot, None))
    expected = expect(request.text, numbers)
    order = {
        "model": request.model,
        "ref_audio": str(request.ref_audio.absolute()),
        "ref_text": transcript,
        "text": " ".join(request.text.split()),
        "language": request.language,
        "seeds": request.seeds,
        "repeat": request.repeat,
        "max_tokens": expected.max_tokens,
        "require_gpu": request.require_gpu,
        "recogniser": cached_recogniser(environment) if request.output else "",
        "output": str(request.output.absolute()) if request.output else "",
    }
    if request.output is not None:
        request.output.mkdir(mode=0o700, parents=True, exist_ok=True)
    outcome, retried = _work(order, request.python, environment, limits, progress), ""
    cause = cause_of(outcome, limits)
    if cause is not None and cause.code in _RETRIED:
        retried = cause.code
        outcome = _work(order, request.python, environment, limits, progress)
        cause = cause_of(outcome, limits)
    standard = Standard(
        checkpoint=inspection.checkpoint,
        thresholds=numbers,
        expected=expected,
        require_gpu=request.require_gpu,
    )
    if "heard" in outcome.facts.get("words", {}):
        words = outcome.facts["words"]
        words["errors"] = word_error_rate(request.text, words["heard"])
    checks = (*snapshot, *judge(outcome.facts, standard))
    report = replace(assembly.measured(report, outcome), retried=retried)
    return _kept(request, assembly.decided(report, checks, cause))


def _limits(request: ProbeRequest) -> dict[str, float]:
    unknown = sorted(set(request.limits) - set(STAGE_LIMITS))
    if unknown:
        hint = hint_of(unknown[0], STAGE_LIMITS, "known")
        raise UsageProblem(
            error("unknown-limit", f"the probe has no stage {unknown[0]!r} to limit", hint=hint)
        )
    return {**STAGE_LIMITS, **request.limits, "total": request.total}


def _blank(model: str) -> ProbeReport:
    """A report before anything was measured."""
    return ProbeReport(
        model=model,
        verdict=Verdict.INCONCLUSIVE,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        machine={"platform": platform.platform(), "cpus": os.cpu_count()},
    )


def _transcript(request: ProbeRequest) -> str:
    """The transcript of the reference; its recording is there too.

    Raises:
        OSError, UnicodeDecodeError: one of them is not there or cannot be read.
    """
    with request.ref_audio.open("rb"):
        pass
    if isinstance(request.ref_text, Path):
        return request.ref_text.read_text("utf-8").strip()
    return request.ref_text.strip()


def _work(
    order: Mapping[str, Any],
    python: Path,
    environment: Mapping[str, str],
    limits: Mapping[str, float],
    progress: ProgressCallback | None,
) -> Outcome:
    """Run the worker in a scratch folder, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="keychange-probe-") as scratch:
        folder = Path(scratch)
        request = folder / "request.json"
        request.write_text(json.dumps({"parent": os.getpid(), **order}), "utf-8")
        try:
            return supervise(
                [str(python), str(_WORKER), str(request)],
                environment=environment,
                folder=folder,
                limits=limits,
                progress=progress,
            )
        except OSError as problem:
            message = f"{python} cannot be started: {problem.strerror}"
            return Outcome(result={"ok": False, "code": "python-missing", "message": message})


def _kept(request: ProbeRequest, report: ProbeReport) -> ProbeReport:
    """The report with its files, and written beside them where the request names a folder."""
    if request.output is None:
        return report
    request.output.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = ("audio.wav", "audio.svg", "report.md", "report.json")
    written = tuple(request.output / each for each in names)
    written[-2].write_text(markdown(report), "utf-8")
    report = replace(report, artifacts=tuple(each for each in written if each.exists()))
    written[-1].write_text(report.to_json(), "utf-8")
    return replace(report, artifacts=(*report.artifacts, written[-1]))
