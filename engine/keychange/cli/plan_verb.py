"""The verb plan: the exact changes that ``up`` would make."""

from __future__ import annotations

from pathlib import Path

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb

_EXAMPLES = """\
migrate plan  # the diff of every file
migrate plan --to 0001 --summary  # files and totals, up to a revision
migrate plan --out up.plan.json  # saved, for: migrate up --plan FILE
migrate plan --exit-code --name-only  # in a script
"""


@verb("plan", _EXAMPLES)
@click.option("--to", metavar="REV", default="head", help="Plan up to this revision.")
@click.option("--summary", is_flag=True, help="Only the files and the totals, no diff.")
@click.option("--name-only", is_flag=True, help="Only the names of the files that would change.")
@click.option("--all", "each_one", is_flag=True, help="Show every file, also equal changes.")
@click.option(
    "-U",
    "context",
    metavar="N",
    type=click.IntRange(min=0),
    default=3,
    help="Lines of context in the diff.",
)
@click.option("--no-pager", is_flag=True, help="Never through a pager, also on a terminal.")
@click.option("--exit-code", is_flag=True, help="End with 1 if anything would change.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save it, for `migrate up --plan FILE`; the file holds digests, no values.",
)
def command(
    session: Session,
    *,
    to: str,
    summary: bool,
    name_only: bool,
    each_one: bool,
    context: int,
    no_pager: bool,
    exit_code: bool,
    out: Path | None,
) -> int:
    """Show the exact changes, file by file, and write nothing to the project.

    Files in which the same lines change are shown once, with the names of the others. On a
    terminal, a long plan goes through KEYCHANGE_PAGER, PAGER or less. With --format html it is
    one page, to be read in a browser: migrate plan --format html > plan.html
    """
    from keychange.cli.planning import save, searched, show_plan
    from keychange.planning import plan_up

    project, plan, found = session.read(
        lambda here: (here, *searched(here, plan_up(here, to))),
    )
    saved = save(project, plan, project.history.resolve(to), out)
    return show_plan(
        session,
        plan,
        found,
        again="" if to == "head" else f"--to {to}",
        context=context,
        name_only=name_only,
        summary=summary,
        each_one=each_one,
        pager=not no_pager,
        exit_code=exit_code,
        saved=saved,
    )
