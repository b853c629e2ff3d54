"""The verb rebase: the migrations numbered anew after a merge."""

from __future__ import annotations

import click

from keychange.cli import option
from keychange.cli.session import Session
from keychange.cli.verb import verb

_EXAMPLES = """\
migrate rebase --dry-run  # the new numbers
migrate rebase --onto origin/develop --yes  # after that branch, without a question
"""


@verb("rebase", _EXAMPLES)
@click.option("--onto", metavar="BRANCH", help="The branch that the team shares.")
@click.option("--dry-run", is_flag=True, help="Only show the new numbers.")
@option.yes
@option.lock_timeout
def command(
    session: Session, *, onto: str | None, dry_run: bool, yes: bool, lock_timeout: float
) -> int:
    """Number your own migrations anew where two have one number, or one is missing.

    What has come to the shared branch first comes first (origin's default branch, else main or
    master); what is not there yet follows, by number and name. So two people who fetched the same
    branch get the same files. The file is renamed and its `id` follows; no other byte changes.
    The ledger follows too, also where somebody else did the renaming.
    """
    from keychange.cli.planning import ask
    from keychange.model import Json
    from keychange.options import Options
    from keychange.renumbering import plan_rebase
    from keychange.workflow import rebase

    project, made = session.read(
        lambda here: (here, plan_rebase(here, onto)), wait=0 if dry_run else lock_timeout
    )
    lines = [f"{old} -> {new}" for old, new in made.renames.items()]
    lines += [
        f"ledger: {old} -> {new}"
        for old, new in made.followed.items()
        if made.renames.get(old) != new
    ]
    work = bool(lines)
    if work and not dry_run:
        if not yes:
            session.say(*lines)
        ask(session, "Rename these files?" if made.renames else "Write the ledger?", yes=yes)
        rebase(project, made, Options(lock_timeout=lock_timeout))
        session.settle(0, *lines)
    if session.format == "json":
        ending = "planned" if dry_run else "rebased" if work else "nothing-to-do"
        renames: dict[str, Json] = {**made.renames}
        followed: dict[str, Json] = {**made.followed}
        return session.emit(0, ending=ending, onto=made.branch, renames=renames, followed=followed)
    if not work:
        session.show(["Nothing to rebase: the history is in order."])
        return 0
    session.show(lines)
    if not dry_run:
        session.say("Commit the renamed files. See what is left to do with: migrate plan")
    return 0
