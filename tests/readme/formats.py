"""The reference of the formats: schemas/README.md, and the compact table of the README."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from readme.parts import code, table

FOLDER = Path(__file__).parents[2] / "schemas"

_HEAD = """\
# Formats

What keychange reads and writes, as [JSON Schema](https://json-schema.org/) 2020-12. This page is
made from the schemas in this folder by `make docs`. `migrate schema NAME` prints a schema, and an
editor that speaks YAML completes and explains a migration with this as its first line:

```yaml
# yaml-language-server: $schema=../schemas/migration.schema.json
```

"""
_WIDEST = 100
"""Characters of an example, at most."""
_KINDS = ("env", "python", "json")
_SECTIONS = (
    ("A migration file", ""),
    ("Requirements", "requirement"),
    ("Operations on `.env`", "env"),
    ("Operations on Python", "python"),
    ("Operations on JSON", "json"),
    ("Checks after apply", "check"),
    ("Conditions", "condition"),
)


def page() -> str:
    """All of schemas/README.md."""
    schemas = {path.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
    rows = [
        (f"[{name}](#{_anchor(name)})", f"{schema['title']}. {_first(schema)}")
        for name, schema in schemas.items()
    ]
    lines = [_HEAD, table(("schema", "describes"), rows), ""]
    for name, schema in schemas.items():
        lines += [f"\n## {name}\n", schema.get("description", schema["title"]), ""]
        lines += _migration(schema) if name == "migration.schema.json" else _plain(schema)
    return "\n".join(lines).rstrip() + "\n"


def compact() -> str:
    """The tables of the README: every field of a migration, in one line each."""
    schema = json.loads((FOLDER / "migration.schema.json").read_text())
    shared = set.intersection(*(set(schema["$defs"][kind]["properties"]) for kind in _KINDS))
    shared -= {"set", "rename", "remove"}
    parts = []
    for title, name in _SECTIONS[:-1]:
        rows = list(_fields(schema["$defs"][name] if name else schema, schema))
        for group in dict.fromkeys(group for group, *_ in rows):
            words = [
                (
                    code(field),
                    schema["$defs"][name]["description"] if field == name else _first(each),
                )
                for of, _, field, each in rows
                if of == group and "." not in field and not (name in _KINDS and field in shared)
            ]
            parts.append(f"**{title}{f': `{group}`' if group else ''}**\n")
            parts.append(table(("field", "what it says"), words) + "\n")
        if name == _KINDS[0]:
            rows = [(code(f), _first(each)) for _, _, f, each in rows if f in shared]
            parts.insert(-2, f"**Every operation**\n\n{table(('field', 'what it says'), rows)}\n")
    return "\n".join(parts)


def _migration(schema: dict) -> Iterator[str]:
    for title, name in _SECTIONS:
        shown = schema["$defs"][name] if name else schema
        yield f"### {title}\n"
        if name:
            yield f"{shown['description']}\n"
        if name == "condition":
            shown = shown["anyOf"][1]
        yield from _tables(shown, schema)


def _plain(schema: dict) -> Iterator[str]:
    yield from _tables(schema, schema)


def _tables(shown: dict, schema: dict) -> Iterator[str]:
    """One table for each alternative: a probe and a command have fields of their own."""
    rows = list(_fields(shown, schema))
    for group in dict.fromkeys(group for group, *_ in rows):
        if group:
            yield f"With `{group}`:\n"
        yield table(
            ("field", "type", "what it says", "example"),
            [
                (
                    code(field) + (" (needed)" if needed else ""),
                    _type(each, schema),
                    each.get("description", each.get("title", "")),
                    _example(field, each),
                )
                for of, needed, field, each in rows
                if of == group
            ],
        )
        yield ""


def _fields(shown: dict, schema: dict) -> Iterator[tuple[str, bool, str, dict]]:
    """For each field the alternative, whether it is needed, its path and its schema."""
    alternatives = shown.get("allOf", ())
    if not alternatives:  # else its own fields only choose one
        yield from _of_object(shown, schema, "", "")
    for each in alternatives:
        then = _resolved(each["then"], schema)
        (group,) = each["if"]["required"]
        if shown is not schema["$defs"].get("operation"):
            needed = [group, *then.get("required", ())]
            yield from _of_object({**then, "required": needed}, schema, group, "")


def _of_object(
    shown: dict, schema: dict, group: str, prefix: str
) -> Iterator[tuple[str, bool, str, dict]]:
    for name, written in shown.get("properties", {}).items():
        each = {**_resolved(written, schema), **{k: v for k, v in written.items() if k != "$ref"}}
        path = f"{prefix}{name}"
        yield group, name in shown.get("required", ()), path, each
        yield from _inside(each, schema, group, path)


def _inside(
    each: dict, schema: dict, group: str, path: str
) -> Iterator[tuple[str, bool, str, dict]]:
    """Fields of what a field holds: an object, the values of a mapping, the items of a list."""
    if "properties" in each:
        yield from _of_object(each, schema, group, f"{path}.")
    pointers = "$ref" in each.get("propertyNames", {})
    names = ".POINTER" if pointers else ".NAME"
    for word, mark in (("additionalProperties", names), ("items", "[]")):
        inner = each.get(word)
        if isinstance(inner, dict) and "$ref" not in inner and "properties" in inner:
            yield from _of_object(inner, schema, group, f"{path}{mark}.")


def _resolved(each: dict, schema: dict) -> dict:
    if "$ref" not in each:
        return each
    return schema["$defs"][each["$ref"].rpartition("/")[2]]


def _type(each: dict, schema: dict) -> str:
    if "$ref" in each:
        each = _resolved(each, schema)
    if "const" in each:
        return code(json.dumps(each["const"]))
    if "enum" in each:
        return ", ".join(code(_yaml(value)) for value in each["enum"])
    words = {"object": "mapping", "string": "text", "array": "list", "null": "null"}
    if "type" in each:
        types = [each["type"]] if isinstance(each["type"], str) else each["type"]
        return " or ".join(words.get(one, one) for one in types)
    choices = each.get("oneOf", each.get("anyOf", ()))
    return " or ".join(dict.fromkeys(_type(one, schema) for one in choices)) or "any value"


def _example(field: str, each: dict) -> str:
    """The first example that fits a line; of the targets of a kind, one with its kind of file."""
    ending = {"python": ".py", "json": ".json"}.get(field, "")
    shown = (_yaml(one) for one in each.get("examples", ()))
    return next((code(one) for one in shown if ending in one and len(one) <= _WIDEST), "")


def _yaml(value: object) -> str:
    """A value as a migration would hold it, in one line."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _first(each: dict) -> str:
    text = each.get("description", each.get("title", ""))
    return text.partition(". ")[0].removesuffix(".") + "."


def _anchor(heading: str) -> str:
    return heading.lower().replace(".", "").replace(" ", "-")
