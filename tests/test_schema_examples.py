"""The schemas that ship: every property explains itself, and every example is valid and plans."""

import json
from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator

from keychange.loader import parse_migration
from keychange.planning import plan_up
from keychange.project import load_project
from keychange.resources import bundled_schema, data_dir, schema_names
from keychange.settings import find_settings

BY_THE_PROGRAM = ("probe_report", "output", "ledger")
WRITTEN_BY_HAND = tuple(name for name in schema_names() if name not in BY_THE_PROGRAM)
CONFIG = {
    "qwen_python": "~/venv/bin/python",
    "model_id": "org/model-4bit",
    "device": "cpu",
    "dtype": "float32",
    "language": "English",
    "ref_audio": "media/ref.wav",
    "ref_text": "media/ref.txt",
    "output_dir": "media/voiceovers/qwen",
}
SCENE = {
    ".env": "TTS_BACKEND=qwen\nTTS_MODEL=org/model-4bit\nTTS_LEGACY=1\n",
    "app.py": "M = 'org/model-4bit'\n\nclass MLXCachedService:\n    MLX_PYTHON = 'python'\n",
    "worker.py": "def load(model='org/model-4bit'):\n    return model == 'org/other'\n",
    "generated/a/voice_clone_config.json": json.dumps(CONFIG, indent=2),
    "cache.json": '[{"model_id": "org/model-4bit"}, {"model_id": "org/model-8bit"}]',
    "settings.jsonc": '{"backend": "mlx", "model": "x", "tags": [], "voice": 1, "legacy": 1, '
    '"tts": {}} // all of it\n',
}


def resolved(node, schema):
    """A schema with what it refers to, its own words first."""
    if "$ref" not in node:
        return node
    found = schema
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return {**resolved(found, schema), **node}


def nodes(node, schema, at="") -> Iterator[tuple[str, dict]]:
    """Every schema inside a schema, with the way to it; examples and defaults are none."""
    if isinstance(node, dict):
        yield at, node
        for name, each in node.items():
            if name in ("properties", "$defs"):
                for inner, schema_of in each.items():
                    yield from nodes(schema_of, schema, f"{at}/{name}/{inner}")
            elif name not in ("examples", "default", "const", "enum", "required"):
                yield from nodes(each, schema, f"{at}/{name}")
    elif isinstance(node, list):
        for index, each in enumerate(node):
            yield from nodes(each, schema, f"{at}/{index}")


def once(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a name stands twice: {names}"
    return dict(pairs)


@pytest.mark.parametrize("name", schema_names())
def test_a_schema_is_valid_and_names_nothing_twice(name):
    text = (data_dir("schemas") / f"{name}.schema.json").read_text()
    Draft202012Validator.check_schema(json.loads(text, object_pairs_hook=once))


@pytest.mark.parametrize("name", WRITTEN_BY_HAND)
def test_every_property_explains_itself(name):
    schema = bundled_schema(name)
    for at, node in nodes(schema, schema):
        for inner, each in node.get("properties", {}).items():
            full = resolved(each, schema)
            missing = {"title", "description", "examples"} - full.keys()
            assert not missing, f"{at}/{inner}"
            assert full["examples"], f"{at}/{inner}"
            assert full["description"][-1] in ".:)", f"{at}/{inner}"


@pytest.mark.parametrize("name", WRITTEN_BY_HAND)
def test_every_example_is_valid_and_every_default_too(name):
    schema = bundled_schema(name)
    count = 0
    for at, node in nodes(schema, schema):
        full = {**resolved(node, schema), "$defs": schema.get("$defs", {})}
        values = [*full.get("examples", []), *([full["default"]] if "default" in full else [])]
        for value in values:
            found = [each.message for each in Draft202012Validator(full).iter_errors(value)]
            assert not found, f"{at}: {value}"
            count += 1
    assert count > 5


def examples():
    """Every example of a migration or of its operations, as a whole migration."""
    schema = bundled_schema("migration")
    whole = {"format": 1, "id": "0001_example", "title": "An example"}
    yield from ({**each, "id": "0001_example"} for each in schema["examples"])
    yield from (
        {**whole, "operations": each} for each in schema["properties"]["operations"]["examples"]
    )
    kinds = ("operation", "env", "python", "json")
    yield from (
        {**whole, "operations": [each]}
        for kind in kinds
        for each in schema["$defs"][kind]["examples"]
    )
    for kind, target in (("env", ".env"), ("json", "settings.jsonc")):
        for name, node in schema["$defs"][kind]["properties"].items():
            if node.get("type") in ("object", "array") and name not in ("schema", "where", kind):
                for value in node["examples"]:
                    path = "cache.json" if name == "remove_items" else target
                    path = (
                        "generated/*/*.json"
                        if value == {"/model_id": {"to": "org/model-8bit"}}
                        else path
                    )
                    jsonc = {"syntax": "jsonc"} if path.endswith("jsonc") else {}
                    yield {**whole, "operations": [{kind: path, name: value, **jsonc}]}


@pytest.mark.parametrize(
    "document", list(examples()), ids=lambda each: json.dumps(each["operations"])[:60]
)
def test_every_example_plans_and_changes_something(tmp_path, document):
    for path, text in {**SCENE, "migrations/0001_example.yaml": json.dumps(document)}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    made = plan_up(load_project(find_settings(tmp_path, None, tmp_path)))
    assert [each for each in made.diagnostics if each.is_error] == []
    assert made.changes


@pytest.mark.parametrize("section", ["requirement", "check"])
def test_every_example_of_a_requirement_and_a_check_loads(section):
    schema = bundled_schema("migration")
    name = {"requirement": "require", "check": "verify"}[section]
    listed = [*schema["$defs"][section]["examples"]]
    listed += [each for more in schema["properties"][name]["examples"] for each in more]
    variables = ("old_model", "new_model", "mlx_python", "voice_ref")
    document = {
        "format": 1,
        "id": "0001_example",
        "title": "An example",
        "vars": dict.fromkeys(variables, "x"),
        "operations": [{"env": ".env", "set": {"A": {"to": "1"}}}],
        name: listed,
    }
    loaded = parse_migration(json.dumps(document).encode(), "x.yaml")
    assert len(loaded.requirements) + len(loaded.checks) == len(listed)
