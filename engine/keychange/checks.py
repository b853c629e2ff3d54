"""Checks: what a migration verifies, run with the project's own files and tools."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from keychange.diagnostics import Diagnostic, error
from keychange.model import Check, Json, Migration
from keychange.options import Options
from keychange.outcome import CheckOutcome
from keychange.preconditions import hidden_values, project_environment
from keychange.probing.client import Progress, ProgressCallback, run_probe
from keychange.probing.headline import markdown
from keychange.probing.report import ProbeReport
from keychange.probing.request import TEXT, ProbeRequest
from keychange.probing.verdict import CheckVerdict, Verdict
from keychange.settings import STATE_DIRECTORY
from keychange.templates import Templates
from keychange.transaction.state import ensure_own_folder
from keychange.verification.commands import CommandResult, commands_of, run_command
from keychange.verification.process import Line


def run_checks(
    root: Path, migration: Migration, templates: Templates, options: Options
) -> tuple[CheckOutcome, ...]:
    """Run a migration's checks in order, up to the first that does not pass."""
    outcomes: list[CheckOutcome] = []
    for check in migration.checks:
        if check.on_request and not options.on_request:
            continue
        if check.kind == "probe":
            outcomes.append(probe(root, migration, check, templates, options))
        else:
            outcomes.extend(_commands(root, migration, check, templates, options))
        if outcomes and outcomes[-1].verdict is not Verdict.PASS:
            break
    return tuple(outcomes)


def probe_of(migration: Migration) -> Check | None:
    """The probe that a migration declares."""
    return next((each for each in migration.checks if each.kind == "probe"), None)


def probe(
    root: Path,
    migration: Migration,
    check: Check,
    templates: Templates,
    options: Options,
    *,
    suffix: str = "",
) -> CheckOutcome:
    """Run the probe of a migration and keep its report under the state directory.

    ``suffix`` is added to the name of the report's folder.
    """
    request = probe_request(root, migration, check, templates, options)
    if request.output is not None:
        folder = ensure_own_folder(root, "reports") / (request.output.name + suffix)
        request = replace(request, output=folder)
    hidden = hidden_values(root, migration, templates)
    try:
        report = run_probe(request, _by_stage(options))
    finally:
        options.live("", hidden)
    return _probe_outcome(report, root, request)._replace(hidden=hidden)


def probe_request(
    root: Path, migration: Migration, check: Check, templates: Templates, options: Options
) -> ProbeRequest:
    """What the probe is asked to do, from the check's options."""
    wanted = cast("dict[str, Any]", templates.expand(dict(check.options)))
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return ProbeRequest(
        model=wanted["model"],
        python=root / Path(wanted["python"]).expanduser(),
        ref_audio=root / wanted["ref_audio"],
        ref_text=root / wanted["ref_text"],
        text=wanted.get("text", TEXT),
        language=wanted.get("language", "english"),
        require_gpu=wanted.get("device", "gpu") == "gpu" and not options.allow_cpu,
        environment=project_environment(root, migration, templates, options),
        expect=wanted.get("expect", {}),
        thresholds=wanted.get("thresholds", {}),
        total=wanted.get("timeout", 900),
        output=root / STATE_DIRECTORY / "reports" / f"{stamp}-{migration.revision}",
    )


def _commands(
    root: Path, migration: Migration, check: Check, templates: Templates, options: Options
) -> Iterator[CheckOutcome]:
    environment = project_environment(root, migration, templates, options)
    commands = commands_of(check, root, templates)
    if not commands:
        pattern = templates.text(str(check.options.get("for_each", "")))
        options.say(f"nothing to run: `{pattern}` matches nothing")
    hidden = hidden_values(root, migration, templates)
    for command in commands:
        running = f"running {' '.join(command.argv)}"
        options.progress(running)
        try:
            result = run_command(
                command,
                root,
                {**environment, **command.added},
                partial(_heard, options, running, hidden),
            )
        finally:
            options.live("", hidden)
        place = migration.locate(f"{check.pointer}/run")
        diagnostics: tuple[Diagnostic, ...] = ()
        if result.code:
            diagnostics = (error(result.code, result.message, place, hint=result.hint),)
        yield _command_outcome(result, diagnostics)._replace(hidden=hidden)
        if result.verdict is not Verdict.PASS:
            return


def _heard(options: Options, running: str, hidden: frozenset[str], line: Line) -> None:
    options.live(f"{running}: {line.text}", hidden)


def _command_outcome(result: CommandResult, diagnostics: tuple[Diagnostic, ...]) -> CheckOutcome:
    words = " ".join(result.command.argv)
    rows = _harmless(result.warnings)
    return CheckOutcome(
        name="run",
        verdict=result.verdict,
        headline=f"{words} ({result.seconds:.1f} s)",
        rows=(*rows, *(f"| {each}" for each in result.tail)),
        diagnostics=diagnostics,
        details={
            "command": list(result.command.argv),
            "status": result.status,
            "seconds": round(result.seconds, 3),
            "warnings": dict(result.warnings),
            **({"output": list(result.tail)} if result.tail else {}),
        },
    )


def _probe_outcome(report: ProbeReport, root: Path, request: ProbeRequest) -> CheckOutcome:
    rows = [
        f"{each.name}: {each.verdict.value}"
        + (f", {each.value} {each.unit}".rstrip() if each.value is not None else "")
        for each in report.checks
        if each.verdict is not CheckVerdict.PASS
    ]
    passed = sum(each.verdict is CheckVerdict.PASS for each in report.checks)
    rows.insert(0, f"{passed} of {len(report.checks)} checks passed")
    rows += _harmless(report.warnings)
    if report.retried:
        rows.append(f"tried again after {report.retried}")
    if request.output is not None and request.output.is_dir():
        rows.append(f"report: {request.output.relative_to(root).as_posix()}")
    diagnostics = () if report.verdict is Verdict.PASS else (report.diagnostic(),)
    return CheckOutcome(
        name="probe",
        verdict=report.verdict,
        headline=report.headline(),
        rows=tuple(rows),
        diagnostics=diagnostics,
        details={"report": cast("Json", report.to_document())},
        table=markdown(report),
    )


def _harmless(warnings: Mapping[str, int]) -> list[str]:
    """Known harmless warnings, named and counted; none decides anything."""
    counted = ", ".join(f"{name} x{number}" for name, number in warnings.items())
    return [f"harmless warnings: {counted}"] if counted else []


_LONG = ("import-mlx", "kernel", "load", "synthesis", "repeat", "words")
"""The stages of a probe that may take long; the others are over before a line could be read."""


def _by_stage(options: Options) -> ProgressCallback:
    """One line for each long stage, however often the worker says that it lives."""
    last = ""

    def told(each: Progress) -> None:
        nonlocal last
        if each.stage != last and each.stage in _LONG:
            options.progress(f"probe: {each.stage} ({each.total:.0f} s)")
        last = each.stage
        options.live(str(each), frozenset())

    return told
