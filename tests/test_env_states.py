"""States by value, three-way, and what is taken back when a file was edited since."""

import pytest

from keychange.edits import apply_edits
from keychange.errors import UsageProblem
from keychange.model import ABSENT, Context, Recorded
from support.env_kind import (
    ENV,
    codes,
    context,
    down,
    errors,
    examine,
    operation,
    states,
)

NODE = {"set": {"MODEL": {"from": ["old", "older"], "to": "new"}}}


def recorded(key, before, after):
    return {key: Recorded(".env", "env", key, before, after)}


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (b"", "pending"),
        (b"MODEL=old\n", "pending"),
        (b"MODEL='older'\n", "pending"),
        (b"MODEL=new\n", "done"),
        (b'export MODEL="new" # x\n', "done"),
        (b"MODEL=mine\n", "foreign"),
        (b"MODEL=\n", "foreign"),
        (b"MODEL=old\nMODEL=new\n", "done"),
        (b"MODEL=new\nMODEL=old\n", "pending"),
        (b"#MODEL=mine\n", "pending"),
    ],
)
def test_state_with_old_values(data, state):
    assert states(examine(data, NODE)) == {"MODEL": state}


def test_without_an_old_value_any_other_is_old():
    node = {"set": {"A": {"to": "2"}}}
    assert states(examine(b"A=anything\n", node)) == {"A": "pending"}


@pytest.mark.parametrize(
    ("value", "state"), [("1", "pending"), ("2", "done"), ("3", "foreign"), (None, "pending")]
)
def test_what_the_ledger_remembers_makes_another_value_foreign(value, state):
    data = b"" if value is None else f"A={value}\n".encode()
    within = context(recorded("A", "1", "2"))
    assert states(examine(data, {"set": {"A": {"to": "2"}}}, within=within)) == {"A": state}


@pytest.mark.parametrize(("data", "left"), [(b"A=3\n", "3"), (b"", ABSENT)])
def test_what_a_later_migration_leaves_is_done(data, left):
    finding = examine(data, {"set": {"A": {"from": "1", "to": "2"}}}, within=context(A=(left,)))
    assert states(finding) == {"A": "done"}
    assert finding.edits == ()


@pytest.mark.parametrize(
    ("later", "data", "state"),
    [
        ([{"rename": {"A": "B"}}], b"", "pending"),
        ([{"rename": {"A": "B"}}], b"B=2\n", "done"),
        ([{"rename": {"A": "B"}}, {"rename": {"B": "C"}}], b"", "pending"),
        ([{"rename": {"A": "B"}}, {"rename": {"B": "C"}}], b"C=2\n", "done"),
        ([{"rename": {"A": "B"}}, {"rename": {"B": "A"}}], b"", "pending"),
        ([{"rename": {"A": "B"}}, {"remove": ["B"]}], b"", "done"),
    ],
)
def test_a_key_renamed_later_is_done_only_where_it_has_arrived(later, data, state):
    left: dict[str, tuple] = {}
    for node in later:
        for address, value in ENV.outcomes(operation(node), context()).items():
            left[address] = (*left.get(address, ()), value)
    finding = examine(data, {"set": {"A": {"to": "2"}}}, within=context(**left))
    assert states(finding) == {"A": state}


def test_a_removed_key_that_came_back_with_another_value_is_foreign():
    within = context(recorded("A", "1", ABSENT))
    node = {"remove": ["A"]}
    assert states(examine(b"A=1\n", node, within=within)) == {"A": "pending"}
    assert states(examine(b"A=2\n", node, within=within)) == {"A": "foreign"}
    assert states(examine(b"A=2\n", node)) == {"A": "pending"}


def test_foreign_values_fail_stay_or_go():
    data = b"MODEL=mine\n"
    assert errors(examine(data, NODE)) == ["foreign-value"]
    kept = examine(data, NODE, "keep")
    assert codes(kept) == ["foreign-value"]
    assert kept.edits == ()
    replaced = examine(data, NODE, "replace")
    assert apply_edits(data, replaced.edits) == b"MODEL=new\n"


def test_export_alone_is_a_change_that_comes_back():
    data = b"A=1\nB=2\n"
    finding = examine(data, {"export": True, "set": {"A": {"to": "1"}}})
    assert states(finding) == {"A": "pending"}
    after = apply_edits(data, finding.edits)
    assert after == b"export A=1\nB=2\n"
    assert apply_edits(after, down(after, finding).edits) == data


@pytest.mark.parametrize("data", [b"set -a\nA=1\n", b"export A\nA=1\n", b"export A=0\nA=1\n"])
def test_what_bash_exports_already_needs_no_export(data):
    assert examine(data, {"set": {"A": {"to": "1", "export": True}}}).edits == ()


