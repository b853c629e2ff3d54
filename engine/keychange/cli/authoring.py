"""What init and new share: a draft in words and as data, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from keychange.render.style import count

if TYPE_CHECKING:
    from keychange.authoring.drafting import Draft
    from keychange.cli.session import Session
    from keychange.model import Json


def in_words(made: Draft) -> Iterator[str]:
    """One line for each file or pattern that the operations of a draft name."""
    rows: list[tuple[str, str]] = []
    for each in made.operations:
        globs = any("*" in target for target in each.targets)
        by_path: dict[str, list[str]] = {}
        for site in each.sites:
            by_path.setdefault(each.targets[0] if globs else site.path, []).append(site.address)
        for path, addresses in by_path.items():
            said = ", ".join(dict.fromkeys(addresses))
            if globs:
                said += f" ({count(len({s.path for s in each.sites}), 'file')})"
            rows.append((path, said))
    width = min(max((len(path) for path, _ in rows), default=0), 44)
    for path, said in rows:
        yield f"  {path.ljust(width)}  {said}"
    for proposal, reason in made.refused:
        yield f"  {proposal.targets[0]} is left out: {reason}"


def where_next(session: Session, made: Draft) -> Iterator[str]:
    """What the author does now."""
    plan = session.pasted("migrate plan")
    if made.open:
        names = ", ".join(made.open)
        yield f"Write the new value of {names} into {made.path}, then: {plan}"
    elif not made.operations:
        yield f"Edit {made.path}, then: {plan}"
    else:
        files = len({each.path for each in made.sites})
        sites = count(len(made.sites), "site")
        yield f"{sites} in {count(files, 'file')}. See the exact changes with: {plan}"


def as_data(made: Draft, written: tuple[str, ...]) -> dict[str, Json]:
    """A draft as JSON."""
    sites: list[Json] = [
        {"path": each.path, "kind": each.kind, "address": each.address, "line": each.line}
        for each in made.sites
    ]
    left: list[Json] = [
        {"path": each.path, "address": each.address, "line": each.line, "place": each.place}
        for each in made.left
    ]
    return {
        "path": made.path,
        "written": [*written],
        "sites": sites,
        "left": left,
        "open": [*made.open],
        "text": made.text,
    }
