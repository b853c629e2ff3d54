"""The doctor's examination as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from keychange.doctor import Answer, Examination, Symptom
from keychange.model import Json
from keychange.render.masking import line
from keychange.render.style import Style, count, visible

_COLOURS = {Answer.PASS: "green", Answer.FAIL: "red", Answer.UNKNOWN: "yellow"}


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
    width = min(40, max((len(each.name) for each in symptoms), default=0))
    for each in symptoms:
        word = "FAIL" if each.answer is Answer.FAIL else each.answer.value
        said = [each.value] if each.value else []
        said += [f"[{each.code}] {each.message}" if each.code else each.message]
        words = visible(line("; ".join(filter(None, said))))
        mark = style(word.ljust(7), _COLOURS[each.answer])
        yield f"  {mark}  {visible(each.name).ljust(width)}  {words}".rstrip()
        if each.fix:
            yield from style.wrap(line(each.fix), "           fix: ", "                ")
        if each.command:
            yield f"           next: {style(each.command, 'bold')}"


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
