"""Validation: configs alone against a JSON Schema, by its name or as the migrations say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from keychange.activity import activity
from keychange.closest_name import asked
from keychange.diagnostics import Diagnostic, Location, error, errors_in, note
from keychange.errors import UsageProblem
from keychange.formats.json.problem import InvalidJsonError
from keychange.formats.json.text import read, too_deep, value_of
from keychange.json_schema.violations import accepting, violations
from keychange.model import Json
from keychange.patterns import fits
from keychange.reading import Reader
from keychange.schemas import schema_lookup

if TYPE_CHECKING:
    from keychange.project import Project


class Rule:
    """What a config has to satisfy, and whether it may hold comments."""

    def __init__(self, name: str, schema: Json, *, jsonc: bool) -> None:
        self.name = name
        self.schema = schema
        self.jsonc = jsonc
        self.accepts = accepting(schema)


@dataclass(frozen=True, slots=True)
class Validation:
    """What was validated: the schema of each file by path, and every problem."""

    checked: dict[str, str]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def invalid(self) -> frozenset[str]:
        """The paths with an error."""
        places = (each.location for each in errors_in(self.diagnostics))
        return frozenset(place.path for place in places if place)


def named_rule(root: Path, name: str, *, jsonc: bool) -> Callable[[str], Rule]:
    """One schema for all files, by name or by path from the root.

    Raises:
        UsageProblem: there is no such schema.
    """
    rule = Rule(name, schema_lookup(root)(name), jsonc=jsonc)
    return lambda _: rule


def declared_rule(project: Project) -> Callable[[str], Rule | None]:
    """The schema that the last migration of a file leaves it with; None where none says one."""
    from keychange.operations.json.declared import JsonOperation

    declared = [
        (templates.text(target), each)
        for migration, templates in reversed(project.templates_in_order)
        for each in reversed(migration.operations)
        if isinstance(each, JsonOperation) and (each.schema_after or each.schema_before)
        for target in each.targets
    ]
    lookup = schema_lookup(project.root)

    @cache
    def rule_of(name: str, syntax: str) -> Rule:
        return Rule(name, lookup(name), jsonc=syntax == "jsonc")

    def rule(path: str) -> Rule | None:
        for pattern, each in declared:
            if fits(path, pattern):
                return rule_of(each.schema_after or each.schema_before, each.syntax)
        return None

    return rule


def validate(
    root: Path, patterns: Iterable[str], rule_of: Callable[[str], Rule | None]
) -> Validation:
    """Validate the files that paths and patterns from the root stand for; all of them.

    Raises:
        UsageProblem: a schema is none.
    """
    with activity("reading") as under_way:
        seen = Reader(root, under_way)
        for each in patterns:
            seen.expand(each, Location(each))
    found = list(seen.diagnostics)
    checked: dict[str, str] = {}
    for pattern, paths in seen.matches.items():
        if not paths and any(each in pattern for each in "*?["):
            hint = asked(seen.nearest.get(pattern))
            found.append(note("no-match", f"`{pattern}` matches no file", hint=hint))
    for path, data in seen.files.items():
        rule = rule_of(path)
        if data is None:
            hint = asked(seen.nearest.get(path))
            found.append(
                error("missing-target", f"`{path}` is not there", Location(path), hint=hint)
            )
        elif rule is None:
            hint = "name one: migrate schema --check GLOB --by SCHEMA"
            message = f"no migration says which schema `{path}` has"
            found.append(error("no-schema", message, Location(path), hint=hint))
        else:
            checked[path] = rule.name
            found += _problems(path, data, rule)
    wrong = [each for each in found if each.code == "invalid-schema"]
    if wrong:
        raise UsageProblem(*dict.fromkeys(wrong))
    return Validation(checked, tuple(found))


def _problems(path: str, data: bytes, rule: Rule) -> tuple[Diagnostic, ...]:
    try:
        if rule.accepts(value_of(data, jsonc=rule.jsonc)):
            return ()
        document = read(data, jsonc=rule.jsonc)
        return violations(document, rule.schema, path=path, name=rule.name)
    except InvalidJsonError as failure:
        problem = failure.problem
    except RecursionError:
        problem = too_deep(data, jsonc=rule.jsonc)
    from keychange.operations.json.work import invalid_json  # not where all is well

    return (invalid_json(path, data, problem),)
