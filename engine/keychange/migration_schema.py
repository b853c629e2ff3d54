"""The migration schema applied: every violation, worded for the person who can mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from keychange.closest_name import hint_of
from keychange.errors import Problem
from keychange.json_schema.violations import satisfied
from keychange.model import Json
from keychange.resources import bundled_schema
from keychange.yaml_data import escape

if TYPE_CHECKING:
    from jsonschema import ValidationError

_KINDS_OF_VALUE: Mapping[type, str] = {
    dict: "a mapping",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "empty",
}
_SCHEMA_TYPES = {
    "string": "a text",
    "object": "a mapping",
    "array": "a list",
    "boolean": "true or false",
}


_TOGETHER = " together"
_KEY = "^[A-Za-z_][A-Za-z0-9_]*$"
_POINTER = "^(/([^~/]|~[01])*)*$"


def schema_problems(document: Json) -> Iterator[Problem]:
    """Every violation of the migration schema."""
    schema = cast("dict[str, Any]", bundled_schema("migration"))
    if satisfied(document, schema):
        return
    from jsonschema import Draft202012Validator  # costs 70 ms: only for its reasons

    validator = Draft202012Validator(schema)
    found = [each for violation in validator.iter_errors(document) for each in _worded(violation)]
    mixed = [f"{each.pointer}/" for each in found if each.message.endswith(_TOGETHER)]
    for each in found:
        # Of two kinds in one entry, each would find the fields of the other wrong.
        if not each.pointer.startswith(tuple(mixed)):
            yield each


def _worded(violation: ValidationError) -> Iterator[Problem]:
    pointer = _pointer(violation)
    where = f"`{violation.absolute_path[-1]}`" if violation.absolute_path else "the migration"
    rule = str(violation.validator)
    instance, limit = cast("Any", violation.instance), cast("Any", violation.validator_value)
    schema = cast("dict[str, Any]", violation.schema)
    noun = str(schema.get("title", "entry")).lower().partition(",")[0]
    advice = _advice(schema)
    if rule == "additionalProperties" and limit is False:
        fields = list(schema.get("properties", {}))
        for name in (str(each) for each in instance if each not in fields):
            at, hint = f"{pointer}/{escape(name)}", hint_of(name, fields, "fields")
            yield Problem(at, "unknown-field", f"`{name}` is not a field here", hint, len(name))
    elif rule == "required":
        for name in (each for each in limit if each not in instance):
            told = str(schema.get("properties", {}).get(name, {}).get("description", ""))
            hint = f"every {noun} needs `{name}`{f': {told}' if told else ''}"
            yield Problem(pointer, "missing-field", f"`{name}` is missing", hint)
    elif rule in ("oneOf", "anyOf") and all("required" in each for each in limit):
        names = [each["required"][0] for each in limit]
        few = "exactly one" if rule == "oneOf" else "at least one"
        found = [name for name in names if isinstance(instance, dict) and name in instance]
        said = (
            f"has {' and '.join(found)}{_TOGETHER}" if found else f"has none of {', '.join(names)}"
        )
        hint = f"{few} of: {', '.join(names)}"
        yield Problem(pointer, "wrong-shape", f"the {noun} {said}", hint)
    elif rule == "type":
        expected = [limit] if isinstance(limit, str) else limit
        article = " or ".join(_SCHEMA_TYPES.get(each, f"a {each}") for each in expected)
        scalar = expected == ["string"] and not isinstance(instance, dict | list)
        hint = f"write {article}" + ("; put it in quotes" if scalar else "")
        message = f"{where} is {_kind_of(instance)}, not {article}"
        yield Problem(pointer, "wrong-type", message, hint)
    elif rule == "pattern":
        yield Problem(pointer, *_form(str(instance), str(limit), advice))
    elif rule in ("enum", "const"):
        choices = [str(each) for each in (limit if rule == "enum" else [limit])]
        choices = [each.lower() if each in ("True", "False") else each for each in choices]
        message = f"{where} is `{instance}`, which is not known"
        hint = hint_of(str(instance), choices, "one of")
        yield Problem(pointer, "wrong-value", message, hint)
    elif rule in ("oneOf", "anyOf"):
        message = f"{where} is {_kind_of(instance)}, which does not fit"
        yield Problem(pointer, "wrong-type", message, advice)
    else:
        message = f"{where}: {violation.message.splitlines()[0][:200]}"
        yield Problem(pointer, "wrong-value", message, advice)


def _pointer(violation: ValidationError) -> str:
    """Where it is: for a name that may not be, the name itself."""
    pointer = "".join(f"/{escape(str(part))}" for part in violation.absolute_path)
    named = "propertyNames" in violation.absolute_schema_path
    return f"{pointer}/{escape(str(violation.instance))}" if named else pointer


def _form(text: str, pattern: str, advice: str) -> tuple[str, str, str]:
    """Code, message and hint for a text that is not of the form that it must have."""
    if pattern == _KEY:
        hint = "use letters, digits and _, and no digit first"
        return "invalid-key", f"no environment variable can be named {text!r}", hint
    if pattern == _POINTER:
        hint = "write `/member/inner`; `~1` is a slash in a name, `~0` a tilde"
        reason = "a `~` is not `~0` or `~1`" if text.startswith("/") else "it begins with no slash"
        return "invalid-pointer", f"`{text}` is no JSON pointer: {reason}", hint
    return "wrong-format", f"`{text}` is not of the form {pattern}", advice


def _advice(schema: Mapping[str, Any]) -> str:
    examples = schema.get("examples", [])
    parts = [
        str(schema.get("description", "")),
        f"For example `{examples[0]}`." if examples else "",
    ]
    return " ".join(part for part in parts if part)


def _kind_of(value: object) -> str:
    return _KINDS_OF_VALUE.get(type(value), "of another type")
