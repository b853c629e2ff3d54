"""The verb up: apply, verify, record, or roll back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keychange.cli import option
from keychange.cli.session import Session
from keychange.cli.verb import verb

if TYPE_CHECKING:
    from keychange.options import Options
    from keychange.project import Project

_EXAMPLES = """\
migrate up  # show the plan, ask, write, run the model
migrate up --to 0002 --dry-run  # only show it, up to a revision
migrate up --yes --no-verify  # in a script, without the model
migrate up --plan up.plan.json  # exactly a saved plan, once
"""


@verb("up", _EXAMPLES)
@click.option("--to", metavar="REV", help="Apply up to this revision.  [default: head]")
@option.plan_file
@click.option("--dry-run", is_flag=True, help="Only show the plan; the same as `migrate plan`.")
@option.yes
@click.option(
    "--no-verify", is_flag=True, help="Do not run the checks, nor what only they require."
)
@click.option("--keep", is_flag=True, help="Keep the changes where a check does not pass.")
@click.option("--baseline", is_flag=True, help="First probe the model in use, where it is cached.")
@click.option(
    "--interrupted",
    type=click.Choice(["continue", "roll-back"]),
    help="What an interrupted run left unverified: check it now, or only roll it back."
    "  [default: ask, else continue]",
)
@option.allow_cpu
@option.lock_timeout
def command(
    session: Session,
    *,
    to: str | None,
    plan_file: Path | None,
    dry_run: bool,
    yes: bool,
    no_verify: bool,
    keep: bool,
    baseline: bool,
    interrupted: str | None,
    allow_cpu: bool,
    lock_timeout: float,
) -> int:
    """Apply what is pending: all files or none, then run the model.

    If the model does not work afterwards, every file is put back and compared, and the exit code
    is 3.
    """
    from keychange.cli.planning import (
        approve,
        end,
        excludes,
        narrate_plan,
        saved_plan,
        searched,
        show_plan,
    )
    from keychange.history import HEAD
    from keychange.options import Interrupted, Options
    from keychange.planning import plan_up
    from keychange.workflow import up

    wanted = to or HEAD
    if dry_run:
        excludes("--dry-run", plan=plan_file)
        plan, found = session.read(lambda here: searched(here, plan_up(here, wanted)))
        return show_plan(session, plan, found, again=f"--to {to}" if to else "")
    if plan_file:
        excludes("--plan", to=to, interrupted=interrupted)
        project, plan = saved_plan(session, plan_file, "up")
    else:
        project, plan = session.read(lambda here: (here, plan_up(here, wanted)), wait=lock_timeout)
    options = Options(
        verify=not no_verify,
        keep=keep,
        fetch=True,
        baseline=baseline,
        allow_cpu=allow_cpu,
        lock_timeout=lock_timeout,
        say=session.say,
        progress=session.stage,
        live=session.live,
        interrupted=Interrupted(interrupted or _choice(session, project, yes=yes)),
    )
    if options.interrupted is Interrupted.ROLL_BACK:
        return _roll_back(session, project, options, yes=yes)
    if plan.todo:
        narrate_plan(session, plan, summary=yes)
    approve(session, plan, yes=yes or plan_file is not None)
    return end(session, up(project, plan, options), plan)


def _choice(session: Session, project: Project, *, yes: bool) -> str:
    """Ask what becomes of a migration whose checks were cut off; go on where nobody can be."""
    from keychange.workflow import interrupted

    for entry in interrupted(project):
        session.say(f"{entry.revision} is applied, unverified: its checks were interrupted.")
    if not interrupted(project) or yes or not session.interactive:
        return "continue"
    with session.printing():
        checked = click.confirm("Check it now? If not, it is rolled back", default=True, err=True)
    return "continue" if checked else "roll-back"


def _roll_back(session: Session, project: Project, options: Options, *, yes: bool) -> int:
    from keychange.cli.planning import approve, end, narrate_plan
    from keychange.planning import plan_down
    from keychange.workflow import interrupted, up

    plan = plan_down(project, tuple(each.unsettled for each in interrupted(project)))
    if plan.steps:
        narrate_plan(session, plan, summary=yes)
    approve(session, plan, yes=yes)
    return end(session, up(project, plan, options), plan)
