"""The verb doctor: requirements of the next migration and the machine, each with its fix."""

from __future__ import annotations

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb

_EXAMPLES = """\
migrate doctor  # each passes, fails or is unknown, with its fix
migrate doctor --allow-cpu --format json
"""


@verb("doctor", _EXAMPLES)
@click.option("--allow-cpu", is_flag=True, help="Accept a CPU where a GPU is required.")
def command(session: Session, *, allow_cpu: bool) -> int:
    """Check what the next migration requires, and this machine; say how to mend what is wrong.

    Nothing is loaded, downloaded or written. Ends with 0 if nothing is wrong, 1 if something is.
    """
    from keychange.doctor import examine, problems
    from keychange.options import Options
    from keychange.planning import plan_up
    from keychange.render import examination

    project, plan = session.read(lambda here: (here, plan_up(here)))
    found = examine(project, plan, Options(allow_cpu=allow_cpu))
    code = 1 if found.failed else 0
    if session.format == "json":
        return session.emit(code, problems(found.all), **examination.data(found))
    if session.format == "text":
        session.show(examination.text(found, session.style()))
    else:
        session.report(problems(found.all))
    return code
