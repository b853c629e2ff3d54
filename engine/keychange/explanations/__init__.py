"""Explanations: what every diagnostic code means, why it comes, what it looks like, what to do.

The failures of models stand in ``keychange.probing.known_failures``, harmless warnings in
``keychange.probing.harmless``; all others in the TOML files of this folder, one for each family: to
add a code is to add a table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from keychange.closest_name import closest as likest
from keychange.probing import failures, harmless
from keychange.probing.known_failures import FAMILIES, Failure
from keychange.probing.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One code in words.

    ``example`` is what it looks like, line by line. ``verdict`` is what it says about a migration
    where a check ends with it, ``source`` where it was seen; both may be empty.
    """

    code: str
    family: str
    what: str
    why: str
    example: str
    fix: str
    verdict: str = ""
    source: str = ""


@cache
def known() -> Mapping[str, Explanation]:
    """Every explanation by its code, family by family."""
    return {each.code: each for each in (*_written(), *_of_models(), *_warnings())}


def explain(words: str) -> Explanation | None:
    """The explanation of a code, or of the known failure whose words these are."""
    found = known().get(words.strip())
    failure = None if found else failures.recognise(words)
    return known()[failure.code] if failure else found


def closest(code: str) -> tuple[str, ...]:
    """The codes that may have been meant, the likeliest first."""
    near = likest(code, known(), 3)
    holding = [each for each in known() if len(code) > 2 and code in each]
    return tuple(dict.fromkeys((*near, *holding)))[:5]


def _written() -> Iterator[Explanation]:
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        document = tomllib.loads(path.read_text("utf-8"))
        family = document.pop("family")
        for code, entry in document.items():
            words = {name: " ".join(entry[name].split()) for name in ("what", "why", "fix")}
            example = entry["example"].strip("\n")
            yield Explanation(code=code, family=family, example=example, **words)


def _of_models() -> Iterator[Explanation]:
    for family, members in FAMILIES.items():
        for each in members:
            yield Explanation(
                code=each.code,
                family=family,
                what=f"{each.title}.",
                why=each.cause,
                example=each.example,
                fix=_fix(each),
                verdict=Verdict(each.verdict).value,
                source=each.source,
            )


def _warnings() -> Iterator[Explanation]:
    for each in harmless.KNOWN:
        yield Explanation(
            code=each.name,
            family="Harmless warnings",
            what="A warning that is known to be harmless: it is counted, and never decides.",
            why=f"{each.reason[:1].upper()}{each.reason[1:]}.",
            example=each.example,
            fix="Nothing to do; `ignore` in `verify: run` names the ones that are expected.",
        )


def _fix(failure: Failure) -> str:
    command = failure.command.format(model="MODEL")
    return f"{failure.fix} The command: `{command}`." if command else failure.fix
