"""The three ways of a JSON site: old, new, something else; and what is said about each."""

import pytest

from keychange.errors import UsageProblem
from keychange.model import ABSENT, OnForeign, Recorded, State
from keychange.operations import json as kind
from support.json_kind import codes, context, examine, operation, places, put_back, records, up

DOCUMENT = b'{\n  "model_id": "old",\n  "tags": ["a", "b"],\n  "n": {"x": 1}\n}\n'


def states(finding):
    return {site.address: site.state.value for site in finding.sites}


@pytest.mark.parametrize(
    ("there", "setting", "state"),
    [
        ('"old"', {"to": "new", "from": "old"}, "pending"),
        ('"older"', {"to": "new", "from": ["old", "older"]}, "pending"),
        ('"new"', {"to": "new", "from": "old"}, "done"),
        ('"n\\u0065w"', {"to": "new", "from": "old"}, "done"),
        ('"mine"', {"to": "new", "from": "old"}, "foreign"),
        ('"mine"', {"to": "new"}, "pending"),
        ("1", {"to": 1.0, "from": 1}, "pending"),
        ("true", {"to": 1, "from": 1}, "foreign"),
        ("null", {"to": 1, "from": None}, "pending"),
        ("[1]", {"to": 1, "from": [[1]]}, "pending"),
        ('{"b": 1, "a": 2}', {"to": {"a": 2, "b": 1}}, "done"),
    ],
)
def test_state_is_judged_by_value(there, setting, state):
    finding = examine(f'{{"v": {there}}}'.encode(), {"set": {"/v": setting}})
    assert states(finding) == {"/v": state}
    assert bool(finding.edits) == (state == "pending")


def test_a_missing_member_is_added_and_noted():
    (site,) = examine(DOCUMENT, {"set": {"/new": {"to": 1, "from": 0}}}).sites
    assert (site.state, site.before, site.after, site.note) == (State.PENDING, ABSENT, 1, "added")


def test_only_existing_adds_nothing():
    node = {
        "only": "existing",
        "set": {"/new": {"to": 1}, "/n/y/z": {"to": 1}, "/model_id": {"to": "x"}},
    }
    finding = examine(DOCUMENT, node)
    assert states(finding) == {"/new": "absent", "/n/y/z": "absent", "/model_id": "pending"}


FOREIGN = {"set": {"/model_id": {"to": "new", "from": "other"}, "/n/x": {"to": 2}}}


def test_a_foreign_value_stops_and_is_located():
    finding = examine(DOCUMENT, FOREIGN)
    assert places(finding) == [(2, 15, "foreign-value")]
    assert '"old"' in finding.diagnostics[0].message
    assert finding.edits == ()


def test_a_foreign_value_is_kept_on_request():
    finding = examine(DOCUMENT, FOREIGN, on_foreign=OnForeign.KEEP)
    assert [each.severity for each in finding.diagnostics] == ["note"]
    assert states(finding) == {"/model_id": "foreign", "/n/x": "pending"}
    assert len(finding.edits) == 1


def test_a_foreign_value_is_replaced_on_request():
    assert b'"model_id": "new"' in up(DOCUMENT, FOREIGN, on_foreign=OnForeign.REPLACE)


def test_a_foreign_secret_is_not_in_the_message():
    data = b'{"api_key": "hunter2"}'
    (found,) = examine(data, {"set": {"/api_key": {"to": "x", "from": "y"}}}).diagnostics
    assert "hunter2" not in found.message + found.hint


@pytest.mark.parametrize(
    ("now", "state"), [("first", "pending"), ("second", "pending"), ("mine", "foreign")]
)
def test_without_from_the_ledger_says_what_was_old(now, state):
    known = {"/v": Recorded("config.json", "json", "/v", "first", "second")}
    data = f'{{"v": "{now}"}}'.encode()
    finding = examine(data, {"set": {"/v": {"to": "third"}}}, context(recorded=known))
    assert states(finding) == {"/v": state}


