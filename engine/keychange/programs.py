"""Programs: what applying a migration starts, and the folders that it is started for."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from keychange.diagnostics import error
from keychange.errors import UsageProblem
from keychange.model import Migration
from keychange.templates import Templates


def programs(migration: Migration, templates: Templates, root: Path) -> tuple[tuple[str, ...], ...]:
    """Every program that applying the migration starts here, as its words, in order.

    Raises:
        UsageProblem: the pattern of a ``for_each`` leaves the root.
        TemplateError: a variable is not there.
    """
    found: list[tuple[str, ...]] = []
    declared = [each.options for each in migration.requirements]
    declared += [each.options for each in migration.checks if not each.on_request]
    for options in declared:
        if "run" in options:
            words = cast("list[str]", options["run"])
        elif "python" in options:
            words = [str(options["python"])]
        else:
            continue
        projects = [""]
        if "for_each" in options:
            limit = cast("int | None", options.get("limit"))
            projects = list(folders(templates.text(str(options["for_each"])), root))[:limit]
        found += (tuple(templates.text(e, project=each) for e in words) for each in projects)
    return tuple(dict.fromkeys(found))


def folders(pattern: str, root: Path) -> tuple[str, ...]:
    """The folders under the root that a pattern matches, or that hold the files it matches.

    Raises:
        UsageProblem: the pattern leaves the root.
    """
    refuse_outside(pattern)
    return tuple(dict.fromkeys(_inside(sorted(root.glob(pattern)), root)))


def _inside(matches: Iterable[Path], root: Path) -> Iterator[str]:
    real = root.resolve()
    for match in matches:
        folder = match if match.is_dir() else match.parent
        if folder.resolve().is_relative_to(real):  # a link may lead out of the root
            yield folder.relative_to(root).as_posix()


def refuse_outside(path: str) -> None:
    """Take a path that stays under the root.

    Raises:
        UsageProblem: it does not.
    """
    if path.startswith("/") or posixpath.normpath(path).split("/")[0] == "..":
        hint = "name paths from the root of the project"
        raise UsageProblem(error("path-outside-root", f"{path} leaves the root", hint=hint))
