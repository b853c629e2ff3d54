"""Schemas: a JSON Schema by its name, or by its path from the root; each read once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, cast

from keychange.closest_name import hint_of
from keychange.diagnostics import error
from keychange.errors import UsageProblem
from keychange.model import Json
from keychange.regular import read_regular
from keychange.resources import bundled_schema, schema_names

SchemaLookup: TypeAlias = "Callable[[str], Json]"


def schema_lookup(root: Path) -> SchemaLookup:
    """Schemas by name, or by path from the root; each read once.

    What it returns raises ``UsageProblem`` where there is no such schema.
    """
    known: dict[str, Json] = {}

    def lookup(name: str) -> Json:
        if name not in known:
            known[name] = bundled_schema(name) or _of_project(root, name)
        return known[name]

    return lookup


def _of_project(root: Path, name: str) -> Json:
    path = root / name
    if not os.path.realpath(path).startswith(os.path.realpath(root) + os.sep):
        raise UsageProblem(error("no-such-schema", f"the schema `{name}` is not under the root"))
    try:
        return cast("Json", json.loads(read_regular(path)))
    except (OSError, ValueError, RecursionError) as problem:
        hint = hint_of(name, schema_names(), "a path in the project, or one of")
        message = f"there is no schema `{name}`"
        if not isinstance(problem, FileNotFoundError):
            reason = problem.strerror if isinstance(problem, OSError) else problem
            message = f"the schema `{name}` cannot be read: {reason}"
        raise UsageProblem(error("no-such-schema", message, hint=hint)) from problem
