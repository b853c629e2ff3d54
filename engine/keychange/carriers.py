"""Carriers: the places that carry one variable of a migration, and whether they agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from keychange.diagnostics import Diagnostic, Location, warning
from keychange.model import ABSENT, Site, State, Step, Value
from keychange.templates import Templates

_SHORTEST = 3
"""Characters of a value that is told from others by itself: `1` and `on` stand for many things."""
_KEY = re.compile(
    r"""(?:environ\.(?:get|setdefault)|\bgetenv)\(["']([A-Za-z_][A-Za-z0-9_]*)["']\)(?:/else)?$"""
)
"""The end of an address that is the default for a key of the environment."""
_SET = re.compile(r"""environ\[["']([A-Za-z_][A-Za-z0-9_]*)["']\]$""")
"""The end of an address that is the value which a source gives to such a key."""
_FIELD = re.compile(r"\.([A-Za-z_]\w*)$")
"""The end of an address that may be the default of a settings class, named as the key."""


def disagreements(step: Step, templates: Templates) -> Iterator[Diagnostic]:
    """A warning for each variable whose carriers hold different values.

    A carrier is a site that is to hold the variable's value. They may disagree because a value is
    kept, has drifted, or is not yet set. The warning says which one wins at run time, as far as
    that can be seen: a key of ``.env`` wins over the default that a source gives for it, and what
    a source itself puts into the environment over both.
    """
    by_value: dict[str, list[Site]] = {}
    for site in step.sites:
        if isinstance(site.after, str) and site.state is not State.ABSENT:
            by_value.setdefault(site.after, []).append(site)
    for name, value in templates.variables.items():
        carriers = by_value.get(value, []) if len(value) >= _SHORTEST else []
        held: dict[str, list[Site]] = {}
        for site in carriers:
            held.setdefault(_shown(site), []).append(site)
        if len(held) > 1:
            yield _disagreement(name, held, _winners(step, carriers))


def _disagreement(name: str, held: Mapping[str, list[Site]], winners: list[str]) -> Diagnostic:
    parts = []
    for shown, sites in held.items():
        parts.append(f"{_several(sites)} {shown if len(sites) == 1 else _of_several(shown)}")
    site = min((each for sites in held.values() for each in sites), key=_by_place)
    hint = "; ".join(winners) or "as far as can be seen, each is read where it stands"
    return warning(
        "carriers-disagree",
        f"what `{name}` sets is not the same everywhere: {', '.join(parts)}",
        Location(site.path, site.line, site.column or int(site.line > 0)),
        hint=hint,
        command="migrate plan",
    )


def _winners(step: Step, carriers: list[Site]) -> list[str]:
    """Which keys of the environment override which defaults of sources."""
    keys: dict[str, list[Site]] = {}
    for site in step.sites:
        if site.kind == "env":
            keys.setdefault(site.address, []).append(site)
    sources = [each for each in carriers if each.kind == "python"]
    found = []
    for key, sites in keys.items():
        defaults = [each for each in sources if (m := _KEY.search(each.address)) and m[1] == key]
        given = [each for each in sources if (m := _SET.search(each.address)) and m[1] == key]
        fields = [
            each
            for each in sources
            if (m := _FIELD.search(each.address)) and m[1].upper() == key.upper()
        ]
        held = [each for each in sites if each.before is not ABSENT]
        last = " (of several, the one that is loaded last)" if len(held) > 1 else ""
        if defaults and held:
            wins = f"{_several(held)} wins{last} over the default at {_several(defaults)}"
            found.append(f"at run time {wins}")
        elif defaults:
            found.append(f"at run time the default counts at {_several(defaults)}: no `{key}` set")
        if given:
            found.append(f"{_several(given)} sets it anew, whatever was loaded")
        if fields and held:
            wins = f"{_several(held)} wins over {_several(fields)}"
            found.append(f"{wins} if that class reads the environment")
    return found


def _several(sites: list[Site]) -> str:
    more = len(sites) - 1
    return _named(sites[0]) + (f" and {more} more" if more else "")


def _shown(site: Site) -> str:
    now: Value = site.before
    if site.secret:
        return "holds a secret"
    return "is not set" if now is ABSENT else f"holds `{now}`"


def _of_several(shown: str) -> str:
    return shown.replace("holds ", "hold ", 1).replace("is not", "are not", 1)


def _named(site: Site) -> str:
    place = f"{site.path}:{site.line}" if site.line else site.path
    return f"{place} ({site.address})"


def _by_place(site: Site) -> tuple[str, int]:
    return site.path, site.line
