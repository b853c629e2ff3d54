"""Strings by value: what is taken, what is left and said so, and what stops the run."""

import json

import pytest

from keychange.errors import UsageProblem
from keychange.loader import parse_migration
from keychange.model import OnForeign
from keychange.operations import python as kind
from support.python_kind import codes, context, edited, examine, states

MOVE = {"from": "old", "to": "new"}


@pytest.mark.parametrize(
    "place",
    [
        'x = "{}"',
        'def f(a="{}"): return a',
        'def f(): return "{}"',
        'f("{}", k="{}")',
        'x = ["{}", ("{}",), {{1: "{}"}}]',
        'x = a or ("{}" if b else "{}")',
        'x = os.environ.get("K", "{}")',
        "x = '{}'",
        'x = "o" "ld"'.replace("o", "{}", 1).replace(' "ld"', ""),
    ],
)
def test_a_value_is_taken_where_it_gives_a_value(place):
    assert edited(place.format(*["old"] * 3), MOVE) == place.format(*["new"] * 3)


@pytest.mark.parametrize(
    "place",
    ['x == "old"', 'x in ("a", "old")', 'x["old"]', '{"old": 1}', 'd.get("old")',
     'match x:\n    case "old": pass', 'x.startswith("old")'],
)  # fmt: skip
def test_comparisons_keys_subscripts_and_patterns_are_left_and_named(place):
    finding = examine(place, MOVE)
    assert finding.edits == finding.sites == ()
    assert codes(finding) == ["note left-behind"]
    assert finding.diagnostics[0].location.text in place
    assert edited(place, {**MOVE, "in": "any"}) == place.replace("old", "new")


@pytest.mark.parametrize(
    "place", ['"""old"""\nx = "old"', 'x: "old" = "old"', 'x = "old"  # "old"', 'x = "old", b"old"']
)
def test_docstrings_annotations_comments_and_bytes_never_change(place):
    assert edited(place, {**MOVE, "in": "any"}).count("new") == 1


def test_a_prefix_keeps_the_rest():
    move = {"from": "/old", "to": "/new", "match": "prefix"}
    code = 'a = "/old/x"\nb = "/old"\nc = "a/old"\nd = f"/old/{x}/old"\n'
    assert edited(code, move) == 'a = "/new/x"\nb = "/new"\nc = "a/old"\nd = f"/new/{x}/old"\n'


def test_a_prefix_that_grows_is_done_once():
    move = {"from": "/opt", "to": "/opt/models", "match": "prefix"}
    code = 'a = "/opt/a"\nb = "/opt/models/b"\n'
    once = edited(code, move)
    assert once == 'a = "/opt/models/a"\nb = "/opt/models/b"\n'
    assert examine(once, move).edits == ()


def test_a_static_part_of_an_f_string_holds_the_value_as_a_word():
    code = 'a = f"use {x} of gpt-4."\nb = f"gpt-4o {x}"\nc = f"{x}/gpt-4/{y}: gpt-4"\n'
    after = 'a = f"use {x} of gpt-5."\nb = f"gpt-4o {x}"\nc = f"{x}/gpt-5/{y}: gpt-5"\n'
    move = {"from": "gpt-4", "to": "gpt-5"}
    finding = examine(code, move)
    assert edited(code, move) == after
    assert list(states(finding)) == ["a/f[1]", "c/f[1]", "c/f[2]"]
    assert finding.proof == "3 literals, 0 other tokens"


def test_an_expression_of_an_f_string_is_left_and_named():
    finding = examine("x = f\"{d.get('k', 'old')}\"", {**MOVE, "in": "any"})
    assert (finding.edits, codes(finding)) == ((), ["note left-behind"])


def test_a_value_within_its_successor_is_done():
    move = {"from": "Qwen 1", "to": "Qwen 1 large"}
    once = edited('x = f"{a} Qwen 1"\ny = "Qwen 1"', move)
    assert once == 'x = f"{a} Qwen 1 large"\ny = "Qwen 1 large"'
    assert set(states(examine(once, move)).values()) == {"done"}


