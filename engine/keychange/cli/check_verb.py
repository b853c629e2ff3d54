"""The verb check: drift, pending changes and integrity, for pre-commit and CI."""

from __future__ import annotations

import click

from keychange.cli.session import Session, verb
from keychange.diagnostics import in_order


@verb("check", "migrate check\nmigrate check --left-behind fail --format github")
@click.option(
    "--left-behind",
    type=click.Choice(["fail", "warn", "ignore"]),
    default="warn",
    show_default=True,
    help="What an old value in a file that no operation governs means.",
)
def command(session: Session, *, left_behind: str) -> int:
    """Find everything that is not as the migrations say, and write nothing.

    Ends with 1 if something has drifted or is pending, or if an applied migration was edited.
    """
    from keychange.render import document
    from keychange.render.style import count
    from keychange.standing import report

    found = session.read(lambda here: report(here, search=left_behind != "ignore"))
    behind = [each for each in found.notes if each.code == "left-behind"]
    wrong = [*found.problems, *(behind if left_behind == "fail" else [])]
    code = 1 if wrong else 0
    shown = in_order((*found.problems, *found.notes))
    if session.format == "json":
        return session.emit(code, shown, clean=not wrong, migrations=document.standing(found))
    session.report(shown)
    if wrong:
        session.say(
            f"Check: {count(len(wrong), 'problem')}, {count(len(behind), 'old value')} left behind."
        )
    else:
        session.say(f"Check: clean; {count(len(behind), 'old value')} left behind.")
    return code
