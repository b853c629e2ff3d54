"""What real readers make of a ``.env`` file: bash, python-dotenv, and docker compose's rules."""

from __future__ import annotations

import logging
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

logging.getLogger("dotenv").setLevel(logging.ERROR)

_OWN = frozenset({"PWD", "OLDPWD", "SHLVL", "_", "BASH_EXECUTION_STRING"})


class ShellDied(Exception):
    """Sourcing the file ended the shell."""


def bash(data: bytes, folder: Path, *, allexport: bool = True) -> dict[str, str]:
    """The environment after ``set -a; . ./.env``, or after sourcing alone, with nothing inherited.

    No command can run but builtins: there is no PATH.

    Raises:
        ShellDied: bash itself ended, as it does at some errors inside ``$(...)``.
    """
    for stale in folder.iterdir():
        stale.unlink()
    (folder / ".env").write_bytes(data)
    first = "set -a; " if allexport else ""
    script = f"{first}PATH=/nonexistent; . ./.env >/dev/null 2>&1; exec /usr/bin/env -0"
    done = subprocess.run(
        ["/usr/bin/env", "-i", "bash", "--norc", "--noprofile", "-c", script],
        cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=20,
    )  # fmt: skip
    if not done.stdout:
        raise ShellDied
    text = done.stdout.decode("utf-8", "surrogateescape")
    pairs = (each.split("=", 1) for each in text.split("\0") if "=" in each)
    ambient = _OWN if b"PATH=" in data else _OWN | {"PATH"}
    return {key: value for key, value in pairs if key not in ambient}


def python_dotenv(
    data: bytes, folder: Path, *, interpolate: bool = True, encoding: str = "utf-8"
) -> dict[str, str | None]:
    """What ``dotenv_values`` returns for a file of these bytes."""
    from dotenv import dotenv_values

    path = folder / "python.env"
    path.write_bytes(data)
    return dict(dotenv_values(path, interpolate=interpolate, encoding=encoding))


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_COMPOSE_REFERENCE = re.compile(r"(\\)?(\$)(\()?\{?([A-Z0-9_]+)?\}?", re.IGNORECASE)


def docker_compose(text: str, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """A reading by the rules that docker compose documents for env files.

    Source: "Set environment variables within your container's environment: env-file syntax" of
    the compose documentation. Unquoted and double-quoted values are interpolated, single-quoted
    ones are literal; double quotes know the escapes ``\\n \\r \\t \\\\`` and ``\\"``, single ones
    ``\\'``; an inline comment of an unquoted value needs a space before its ``#``; a quoted value
    may span lines. Only what keychange writes is covered: one binding a line, closed quotes.
    """
    result: dict[str, str] = {}
    position = 0
    pattern = re.compile(
        r"""[ \t]*(?:\#[^\n]*|(?:export[ \t]+)?(?P<key>[A-Za-z_]\w*)[ \t]*=[ \t]*
        (?:"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\'|[^'])*)'|(?P<plain>[^\n]*?))
        [ \t]*(?:[ \t]\#[^\n]*)?)?(?:\n|$)""",
        re.VERBOSE | re.DOTALL,
    )
    while position < len(text):
        match = pattern.match(text, position)
        if match is None:
            raise ValueError(f"beyond the covered rules at {position}")
        position = match.end()
        if match["key"] is None:
            continue
        if match["single"] is not None:
            value = match["single"].replace("\\'", "'")
        elif match["double"] is not None:
            value = _interpolated(match["double"], {**(known or {}), **result})
            value = _ESCAPE.sub(lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]), value)
        else:
            value = _interpolated(match["plain"], {**(known or {}), **result})
        result[match["key"]] = value
    return result


def _interpolated(value: str, known: Mapping[str, str]) -> str:
    def resolve(match: re.Match[str]) -> str:
        if match[1] or match[3] or match[4] is None:
            return match[0]
        return known.get(match[4], "")

    return _COMPOSE_REFERENCE.sub(resolve, value)
