"""The verb status: where every migration stands."""

from __future__ import annotations

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb
from keychange.errors import KeychangeError

_EXAMPLES = """\
migrate status  # each migration, with the sites that are not as it says
migrate status --brief  # one line, or nothing: for a prompt or a hook
migrate status --format json
"""


@verb("status", _EXAMPLES)
@click.option("--brief", is_flag=True, help="Say in one line what is to be applied, or nothing.")
def command(session: Session, *, brief: bool) -> int:
    """Show where every migration stands.

    Two columns: what changed since keychange wrote it (M), and what `up` would do (~ set, !
    refuse). The files decide; the ledger only says who wrote them.
    """
    from keychange.render import document
    from keychange.render import standing as words
    from keychange.standing import report

    try:
        found = session.read(lambda project: report(project, search=False), cached=True)
    except KeychangeError as problem:
        if not brief or session.format == "json":
            raise
        place = problem.diagnostics[0].location
        where = f"{place}: " if place else ""
        next_ = session.pasted("migrate validate")
        session.show([f"{where}it cannot be said what is to be applied; next: {next_}"])
        return 0
    if session.format == "json":
        return session.emit(0, found.problems, migrations=document.standing(found))
    if brief:
        session.show(words.behind(found))
        return 0
    session.show(words.status(found, session.style()))
    codes = ("pending", "drift")
    session.report(each for each in found.problems if each.code not in codes)
    if any(row.pending for row in found.rows):
        session.say("See what `up` would do with: migrate plan")
    return 0
