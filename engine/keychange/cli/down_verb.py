"""The verb down: take applied migrations back."""

from __future__ import annotations

from pathlib import Path

import click

from keychange.cli import option
from keychange.cli.session import Session
from keychange.cli.verb import verb

_EXAMPLES = """\
migrate down  # the last one
migrate down --to 0001 --dry-run  # show what it takes to come back to 0001
migrate down --to base --yes  # all of them, without a question
"""


@verb("down", _EXAMPLES)
@click.option("--to", metavar="REV", help="Take back everything above this revision; base for all.")
@click.option(
    "--steps", metavar="N", type=click.IntRange(min=1), help="Take back so many.  [default: 1]"
)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --dry-run: save the plan, for `migrate down --plan FILE`.",
)
@option.plan_file
@option.yes
@option.lock_timeout
def command(
    session: Session,
    *,
    to: str | None,
    steps: int | None,
    dry_run: bool,
    out: Path | None,
    plan_file: Path | None,
    yes: bool,
    lock_timeout: float,
) -> int:
    """Take applied migrations back, the last one first.

    The old values come from the ledger. A file that is as it was left comes back byte for byte;
    in one that you edited since, only the sites that were set are put back.
    """
    from keychange.cli.planning import (
        approve,
        end,
        excludes,
        narrate_plan,
        save,
        saved_plan,
        show_plan,
    )
    from keychange.history import BASE
    from keychange.model import Plan
    from keychange.options import Options
    from keychange.planning import entries_above, plan_down
    from keychange.project import Project
    from keychange.workflow import down

    if to and steps:
        raise click.UsageError("--to and --steps exclude each other")
    if out and not dry_run:
        raise click.UsageError("--out goes with --dry-run")
    if plan_file:
        excludes("--plan", to=to, steps=steps, dry_run=dry_run)
        project, plan = saved_plan(session, plan_file, "down")
        narrate_plan(session, plan, summary=True)
        return end(session, down(project, plan, Options(lock_timeout=lock_timeout)), plan)

    def planned(here: Project) -> tuple[Project, Plan]:
        return here, plan_down(here, entries_above(here, to=to, steps=steps or 1))

    project, plan = session.read(planned, wait=0 if dry_run else lock_timeout)
    if dry_run:
        above = {each.revision for each in plan.steps}
        below = [each for each in project.ledger.revisions if each not in above]
        saved = save(project, plan, below[-1] if below else BASE, out)
        again = f"--to {to}" if to else f"--steps {steps}" if steps else ""
        return show_plan(session, plan, (), again=again, saved=saved)
    if plan.steps:
        narrate_plan(session, plan, summary=yes)
    approve(session, plan, yes=yes)
    return end(session, down(project, plan, Options(lock_timeout=lock_timeout)), plan)
