"""JSON Schema: what a document violates, each with its pointer, its place and the reason.

Messages are our own: jsonschema's repeat the value, which may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from keychange.closest_name import did_you_mean
from keychange.diagnostics import Diagnostic, Location, error
from keychange.formats.json.pointer import join
from keychange.formats.json.text import Document
from keychange.json_schema.accept import acceptor
from keychange.json_schema.scalars import Accepts
from keychange.model import Json
from keychange.spans import LineIndex, Span


def violations(
    document: Document, schema: Json, *, path: str, name: str = "", when: str = ""
) -> tuple[Diagnostic, ...]:
    """What a document violates of a schema, in the order of the document.

    ``name`` is the schema's, ``when`` is ``before`` or ``after`` where the document is one side
    of a change: on the side after it, the lines are those of the edited bytes. A schema that is
    none is one diagnostic, the same for every document.
    """
    if satisfied(document.value, schema):
        return ()
    from jsonschema.exceptions import SchemaError, best_match
    from referencing.exceptions import Unresolvable

    called = f"schema {when} `{name}`".replace("  ", " ") if name else "schema"
    try:
        found = [
            best_match([each]) if each.context else each
            for each in _validator(_Same(schema)).iter_errors(document.value)
        ]
    except SchemaError as failure:
        wrong = join(failure.absolute_path) or "the root"
        return (_invalid(name, f"the {called} is no JSON Schema: {wrong}"),)
    except re.error as failure:
        reason = f"the {called} has a pattern that is none: {failure.msg} in {failure.pattern!r}"
        return (_invalid(name, reason),)
    except Unresolvable as failure:
        reason = f"the {called} refers to `{failure.ref}`, which is not in it"
        hint = "put what it refers to under `$defs`; keychange fetches nothing"
        return (_invalid(name, reason, hint),)
    except RecursionError:
        reason = f"the {called} leads round and round, or is nested too deep"
        return (_invalid(name, reason),)
    index = LineIndex(document.data) if found else None
    placed = sorted((_place(document, each) for each in found), key=lambda item: item[0].start)
    return tuple(
        error(
            "schema-violation",
            f"{f'`{pointer}`' if pointer else 'the document'} {reason}",
            Location.at(path, document.data, span, index),
            hint=f"the {called} says so",
        )
        for span, pointer, reason in placed
    )


def satisfied(value: Json, schema: Json) -> bool:
    """Whether a value surely satisfies a schema; where not, ``violations`` has the verdict."""
    return accepting(schema)(value)


def accepting(schema: Json) -> Accepts:
    """The same for many values of one schema."""
    return _acceptor(_Same(schema))


class _Same:
    """A schema as the key of a cache: itself, not what it holds."""

    def __init__(self, schema: Json) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.schema is self.schema


@lru_cache(maxsize=64)
def _acceptor(same: _Same) -> Accepts:
    return acceptor(same.schema) or (lambda _: False)


def _invalid(
    name: str, reason: str, hint: str = "mend the schema; see json-schema.org"
) -> Diagnostic:
    return error(
        "invalid-schema", reason, Location(name) if name.endswith(".json") else None, hint=hint
    )


@lru_cache(maxsize=64)
def _validator(same: _Same) -> Any:  # noqa: ANN401 - jsonschema's validators are classes made at run time
    """One validator per schema, compiled once; it fetches nothing.

    Raises:
        SchemaError: the schema is none.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.jsonschema import EMPTY_REGISTRY

    parsed: Any = same.schema
    cls = validator_for(parsed, default=Draft202012Validator)
    cls.check_schema(parsed)
    registry: Registry[Any] = EMPTY_REGISTRY
    return cls(parsed, registry=registry)


def _place(document: Document, found: Any) -> tuple[Span, str, str]:  # noqa: ANN401 - as above
    tokens = tuple(str(part) for part in found.absolute_path)
    span = _span(document, tokens)
    if found.validator == "additionalProperties" and isinstance(found.instance, dict):
        known = found.schema.get("properties", {})
        extra = [each for each in found.instance if each not in known]
        entry = document.find((*tokens, extra[0])) if extra else None
        span = span if entry is None else entry.key
    return span, join(tokens), _reason(found)


def _span(document: Document, tokens: tuple[str, ...]) -> Span:
    entry = document.find(tokens) or document.root
    if document.container(entry) is not None:
        return Span(entry.value, entry.value + 1)
    return entry.span


_LONGEST = 100
_TYPES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    type(None): "null",
}


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _listed(value: object) -> str:
    options = value if isinstance(value, list) else [value]
    return " or ".join(map(str, options))


def _required(found: Any) -> str:  # noqa: ANN401 - a jsonschema error
    missing = [name for name in found.validator_value if name not in found.instance]
    return f"lacks {', '.join(f'`{name}`' for name in missing)}"


def _additional(found: Any) -> str:  # noqa: ANN401 - a jsonschema error
    known = found.schema.get("properties", {})
    patterns = found.schema.get("patternProperties", {})
    extra = [name for name in found.instance if name not in known]
    told = ", ".join(f"`{name}`" for name in extra)
    if patterns:
        told += f", which match none of {', '.join(patterns)}"
    asked = did_you_mean(extra[0], known) if extra else ""
    return f"may not have {told}" + (f"; {asked}" if asked else "")


_REASONS: Mapping[str, Callable[[Any], str]] = {
    "type": lambda found: (
        f"is {_TYPES.get(type(found.instance), 'a value')}, not {_listed(found.validator_value)}"
    ),
    "const": lambda found: f"is not {_shown(found.validator_value)}",
    "enum": lambda found: f"is none of {_shown(found.validator_value)}",
    "required": _required,
    "additionalProperties": _additional,
    "unevaluatedProperties": lambda _: "has a member that the schema does not know",
    "pattern": lambda found: f"does not match the pattern {found.validator_value}",
    "format": lambda found: f"has not the format {found.validator_value}",
    "minLength": lambda found: f"has fewer than {found.validator_value} characters",
    "maxLength": lambda found: f"has more than {found.validator_value} characters",
    "minItems": lambda found: f"has fewer than {found.validator_value} items",
    "maxItems": lambda found: f"has more than {found.validator_value} items",
    "minProperties": lambda found: f"has fewer than {found.validator_value} members",
    "maxProperties": lambda found: f"has more than {found.validator_value} members",
    "uniqueItems": lambda _: "holds an item twice",
    "minimum": lambda found: f"is less than {found.validator_value}",
    "maximum": lambda found: f"is more than {found.validator_value}",
    "exclusiveMinimum": lambda found: f"is not more than {found.validator_value}",
    "exclusiveMaximum": lambda found: f"is not less than {found.validator_value}",
    "multipleOf": lambda found: f"is no multiple of {found.validator_value}",
    "not": lambda found: f"is what it must not be: {_shown(found.validator_value)}",
}


def _reason(found: Any) -> str:  # noqa: ANN401 - a jsonschema error
    """Why a value is refused, without the value."""
    if (reason := _REASONS.get(found.validator)) is not None:
        return reason(found)
    return f"does not satisfy {found.validator}: {_shown(found.validator_value)}"
