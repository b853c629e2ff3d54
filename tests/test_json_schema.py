"""JSON Schema: every violation with its pointer, its place and a reason without the value."""

import functools
import json
import random

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keychange.edits import apply_edits
from keychange.formats.json.text import read
from keychange.json_schema.violations import violations
from support.json_kind import codes, context, examine, places
from support.json_texts import VALUES, Writer

SCHEMA = {
    "type": "object",
    "required": ["model_id"],
    "additionalProperties": False,
    "properties": {
        "model_id": {"type": "string", "pattern": "8bit$"},
        "rate": {"type": "number", "minimum": 0, "maximum": 1},
        "kind": {"enum": ["a", "b"]},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "either": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["x"]}]},
        "fixed": {"const": 1},
    },
}


def found(text, schema=SCHEMA):
    diagnostics = violations(read(text.encode()), schema, path="c.json", name="v1", when="before")
    return [
        (each.location.line, each.location.column, each.message, each.hint) for each in diagnostics
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("[]", 1, 1, "the document is an array, not object"),
        ("{}", 1, 1, "the document lacks `model_id`"),
        ('{\n  "model_id": 1\n}', 2, 15, "`/model_id` is an integer, not string"),
        ('{\n  "model_id": "4bit"\n}', 2, 15, "`/model_id` does not match the pattern 8bit$"),
        ('{"model_id": "8bit", "rate": 2}', 1, 30, "`/rate` is more than 1"),
        ('{"model_id": "8bit", "rate": -1}', 1, 30, "`/rate` is less than 0"),
        ('{"model_id": "8bit", "kind": "c"}', 1, 30, '`/kind` is none of ["a", "b"]'),
        ('{"model_id": "8bit", "fixed": true}', 1, 31, "`/fixed` is not 1"),
        ('{"model_id": "8bit",\n "tags": ["a", 2]}', 2, 16, "`/tags/1` is an integer, not string"),
        ('{"model_id": "8bit", "tags": ["a", "a"]}', 1, 30, "`/tags` holds an item twice"),
        (
            '{"model_id": "8bit",\n "tag": []}',
            2,
            2,
            "the document may not have `tag`; did you mean `tags`?",
        ),
        ('{"model_id": "8bit", "either": {}}', 1, 32, "`/either` lacks `x`"),
    ],
)
def test_a_violation_has_a_place_and_a_reason(text, line, column, message):
    assert found(text) == [(line, column, message, "the schema before `v1` says so")]


def test_all_violations_come_in_the_order_of_the_document():
    text = '{\n  "rate": 2,\n  "kind": "c",\n  "x": 1\n}'
    assert [line for line, *_ in found(text)] == [1, 2, 3, 4]


@given(VALUES)
@settings(deadline=None, max_examples=60)
def test_no_reason_repeats_the_value(value):
    marked = {
        "model_id": "canary-4321",
        "rate": "canary-4321",
        "kind": "canary-4321",
        "tags": value,
    }

    text = Writer(random.Random(0)).document(marked).decode()
    assert "canary-4321" not in str(found(text))


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "extra"]), VALUES, max_size=4))
@settings(deadline=None, max_examples=100)
def test_the_verdict_is_that_of_jsonschema(value):
    valid = jsonschema.Draft202012Validator(SCHEMA).is_valid(value)
    assert (found(json.dumps(value)) == []) == valid


def test_a_schema_that_is_none_is_said():
    (diagnostic,) = violations(read(b"{}"), {"type": "objekt"}, path="c.json", name="v1")
    assert (diagnostic.code, diagnostic.message) == (
        "invalid-schema",
        "the schema `v1` is no JSON Schema: /type",
    )


@pytest.mark.parametrize(
    "schema", [{"$ref": "#"}, functools.reduce(lambda inner, _: {"not": inner}, range(2000), {})]
)
def test_a_schema_without_end_is_said_of_the_schema(schema):
    (diagnostic,) = violations(read(b"{}"), schema, path="c.json", name="s.json")
    assert (diagnostic.code, str(diagnostic.location)) == ("invalid-schema", "s.json")


def test_nothing_is_fetched():
    schema = {"$ref": "http://127.0.0.1:9/schema.json"}
    (diagnostic,) = violations(read(b"{}"), schema, path="c.json")
    assert diagnostic.code == "invalid-schema"
    assert "which is not in it" in diagnostic.message


V1 = {"properties": {"v": {"const": 1}, "n": {"type": "integer"}}}
V2 = {"properties": {"v": {"const": 2}, "n": {"type": "integer"}}}
NODE = {"schema": {"before": "one", "after": "two"}, "set": {"/v": {"to": 2}}}
KNOWN = context(schema={"one": V1, "two": V2}.get)


def test_a_file_that_satisfies_both_is_edited():
    before = b'{"v": 1}'
    finding = examine(before, NODE, KNOWN)
    assert (codes(finding), apply_edits(before, finding.edits)) == ([], b'{"v": 2}')


def test_a_file_that_violates_the_schema_before_is_not_edited():
    finding = examine(b'{"v": 1,\n "n": "x"}', NODE, KNOWN)
    assert places(finding) == [(2, 7, "schema-violation")]
    assert finding.edits == ()


def test_an_edit_that_would_violate_the_schema_after_is_not_made():
    node = {**NODE, "schema": {"after": "two"}, "set": {"/v": {"to": 2}, "/n": {"to": "x"}}}
    finding = examine(b'{"v": 1}', node, KNOWN)
    assert places(finding) == [(1, 15, "schema-violation")]
    assert "after `two`" in finding.diagnostics[0].hint
    assert finding.edits == ()


def test_a_file_that_needs_no_edit_is_judged_by_neither():
    assert codes(examine(b'{"v": 2, "n": "x"}', NODE, KNOWN)) == []