def test_one_piece_of_a_concatenation_is_refused_by_name():
    finding = examine('x = "old" " and more"\ny = "old"', MOVE)
    assert codes(finding) == ["warning implicit-concatenation"]
    assert states(finding) == {"y": "pending"}


def test_a_concatenation_that_is_the_value_is_replaced():
    assert edited('x = ("o"\n     "ld")', MOVE) == 'x = ("new")'


def test_the_states_of_a_file_half_way():
    finding = examine('a = "old"\nb = "new"\nc = "other"', MOVE)
    assert states(finding) == {"a": "pending", "b": "done"}
    assert [(each.before, each.after) for each in finding.sites] == [("old", "new"), ("new", "new")]


def test_a_second_run_changes_nothing():
    finding = examine(edited('a = "old"\nb = ["old"]', MOVE), MOVE)
    assert (finding.edits, set(states(finding).values())) == ((), {"done"})


@pytest.mark.parametrize("code", ['x = "other"', 'x = "\\x41"'])
def test_a_named_file_that_holds_neither_is_foreign(code):
    assert codes(examine(code, MOVE)) == ["error foreign-value"]
    assert codes(examine(code, MOVE, on_foreign=OnForeign.KEEP)) == ["note foreign-value"]


def test_a_file_that_a_pattern_brings_in_need_not_hold_it():
    assert codes(examine('x = "other"', MOVE, targets=("*.py",))) == []


def test_one_of_several_named_files_need_not_hold_every_value():
    more = {"from": "a", "to": "b"}
    both = ("app.py", "other.py")
    assert codes(examine('x = "old"', MOVE, more, targets=both)) == []
    assert codes(examine('x = "old"', MOVE, more)) == ["error foreign-value"]
    assert codes(examine('x = "z"', MOVE, more, targets=both)) == ["error foreign-value"] * 2


def test_a_later_migration_supersedes():
    known = context(later_values=frozenset({"newest"}))
    assert codes(examine('x = "newest"', MOVE, known=known)) == []


def test_two_entries_must_not_want_the_same_literal():
    finding = examine('x = "old"', MOVE, {"from": "old", "to": "else"})
    assert (finding.edits, codes(finding)) == ((), ["error overlapping-operations"])
    chain = examine('x = "old"\ny = "new"', MOVE, {"from": "new", "to": "old"})
    assert codes(chain)[0] == "error overlapping-operations"


def test_two_old_values_may_have_one_new():
    code = 'a = "old"\nb = "older"\nc = "new"'
    assert edited(code, MOVE, {"from": "older", "to": "new"}) == 'a = "new"\nb = "new"\nc = "new"'


def test_no_change_is_no_operation():
    entry = {"from": "a", "to": "a"}
    with pytest.raises(UsageProblem):
        kind.parse({"strings": [entry]}, {"kind": "python", "targets": ("a.py",)})


@pytest.mark.parametrize(("variable", "old"), [("", "${e}"), ("x", "")])
def test_an_empty_prefix_that_every_string_has_is_refused_by_the_schema(variable, old):
    operation = {"python": "a.py", "strings": [{"from": old, "to": "a", "match": "prefix"}]}
    head = {"format": 1, "id": "0001_a", "title": "A", "vars": {"e": variable}}
    text = json.dumps({**head, "operations": [operation]})
    with pytest.raises(UsageProblem) as caught:
        parse_migration(text.encode(), "migrations/0001_a.yaml", expected_id="0001_a")
    assert [each.code for each in caught.value.diagnostics] == ["wrong-value"]


def test_values_are_expanded_and_known_to_the_planner():
    known = context()
    operation = kind.parse(
        {"strings": [MOVE, {"at": "A.b#1", "to": "v"}]}, {"kind": "python", "targets": ("a.py",)}
    )
    assert kind.old_values(operation, known) == {"old"}
    assert kind.new_values(operation, known) == {"new", "v"}
    assert kind.outcomes(operation, known) == {"A.b": "v"}


def test_a_file_that_is_not_there_holds_nothing():
    assert codes(examine(b"", MOVE)) == ["error foreign-value"]