def test_the_sites_of_secrets_are_marked():
    finding = examine(b"", {"set": {"HF_TOKEN": {"to": "x"}, "A": {"to": "sk-abcdefgh12345678"}}})
    assert [each.secret for each in finding.sites] == [True, True]


def test_what_the_operation_leaves_is_known_without_the_file():
    known = operation(
        {"set": {"A": {"from": "0", "to": "1"}}, "remove": ["B"], "rename": {"C": "D"}}
    )
    within = Context(revision="0001", expand=lambda value: value)
    left = {"A": "1", "B": ABSENT, "C": ABSENT, "C>D": ABSENT}
    assert ENV.outcomes(known, within) == left
    assert ENV.old_values(known, within) == {"0"}
    assert ENV.new_values(known, within) == {"1"}


def test_a_secret_is_no_old_value_to_look_for():
    known = operation({"set": {"API_KEY": {"from": "hunter2", "to": "1"}}})
    assert ENV.old_values(known, Context(revision="0001", expand=lambda value: value)) == set()


@pytest.mark.parametrize(
    "node",
    [
        {"set": {"A": {"to": "1"}}, "remove": ["A"]},
        {"set": {"A": {"to": "1"}}, "rename": {"A": "B"}},
        {"rename": {"A": "C", "B": "C"}},
        {"rename": {"A": "B"}, "remove": ["B"]},
        {"rename": {"A": "B", "B": "C"}},
    ],
)
def test_a_key_is_governed_once(node):
    with pytest.raises(UsageProblem) as problem:
        operation(node)
    assert problem.value.diagnostics[0].code == "governed-twice"


# ---------------------------------------------------------------- down, when edited since


def changed(data, node):
    finding = examine(data, node)
    return finding, apply_edits(data, finding.edits)


def test_down_keeps_the_quotes_and_comments_that_the_user_gave_the_new_value():
    finding, after = changed(b"A='1'\n", {"set": {"A": {"to": "2"}}})
    assert after == b"A='2'\n"
    edited = b'# mine\nexport A="2" # two\n'
    back = down(edited, finding)
    assert apply_edits(edited, back.edits) == b"# mine\nexport A='1' # two\n"


@pytest.mark.parametrize(
    ("before", "node", "edited"),
    [
        (b"A=1\n", {"set": {"A": {"to": "2"}}}, b"A=3\n"),
        (b"A=1\n", {"set": {"A": {"to": "2"}}}, b""),
        (b"", {"set": {"A": {"to": "2"}}}, b"A=3\n"),
        (b"A=1\n", {"remove": ["A"]}, b"A=3\n"),
        (b"A=1\n", {"rename": {"A": "B"}}, b"A=1\nB=1\n"),
        (b"A=1\n", {"rename": {"A": "B"}}, b""),
    ],
)
def test_down_does_not_touch_what_is_no_longer_ours(before, node, edited):
    finding, _ = changed(before, node)
    back = down(edited, finding)
    assert errors(back) == ["foreign-value"]
    assert back.edits == ()


@pytest.mark.parametrize(
    ("before", "node"),
    [
        (b"A=1\n", {"set": {"A": {"to": "2"}}}),
        (b"", {"set": {"A": {"to": "2"}}}),
        (b"A=1\n", {"remove": ["A"]}),
        (b"A=1\n", {"rename": {"A": "B"}}),
    ],
)
def test_down_is_done_where_the_old_value_is_back(before, node):
    finding, _ = changed(before, node)
    back = down(b"# mine\n" + before, finding)
    assert set(states(back).values()) == {"done"}
    assert back.edits == ()


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        (b"X=1\n", b"Y=2\nFOO=a\nFOO=b\nZ=3\n"),
        (b"Y=2\n", b"X=1\nFOO=a\nZ=3\nFOO=b\n"),
    ],
)
def test_of_a_key_that_stood_there_twice_the_last_one_stays_the_last(gone, expected):
    before = b"X=1\nFOO=a\nY=2\nFOO=b\nZ=3\n"
    finding = examine(before, {"remove": ["FOO"]})
    edited = apply_edits(before, finding.edits).replace(gone, b"")
    assert apply_edits(edited, down(edited, finding).edits) == expected


def test_removed_lines_come_back_below_the_key_that_they_followed():
    before = b"A=1\n# about B\nB=1\n\nC=1\nD=1\n"
    finding, after = changed(before, {"remove": ["C", "B"]})
    assert after == b"A=1\n# about B\n\nD=1\n"
    edited = b"Z=1\n" + after + b"E=1\n"
    back = apply_edits(edited, down(edited, finding).edits)
    assert back == b"Z=1\n" + before + b"E=1\n"
