"""The verb schema: lists, prints, and validates configs alone; every violation with its place."""

import json

import pytest

from support.workspace import changed, files, migrate

SCHEMA = {"type": "object", "required": ["model"], "properties": {"model": {"pattern": "8bit$"}}}
MIGRATION = """\
format: 1
id: 0001_model
title: A schema for a config
operations:
  - json: "generated/*/config.json"
    schema: {after: schemas/config.json}
    set: {/model: {to: x-8bit}}
"""


@pytest.fixture
def root(tmp_path):
    for name, text in {
        "schemas/config.json": json.dumps(SCHEMA),
        "migrations/0001_model.yaml": MIGRATION,
        "generated/a/config.json": '{\n  "model": "a-8bit"\n}\n',
        "generated/b/config.json": '{\n  "model": "b-4bit",\n  "note": 1\n}\n',
        "generated/c/config.json": '{"note": 1}',
        "generated/d/config.json": '{"model": }',
        "settings.jsonc": '{"model": "x-8bit", /* as it is */ }',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def check(root, *arguments, code):
    before = files(root)
    done = migrate(root, "schema", "--check", *arguments)
    assert done.returncode == code, done.stderr
    assert not changed(before, files(root))
    return done


def test_every_violation_of_every_file_is_reported_at_its_place(root):
    done = check(root, "generated/*/config.json", code=1)
    lines = [line for line in done.stderr.splitlines() if line.startswith("generated")]
    path = "generated/d/config.json"
    assert [each.partition(": ")[::2] for each in lines] == [
        (f"generated/{place}", f"error[{said}")
        for place, said in (
            ("b/config.json:2:12", "schema-violation]: `/model` does not match the pattern 8bit$"),
            ("c/config.json:1:1", "schema-violation]: the document lacks `model`"),
            (
                "d/config.json:1:11",
                f"invalid-json]: `{path}` is not valid JSON: `}}` where a value must stand",
            ),
        )
    ]
    assert done.stdout == "1 of 4 files valid by schemas/config.json\n"


def test_a_schema_is_named_or_a_path(root):
    named = ("--by", "schemas/config.json")
    assert check(root, "generated/a/config.json", *named, code=0).stdout.startswith("1 of 1 file")
    done = check(root, "generated/a/*.json", "--by", "voice_clone_config.v2", code=1)
    assert "voice_clone_config.v2" in done.stderr
    assert check(root, "settings.jsonc", *named, code=1)
    assert check(root, "settings.jsonc", *named, "--jsonc", code=0)


def test_the_result_as_data_and_as_annotations(root):
    done = check(root, "generated/[ab]/config.json", "--format", "json", code=1)
    result = json.loads(done.stdout)
    assert [(each["path"], each["valid"]) for each in result["files"]] == [
        ("generated/a/config.json", True),
        ("generated/b/config.json", False),
    ]
    found = result["diagnostics"][0]
    assert (found["code"], found["line"], found["column"]) == ("schema-violation", 2, 12)
    done = check(root, "generated/*/config.json", "--format", "github", code=1)
    assert "file=generated/b/config.json,line=2,col=12,endColumn=20::" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nothing/*.json",), 0, "note[no-match]"),
        (("none.json",), 1, "error[missing-target]"),
        (("settings.jsonc",), 1, "error[no-schema]"),
        (("../*.json",), 1, "error[target-outside-root]"),
        (("outside/*.json",), 1, "error[target-outside-root]"),
        (("generated/a/config.json", "--by", "none"), 2, "there is no schema `none`"),
        (("generated/a/config.json", "--by", "settings.jsonc"), 2, "cannot be read"),
        (("generated/a/config.json", "--by", "bad.json"), 2, "bad.json: error[invalid-schema]"),
        ((), 2, "--check needs a GLOB"),
    ],
)
def test_what_cannot_be_validated_is_said(root, arguments, code, said):
    (root / "bad.json").write_text('{"type": "text"}')
    other = root.parent / f"{root.name}-outside"
    other.mkdir()
    (other / "x.json").write_text("{}")
    (root / "outside").symlink_to(other)
    done = check(root, *arguments, code=code)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_schemas_that_ship_are_listed_and_printed(root):
    listed = migrate(root, "schema")
    assert "voice_clone_config.v2" in listed.stdout
    names = json.loads(migrate(root, "schema", "--format", "json").stdout)["schemas"]
    assert [each["name"] for each in names] == [
        line.split()[0] for line in listed.stdout.splitlines()
    ]
    assert json.loads(migrate(root, "schema", "schemas/config.json").stdout) == SCHEMA
    shown = json.loads(migrate(root, "schema", "migration", "--format", "json").stdout)
    assert shown["schema"]["title"] == "keychange migration, format 1"
    assert migrate(root, "schema", "none").returncode == 2
    assert migrate(root, "schema", "migration", "x").returncode == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none", "migrations/0001_model.yaml:6:14: error[no-such-schema]: there is no schema"),
        ("bad.json", "bad.json: error[invalid-schema]"),
    ],
)
def test_a_migration_whose_schema_is_none_is_refused_once(root, name, said):
    (root / "bad.json").write_text('{"type": "text"}')
    (root / "migrations/0001_model.yaml").write_text(MIGRATION.replace("schemas/config.json", name))
    (root / "generated/d/config.json").unlink()
    done = migrate(root, "up", "--yes")
    assert done.returncode in (1, 2)
    assert done.stderr.count("error[") == 1
    assert said in done.stderr
