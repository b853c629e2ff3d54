"""SARIF 2.1.0: diagnostics as code-scanning services take them (OASIS standard, section 3)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import quote

from keychange import __version__
from keychange.diagnostics import Diagnostic, Location
from keychange.explanations import known
from keychange.model import Json
from keychange.render import masking

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def log(diagnostics: Iterable[Diagnostic]) -> dict[str, Json]:
    """One run of keychange with a result for each diagnostic; columns count code points."""
    found = tuple(diagnostics)
    codes = sorted({each.code for each in found})
    driver: dict[str, Json] = {
        "name": "keychange",
        "version": __version__,
        "rules": [_rule(code) for code in codes],
    }
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(each, codes.index(each.code)) for each in found],
            }
        ],
    }


def _rule(code: str) -> Json:
    rule: dict[str, Json] = {"id": code, "name": _title(code)}
    explained = known().get(code)
    if explained is not None:
        rule["shortDescription"] = {"text": explained.what}
        rule["fullDescription"] = {"text": explained.why}
        rule["help"] = {"text": explained.fix}
    return rule


def _title(code: str) -> str:
    return "".join(word.capitalize() for word in code.split("-"))


def _result(each: Diagnostic, rule: int) -> Json:
    hint = f"\n{masking.line(each.hint)}" if each.hint else ""
    command = f"\nnext: {each.command}" if each.command else ""
    result: dict[str, Json] = {
        "ruleId": each.code,
        "ruleIndex": rule,
        "level": each.severity.value,
        "message": {"text": masking.line(each.message) + hint + command},
    }
    if each.location is not None:
        result["locations"] = [{"physicalLocation": _place(each.location)}]
    if each.related:
        result["relatedLocations"] = [
            {
                "physicalLocation": _place(other.location),
                "message": {"text": masking.line(other.message)},
            }
            for other in each.related
        ]
    return result


def _place(location: Location) -> Json:
    absolute = PurePosixPath(location.path).is_absolute()
    name = quote(os.fsencode(location.path))
    uri = f"file://{name}" if absolute else name
    place: dict[str, Json] = {"artifactLocation": {"uri": uri}}
    if location.line:
        region: dict[str, Json] = {"startLine": location.line, "startColumn": location.column}
        if location.length:
            region["endColumn"] = location.column + location.length
        place["region"] = region
    return place
