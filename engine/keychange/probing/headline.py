"""A report in one line that a person believes, and as a table to paste."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keychange.probing.verdict import Verdict

if TYPE_CHECKING:
    from keychange.probing.report import ProbeReport


def headline(report: ProbeReport) -> str:
    """What ran where, how fast, and what that does not prove.

    A run on a CPU and made-up weights are always named, so that neither can be read as proven.
    """
    subject = _subject(report)
    if report.verdict is not Verdict.PASS:
        what = "failed" if report.verdict is Verdict.FAIL else "could not be tested here"
        return f"{subject} {what}: {report.message} ({report.code})"
    measured = ", ".join(filter(None, (_memory(report), _speech(report), _voice(report))))
    return "; ".join((f"{subject}: {measured}" if measured else subject, *_caveats(report)))


def markdown(report: ProbeReport) -> str:
    """The headline, and every check as a row of a table: to paste into an issue."""
    rows = [
        f"| {each.name} | {each.verdict.value} | {_cell(each.value, each.unit)} | {each.limit} |"
        for each in report.checks
    ]
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    head = ("| check | verdict | value | limit |", "|---|---|---|---|")
    return "\n".join((f"**{headline(report)}**", "", *head, *rows, "", versions, ""))


def _cell(value: object, unit: str) -> str:
    return "" if value is None else f"{value} {unit}".strip().replace("|", "\\|")


def _subject(report: ProbeReport) -> str:
    name = report.model.rpartition("/")[2]
    known = re.match(r"(Qwen3-TTS)-12Hz-([\d.]+B)-Base-(\d+)bit$", name)
    if known:
        name = f"{known[1]} {known[2]} {known[3]}-bit"
    if not report.device:
        return name
    device = report.device
    hardware = ", ".join(filter(None, (str(device["backend"]), str(device["name"]))))
    return f"{name} on {device['default']} ({hardware})"


def _memory(report: ProbeReport) -> str:
    gigabytes = report.perf.get("active_gb")
    return "" if gigabytes is None else f"{gigabytes:.2g} GB"


def _speech(report: ProbeReport) -> str:
    if "seconds" not in report.audio or "speed" not in report.perf:
        return ""
    spoken, took = report.audio["seconds"], report.perf["seconds"]
    return f"{spoken:.1f} s of speech in {took:.1f} s ({report.perf['speed']:.2g}x real time)"


def _voice(report: ProbeReport) -> str:
    match = report.voice.get("match")
    return "" if match is None else f"voice match {match:.2f}"


def _caveats(report: ProbeReport) -> list[str]:
    made_up = ["made-up weights"] if report.made_up else []
    on_cpu = report.device.get("backend") == "cpu"
    return made_up + (["on a CPU: not proven on a GPU"] if on_cpu else [])
