"""The verb up: apply, verify, record, or roll back."""

from __future__ import annotations

import click

from keychange.cli.planning import approve, end, narrate_plan, searched, show_plan
from keychange.cli.session import Session, verb


@verb("up", "migrate up\nmigrate up --yes --no-verify")
@click.option(
    "--to", metavar="REV", default="head", help="Apply up to this revision.  [default: head]"
)
@click.option("--dry-run", is_flag=True, help="Only show the plan; the same as `migrate plan`.")
@click.option("-y", "--yes", is_flag=True, envvar="KEYCHANGE_YES", help="Write without a question.")
@click.option(
    "--no-verify", is_flag=True, help="Do not run the checks, nor what only they require."
)
@click.option("--keep", is_flag=True, help="Keep the changes where a check does not pass.")
@click.option("--baseline", is_flag=True, help="First probe the model in use, where it is cached.")
@click.option(
    "--allow-cpu", is_flag=True, help="Accept a CPU where a GPU is required; the verdict says so."
)
@click.option(
    "--lock-timeout", metavar="SECONDS", default=0.0, help="Wait so long for another run to end."
)
def command(
    session: Session,
    *,
    to: str,
    dry_run: bool,
    yes: bool,
    no_verify: bool,
    keep: bool,
    baseline: bool,
    allow_cpu: bool,
    lock_timeout: float,
) -> int:
    """Apply what is pending: all files or none, then run the model.

    If the model does not work afterwards, every file is put back and compared, and the exit code
    is 3.
    """
    from keychange.options import Options
    from keychange.project import plan_up
    from keychange.workflow import up

    if dry_run:
        return show_plan(session, *session.read(lambda here: searched(here, plan_up(here, to))))
    project, plan = session.read(lambda here: (here, plan_up(here, to)))
    options = Options(
        verify=not no_verify,
        keep=keep,
        fetch=True,
        baseline=baseline,
        allow_cpu=allow_cpu,
        lock_timeout=lock_timeout,
        progress=session.say,
        live=session.live,
    )
    if plan.todo:
        narrate_plan(session, plan, summary=yes)
    approve(session, plan, yes=yes)
    return end(session, up(project, plan, options), plan)
