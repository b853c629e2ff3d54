"""The verb lint: what will hurt later in the migration files; for authors, pre-commit and CI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb
from keychange.diagnostics import Severity, error
from keychange.errors import UsageProblem

if TYPE_CHECKING:
    from keychange.project import Project

_EXAMPLES = """\
migrate lint
migrate lint migrations/0002_larger_model.yaml  # one file
migrate lint --strict --format github  # in CI
"""


@verb("lint", _EXAMPLES)
@click.argument("names", nargs=-1, metavar="[FILE]...")
@click.option("--strict", is_flag=True, help="End with 1 if there is a warning.")
@click.option("--index", is_flag=True, help="Judge what is staged, as a commit would hold it.")
def command(session: Session, *, names: tuple[str, ...], strict: bool, index: bool) -> int:
    """Find what will hurt later in the migrations, or in the FILEs alone; write nothing.

    Such as an old value that no file holds, an address that is not there, a variable that nothing
    uses, a secret, a check that cannot fail. Reads the files as `validate` does, and ends with 2
    if one is not valid; what is pending is compared with the project's files. A FILE that is no
    migration of the project is passed over.
    """
    from keychange.linting import lint
    from keychange.planning import plan_up
    from keychange.render.diagnostics import totals
    from keychange.render.style import count

    def read(project: Project) -> tuple[Project, frozenset[str] | None]:
        return project, _chosen(names, project) if names else None

    project, chosen = session.read(read, staged=index)
    found = (*project.history.problems, *lint(project, plan_up(project), chosen))
    wrong = [each for each in found if each.is_error or (strict and _is_grave(each))]
    code = 1 if wrong else 0
    revisions = [
        each.revision
        for each in project.history.migrations
        if chosen is None or each.path in chosen
    ]
    if session.format == "json":
        return session.emit(code, found, migrations=list(revisions))
    session.report(found, total=False)
    said = totals(each for each in found if _is_grave(each)) or "nothing to say"
    session.say(f"Lint: {count(len(revisions), 'migration')}, {said}.")
    return code


def _is_grave(each: object) -> bool:
    return getattr(each, "severity", None) is not Severity.NOTE


def _chosen(names: tuple[str, ...], project: Project) -> frozenset[str]:
    """The paths of the named migrations, as diagnostics show them.

    Raises:
        UsageProblem: one is no migration of the project.
    """
    from keychange.closest_name import hint_of

    shown = {each.path for each in project.history.migrations}
    chosen = set()
    for name in names:
        places = (Path.cwd() / name, project.root / name)
        paths = [project.settings.shown(Path(os.path.normpath(each))) for each in places]
        path = next((each for each in paths if each in shown), None)
        if path is None and any(each.is_file() for each in places):
            continue  # a hook names every file that is called like a migration
        if path is None:
            message = f"`{name}` is no migration of this project"
            hint = hint_of(name, sorted(shown), "migrations")
            raise UsageProblem(error("usage", message, hint=hint))
        chosen.add(path)
    return frozenset(chosen)
