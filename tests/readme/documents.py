"""The documents that are made, with how each is."""

from __future__ import annotations

from pathlib import Path

from readme import console, formats, program
from readme.parts import with_parts

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PARTS = {
    "format": formats.compact,
    "commands": program.commands,
    "exits": program.exits,
    "variables": program.variables,
    "codes": program.codes,
}


def _readme() -> str:
    return console.played(with_parts(README.read_text(), PARTS))


MADE = {
    README: _readme,
    ROOT / "schemas/README.md": formats.page,
    ROOT / "engine/keychange/explanations/README.md": program.codes_page,
}
"""Every document by its file, with what makes it as it should be now."""
