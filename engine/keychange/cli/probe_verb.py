"""The verb probe: run the model once, and measure what it says."""

from __future__ import annotations

import click

from keychange.cli.session import Session, verb
from keychange.diagnostics import error
from keychange.errors import RefusedError

_EXAMPLES = """\
migrate probe  # of the last migration that declares one
migrate probe 0001 --format json
migrate probe --markdown  # a table to paste into an issue
"""


@verb("probe", _EXAMPLES)
@click.argument("revision", default="head", metavar="[REV]")
@click.option(
    "--allow-cpu", is_flag=True, help="Accept a CPU where a GPU is required; the verdict says so."
)
@click.option("--markdown", is_flag=True, help="Print the report as a table to paste.")
def command(session: Session, *, revision: str, allow_cpu: bool, markdown: bool) -> int:
    """Run the probe that a migration declares, by default the last one that has one.

    The model of the migration is loaded by the project's own interpreter and clones the reference
    voice; nothing of the project is changed. Ends with 0 if it passed, 3 if not.
    """
    from keychange import checks
    from keychange.history import HEAD
    from keychange.options import Options
    from keychange.preconditions import unmet_requirements
    from keychange.probe.verdict import Verdict
    from keychange.render import document
    from keychange.render.masking import line as masked
    from keychange.render.text import check_outcome

    project = session.read(lambda here: here)
    migrations = project.history.upto(project.history.resolve(revision))
    candidates = migrations if revision == HEAD else migrations[-1:]
    found = next((each for each in reversed(candidates) if checks.probe_of(each)), None)
    check = checks.probe_of(found) if found else None
    if found is None or check is None:
        message = f"no migration up to `{revision}` declares a probe"
        hint = "add `- probe: mlx_speech` to its `verify` list"
        raise RefusedError(error("no-probe", message, hint=hint, command="migrate history"))
    options = Options(
        allow_cpu=allow_cpu, say=session.say, progress=session.stage, live=session.live
    )
    templates = project.templates[found.revision]
    unmet = unmet_requirements(project.root, [(found, templates)], options, runtime=True)
    if unmet:
        raise RefusedError(*unmet)
    outcome = checks.probe(project.root, found, check, templates, options)
    code = 0 if outcome.verdict is Verdict.PASS else 3
    if session.format == "json":
        return session.emit(code, outcome.diagnostics, probe=document.check(outcome))
    session.report(outcome.diagnostics)
    if markdown:
        session.show(masked(each, outcome.hidden) for each in outcome.table.splitlines())
        return code
    session.show(check_outcome(outcome, session.style()))
    return code
