"""Diagnostics as text, as GitHub annotations and as data: one form everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from keychange.diagnostics import Diagnostic, Severity
from keychange.model import Json
from keychange.render import masking
from keychange.render.style import Style, visible

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def full(
    diagnostics: Iterable[Diagnostic], style: Style, *, verbose: bool = False
) -> Iterator[str]:
    """Line one for machines, then the snippet with a caret, the hint and the next command.

    Of a note, only line one, unless ``verbose``.
    """
    for each in diagnostics:
        yield head(each, style)
        if each.severity is Severity.NOTE and not verbose:
            continue
        place = each.location
        if place is not None and place.line and (text := visible(masking.snippet(place))):
            number = str(place.line)
            start = max(0, min(place.column - 1, len(text)))
            window = max(20, style.width - len(number) - 5)
            shift = max(0, start - window // 2) if len(text) > window else 0
            shown = text[shift : shift + window].replace("\t", " ")
            carets = "^" * max(1, min(place.length, len(shown) - (start - shift)))
            yield f"  {style(number + ' |', 'dim')} {shown}"
            rule = " " * len(number) + " |"
            caret = " " * (start - shift) + style(carets, _COLOURS[each.severity])
            yield f"  {style(rule, 'dim')} {caret}"
        if each.hint:
            yield from style.wrap(masking.line(each.hint), "  hint: ", "        ")
        if each.command:
            yield f"  next: {style(each.command, 'bold')}"


def head(each: Diagnostic, style: Style) -> str:
    """``file:line:col: severity[code]: message``."""
    place = f"{visible(str(each.location))}: " if each.location else ""
    label = style(f"{each.severity}[{each.code}]", "bold", _COLOURS[each.severity])
    return f"{style(place, 'bold')}{label}: {visible(masking.line(each.message))}"


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
    if each.hint:
        result["hint"] = masking.line(each.hint)
    if each.command:
        result["command"] = each.command
    return result
