"""Text: a migration as its file spells it, with a word on each part for its author."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from keychange.authoring.survey import Held
from keychange.settings import Settings

SCHEMA_FILE = "migration.schema.json"
_PLAIN = re.compile(r"[A-Za-z_./][\w./@+*-]*(?::[\w./-]+)*")
_TITLE = re.compile(r"[A-Za-z][\w.,/()-]*(?: [\w.,/()-]+)+")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", ".inf", ".nan"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One operation as it is proposed: what it says first, its lines, and the sites it governs."""

    said: str
    lines: tuple[str, ...]
    targets: tuple[str, ...]
    sites: tuple[Held, ...]


def scalar(text: str) -> str:
    """A text as one YAML scalar on one line, in quotes where it needs them."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and "*" not in text[:1]:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in quoted)


def migration_text(
    *,
    revision: str,
    title: str,
    schema: str,
    variables: Mapping[str, str],
    todo: Iterable[str],
    operations: Sequence[Proposal],
    refused: Sequence[tuple[Proposal, str]] = (),
    also: Sequence[Proposal] = (),
    models: Sequence[str] = (),
) -> str:
    """The whole file.

    Args:
        revision: its ``id``.
        title: one line.
        schema: where editors find the schema, from the folder of the file.
        variables: in order.
        todo: the variables whose value the author still has to give.
        operations: what it does; at least one.
        refused: operations that do not plan here, with the reason; they are written as comments.
        also: operations that only show what else could be set; they are written as comments.
        models: variables that hold a model's id, for the commented requirement.
    """
    waiting = frozenset(todo)
    lines = [f"# yaml-language-server: $schema={schema}", "format: 1", f"id: {revision}"]
    lines += [f"title: {title if _TITLE.fullmatch(title) else scalar(title)}", ""]
    if variables:
        lines += ["# Names for values that stand in several places.", "vars:"]
        for name, value in variables.items():
            mark = "   # <- write the new value here" if name in waiting else ""
            lines.append(f"  {name}: {scalar(value)}{mark}")
        lines.append("")
    model = next((f"${{{each}}}" for each in models), "org/model")
    lines += [
        "# What must hold before any file is written: a path, a runtime, a model.",
        "# require:",
        f'#   - {{model: "{model}", fetch: true}}   # in the hub cache, or downloaded into it',
        "",
        "# What changes. A value that is neither old nor new stops the run before it writes.",
        "operations:",
    ]
    for each in operations:
        lines += [f"  # {each.said}", *_item(each.lines), ""]
    for each, reason in refused:
        lines += [f"  # Left out, because it does not plan here: {reason}"]
        lines += [*_commented(each), ""]
    if also:
        lines.append("  # Found as well, and set to what it is; take the `#` away to change it.")
        lines += [*(line for each in also for line in _commented(each)), ""]
    lines += [
        "# What must pass afterwards; if it does not, every file is restored.",
        "# verify:",
        "#   - run: [python, -m, your_package.smoke_test]",
        "#     expect: [ready]",
    ]
    return "\n".join(lines) + "\n"


def _commented(proposal: Proposal) -> list[str]:
    return [f"  # {line.removeprefix('  ')}" for line in _item(proposal.lines)]


def _item(lines: Sequence[str]) -> list[str]:
    first, *rest = lines
    return [f"  - {first}", *(f"    {line}" for line in rest)]


def has_schema(settings: Settings) -> bool:
    """Whether the root has the schema itself, as keychange's own checkout has."""
    return (settings.root / "schemas" / SCHEMA_FILE).is_file()


def schema_reference(settings: Settings) -> str:
    """Where editors find the schema of a migration, from the folder of its file."""
    if not has_schema(settings):
        return SCHEMA_FILE
    return os.path.relpath(settings.root / "schemas" / SCHEMA_FILE, settings.migrations)
