"""Report: the evidence of one migration on one page."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any, cast

from keychange.evidence import Checked, Evidence
from keychange.ledger import Status
from keychange.model import Json
from keychange.probing.verdict import Verdict
from keychange.render.html import changes, sound, verdicts
from keychange.render.html.page import Child, tag
from keychange.render.html.page import page as whole
from keychange.render.masking import Masks, hidden_below, line
from keychange.render.style import count
from keychange.standing import Standing

_STATUS = {
    Status.VERIFIED: ("applied and verified", "ok"),
    Status.UNVERIFIED: ("applied, not verified", "warn"),
    Status.INTERRUPTED: ("applied; its checks were interrupted", "warn"),
    Status.STAMPED: ("stamped: a user said that it is applied", "warn"),
}
_ENDINGS = {
    "rolled-back": ("rolled back: a check failed, every file was restored", "bad"),
    "rolled-back-inconclusive": ("rolled back: it could not be tested here", "warn"),
    "taken-back": ("taken back", ""),
}


def page(found: Evidence) -> Iterator[str]:
    """The page, line by line."""
    masks = Masks(found.step.sites)
    migration = found.step.migration
    header = (
        tag("h1", line(found.step.title) or found.revision),
        tag(
            "p", tag("code", found.revision), " ", changes.badge(*_standing(found)), class_="title"
        ),
        changes.prose(migration.description if migration else ""),
        changes.stats(_stats(found)),
    )
    yield from whole(
        line(found.step.title) or found.revision, "evidence report", header, _parts(found, masks)
    ).splitlines()


def _parts(found: Evidence, masks: Masks) -> Iterator[tuple[str, str, Child]]:
    probes = [each for each in found.checks if verdicts.report_of(each)]
    runs = [each for each in found.checks if "command" in each.data]
    yield "verdict", "Verdict", _verdict(found)
    heard = [each.recording for each in probes if each.recording]
    if heard:
        yield "voice", "The voice", [sound.figure(each, found.hidden) for each in heard]
    if probes:
        yield "checks", "Checks of the model", [_probe(each, found) for each in probes]
    if runs:
        table = verdicts.commands(runs, found.hidden)
        yield "commands", "Commands", (table, [_printed(each, found.hidden) for each in runs])
    if found.step.files or found.unknown:
        yield "changes", "What changed", (changes.files(found.step, masks), _unknown(found))
    if found.step.sites:
        yield "sites", "Sites", changes.table(found.step, masks, found.now)
    yield "record", "Machine and record", _record(found, probes)


def _standing(found: Evidence) -> tuple[str, str]:
    """What the ledger says, in words, with their colour."""
    if found.entry is not None:
        return _STATUS[found.entry.status]
    if found.last and found.last.revision == found.revision:
        return _ENDINGS.get(found.last.ending, (found.last.ending, ""))
    return "not applied here", ""


def _stats(found: Evidence) -> Iterator[tuple[str, str]]:
    paths = {each.path for each in found.step.files} | found.unknown.keys()
    yield "files changed", str(len(paths)) if paths else ""
    yield "sites set", str(len(found.step.sites)) if found.step.sites else ""
    for each in found.checks:
        document = verdicts.report_of(each)
        told = document.get("checks") or []
        if told:
            passed = sum(one.get("verdict") == "pass" for one in told)
            yield "checks passed", f"{passed} of {len(told)}"
        audio, perf = document.get("audio") or {}, document.get("perf") or {}
        if "seconds" in audio and "seconds" in perf:
            yield "of speech", f"{audio['seconds']:.1f} s"
            yield "times real time", f"{perf.get('speed', 0):.2g}"
        match = (document.get("voice") or {}).get("match")
        yield "voice match", "" if match is None else f"{match:.2f}"


def _verdict(found: Evidence) -> Child:
    probes = [each for each in found.checks if verdicts.report_of(each)]
    runs = [each for each in found.checks if not verdicts.report_of(each)]
    failed = [each for each in found.checks if each.data.get("verdict") != Verdict.PASS]
    said: list[Child] = [verdicts.headline(each, found.hidden) for each in probes]
    said += [verdicts.headline(each, found.hidden) for each in runs if each in failed]
    if passed := len([each for each in runs if each not in failed]):
        words = f"{count(passed, 'command')} of the project ran as expected."
        said.append(verdicts.panel("pass", words))
    if not found.checks:
        words = "No check of this migration has been run here; migrate verify runs them."
        said = [tag("p", words, class_="callout warn")]
    if found.baseline:
        said.append(tag("h3", "Before the change, with the model in use then"))
        said.append(verdicts.headline(found.baseline, found.hidden))
    said.append(_now(found, failed))
    return said


def _now(found: Evidence, failed: list[Checked]) -> Child:
    """Where the files stand at this moment, for a report is read later."""
    row = found.row
    if row is None:
        return None
    wrong = len(row.pending) + len(row.foreign)
    tone = "ok" if row.standing is Standing.APPLIED and not failed else "warn"
    words = f"The files at the time of this report: {row.standing.value}"
    if wrong:
        words += f"; {count(wrong, 'site')} not as set"
    return tag("p", words, ".", class_=f"callout {tone}")


def _probe(each: Checked, found: Evidence) -> Child:
    document = verdicts.report_of(each)
    stages: dict[str, Any] = dict((document.get("perf") or {}).get("stages") or {})
    times = {name: f"{seconds:.2f} s" for name, seconds in stages.items() if seconds >= 0.005}
    seen = (document.get("warnings") or {}).items()
    warnings = {name: "once" if n == 1 else f"{n} times" for name, n in seen}
    return (
        verdicts.measured(each, found.hidden),
        tag(
            "details",
            tag("summary", "Time of each stage"),
            verdicts.facts("Stages", times, found.hidden),
            class_="more",
        )
        if times
        else None,
        verdicts.facts("Known harmless warnings", warnings, found.hidden),
        _output("The end of its output", document.get("stderr"), found.hidden),
    )


def _printed(each: Checked, hidden: frozenset[str]) -> Child:
    """The end of what a command printed, where it did not pass."""
    words = shlex.join(map(str, cast("list[str]", each.data["command"])))
    return _output(
        f"The end of the output of {line(words, hidden)}", each.data.get("output"), hidden
    )


def _output(title: str, printed: Json, hidden: frozenset[str]) -> Child:
    """Lines that a process printed; none where it printed nothing."""
    lines = [str(each) for each in cast("list[str]", printed or [])]
    if not lines:
        return None
    below = hidden_below("\n".join(lines))
    said = [line(each, hidden | below) for each in lines]
    body = tag("pre", [(tag("code", each), tag("br")) for each in said])
    return tag("details", tag("summary", title), body, class_="more")


def _unknown(found: Evidence) -> Child:
    """Files whose bytes at the time are not known any more; their sites are in the table."""
    return [
        tag(
            "p",
            tag("code", path),
            f": {why}. What keychange changed in it is not rebuilt; the recorded sites are in the "
            "table below.",
            class_="callout warn",
        )
        for path, why in found.unknown.items()
    ]


def _record(found: Evidence, probes: list[Checked]) -> Child:
    entry = found.entry
    record = {
        "status": entry.status.value if entry else "not in the ledger",
        "applied at": entry.applied_at if entry else "",
        "runs that changed files": str(len(entry.batches)) if entry else "",
        "checksum": entry.checksum if entry else "",
        "migration": found.step.migration.path if found.step.migration else "",
    }
    if found.last:
        last = found.last
        record["last run"] = f"migrate {last.verb}, {last.ending}, {last.revision}, {last.at}"
    parts: list[Child] = [verdicts.facts("The ledger", record, found.hidden)]
    for each in probes:
        document = verdicts.report_of(each)
        device, machine = document.get("device") or {}, document.get("machine") or {}
        checkpoint = dict(document.get("checkpoint") or {})
        sizes = {f"bytes of {name}": checkpoint.pop(name, None) for name in ("weights", "size")}
        ran = {
            **{name: value for name, value in machine.items() if name != "pid"},
            "default device": device.get("default"),
            "backend": device.get("backend"),
            "name of the device": device.get("name"),
            "probe started": document.get("started"),
        }
        model = {"model": document.get("model"), **checkpoint, **sizes}
        parts.append(verdicts.facts("The machine", ran, found.hidden))
        parts.append(verdicts.facts("Versions", document.get("versions") or {}, found.hidden))
        parts.append(verdicts.facts("The model", model, found.hidden))
    return parts