def test_default_leaves_what_is_there():
    node = {"default": {"/model_id": "x", "/language": "English"}}
    assert states(examine(DOCUMENT, node)) == {"/model_id": "done", "/language": "pending"}


@pytest.mark.parametrize(
    ("where", "matches"),
    [
        ({"/model_id": "old"}, True),
        ({"/model_id": "new"}, False),
        ({"/model_id": {"is": "old"}}, True),
        ({"/model_id": {"not": "old"}}, False),
        ({"/model_id": {"not": "new"}}, True),
        ({"/missing": {"not": "new"}}, False),
        ({"/missing": {"exists": False}}, True),
        ({"/model_id": {"exists": True}}, True),
        ({"/model_id": {"in": ["a", "old"]}}, True),
        ({"/model_id": {"in": ["a"]}}, False),
        ({"/model_id": {"in": ["old"], "not": "old"}}, False),
        ({"/n": {"x": 1}}, True),
        ({"/model_id": "old", "/n/x": 2}, False),
    ],
)
def test_where_chooses_files(where, matches):
    finding = examine(DOCUMENT, {"where": where, "set": {"/n/x": {"to": 5}}})
    assert bool(finding.sites) == matches


def test_values_and_conditions_are_expanded_for_the_file():
    known = context(expand=lambda value: "old" if value == "${old}" else value)
    node = {"where": {"/model_id": "${old}"}, "set": {"/m": {"to": "${old}"}}}
    finding = examine(DOCUMENT, node, known)
    assert b'"m": "old"' in finding.edits[0].replacement


@pytest.mark.parametrize(
    ("node", "place", "code", "hint"),
    [
        ({"set": {"/modle/x": {"to": 1}}}, (1, 1), "no-such-pointer", "add what it stands in"),
        ({"set": {"/n/y/z": {"to": 1}}}, (4, 8), "no-such-pointer", "add what it stands in"),
        ({"set": {"/model_id/x": {"to": 1}}}, (2, 15), "no-such-pointer", "add what it stands"),
        ({"set": {"/tags/2": {"to": 1}}}, (3, 11), "no-such-pointer", "use `append`"),
        ({"set": {"/tags/-": {"to": 1}}}, (3, 11), "no-such-pointer", "use `append`"),
        ({"append": {"/tag": ["c"]}}, (1, 1), "no-such-pointer", "`/tags`"),
        ({"append": {"/n": ["c"]}}, (4, 8), "wrong-type", ""),
        ({"remove_items": {"/n": {"where": {"": 1}}}}, (4, 8), "wrong-type", ""),
        ({"remove": ["/tags/0"]}, (3, 12), "wrong-type", "remove_items"),
        ({"rename": {"/tags/0": "x"}}, (3, 12), "wrong-type", "remove_items"),
        ({"move": {"/n/x": "/tags/9"}}, (3, 11), "no-such-pointer", "append"),
        ({"rename": {"/model_id": "n"}}, (2, 15), "foreign-value", "remove one"),
    ],
)
def test_what_cannot_be_done_is_located(node, place, code, hint):
    finding = examine(DOCUMENT, node)
    assert places(finding) == [(*place, code)]
    assert hint in finding.diagnostics[0].hint
    assert finding.edits == ()


@pytest.mark.parametrize(
    ("node", "way_out"),
    [
        ({"set": {"/a": {"to": 1}, "/a/b": {"to": 1}}}, "two operations"),
        ({"set": {"/a": {"to": 1}}, "remove": ["/a"]}, "keep one"),
        ({"rename": {"/a": "b"}, "set": {"/a": {"to": 1}}}, "before what names the new place"),
        ({"rename": {"/a": "b"}, "set": {"/b": {"to": 1}}}, "before what names the new place"),
        ({"move": {"/a": "/b/a"}, "remove": ["/b"]}, "before what names the new place"),
        ({"set": {"": {"to": 1}, "/a": {"to": 1}}}, "two operations"),
    ],
)
def test_overlapping_pointers_are_refused_when_the_migration_is_read(node, way_out):
    with pytest.raises(UsageProblem) as failure:
        operation(node)
    assert {each.code for each in failure.value.diagnostics} == {"overlapping-pointers"}
    assert all(way_out in each.hint for each in failure.value.diagnostics)


