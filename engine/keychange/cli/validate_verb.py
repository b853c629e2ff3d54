"""The verb validate: the migration files alone, for pre-commit and CI."""

from __future__ import annotations

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb

_EXAMPLES = """\
migrate validate  # every problem, at its line and column
migrate validate --index --format github  # what is staged, as annotations
"""


@verb("validate", _EXAMPLES)
@click.option("--index", is_flag=True, help="Judge what is staged, as a commit would hold it.")
def command(session: Session, *, index: bool) -> int:
    """Read every migration file and the order of the history; look at nothing else.

    Every problem of every file is shown at its line and column. Ends with 2 if a file is not
    valid, and with 1 if two have one number or one is missing.
    """
    from keychange.errors import RefusedError
    from keychange.render.style import count

    project = session.read(lambda here: here, staged=index)
    if project.history.problems:
        raise RefusedError(*project.history.problems)
    revisions = project.history.revisions
    if session.format == "json":
        return session.emit(0, migrations=list(revisions))
    session.report(())
    session.say(f"Validate: {count(len(revisions), 'migration')}, every one valid.")
    return 0
