"""One more kind of file is one module: the recipe of the README, followed."""

import copy
import sys

import pytest

from keychange import migration_schema, operations
from keychange.resources import bundled_schema
from support import toml_kind
from support.history import build, write
from support.workspace import changed, files, migrate_here

SHAPE = {
    "type": "object",
    "required": ["toml", "set"],
    "additionalProperties": False,
    "properties": {
        "toml": {"$ref": "#/$defs/targets"},
        "missing": {"$ref": "#/$defs/missing"},
        "on_foreign": {"$ref": "#/$defs/on_foreign"},
        "irreversible": {"$ref": "#/$defs/irreversible"},
        "set": {"type": "object", "minProperties": 1},
    },
}
MIGRATION = """\
format: 1
id: 0001_toml
title: the model in pyproject.toml
operations:
  - toml: pyproject.toml
    set: {tool.talker.model: {from: org/small, to: org/large}}
"""
BEFORE = """\
# mine
[project]
model = 'org/small'   # another one

[tool.talker]
speed = 1.0
model = 'org/small'   # this one
"""
AFTER = BEFORE.replace("'org/small'   # this", '"org/large"   # this')


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keychange.operations.toml", toml_kind)
    monkeypatch.setattr(operations, "KINDS", (*operations.KINDS, "toml"))
    schema = copy.deepcopy(bundled_schema("migration"))
    schema["$defs"]["toml"] = SHAPE
    schema["$defs"]["operation"]["oneOf"].append({"required": ["toml"]})
    named = {"if": {"required": ["toml"]}, "then": {"$ref": "#/$defs/toml"}}
    schema["$defs"]["operation"]["allOf"].append(named)
    monkeypatch.setattr(migration_schema, "bundled_schema", lambda name: schema)
    root = build(tmp_path)
    write(root, "pyproject.toml", BEFORE)
    write(root, "migrations/0001_toml.yaml", MIGRATION)
    return root


def text(root):
    return (root / "pyproject.toml").read_text()


def test_it_is_planned_proved_applied_checked_and_taken_back(root):
    before = files(root)
    planned = migrate_here(root, "plan")
    assert planned.returncode == 0, planned.stderr
    assert "1 strings, 0 other bytes" in planned.stdout
    assert migrate_here(root, "up", "--yes").returncode == 0
    assert text(root) == AFTER
    assert migrate_here(root, "check").returncode == 0
    write(root, "pyproject.toml", BEFORE)
    assert "error[drift]" in migrate_here(root, "check").stderr
    assert migrate_here(root, "up", "--yes").returncode == 0
    assert migrate_here(root, "down", "--yes").returncode == 0
    assert changed(before, files(root)) == set()


def test_what_was_edited_elsewhere_since_stays_and_a_third_value_stops_it(root):
    assert migrate_here(root, "up", "--yes").returncode == 0
    write(root, "pyproject.toml", AFTER.replace("speed = 1.0", "speed = 2.0"))
    assert migrate_here(root, "down", "--yes").returncode == 0
    assert text(root) == BEFORE.replace("speed = 1.0", "speed = 2.0")
    write(root, "pyproject.toml", BEFORE.replace("org/small", "org/mine"))
    refused = migrate_here(root, "up", "--yes")
    assert refused.returncode == 1
    assert "error[foreign-value]: `tool.talker.model` holds a third value" in refused.stderr


def test_a_mistake_in_it_has_its_line(root):
    write(root, "migrations/0001_toml.yaml", MIGRATION.replace("    set:", "    sett:"))
    said = migrate_here(root, "validate").stderr
    assert "0001_toml.yaml:6:5: error[unknown-field]" in said
