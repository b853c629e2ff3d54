"""Migration files: what loads, and what is said about what does not."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keychange.errors import UsageProblem
from keychange.loader import load_migration, parse_migration
from keychange.resources import bundled_schema, data_dir

GOOD = """\
format: 1
id: 0001_a
title: One
vars: {old: x/old, new: x/new}
operations:
  - env: .env
    set: {MODEL: {from: "${old}", to: "${new}"}}
"""


def problems(text):
    with pytest.raises(UsageProblem) as caught:
        parse_migration(text.encode(), "m.yaml", expected_id="0001_a")
    return [
        (each.location.line, each.location.column, each.code, each.message)
        for each in caught.value.diagnostics
    ]


def test_a_migration_loads_with_positions():
    made = parse_migration(GOOD.encode(), "m.yaml", expected_id="0001_a")
    assert made.revision == "0001_a"
    assert made.variables == {"old": "x/old", "new": "x/new"}
    assert [each.kind for each in made.operations] == ["env"]
    assert made.operations[0].targets == (".env",)
    assert str(made.locate("/operations/0/set/MODEL/to")) == "m.yaml:7:35"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("set:", "sets:"), (7, 5, "unknown-field", "`sets` is not a field here")),
        (("to:", "too:"), (7, 35, "unknown-field", "`too` is not a field here")),
        (
            ("env: .env", "dotenv: .env"),
            (6, 5, "wrong-shape", "the operation has none of env, python, json"),
        ),
        (("format: 1", "format: 2"), (1, 1, "wrong-value", "format` is `2`")),
        (("0001_a", "one"), (2, 1, "wrong-format", "`one` is not of the form")),
        (("0001_a", "0002_a"), (2, 1, "revision-mismatch", "is not the name of the file")),
        (("${new}", "${now}"), (7, 40, "unknown-variable", "there is no variable `now`")),
        (("${new}", "${new"), (7, 35, "unknown-variable", "is not closed")),
        (("title: One", "title: 1"), (3, 1, "wrong-type", "`title` is a number, not a text")),
        (("title: One\n", ""), (1, 1, "missing-field", "`title` is missing")),
        (("title: One", "title: One\ntitle: Two"), (4, 1, "invalid-yaml", "stands here twice")),
        (("title: One", "title: &a One"), (3, 8, "invalid-yaml", "anchors and aliases")),
        (("title: One", "title: !!python/name:os.system x"), (3, 8, "invalid-yaml", "")),
        (("title: One", "title: !mine One"), (3, 8, "invalid-yaml", "the tag `!mine`")),
        (("title: One", "title: [One"), (4, 5, "invalid-yaml", "not valid YAML")),
        (("title: One", "title: .nan"), (3, 8, "invalid-yaml", "`.nan` is not a value")),
    ],
)
def test_a_problem_is_located(change, expected):
    found = problems(GOOD.replace(*change))
    line, column, code, message = expected
    assert [(one[0], one[1], one[2]) for one in found if one[2] == code] == [(line, column, code)]
    assert any(message in one[3] for one in found)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("env: .env\n    set: {A: {to: x}}\n    remove: [B, A]", (8, 17, "governed-twice")),
        ("env: .env\n    rename: {A: B, C: B}", (7, 20, "governed-twice")),
        ("json: a\n    remove: [/b, '']", (7, 18, "invalid-pointer")),
        ("json: a\n    rename: {'': x}", (7, 14, "invalid-pointer")),
        ("json: a\n    set: {/a/b: {to: 1}, /a: {to: 1}}", (7, 11, "overlapping-pointers")),
        ("json: a\n    move: {/a: /b/a}\n    remove: [/b]", (7, 12, "overlapping-pointers")),
        ("json: a\n    remove: [/a]\n    append: {/a/b: [1]}", (8, 14, "overlapping-pointers")),
        ("python: a.py\n    strings:\n      - {from: x, to: x}", (8, 19, "no-change")),
    ],
)
def test_what_a_kind_refuses_is_located(operation, expected):
    text = GOOD.replace('env: .env\n    set: {MODEL: {from: "${old}", to: "${new}"}}', operation)
    assert [each[:3] for each in problems(text)] == [expected]


def test_problems_of_several_operations_are_reported_at_once():
    found = problems(
        GOOD + "  - env: .a\n    rename: {A: B, C: B}\n  - json: b\n    remove: ['']\n"
    )
    assert [each[:3] for each in found] == [
        (9, 20, "governed-twice"),
        (11, 14, "invalid-pointer"),
    ]


def test_all_problems_are_reported_at_once():
    found = problems(GOOD.replace("set:", "sets:").replace("title: One", "title: 1"))
    assert [each[2] for each in found] == ["wrong-type", "wrong-shape", "unknown-field"]


def test_a_close_name_is_suggested():
    with pytest.raises(UsageProblem) as caught:
        parse_migration(GOOD.replace("to:", "too:").encode(), "m.yaml")
    assert any("did you mean `to`?" in each.hint for each in caught.value.diagnostics)


def test_the_checksum_is_of_the_meaning():
    base = parse_migration(GOOD.encode(), "m.yaml").checksum
    assert base.startswith("v1:sha256:")
    same = [
        GOOD.replace("\n", "\r\n"),
        "# a comment\n" + GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("title: One", "title: Two"),
        GOOD.replace("env: .env", "env: [.env]\n    missing: error"),
        GOOD.replace('{from: "${old}", to: "${new}"}', "{to: '${new}', from: '${old}'}"),
    ]
    assert {parse_migration(each.encode(), "m.yaml").checksum for each in same} == {base}
    different = [GOOD.replace("x/new", "x/nevv"), GOOD.replace("env: .env", "env: .env2")]
    assert base not in {parse_migration(each.encode(), "m.yaml").checksum for each in different}


@given(st.text())
def test_any_text_loads_or_is_refused_with_a_place(text):
    try:
        parse_migration(text.encode("utf-8", "surrogatepass"), "m.yaml")
    except UsageProblem as problem:
        assert all(each.location for each in problem.diagnostics)


@given(st.binary(max_size=200))
def test_any_bytes_load_or_are_refused(data):
    with pytest.raises(UsageProblem):
        parse_migration(data, "m.yaml")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["format", "id", "title", "vars", "operations", "verify", "require"]), _JSON
    )
)
def test_any_document_of_our_fields_loads_or_is_refused(document):
    try:
        parse_migration(json.dumps(document).encode(), "m.yaml")
    except UsageProblem as problem:
        assert problem.diagnostics


def test_a_bomb_of_nesting_is_refused():
    assert problems("a: " + "[" * 3000)[0][2] == "invalid-yaml"
    assert problems("a: " + "[" * 60 + "]" * 60)[0][3].startswith("nested more than")


def test_the_schema_explains_every_property():
    from jsonschema import Draft202012Validator

    schema = bundled_schema("migration")
    Draft202012Validator.check_schema(schema)
    silent = []

    def walk(node, at):
        if isinstance(node, dict):
            for name, each in node.get("properties", {}).items():
                if "$ref" not in each and not {"title", "description", "examples"} <= each.keys():
                    silent.append(f"{at}/{name}")
            for name, each in node.items():
                if name != "examples":
                    walk(each, f"{at}/{name}")
        elif isinstance(node, list):
            for index, each in enumerate(node):
                walk(each, f"{at}/{index}")

    walk(schema, "")
    assert silent == []


def test_the_bundled_migrations_load():
    paths = sorted(data_dir("migrations").glob("*.yaml"))
    assert [load_migration(path, path.name).revision for path in paths] == [p.stem for p in paths]


def test_a_missing_file_is_a_diagnostic(tmp_path: Path):
    with pytest.raises(UsageProblem, match="cannot read the migration"):
        load_migration(tmp_path / "0001_a.yaml", "0001_a.yaml")


def test_a_template_is_judged_also_where_the_shape_is_wrong():
    found = problems(GOOD.replace("title: One", "title: 1").replace("${new}", "${nev}"))
    assert [each[2] for each in found] == ["wrong-type", "unknown-variable"]


def test_of_two_kinds_in_one_entry_neither_is_searched_for_the_fields_of_the_other():
    found = problems(GOOD + "    json: a.json\n")
    assert [each[2] for each in found] == ["wrong-shape"]
    assert "env and json together" in found[0][3]


@pytest.mark.parametrize(
    ("verify", "column"),
    [("expect: ['/a(/']", 14), ("reject: [ok, '/[/']", 18)],
)
def test_an_expression_that_is_none_is_found_when_it_is_read(verify, column):
    found = problems(GOOD + f"verify:\n  - run: [a]\n    {verify}\n")
    assert [each[:3] for each in found] == [(10, column, "invalid-pattern")]
