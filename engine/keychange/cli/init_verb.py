"""The verb init: migrations/ set up, with a first migration made of what the project holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from keychange.cli import option
from keychange.cli.session import Session
from keychange.cli.verb import verb
from keychange.diagnostics import error
from keychange.errors import RefusedError

if TYPE_CHECKING:
    from keychange.authoring.discovery import Discovery, Group
    from keychange.authoring.drafting import Draft
    from keychange.authoring.survey import Held
    from keychange.model import Json
    from keychange.project import Project

_ROWS = 8
"""Rows of one kind that are shown; the rest is counted."""


_EXAMPLES = """\
migrate init  # look, and write migrations/ with a first migration
migrate init --dry-run  # only look
migrate -C path/to/project init --bare  # only the folder"""


@verb("init", _EXAMPLES)
@click.option("--bare", is_flag=True, help="Only the folder, with the schema for editors.")
@click.option("--dry-run", is_flag=True, help="Only show what was found; write nothing.")
@option.lock_timeout
def command(session: Session, *, bare: bool, dry_run: bool, lock_timeout: float) -> int:
    """Set up migrations/, with a first migration made of what the project holds.

    Looks for env files, configs and sources, whether git tracks them or ignores them, and for the
    models that they name. Nothing is asked, nothing that is there is overwritten, and where there
    is a history already, nothing is written.
    """
    from keychange.authoring.discovery import discover, folder_of_migrations
    from keychange.authoring.writing import write

    wanted = session.settings(own=True)
    settings = folder_of_migrations(wanted)
    if settings != wanted:
        session.options["migrations"] = settings.migrations
    session.watches()
    found = discover(settings)
    made = session.read(lambda here: _draft(here, found, bare=bare), own=True)
    written = () if dry_run else write(settings, made, lock_timeout=lock_timeout)
    if written:
        session.settle(0, f"Written: {', '.join(written)}")
    if session.format == "json":
        return session.emit(0, made.behind if made else (), **_data(found, made, written))
    session.show(_found(found))
    session.show(_wrote(made, written))
    session.say("", *_advice(session, found, made, written))
    return 0


def _draft(here: Project, found: Discovery, *, bare: bool) -> Draft | None:
    from keychange.authoring.drafting import draft
    from keychange.authoring.proposals import propose_as_is

    if here.history.migrations:
        first = here.history.migrations[0]
        message = f"there is a history already, from `{first.revision}` on"
        hint = "write the next one with `migrate new SLUG --from OLD --to NEW`"
        place = first.locate("/id")
        command = "migrate history"
        raise RefusedError(error("history-exists", message, place, hint=hint, command=command))
    if bare:
        return None
    slug = "model_upgrade" if found.models else "first"
    also = propose_as_is(found.survey, found.settings_found)
    return draft(here, slug, known=found.models, also=also)


def _found(found: Discovery) -> Iterator[str]:
    yield from _rows("Project", [f"{found.root}{', a git checkout' if found.checkout else ''}"])
    yield from _rows("Env files", map(_group, found.env_files))
    sites = (*found.settings_found, *(each for held in found.models.values() for each in held))
    telling = {each.path for each in sites}  # those that hold a model or a setting come first
    configs = sorted(found.configs, key=lambda each: telling.isdisjoint(each.paths))
    yield from _rows("Configs", map(_group, configs))
    yield from _rows("Sources", found.sources)
    yield from _rows("Models", (_model(*each) for each in found.models.items()))
    yield from _rows("Settings", (f"{each.value}  {_site(each)}" for each in found.settings_found))
    fits = (f"{pattern} fits {', '.join(names)}" for pattern, names in found.schemas.items())
    yield from _rows("Schemas", fits)


def _rows(name: str, lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines) or ["none found"]
    shown = listed[:_ROWS]
    if len(listed) > _ROWS:
        shown.append(f"and {len(listed) - _ROWS} more")
    for at, line in enumerate(shown):
        yield f"{'' if at else name:<10} {line}"


def _group(group: Group) -> str:
    said = [f"{len(group.paths)} files"] if len(group.paths) > 1 else []
    said += ["ignored by git"] if group.ignored else []
    return f"{group.pattern}  ({', '.join(said)})" if said else group.pattern


def _model(value: str, sites: tuple[Held, ...]) -> str:
    more = len({(each.path, each.address) for each in sites}) - 1
    return f"{value}  {_site(sites[0])}" + (f", and {more} more" if more else "")


def _site(held: Held) -> str:
    return f"{held.path}:{held.line} {held.address}"


def _wrote(made: Draft | None, written: tuple[str, ...]) -> Iterator[str]:
    if written:
        yield from _rows("Wrote", written)
    elif made is not None:
        yield ""
        yield from made.text.splitlines()


def _advice(
    session: Session, found: Discovery, made: Draft | None, written: tuple[str, ...]
) -> Iterator[str]:
    """The next command, and what other files want to be added to."""
    from keychange.cli.authoring import where_next

    if not written:
        yield f"Nothing was written. Write it with: {session.pasted('migrate init')}"
        return
    if made is None:
        command = session.pasted("migrate new SLUG --from OLD --to NEW")
        yield f"Write a migration with: {command}"
    else:
        yield from where_next(session, made)
    if found.table:
        yield "Add to pyproject.toml, so that the folder is found without --migrations:"
        yield from (f"  {line}" for line in found.table.splitlines())
    if found.hooks is False:
        yield "pre-commit can run keychange too: `migrate check` and `migrate validate` are hooks."


def _data(found: Discovery, made: Draft | None, written: tuple[str, ...]) -> dict[str, Json]:
    from keychange.cli.authoring import as_data

    def groups(listed: tuple[Group, ...]) -> list[Json]:
        return [
            {"pattern": each.pattern, "paths": [*each.paths], "ignored": each.ignored}
            for each in listed
        ]

    def sites(listed: Iterable[Held]) -> list[Json]:
        return [
            {"path": e.path, "address": e.address, "line": e.line, "value": e.value} for e in listed
        ]

    parts: dict[str, Json] = {
        "env_files": groups(found.env_files),
        "configs": groups(found.configs),
        "sources": [*found.sources],
        "models": {value: sites(held) for value, held in found.models.items()},
        "settings": sites(found.settings_found),
        "schemas": {pattern: [*names] for pattern, names in found.schemas.items()},
        "pyproject": found.table,
        "pre_commit": found.hooks,
    }
    drafted: dict[str, Json] = {"written": [*written]}
    return {"found": parts, **(as_data(made, written) if made else drafted)}
