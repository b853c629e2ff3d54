"""The doctor's examination as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from keychange.doctor import Answer, Examination, Symptom
from keychange.model import Json
from keychange.render.masking import line
from keychange.render.style import Style, count, visible

_COLOURS = {Answer.PASS: "green", Answer.FAIL: "red", Answer.UNKNOWN: "yellow"}
_LONG = 24
"""A longer name has its line to itself; in columns."""
_BELOW = " " * 11
"""What stands under a name is as far in as the name."""


def text(found: Examination, style: Style) -> Iterator[str]:
    """Three lists, each entry with its answer, and with the fix where it is not well."""
    if found.revision:
        which = "the next migration" if found.is_pending else "the last one; none is pending"
        yield style(f"{found.revision} requires ({which})", "bold")
        yield from _rows(found.requirements, style)
        yield ""
        yield style("Its interpreter", "bold")
        yield from _rows(found.runtime, style)
        yield ""
    yield style("This machine", "bold")
    yield from _rows(found.machine, style)
    yield ""
    answers = [each.answer for each in found.all]
    failed, unknown = answers.count(Answer.FAIL), answers.count(Answer.UNKNOWN)
    words = f"{count(failed, 'problem')}, {unknown} unknown, {answers.count(Answer.PASS)} well"
    yield style(f"Doctor: {words}.", "bold", "red" if failed else "green")


def _rows(symptoms: Sequence[Symptom], style: Style) -> Iterator[str]:
    if not symptoms:
        yield "  nothing"
    names = [len(each.name) for each in symptoms if len(each.name) <= _LONG]
    width = max(names, default=0)
    for each in symptoms:
        word = "FAIL" if each.answer is Answer.FAIL else each.answer.value
        mark = style(word.ljust(7), _COLOURS[each.answer])
        words = visible(line(_said(each)))
        name = visible(each.name)
        if len(name) > width and words:
            yield f"  {mark}  {name}"
            yield from style.wrap(words, _BELOW)
        else:
            first, *rest = style.wrap(words, " " * (len(_BELOW) + width + 2))
            yield f"  {mark}  {name.ljust(width)}  {first.lstrip()}".rstrip()
            yield from rest
        if each.fix:
            yield from style.wrap(line(each.fix), f"{_BELOW}fix: ")
        if each.command:
            yield f"{_BELOW}next: {style(each.command, 'bold')}"


def _said(symptom: Symptom) -> str:
    """What was found, and the code and the message where it is not well."""
    message = f"[{symptom.code}] {symptom.message}" if symptom.code else symptom.message
    return "; ".join(filter(None, (symptom.value, message)))


def data(found: Examination) -> dict[str, Json]:
    """The examination as the members of a JSON document."""
    return {
        "revision": found.revision or None,
        "pending": found.is_pending,
        "requirements": _data(found.requirements),
        "runtime": _data(found.runtime),
        "machine": _data(found.machine),
        "details": {name: _masked(each) for name, each in found.details.items()},
    }


def _data(symptoms: Sequence[Symptom]) -> Json:
    return [
        {name: line(value) if isinstance(value, str) else value for name, value in row.items()}
        for row in ({**asdict(each), "answer": each.answer.value} for each in symptoms)
    ]


def _masked(value: Json) -> Json:
    if isinstance(value, str):
        return line(value)
    if isinstance(value, dict):
        return {name: _masked(each) for name, each in value.items()}
    return value
