"""The verb schema: list and print JSON Schemas, and validate configs against one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb
from keychange.diagnostics import error, errors_in, in_order
from keychange.errors import UsageProblem
from keychange.model import Json

_EXAMPLES = """\
migrate schema  # the names
migrate schema voice_clone_config.v2
migrate schema --check 'generated/*/voice_clone_config.json'
migrate schema --check config/*.json --by schemas/config.schema.json"""


@verb("schema", _EXAMPLES)
@click.argument("names", metavar="[NAME | --check GLOB...]", nargs=-1)
@click.option("--check", is_flag=True, help="Validate the files that the GLOBs stand for.")
@click.option(
    "--by",
    metavar="SCHEMA",
    help="Validate by this schema: a NAME, or a path in the project.  [default: for each file"
    " the one that its last migration leaves it with]",
)
@click.option("--jsonc", is_flag=True, help="With --by: the files may hold comments.")
def command(
    session: Session, *, names: tuple[str, ...], check: bool, by: str | None, jsonc: bool
) -> int:
    """List the schemas that ship, print one by NAME, or validate configs alone.

    Nothing is written. With --check the exit code is 1 if a file is not valid.
    """
    if check:
        return _check(session, names, by, jsonc=jsonc)
    if by is not None or jsonc or len(names) > 1:
        hint = "migrate schema --check GLOB... --by SCHEMA"
        raise UsageProblem(error("usage", "files are validated with --check", hint=hint))
    return _print(session, names[0]) if names else _list(session)


def _list(session: Session) -> int:
    from keychange.resources import bundled_schema, schema_names

    titles = {name: str((bundled_schema(name) or {}).get("title", "")) for name in schema_names()}
    if session.format == "json":
        return session.emit(
            0, schemas=[{"name": name, "title": said} for name, said in titles.items()]
        )
    width = max(map(len, titles))
    style = session.style()
    session.show(f"{style(name.ljust(width), 'bold')}  {said}" for name, said in titles.items())
    return 0


def _print(session: Session, name: str) -> int:
    from keychange.schemas import schema_lookup

    found = schema_lookup(session.settings().root)(name)
    if session.format == "json":
        return session.emit(0, name=name, schema=found)
    session.show([json.dumps(found, indent=2, ensure_ascii=False)])
    return 0


def _check(session: Session, globs: tuple[str, ...], by: str | None, *, jsonc: bool) -> int:
    from keychange.render.style import count
    from keychange.validation import declared_rule, named_rule, validate

    if not globs:
        hint = "migrate schema --check GLOB..."
        raise UsageProblem(error("usage", "--check needs a GLOB", hint=hint))
    root = session.settings().root
    rule_of = session.read(declared_rule) if by is None else named_rule(root, by, jsonc=jsonc)
    done = validate(root, [_from_root(each, root) for each in globs], rule_of)
    code = 1 if errors_in(done.diagnostics) else 0
    shown = in_order(done.diagnostics)
    if session.format == "json":
        rows: list[Json] = [
            {"path": path, "schema": name, "valid": path not in done.invalid}
            for path, name in sorted(done.checked.items())
        ]
        return session.emit(code, shown, files=rows)
    session.report(shown)
    if session.format == "text":
        names = ", ".join(sorted({*done.checked.values()}))
        good = len(done.checked.keys() - done.invalid)
        told = f"{good:,} of {count(len(done.checked), 'file')} valid"
        session.show([f"{told} by {names}" if names else told])
    return code


def _from_root(name: str, root: Path) -> str:
    """A path or pattern from the root; one that stands for files here, as a shell means it."""
    here = os.path.relpath(Path.cwd(), root)
    if Path(name).is_absolute():
        return os.path.relpath(name, root) if Path(name).is_relative_to(root) else name
    if here == "." or here.startswith("..") or not any(Path.cwd().glob(name)):
        return name
    return os.path.normpath(f"{here}/{name}")
