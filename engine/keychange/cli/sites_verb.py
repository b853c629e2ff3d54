"""The verb sites: the addresses of the string literals in a Python file."""

from __future__ import annotations

import re
from pathlib import Path

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb
from keychange.diagnostics import Location, error
from keychange.errors import RefusedError
from keychange.model import Json
from keychange.secrets import MASK, looks_secret

_EXAMPLES = """\
migrate sites app/model.py  # line, address and value of each
migrate sites app/model.py --format json
"""


@verb("sites", _EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path))
def command(session: Session, *, file: Path) -> int:
    """List the addresses of the string literals in a Python file, to be used with `at`.

    An address does not name a line, so it stays the same when code is added above it.
    """
    from keychange.closest_name import asked
    from keychange.closest_path import nearest
    from keychange.formats.python.address import addressable
    from keychange.formats.python.encoding import InvalidPython
    from keychange.formats.python.source import parse
    from keychange.regular import read_regular
    from keychange.render.masking import line as masked
    from keychange.render.style import visible

    def secret(address: str) -> bool:
        return any(looks_secret(name, in_env=False) for name in re.findall(r"\w+", address))

    root = session.settings().root
    path = (
        file
        if file.is_absolute()
        else next(
            (each for each in (Path.cwd() / file, root / file) if each.is_file()), root / file
        )
    )
    shown = session.settings().shown(path)
    try:
        data = read_regular(path)
        found = addressable(parse(data))
    except OSError as problem:
        message = f"cannot read the file: {(problem.strerror or '').lower()}"
        near = asked(*nearest(root, [shown]).values())
        hint = near or "name a Python file, from here or from the root"
        raise RefusedError(
            error("unreadable-file", message, Location(shown), hint=hint)
        ) from problem
    except InvalidPython as problem:
        lines = data.decode("utf-8", "replace").splitlines()
        text = lines[problem.line - 1] if 0 < problem.line <= len(lines) else ""
        place = Location(shown, problem.line, problem.column, 1, text)
        hint = "correct it, or run keychange under the Python that it is written for"
        raise RefusedError(error("invalid-python", problem.message, place, hint=hint)) from problem
    if session.format == "json":
        rows: list[Json] = [
            {
                "address": each.address,
                "value": MASK if secret(each.address) else masked(each.value),
                "line": each.line,
                "place": each.place.value,
            }
            for each in found
        ]
        return session.emit(0, path=shown, sites=rows)
    style = session.style()
    for each in found:
        said = "" if each.place.value == "value" else f"  ({each.place.value})"
        text = MASK if secret(each.address) else masked(repr(each.value))
        value = visible(f"{each.address} = {text}")
        session.show([f"{style(f'{each.line:>5}', 'dim')}  {value}{style(said, 'dim')}"])
    return 0
