"""The verb stamp: say what is applied, without touching a file of the project."""

from __future__ import annotations

import click

from keychange.cli import option
from keychange.cli.session import Session
from keychange.cli.verb import verb

_EXAMPLES = """\
migrate stamp head --dry-run  # what would be recorded
migrate stamp 0003 --yes  # up to this one, without a question
migrate stamp base  # nothing is applied here
"""


@verb("stamp", _EXAMPLES)
@click.argument("revision", metavar="REV")
@click.option("--dry-run", is_flag=True, help="Only show what would be recorded and forgotten.")
@option.yes
@option.lock_timeout
def command(
    session: Session, *, revision: str, dry_run: bool, yes: bool, lock_timeout: float
) -> int:
    """Record that exactly the migrations up to REV are applied here; `base` for none.

    For a ledger that was lost, an applied migration that was edited on purpose, or one whose file
    was removed for good. Only the ledger is written. What `down` can no longer do is said first.
    """
    from keychange.cli.planning import ask, end
    from keychange.options import Options
    from keychange.planning import plan_up
    from keychange.run import now
    from keychange.stamping import plan_stamp
    from keychange.workflow import stamp

    project, stamping = session.read(
        lambda here: (here, plan_stamp(here, plan_up(here, revision), revision, now())),
        wait=0 if dry_run else lock_timeout,
    )
    lines = [
        *(f"+ {each}: recorded as stamped" for each in stamping.added),
        *(f"~ {each}: taken as it is now" for each in stamping.accepted),
        *(f"- {each.revision}: forgotten" for each in stamping.forgotten),
    ]
    if dry_run:
        if session.format == "json":
            return session.emit(0, stamping.diagnostics, changes=[*lines])
        session.report(stamping.diagnostics)
        session.show(lines or ["Nothing to stamp: the ledger says so already."])
        return 0
    session.report(stamping.diagnostics)
    session.say(*lines)
    if stamping.changes:
        ask(session, "Write this to the ledger?", yes=yes)
    return end(session, stamp(project, stamping, Options(lock_timeout=lock_timeout)), None)
