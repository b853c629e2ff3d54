"""The data that ships with the program: schemas, bundled migrations and the sample workspace."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import cast

from keychange.model import Json


def data_dir(name: str) -> Path:
    """The folder ``schemas``, ``migrations`` or ``sample``: in the wheel, else in the checkout."""
    package = Path(__file__).parent
    packaged = package / "_data" / name
    if packaged.is_dir():
        return packaged
    checkout = package.parent.parent
    return checkout / "assets" / name if name == "sample" else checkout / name


@cache
def bundled_schema(name: str) -> dict[str, Json] | None:
    """A schema of ours by name, such as ``migration`` or ``voice_clone_config.v2``; else None."""
    path = data_dir("schemas") / f"{name}.schema.json"
    if "/" in name or not path.is_file():
        return None
    return cast("dict[str, Json]", json.loads(path.read_text(encoding="utf-8")))


def schema_names() -> tuple[str, ...]:
    """The names that ``bundled_schema`` knows."""
    suffix = ".schema.json"
    found = data_dir("schemas").glob(f"*{suffix}")
    return tuple(sorted(path.name.removesuffix(suffix) for path in found))
