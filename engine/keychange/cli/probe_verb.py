"""The verb probe: run the model once, and measure what it says."""

from __future__ import annotations

import click

from keychange.cli import option
from keychange.cli.session import Session
from keychange.cli.verb import verb

_EXAMPLES = """\
migrate probe  # of the last migration that declares one
migrate probe 0001 --format json
migrate probe --markdown  # a table to paste into an issue
"""


@verb("probe", _EXAMPLES)
@click.argument("revision", default="head", metavar="[REV]")
@option.allow_cpu
@click.option("--markdown", is_flag=True, help="Print the report as a table to paste.")
def command(session: Session, *, revision: str, allow_cpu: bool, markdown: bool) -> int:
    """Run the probe that a migration declares, by default the last one that has one.

    The model of the migration is loaded by the project's own interpreter and clones the reference
    voice; nothing of the project is changed. Ends with 0 if it passed, 3 if not.
    """
    from keychange.options import Options
    from keychange.probing.verdict import Verdict
    from keychange.render import document
    from keychange.render.masking import line as masked
    from keychange.render.text import check_outcome
    from keychange.workflow import probe

    project = session.read(lambda here: here)
    options = Options(
        allow_cpu=allow_cpu, say=session.say, progress=session.stage, live=session.live
    )
    outcome = probe(project, revision, options)
    code = 0 if outcome.verdict is Verdict.PASS else 3
    if session.format == "json":
        return session.emit(code, outcome.diagnostics, probe=document.check(outcome))
    session.report(outcome.diagnostics)
    if markdown:
        session.show(masked(each, outcome.hidden) for each in outcome.table.splitlines())
        return code
    session.show(check_outcome(outcome, session.style()))
    return code
