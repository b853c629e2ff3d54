"""Verdicts: what the checks of a migration said, with every measured value."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from keychange.evidence import Checked
from keychange.probing import failures
from keychange.render.html.changes import badge
from keychange.render.html.page import Child, Markup, cell, table, tag
from keychange.render.masking import line

TONES = {"pass": "ok", "fail": "bad", "inconclusive": "warn", "warn": "warn", "skipped": ""}
WORDS = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive"}


def report_of(check: Checked) -> Mapping[str, Any]:
    """The document of a probe; empty for another check."""
    return cast("Mapping[str, Any]", check.data.get("report") or {})


def headline(check: Checked, hidden: Iterable[str]) -> Markup:
    """A check's verdict and the line that says it, as a panel of its colour."""
    words = line(str(check.data.get("headline", "")), hidden)
    return panel(str(check.data.get("verdict", "")), words, *_caveats(check))


def panel(verdict: str, words: str, *notes: str) -> Markup:
    """A verdict with its words, and below them what it does not prove."""
    tone = TONES.get(verdict, "")
    said = tag("p", badge(WORDS.get(verdict, verdict), tone), " ", words)
    below = tag("ul", (tag("li", each) for each in notes)) if notes else None
    return tag("div", said, below, class_=f"callout {tone}".rstrip())


def _caveats(check: Checked) -> list[str]:
    """What a verdict does not prove; of one that is no pass, what to do about it."""
    found = report_of(check)
    said = []
    if check.data.get("verdict") != "pass":
        failure = failures.known().get(str(found.get("code", "")))
        return [f"What to do: {failure.fix}"] if failure else []
    if (found.get("checkpoint") or {}).get("made_up"):
        said.append("The weights are made up: the run proves the way, not the voice.")
    if (found.get("device") or {}).get("backend") == "cpu":
        said.append("It ran on a CPU: nothing is proven about a GPU.")
    return said


def measured(check: Checked, hidden: Sequence[str] | frozenset[str]) -> Markup:
    """Every check of a probe: verdict, value and limit."""
    rows = []
    for each in cast("list[dict[str, Any]]", report_of(check).get("checks") or []):
        verdict = str(each.get("verdict", ""))
        said = line(str(each.get("message") or ""), hidden) if verdict != "pass" else ""
        rows.append(
            tag(
                "tr",
                tag("th", str(each.get("name", "")), scope="row"),
                tag("td", badge(verdict, TONES.get(verdict, ""))),
                cell("measured", line(_value(each), hidden), class_="value"),
                cell("limit", _limit(each), class_="value"),
                cell("stage", str(each.get("stage") or ""), class_="muted"),
                tag("td", said),
            )
        )
    heads = ("Check", "Verdict", "Measured", "Limit", "Stage", "What it says")
    return table("Every check of the probe, with what was measured", heads, rows)


def _limit(each: Mapping[str, Any]) -> str:
    limit = str(each.get("limit") or "")
    return "yes" if limit == "true" else limit


def _value(each: Mapping[str, Any]) -> str:
    value = each.get("value")
    if value is None:
        return ""
    shown = {True: "yes", False: "no"}.get(value) if isinstance(value, bool) else f"{value}"
    return f"{shown} {each.get('unit') or ''}".strip()


def commands(checks: Sequence[Checked], hidden: frozenset[str]) -> Markup:
    """The commands that were run, each with its verdict, its status and its time."""
    rows = []
    for each in checks:
        words = cast("list[str]", each.data.get("command") or [])
        verdict, seconds = str(each.data.get("verdict", "")), each.data.get("seconds")
        warnings = cast("Mapping[str, int]", each.data.get("warnings") or {})
        rows.append(
            tag(
                "tr",
                tag("th", tag("code", line(shlex.join(words), hidden)), scope="row"),
                tag("td", badge(verdict, TONES.get(verdict, ""))),
                cell("time", "" if seconds is None else f"{float(str(seconds)):.1f} s"),
                cell("exit status", str(each.data.get("status", ""))),
                cell("harmless warnings", ", ".join(f"{w} x{n}" for w, n in warnings.items())),
            )
        )
    heads = ("Command", "Verdict", "Time", "Exit status", "Harmless warnings")
    return table("Commands of the project that were run", heads, rows)


def facts(title: str, values: Mapping[str, Any], hidden: frozenset[str]) -> Child:
    """Some facts by name under a small heading; none where there are none."""
    shown = {
        name.replace("_", " "): line(_fact(value), hidden)
        for name, value in values.items()
        if value not in (None, "") and not isinstance(value, (dict, list))
    }
    if not shown:
        return None
    rows = (tag("div", tag("dt", name), tag("dd", value)) for name, value in shown.items())
    return (tag("h3", title), tag("dl", rows, class_="facts"))


def _fact(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