@pytest.mark.parametrize(
    "node",
    [
        {"set": {"model": {"to": 1}}},
        {"where": {"/~x": 1}, "set": {"/a": {"to": 1}}},
        {"remove": [""]},
        {"rename": {"": "x"}},
        {"append": {"/a~": [1]}},
    ],
)
def test_what_is_no_pointer_is_refused_when_the_migration_is_read(node):
    with pytest.raises(UsageProblem) as failure:
        operation(node)
    assert {each.code for each in failure.value.diagnostics} == {"invalid-pointer"}


def test_addresses_of_items_are_stable():
    node = {"append": {"/tags": ["c"]}, "remove_items": {"/tags": {"where": {"": "a"}}}}
    finding = examine(DOCUMENT, node)
    assert list(states(finding)) == ['/tags/-{"": "a"}', '/tags/+"c"']


def test_the_words_of_a_migration_are_known_without_the_file():
    node = {
        "set": {"/a": {"to": {"b": ["deep"]}, "from": ["old", ["older"]]}, "/c": {"to": "new"}},
        "default": {"/d": "default"},
        "append": {"/e": ["item"]},
        "remove": ["/f"],
        "rename": {"/g": "h"},
    }
    declared, known = operation(node), context()
    assert kind.old_values(declared, known) == {"old"}
    assert kind.new_values(declared, known) == {"deep", "new", "default", "item"}
    left = kind.outcomes(declared, known)
    assert left == {
        "/a": {"b": ["deep"]},
        "/c": "new",
        "/d": "default",
        "/f": ABSENT,
        "/g": ABSENT,
        '/g/>"/h"': ABSENT,
        '/e/+"item"': "item",
    }


@pytest.mark.parametrize(
    ("first", "second", "start"),
    [
        ({"set": {"/a": {"to": 1, "from": 0}}}, {"set": {"/a": {"to": 2, "from": 1}}}, b'{"a":0}'),
        ({"set": {"/a": {"to": 1}}}, {"remove": ["/a"]}, b'{"a":0}'),
        ({"set": {"/a": {"to": 1}}}, {"rename": {"/a": "b"}}, b'{"a":0}'),
        ({"set": {"/a/b": {"to": 1}}}, {"remove": ["/a"]}, b'{"a":{"b":0}}'),
        ({"set": {"/a/b": {"to": 1}}}, {"rename": {"/a": "c"}}, b'{"a":{"b":0}}'),
        ({"remove": ["/a"]}, {"set": {"/a": {"to": 2}}}, b'{"a":0}'),
        ({"rename": {"/a": "b"}}, {"rename": {"/b": "c"}}, b'{"a":0}'),
        ({"rename": {"/a": "b"}}, {"set": {"/a": {"to": 2}}}, b'{"a":0}'),
        ({"append": {"/a": [1]}}, {"set": {"/a": {"to": [2]}}}, b'{"a":[]}'),
        ({"append": {"/a": [1]}}, {"remove_items": {"/a": {"where": {"": 1}}}}, b'{"a":[]}'),
        ({"remove_items": {"/a": {"where": {"": 1}}}}, {"append": {"/a": [1]}}, b'{"a":[1]}'),
        ({"set": {"/a": {"to": {"b": 1}}}}, {"set": {"/a/b": {"to": 2}}}, b'{"a":0}'),
        ({"set": {"/a": {"to": {"b": 1}}}}, {"set": {"/a/c": {"to": 2}}}, b'{"a":0}'),
        ({"set": {"/a": {"to": {"b": 1}}}}, {"rename": {"/a/b": "c"}}, b'{"a":0}'),
        ({"set": {"/a": {"to": [1]}}}, {"append": {"/a": [2]}}, b'{"a":0}'),
        ({"set": {"/a": {"to": [1]}}}, {"remove_items": {"/a": {"where": {"": 1}}}}, b'{"a":0}'),
        ({"default": {"/a": 1}}, {"set": {"/a": {"to": 2}}}, b"{}"),
        ({"default": {"/a": 1}}, {"remove": ["/a"]}, b"{}"),
    ],
)
def test_a_later_migration_supersedes(first, second, start):
    both = up(up(start, first), second)
    left = kind.outcomes(operation(second), context())
    again = examine(both, first, context(later={key: (value,) for key, value in left.items()}))
    assert again.edits == ()
    assert codes(again) == []


