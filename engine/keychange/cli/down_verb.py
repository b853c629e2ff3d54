"""The verb down: take applied migrations back."""

from __future__ import annotations

import click

from keychange.cli.planning import approve, end, narrate_plan, show_plan
from keychange.cli.session import Session, verb


@verb("down", "migrate down\nmigrate down --to base --yes")
@click.option("--to", metavar="REV", help="Take back everything above this revision; base for all.")
@click.option(
    "--steps", metavar="N", type=click.IntRange(min=1), help="Take back so many.  [default: 1]"
)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("-y", "--yes", is_flag=True, envvar="KEYCHANGE_YES", help="Write without a question.")
@click.option(
    "--lock-timeout", metavar="SECONDS", default=0.0, help="Wait so long for another run to end."
)
def command(
    session: Session,
    *,
    to: str | None,
    steps: int | None,
    dry_run: bool,
    yes: bool,
    lock_timeout: float,
) -> int:
    """Take applied migrations back, the last one first.

    The old values come from the ledger. A file that is as it was left comes back byte for byte;
    in one that you edited since, only the sites that were set are put back.
    """
    from keychange.model import Plan
    from keychange.options import Options
    from keychange.project import Project, entries_above, plan_down
    from keychange.workflow import down

    if to and steps:
        raise click.UsageError("--to and --steps exclude each other")

    def planned(here: Project) -> tuple[Project, Plan]:
        return here, plan_down(here, entries_above(here, to=to, steps=steps or 1))

    project, plan = session.read(planned)
    if dry_run:
        return show_plan(session, plan, ())
    if plan.steps:
        narrate_plan(session, plan, summary=yes)
    approve(session, plan, yes=yes)
    return end(session, down(project, plan, Options(lock_timeout=lock_timeout)), plan)
