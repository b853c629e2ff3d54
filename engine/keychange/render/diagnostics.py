"""Diagnostics as text, as GitHub annotations and as data: one form everywhere."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from keychange.diagnostics import Diagnostic, Location, Related, Severity
from keychange.model import Json
from keychange.render import masking
from keychange.render.snippet import snippet
from keychange.render.style import Style, count, visible

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


MOST = 20
"""How many diagnostics of one code are shown in text, unless all are asked for."""


def full(
    diagnostics: Iterable[Diagnostic], style: Style, *, verbose: bool = False, total: bool = True
) -> Iterator[str]:
    """Line one for machines, then the snippet with a caret, the hint and the next command.

    Of a note, only line one; of one code, only the first ``MOST``; unless ``verbose``. ``total``
    closes many with their number.
    """
    shown: Counter[str] = Counter()
    every: list[Diagnostic] = []
    for each in diagnostics:
        every.append(each)
        shown[each.code] += 1
        if verbose or shown[each.code] <= MOST:
            yield from _whole(each, style, brief=each.severity is Severity.NOTE and not verbose)
    for code, number in shown.items():
        if number > MOST and not verbose:
            yield f"and {number - MOST:,} more of {style(code, 'bold')}; -v shows all"
    grave = [each for each in every if each.severity is not Severity.NOTE]
    if total and len(grave) > _FEW:
        yield style(totals(grave), "bold")


_FEW = 3


def totals(diagnostics: Iterable[Diagnostic]) -> str:
    """How many there are: ``7 errors in 3 files, 2 warnings``."""
    found = tuple(diagnostics)
    parts = []
    for severity in Severity:
        these = [each for each in found if each.severity is severity]
        files = {each.location.path for each in these if each.location}
        if these:
            where = f" in {count(len(files), 'file')}" if len(files) > 1 else ""
            parts.append(f"{count(len(these), severity.value)}{where}")
    return ", ".join(parts)


def _whole(each: Diagnostic, style: Style, *, brief: bool) -> Iterator[str]:
    """One diagnostic in all its parts, or only its head."""
    if not style.terminal:
        yield head(each, style)
    else:
        place, label, message = _parts(each)
        start = f"{place}{label}: "
        first, *rest = style.wrap(message, start, "    ")
        yield f"{_labelled(place, label, each, style)}{first.removeprefix(start)}"
        yield from rest
    if brief:
        return
    colour = _COLOURS[each.severity]
    places = [place for place in (each.location, *(r.location for r in each.related)) if place]
    gutter = max((len(str(place.line)) for place in places), default=1)
    if each.location is not None:
        yield from snippet(each.location, style, gutter, "^", colour)
    for other in each.related:
        yield from style.wrap(masking.line(other.message), f"  {visible(str(other.location))}: ")
        yield from snippet(other.location, style, gutter, "-", "blue")
    if each.hint:
        yield from style.wrap(masking.line(each.hint), "  hint: ", "        ")
    if each.command:
        yield f"  next: {style(each.command, 'bold')}"


def head(each: Diagnostic, style: Style) -> str:
    """``file:line:col: severity[code]: message``."""
    place, label, message = _parts(each)
    return f"{_labelled(place, label, each, style)}{message}"


def _parts(each: Diagnostic) -> tuple[str, str, str]:
    place = f"{visible(str(each.location))}: " if each.location else ""
    return place, f"{each.severity}[{each.code}]", visible(masking.line(each.message))


def _labelled(place: str, label: str, each: Diagnostic, style: Style) -> str:
    return f"{style(place, 'bold')}{style(label, 'bold', _COLOURS[each.severity])}: "


def told_from(base: Path, found: Diagnostic, root: Path) -> Diagnostic:
    """A diagnostic with paths from a folder, for readers who do not know of the root."""

    def seen(place: Location) -> Location:
        if not place.path or os.path.isabs(place.path):  # noqa: PTH117 (a text)
            return place
        path = os.path.relpath(os.path.join(root, place.path), base)  # noqa: PTH118 (a text)
        return place._replace(path=path.replace(os.sep, "/"))

    related = tuple(each._replace(location=seen(each.location)) for each in found.related)
    location = seen(found.location) if found.location else None
    return found._replace(location=location, related=related)


def github(diagnostics: Iterable[Diagnostic]) -> Iterator[str]:
    """Workflow commands that GitHub shows beside the line."""
    names = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
    for each in diagnostics:
        properties = [f"title={_escaped(each.code, ':,')}"]
        if each.location is not None:
            properties.append(f"file={_escaped(each.location.path, ':,')}")
            if each.location.line:
                place = each.location
                properties += [f"line={place.line}", f"col={place.column}"]
                if place.length > 1:
                    properties.append(f"endColumn={place.column + place.length}")
        message = masking.line(each.message) + (f"\n{masking.line(each.hint)}" if each.hint else "")
        yield f"::{names[each.severity]} {','.join(properties)}::{_escaped(message, '')}"


def _escaped(text: str, also: str) -> str:
    for each in ("%", "\r", "\n", *also):
        text = text.replace(each, f"%{ord(each):02X}")
    return text


def data(each: Diagnostic) -> dict[str, Json]:
    """A diagnostic as JSON data."""
    result: dict[str, Json] = {
        "severity": each.severity.value,
        "code": each.code,
        "message": masking.line(each.message),
    }
    if each.location is not None:
        result["path"] = each.location.path
        if each.location.line:
            result["line"] = each.location.line
            result["column"] = each.location.column
            result["length"] = max(1, each.location.length)
    if each.related:
        result["related"] = [_related(other) for other in each.related]
    if each.hint:
        result["hint"] = masking.line(each.hint)
    if each.command:
        result["command"] = each.command
    return result


def _related(other: Related) -> Json:
    place = other.location
    result: dict[str, Json] = {"path": place.path, "message": masking.line(other.message)}
    if place.line:
        result |= {"line": place.line, "column": place.column, "length": max(1, place.length)}
    return result
