"""The change in words is deepdiff's, and what is not declared is not written."""

import pytest
from hypothesis import given, settings

from keychange.edits import Edit
from keychange.formats.json.draft import Draft
from keychange.json_summary import Change, _paths, differences
from keychange.model import ABSENT, same
from keychange.spans import Span
from support.json_kind import codes, examine
from support.json_texts import VALUES


def lines(*changes):
    return [line for each in differences(changes).values() for line in each]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a", "b", ['/v: "a" -> "b"']),
        (1, True, ["/v: 1 -> true"]),
        (1, 1.0, ["/v: 1 -> 1.0"]),
        (ABSENT, None, ["/v added"]),
        (None, ABSENT, ["/v removed"]),
        ({"x": 1, "y": 2}, {"x": 1, "y": 3}, ["/v/y: 2 -> 3"]),
        ({"x": 1}, {"z/": 1}, ["/v/x removed", "/v/z~1 added"]),
        (["a"], ["a", "b"], ["/v/1 added"]),
        (["a", "b"], ["b", "a"], ['/v/0: "a" -> "b"', '/v/1: "b" -> "a"']),
        ("a", "x" * 200, [f'/v: "a" -> "{"x" * 71}...']),
        ("a", "a", []),
    ],
)
def test_words(before, after, expected):
    assert lines(Change("/v", before, after)) == expected


def test_elements_that_come_and_go_are_named_few_and_counted_many():
    assert lines(Change("/v", [1, 2, 2, 3], [1, 2, "x"], items=True)) == [
        "/v: 2 removed",
        "/v: 3 removed",
        '/v: "x" added',
    ]
    assert lines(Change("/v", [*range(50_000)], [7], items=True)) == ["/v: 49999 items removed"]


def test_a_secret_is_said_to_have_changed():
    assert lines(Change("/v", "old", "new", secret=True)) == ["/v changed"]
    assert lines(Change("/v", ["old"], [], secret=True, items=True)) == ["/v changed"]


@settings(deadline=None)
@given(VALUES, VALUES)
def test_a_difference_is_found_exactly_where_there_is_one(before, after):
    assert bool(differences([Change("/v", before, after)])) != same(before, after)


def test_files_that_change_alike_are_compared_once():
    _paths.cache_clear()
    for number in range(50):
        differences([Change("/ref", f"old {number}", f"new {number}"), Change("/n", 1, 2)])
    assert _paths.cache_info().misses == 1


@pytest.mark.parametrize(
    "wrong",
    [
        Edit(Span(6, 7), b"3"),
        Edit(Span(6, 7), b"}"),
        Edit(Span(14, 15), b"9"),
        Edit(Span(8, 8), b' "c": 0,'),
    ],
)
def test_an_edit_that_was_not_declared_is_never_made(monkeypatch, wrong):
    monkeypatch.setattr(Draft, "edits", lambda _: (wrong,))
    finding = examine(b'{"a": 1, "b": 2}', {"set": {"/a": {"to": 5}}})
    assert codes(finding) == ["summary-mismatch"]
    assert finding.edits == ()


def test_the_summary_must_be_what_was_declared(monkeypatch):
    monkeypatch.setattr("keychange.operations.json.work.differences", lambda _: {"/b": ["/b"]})
    finding = examine(b'{"a": 1, "b": 2}', {"set": {"/a": {"to": 5}}})
    assert codes(finding) == ["summary-mismatch"]
    assert finding.edits == ()


def test_a_rename_reads_as_one():
    finding = examine(b'{"a": 1, "n": {"b": 2}}', {"rename": {"/a": "z"}, "move": {"/n/b": "/b"}})
    assert finding.summary == ("/a renamed to /z", "/n/b moved to /b")
    assert finding.proof == "2 members, 0 other bytes"
