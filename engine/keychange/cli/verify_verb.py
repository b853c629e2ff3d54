"""The verb verify: the checks of applied migrations, again."""

from __future__ import annotations

import click

from keychange.cli import option
from keychange.cli.session import Session
from keychange.cli.verb import verb

_EXAMPLES = """\
migrate verify  # what has not passed
migrate verify --all  # also what runs only on request
migrate verify --again --allow-cpu  # all again, also without a GPU
"""


@verb("verify", _EXAMPLES)
@click.option("--again", is_flag=True, help="Also migrations that passed before.")
@click.option("--all", "on_request", is_flag=True, help="Also checks that run only on request.")
@option.allow_cpu
@option.lock_timeout
def command(
    session: Session, *, again: bool, on_request: bool, allow_cpu: bool, lock_timeout: float
) -> int:
    """Run the checks of applied migrations that have not passed them.

    What passes is recorded as verified. Nothing is rolled back: what to do with a verdict is
    yours to decide.
    """
    from keychange.cli.planning import end
    from keychange.options import Options
    from keychange.workflow import verify

    options = Options(
        allow_cpu=allow_cpu,
        on_request=on_request,
        lock_timeout=lock_timeout,
        say=session.say,
        progress=session.stage,
        live=session.live,
    )
    project = session.read(lambda here: here, wait=lock_timeout)
    nothing = "every applied migration has passed its checks"
    if not project.ledger.entries:
        nothing = "no migration is applied here"
    outcome = verify(project, options, again=again or on_request)
    return end(session, outcome, None, f"Nothing to verify: {nothing}.")
