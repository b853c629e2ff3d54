"""Plan: one page that shows what ``up`` or ``down`` would do."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from keychange.diagnostics import Diagnostic, Severity
from keychange.model import Direction, Plan, Step
from keychange.render import masking
from keychange.render.html import changes
from keychange.render.html.page import Child, Markup, tag
from keychange.render.html.page import page as whole
from keychange.render.masking import Masks, line
from keychange.render.text import totals

_TONES = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.NOTE: ""}


def page(
    made: Plan, diagnostics: Iterable[Diagnostic] = (), *, context: int = 3, apply: str = ""
) -> Iterator[str]:
    """The page, line by line; ``apply`` is the command that applies this plan."""
    masks = Masks(site for step in made.steps for site in step.sites)
    down = made.direction is Direction.DOWN
    title = "What `migrate down` would do" if down else "What `migrate up` would do"
    header = (
        tag("h1", title.replace("`", "")),
        tag("p", "Nothing was written. ", _next(made, apply), class_="lead"),
        changes.stats(map(_counted, totals(made))) if made.todo else None,
    )
    parts: list[tuple[str, str, Child]] = []
    for number, step in enumerate(made.todo, 1):
        parts.append((f"step-{number}", step.revision, _step(step, masks, context, number)))
    notes = [*diagnostics]
    if notes:
        parts.append(("notes", "Worth knowing", tag("ul", map(_note, notes), class_="notes")))
    yield from whole(title.replace("`", ""), "plan", header, parts).splitlines()


def _next(made: Plan, apply: str) -> Child:
    if not made.todo:
        return "There is nothing to do: every site holds what the migrations set."
    return ("Apply it with ", tag("code", apply)) if apply else None


def _counted(words: str) -> tuple[str, str]:
    number, _, noun = words.partition(" ")
    return noun, number


def _step(step: Step, masks: Masks, context: int, number: int) -> Child:
    description = step.migration.description if step.migration else ""
    return (
        tag("p", step.title, class_="title"),
        changes.prose(description),
        changes.files(step, masks, context, prefix=f"file-{number}"),
        (tag("h3", "Sites"), changes.table(step, masks)) if step.sites else None,
        (
            tag("h3", "Programs that it starts"),
            tag("ul", (tag("li", tag("code", line(shlex.join(each)))) for each in step.runs)),
        )
        if step.runs
        else None,
    )


def _note(found: Diagnostic) -> Markup:
    place = tag("code", str(found.location)) if found.location else None
    return tag(
        "li",
        changes.badge(str(found.severity), _TONES[found.severity]),
        " ",
        place,
        " " if place else None,
        masking.line(found.message),
        tag("p", masking.line(found.hint), class_="muted") if found.hint else None,
    )