@pytest.mark.parametrize(
    ("later", "start", "state"),
    [
        ([{"rename": {"/a": "b"}}], b"{}", "pending"),
        ([{"rename": {"/a": "b"}}], b'{"b": 1}', "done"),
        ([{"move": {"/a": "/c/a"}}], b'{"c": {}}', "pending"),
        ([{"rename": {"/a": "b"}}, {"rename": {"/b": "c"}}], b'{"c": 1}', "done"),
        ([{"rename": {"/a": "b"}}, {"rename": {"/b": "a"}}], b"{}", "pending"),
        ([{"rename": {"/a": "b"}}, {"remove": ["/b"]}], b"{}", "done"),
    ],
)
def test_a_member_renamed_later_is_done_only_where_it_has_arrived(later, start, state):
    left: dict[str, tuple] = {}
    for node in later:
        for address, value in kind.outcomes(operation(node), context()).items():
            left[address] = (*left.get(address, ()), value)
    finding = examine(start, {"set": {"/a": {"to": 1}}}, context(later=left))
    assert [each.state.value for each in finding.sites] == [state]


def test_a_change_of_ones_own_inside_is_foreign_although_something_came_later():
    later = {"/a/b": (2,)}
    node = {"set": {"/a": {"to": {"b": 1, "c": 1}, "from": 0}}}
    assert codes(examine(b'{"a":{"b":2,"c":1}}', node, context(later=later))) == []
    assert codes(examine(b'{"a":{"b":2,"c":9}}', node, context(later=later))) == ["foreign-value"]


NODE = {
    "set": {"/model_id": {"to": "new"}, "/new": {"to": [1]}},
    "rename": {"/tags": "labels"},
    "remove": ["/n"],
}


def test_down_refuses_a_value_that_somebody_changed():
    known = records(examine(DOCUMENT, NODE))
    after = up(DOCUMENT, NODE).replace(b'"new",', b'"mine",')
    finding = put_back(after, known)
    assert places(finding) == [(2, 15, "foreign-value")]
    assert finding.edits == ()


def test_down_of_a_file_that_is_gone_or_broken_says_so():
    known = records(examine(DOCUMENT, NODE))
    assert codes(put_back(None, known)) == ["missing-target"]
    assert codes(put_back(b"{", known)) == ["invalid-json"]


def test_a_site_at_its_old_value_is_done():
    known = records(examine(DOCUMENT, NODE))
    finding = put_back(DOCUMENT, known)
    assert {site.state for site in finding.sites} == {State.DONE}


def test_secrets_are_marked_by_name_and_by_value_at_any_depth():
    data = b'{"auth": {"api_key": "x"}, "v": "sk-abcdefghijklmnop", "plain": "x"}'
    node = {"set": {"/auth": {"to": {}}, "/v": {"to": "y"}, "/plain": {"to": "y"}}}
    finding = examine(data, node)
    assert {site.address: site.secret for site in finding.sites} == {
        "/auth": True,
        "/v": True,
        "/plain": False,
    }
    assert finding.summary == ("/auth changed", "/v changed", '/plain: "x" -> "y"')
