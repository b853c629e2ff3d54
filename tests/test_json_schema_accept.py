"""The quick yes of JSON Schema: never to what jsonschema refuses, and to nearly all it accepts."""

import json

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator, SchemaError

from keychange.formats.json.text import read
from keychange.json_schema.accept import acceptor
from keychange.json_schema.violations import violations
from keychange.resources import bundled_schema, schema_names

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
NAMES = st.sampled_from(["a", "b", "ab", "c", ""])
PATTERNS = st.sampled_from(["^a", "b$", "", "a|c", "(a)", "[0-9]"])
SCALARS = st.sampled_from(
    [None, True, False, 0, 1, -1, 2, 0.0, 1.0, 1.5, 10**30, "", "a", "ab", "1"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["object", "array", "string", "boolean", "null", "number", "integer"])
SMALL = st.integers(0, 3)
LIMITS = st.sampled_from([-1, 0, 1, 1.0, 1.5, 10**30])
REFERENCES = st.sampled_from(["#/$defs/x", "#/$defs/y", "#/definitions/z"])


def keywords(inner):
    """Every keyword that the quick way knows, with a value that it takes."""
    schemas = st.lists(inner, min_size=1, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
            "const": VALUES,
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "pattern": PATTERNS,
            "minLength": SMALL,
            "maxLength": SMALL,
            "minItems": SMALL,
            "maxItems": SMALL,
            "uniqueItems": st.booleans(),
            "minProperties": SMALL,
            "maxProperties": SMALL,
            "minimum": LIMITS,
            "maximum": LIMITS,
            "exclusiveMinimum": LIMITS,
            "exclusiveMaximum": LIMITS,
            "items": inner,
            "properties": st.dictionaries(NAMES, inner, max_size=2),
            "patternProperties": st.dictionaries(PATTERNS, inner, max_size=2),
            "additionalProperties": inner,
            "propertyNames": inner,
            "required": st.lists(NAMES, max_size=2, unique=True),
            "allOf": schemas,
            "anyOf": schemas,
            "oneOf": schemas,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "$ref": REFERENCES,
            "title": st.just("t"),
            "default": VALUES,
        },
    )


def few(schema):
    """At most four keywords: more are satisfied by nothing."""
    return dict(sorted(schema.items(), key=lambda item: hash(json.dumps(item)))[:4])


SCHEMAS = st.recursive(
    st.booleans() | keywords(st.booleans()).map(few), lambda inner: keywords(inner).map(few)
)
ROOTS = st.tuples(SCHEMAS, SCHEMAS, SCHEMAS).map(
    lambda three: (
        {**three[0], "$defs": {"x": three[1], "y": {}}, "definitions": {"z": three[2]}}
        if isinstance(three[0], dict)
        else three[0]
    )
)


def judge(schema):
    draft_7 = isinstance(schema, dict) and schema.get("$schema") == DRAFT_7
    return (Draft7Validator if draft_7 else Draft202012Validator)(schema)


@settings(deadline=None, max_examples=150)
@given(ROOTS, st.lists(VALUES, min_size=3, max_size=6), st.booleans())
def test_what_is_accepted_is_valid(schema, values, old):
    if old and isinstance(schema, dict):
        schema = {"$schema": DRAFT_7, **schema}
    accepts = acceptor(schema)
    assume(accepts is not None)
    judge(schema).check_schema(schema)
    for value in values:
        try:
            valid = judge(schema).is_valid(value)
        except RecursionError:  # a definition that refers to itself
            valid = False
        assert valid or not accepts(value)


def plain(schema):
    """Whether a schema has none of the two keywords in which the quick way is only careful."""
    text = json.dumps(schema)
    return not any(word in text for word in ('"uniqueItems"', '"enum"', '"const"', '"$ref"'))


@settings(deadline=None, max_examples=120)
@given(SCHEMAS.filter(plain), st.lists(VALUES, min_size=3, max_size=6))
def test_the_verdicts_are_the_same(schema, values):
    accepts = acceptor(schema)
    assume(accepts is not None)
    for value in values:
        assert accepts(value) == judge(schema).is_valid(value)


@settings(
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.data_too_large],  # some seeds begin with many of them
)
@given(ROOTS.filter(lambda each: isinstance(each, dict)), st.data())
def test_a_schema_that_is_none_has_no_acceptor(schema, data):
    word = data.draw(st.sampled_from([*schema]))
    changed = {**schema, word: data.draw(VALUES | st.lists(SCHEMAS, max_size=2))}
    try:
        Draft202012Validator.check_schema(changed)
    except SchemaError:
        assert acceptor(changed) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"format": "date", "contains": {}},
        {"$dynamicRef": "#x"},
        {"prefixItems": [{}]},
        {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1},
        {"$schema": []},
        {"$schema": DRAFT_7, "$ref": "#/definitions/a", "type": "string", "definitions": {"a": {}}},
        {"$schema": DRAFT_7, "items": [{}]},
        {"properties": {"a": {"$id": "b"}}},
        {"$ref": "other.json"},
        {"$ref": "#/$defs/none"},
        {"$ref": "#"},
        {"pattern": "("},
        {"patternProperties": {"(a)": {}, "(b)\\1": {}}},
        {"not": {"uniqueItems": True}},
        {"not": {"const": [1]}},
        {"not": {"$ref": "#/$defs/a"}, "$defs": {"a": {}}},
        {"then": 5},
        {"required": ["a", "a"]},
        {"properties": None},
        {"unknown": 1},
        [],
        None,
    ],
)
def test_what_is_not_known_is_left_to_jsonschema(schema):
    assert acceptor(schema) is None


@pytest.mark.parametrize("name", [n for n in schema_names() if n.startswith("voice")])
def test_the_schemas_of_configs_that_ship_have_an_acceptor(name):
    assert acceptor(bundled_schema(name)) is not None


def test_a_definition_may_refer_to_itself():
    accepts = acceptor(
        {
            "$ref": "#/$defs/tree",
            "$defs": {"tree": {"type": "object", "additionalProperties": {"$ref": "#/$defs/tree"}}},
        }
    )
    assert accepts({"a": {"b": {}}})
    assert not accepts({"a": {"b": 1}})


def test_a_pattern_that_is_none_is_a_diagnostic():
    found = violations(read(b'{"a": "x"}'), {"properties": {"a": {"pattern": "("}}}, path="c.json")
    assert [each.code for each in found] == ["invalid-schema"]
    assert "pattern" in found[0].message
