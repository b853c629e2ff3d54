"""The verb model: bring the models of the next migration into the hub cache."""

from __future__ import annotations

from pathlib import Path

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb
from keychange.diagnostics import Diagnostic, error
from keychange.errors import RefusedError
from keychange.model import Json

_EXAMPLES = """\
migrate model fetch  # what the next migration needs
migrate model fetch mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit
HF_HOME=/Volumes/Models migrate model fetch  # into another cache
"""


@verb("model", _EXAMPLES)
@click.argument("action", type=click.Choice(["fetch"]), metavar="fetch")
@click.argument("model", required=False, default="", metavar="[MODEL]")
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Interpreter whose huggingface_hub downloads.  [default: the one the migration names]",
)
def command(session: Session, *, action: str, model: str, python: Path | None) -> int:  # noqa: ARG001 (there is one)
    """Download models into the hub cache: by default those that the next migration needs.

    The project's own interpreter downloads, into the cache that the project will read. What is
    whole already is kept, so an interrupted download can be resumed; HF_HUB_OFFLINE is respected.
    The result is compared, tensor by tensor, with what its configuration promises.
    """
    from keychange.options import Options
    from keychange.planning import plan_up
    from keychange.preconditions import fetch, fetch_plan
    from keychange.verification.model.download import size_in_words

    project, plan = session.read(lambda here: (here, plan_up(here)))
    migration, models = fetch_plan(project.history.migrations, project.templates, plan, model)
    if migration is None or not models:
        message = "no migration needs a model" if not model else "no migration names an interpreter"
        hint = "name one: migrate model fetch OWNER/NAME --python FILE"
        raise RefusedError(error("no-model", message, hint=hint))
    templates = project.templates[migration.revision]
    options = Options(fetch=True, say=session.say, progress=session.stage, live=session.live)
    rows: list[Json] = []
    problems: list[Diagnostic] = []
    for each in models:
        done = fetch(project.root, each, migration, templates, options, python=python)
        found = (done.problem,) if done.problem else done.inspection.diagnostics
        problems.extend(found)
        rows.append(
            {
                "model": each,
                "ok": done.ok,
                "folder": str(done.inspection.folder),
                "snapshot": str(done.inspection.snapshot) if done.inspection.snapshot else None,
                "files": done.files,
                "bytes": done.size,
                "seconds": round(done.seconds, 3),
            }
        )
        if done.ok and session.format == "text":
            size = size_in_words(done.inspection.checkpoint.size)
            how = f"fetched {size_in_words(done.size)}" if done.files else "was there already"
            session.show([f"{each}: whole, {size}; {how}", f"  {done.inspection.snapshot}"])
    code = 0 if all(row["ok"] for row in rows if isinstance(row, dict)) else 1
    if session.format == "json":
        return session.emit(code, problems, models=rows)
    session.report(problems)
    return code
