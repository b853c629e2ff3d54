"""Linting: what will hurt later in the migrations of a project; pure, values in, warnings out."""

from __future__ import annotations

from collections.abc import Collection

from keychange.diagnostics import Diagnostic, in_order
from keychange.linting.declared import SECRET, declared
from keychange.linting.found import found
from keychange.model import Plan
from keychange.project import Project


def lint(
    project: Project, plan: Plan, names: Collection[str] | None = None
) -> tuple[Diagnostic, ...]:
    """Every finding, in the order of the files.

    Args:
        project: whose migrations are looked at.
        plan: toward head; what is pending in it is compared with the files as they are.
        names: the migration files, from the root, to which the answer is confined.
    """
    steps = {step.revision: step for step in plan.steps}
    result: list[Diagnostic] = []
    for migration, templates in project.templates_in_order:
        if names is not None and migration.path not in names:
            continue
        said = [*declared(migration, templates)]
        step = steps.get(migration.revision)
        if step is not None and not step.recorded:
            said += found(migration, templates, step, plan)
        result += _without_secrets(said)
    return in_order(dict.fromkeys(result))


def _without_secrets(said: Collection[Diagnostic]) -> list[Diagnostic]:
    """The same, without the text of a line that holds a secret."""
    lines = {each.location.line for each in said if each.code == SECRET and each.location}
    return [
        each._replace(location=each.location._replace(text=""))
        if each.location and each.location.line in lines
        else each
        for each in said
    ]
