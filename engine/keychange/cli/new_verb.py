"""The verb new: a commented migration to start from."""

from __future__ import annotations

import re
from pathlib import Path

import click

from keychange.cli.session import Session, verb
from keychange.diagnostics import Location, error
from keychange.errors import RefusedError, UsageProblem

_TEMPLATE = """\
format: 1
id: {revision}
title: {title}

# Names for values that stand in several places; used as ${{new_model}}.
vars:
  old_model: org/model-4bit
  new_model: org/model-8bit

# What must hold before any file is written: path, runtime, model.
# require:
#   - path: assets/voice/ref.wav

operations:
  # Keys of .env. Without `from`, any value is old; with it, another value stops the run.
  - env: .env
    missing: skip
    set:
      MODEL_ID: {{from: "${{old_model}}", to: "${{new_model}}"}}

  # String literals in Python, by value; `migrate sites FILE` lists their addresses.
  # - python: [app/model.py]
  #   strings:
  #     - {{from: "${{old_model}}", to: "${{new_model}}"}}

  # Fields of JSON files, by JSON pointer.
  # - json: configs/*.json
  #   set:
  #     /model_id: {{to: "${{new_model}}"}}

# What must pass afterwards; if it does not, every file is restored.
# verify:
#   - run: [python, -m, app.smoke_test]
#     expect: ["ok"]
"""


@verb("new", "migrate new larger_model\nmigrate new larger_model --title 'The larger model'")
@click.argument("slug")
@click.option("--title", default="", metavar="TEXT", help="One line that says what it is for.")
def command(session: Session, *, slug: str, title: str) -> int:
    """Write a commented migration with the next free number into the folder of migrations."""
    from keychange.settings import migration_files

    slug = slug.lower().replace("-", "_")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", slug):
        message = f"`{slug}` is not a slug"
        hint = "lower-case letters, digits and underscores, such as larger_model"
        raise UsageProblem(error("usage", message, hint=hint))
    settings = session.settings()
    folder = settings.root / "migrations" if settings.bundled else settings.migrations
    numbers = [int(path.name[:4]) for path in migration_files(folder)] if folder.is_dir() else []
    revision = f"{max(numbers, default=0) + 1:04d}_{slug}"
    path = folder / f"{revision}.yaml"
    words = slug.replace("_", " ").capitalize()
    text = _TEMPLATE.format(revision=revision, title=title or words)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Path(path).open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        place, reason = Location(settings.shown(path)), (problem.strerror or "").lower()
        message = f"the migration cannot be written: {reason}"
        raise RefusedError(error("unwritable-migration", message, place)) from problem
    if session.format == "json":
        return session.emit(0, path=settings.shown(path), revision=revision)
    session.show([settings.shown(path)])
    session.say("Edit it, then see what it would do with: migrate plan")
    return 0
