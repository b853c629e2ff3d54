"""Programs: what applying a migration would start."""

from __future__ import annotations

from typing import cast

from keychange.model import Migration
from keychange.templates import Templates


def programs(migration: Migration) -> tuple[tuple[str, ...], ...]:
    """Every program that applying the migration starts, as its words, in order.

    Its variables are filled in; ``${root}`` and ``${project}`` stay, for they differ by machine.
    """
    templates = Templates.resolve("${root}", migration.variables)
    found: list[tuple[str, ...]] = []
    declared = [each.options for each in migration.requirements]
    declared += [each.options for each in migration.checks if not each.on_request]
    for options in declared:
        if "run" in options:
            words = cast("list[str]", options["run"])
        elif "python" in options:
            words = [str(options["python"])]
        else:
            continue
        found.append(tuple(templates.text(word, project="${project}") for word in words))
    return tuple(dict.fromkeys(found))
