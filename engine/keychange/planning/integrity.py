"""Integrity: whether the history still is what was applied here, in the order of its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from keychange.diagnostics import Diagnostic, Location, Related, error
from keychange.history import BASE, number
from keychange.ledger import Entry
from keychange.loader import checksum
from keychange.model import Json, Migration, Plan
from keychange.project import Project


def edited_since(project: Project) -> tuple[Diagnostic, ...]:
    """Applied migrations whose meaning was changed, or whose file is gone, since."""
    found = []
    below = BASE
    for entry in project.ledger.entries:
        back = f"migrate down --to {below}"
        below = entry.revision
        migration = project.history.get(entry.revision)
        if migration is None:
            folder = project.settings.shown(project.settings.migrations)
            place = Location(f"{folder}/{entry.revision}.yaml")
            message = f"`{entry.revision}` is applied here, but its file is gone"
            hint = "bring the file back, or take the migration back: the ledger holds all it needs"
            renumbered = moved_to(project, entry)
            if renumbered:
                message += f"; `{renumbered.revision}` is the same migration under a new number"
                hint, back = "let the ledger follow", "migrate rebase"
            found.append(error("missing-migration", message, place, hint=hint, command=back))
        elif migration.checksum != entry.checksum:
            parts = list(_differences(entry.document, migration.document))
            message = f"`{entry.revision}` was edited after it was applied: {', '.join(parts)}"
            places = [migration.locate(each.rpartition(" ")[0]) for each in parts] or [
                migration.locate("/id")
            ]
            others = tuple(Related(each, "and here") for each in dict.fromkeys(places[1:4]))
            hint = "put the file back and write a new migration, or take it back and apply it again"
            found.append(
                error(
                    "edited-after-apply",
                    message,
                    places[0],
                    hint=hint,
                    command=back,
                    related=others,
                )
            )
    return tuple(found)


def moved_to(project: Project, entry: Entry) -> Migration | None:
    """The migration that an applied one, whose file is gone, was renumbered to."""
    if project.history.get(entry.revision):
        return None
    for migration in project.history.migrations:
        unknown = project.ledger.get(migration.revision) is None
        renamed = {**entry.document, "id": migration.revision}
        if unknown and migration.revision[4:] == entry.revision[4:]:
            return migration if checksum(renamed) == migration.checksum else None
    return None


def came_late(project: Project, plan: Plan) -> Iterable[Diagnostic]:
    """Migrations that came after one with a higher number was applied here."""
    for step in plan.steps:
        if step.recorded or not step.changes or step.migration is None:
            continue
        here = number(step.revision)
        above = [each for each in project.ledger.revisions if number(each) > here]
        below = [each for each in project.ledger.revisions if number(each) < here]
        if above:
            message = f"`{step.revision}` came late: `{above[0]}` is applied here already"
            hint = "take back what is above it, then apply all in their order with `migrate up`"
            place = step.migration.locate("/id")
            back = f"migrate down --to {below[-1] if below else BASE}"
            yield error("late-migration", message, place, hint=hint, command=back)


def _differences(old: Mapping[str, Json], new: Mapping[str, Json], at: str = "") -> Iterable[str]:
    """The pointers at which two documents differ, as deep as mappings and equal lists go."""
    for name in dict.fromkeys((*old, *new)):
        first, second, here = old.get(name), new.get(name), f"{at}/{name}"
        if first == second or here in ("/title", "/description"):
            continue
        if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
            first = {str(index): each for index, each in enumerate(first)}
            second = {str(index): each for index, each in enumerate(second)}
        if isinstance(first, dict) and isinstance(second, dict):
            yield from _differences(first, second, here)
        else:
            how = "added" if name not in old else "removed" if name not in new else "changed"
            yield f"{here} {how}"
