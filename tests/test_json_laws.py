"""The laws of the json kind, over documents and operations of every shape."""

import json

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from keychange.edits import apply_edits, inverse
from keychange.formats.json.text import read
from keychange.model import same
from support.json_kind import down, examine, records
from support.json_operations import meaning, random_operation
from support.json_texts import json_files

DIALECTS = pytest.mark.parametrize("syntax", ["json", "jsonc"])
LAWS = settings(deadline=None, max_examples=60)


def drawn(data, syntax):
    value, before = data.draw(json_files(jsonc=syntax == "jsonc"))
    random = data.draw(st.randoms(use_true_random=False))
    node = random_operation(value, random)
    note(f"{before!r}\n{node}")
    return value, before, {"syntax": syntax, **node}


@DIALECTS
@LAWS
@given(st.data())
def test_the_document_means_what_was_declared(syntax, data):
    value, before, node = drawn(data, syntax)
    finding = examine(before, node)
    assert finding.diagnostics == ()
    after = apply_edits(before, finding.edits)
    assert same(read(after, jsonc=syntax == "jsonc").value, meaning(value, node))
    assert apply_edits(after, inverse(before, finding.edits)) == before
    if syntax == "json":
        assert same(json.loads(after), meaning(value, node))


@DIALECTS
@LAWS
@given(st.data())
def test_up_twice_changes_nothing(syntax, data):
    _, before, node = drawn(data, syntax)
    after = apply_edits(before, examine(before, node).edits)
    again = examine(after, node)
    assert again.edits == ()
    assert again.diagnostics == ()


@DIALECTS
@LAWS
@given(st.data())
def test_down_brings_every_byte_back(syntax, data):
    _, before, node = drawn(data, syntax)
    finding = examine(before, node)
    after = apply_edits(before, finding.edits)
    assert down(after, records(finding)) == before


@DIALECTS
@LAWS
@given(st.data())
def test_down_again_changes_nothing(syntax, data):
    _, before, node = drawn(data, syntax)
    finding = examine(before, node)
    known = records(finding)
    assert down(before, known) == before


@DIALECTS
@LAWS
@given(st.data())
def test_two_operations_are_taken_back_as_one(syntax, data):
    value, before, first = drawn(data, syntax)
    one = examine(before, first)
    between = apply_edits(before, one.edits)
    random = data.draw(st.randoms(use_true_random=False))
    second = {"syntax": syntax, **random_operation(meaning(value, first), random)}
    note(f"{between!r}\n{second}")
    two = examine(between, second)
    after = apply_edits(between, two.edits)
    assert down(after, [*records(one), *records(two)]) == before


@LAWS
@given(st.data())
def test_comments_survive(data):
    _, before, node = drawn(data, "jsonc")
    node = {"syntax": "jsonc", "append": node.get("append", {}), "rename": node.get("rename", {})}
    after = apply_edits(before, examine(before, node).edits)
    for comment in (b"// a, b ] }", b"/* , } */", b"/* \n * \xc3\xa9 */"):
        assert after.count(comment) == before.count(comment)
