"""Strings by address: three-way states, and words for an address that is wrong."""

import pytest

from keychange.model import OnForeign, Recorded
from support.python_kind import codes, context, edited, examine, records, reverted, states

CODE = 'class A:\n    X = "old"\n\ndef f(a="old"):\n    return "1" if a else "2"\n'
AT = {"at": "A.X", "to": "new"}


def test_one_literal_by_its_address():
    assert edited(CODE, AT) == CODE.replace('X = "old"', 'X = "new"')
    assert edited(CODE, {"at": "f.return/else", "to": "3"}) == CODE.replace('"2"', '"3"')


@pytest.mark.parametrize(
    ("entry", "known", "state"),
    [
        (AT, {}, "pending"),
        ({**AT, "from": "old"}, {}, "pending"),
        ({**AT, "from": "else"}, {}, "foreign"),
        ({**AT, "to": "old"}, {}, "done"),
        (AT, {"later": {"A.X": ("old",)}}, "done"),
        (AT, {"recorded": {"A.X": Recorded("app.py", "python", "A.X", "old", "new")}}, "pending"),
        (AT, {"recorded": {"A.X": Recorded("app.py", "python", "A.X", "x", "new")}}, "foreign"),
    ],
)
def test_the_state_is_three_way(entry, known, state):
    finding = examine(CODE, entry, known=context(**known))
    assert states(finding) == {"A.X": state}
    assert codes(finding) == (["error foreign-value"] if state == "foreign" else [])
    assert bool(finding.edits) == (state == "pending")


def test_a_foreign_value_is_kept_or_replaced_as_declared():
    entry = {**AT, "from": "else"}
    kept = examine(CODE, entry, on_foreign=OnForeign.KEEP)
    assert (codes(kept), kept.edits) == (["note foreign-value"], ())
    assert 'X = "new"' in edited(CODE, entry, on_foreign=OnForeign.REPLACE)


def test_an_unknown_address_names_those_that_are_near():
    finding = examine(CODE, {"at": "A.Y", "to": "new"})
    assert codes(finding) == ["error no-such-address"]
    assert "A.X" in finding.diagnostics[0].hint
    assert finding.diagnostics[0].command == "migrate sites app.py"
    below = examine(CODE, {"at": "f.return", "to": "new"})
    assert "`f.return/then` or `f.return/else`" in below.diagnostics[0].hint


def test_an_address_need_not_be_in_each_of_several_files():
    finding = examine(
        CODE, {"at": "B.Y", "to": "new"}, {"from": "old", "to": "x"}, targets=("app.py", "b.py")
    )
    assert codes(finding) == ["note no-such-address"]


def test_an_ambiguous_address_must_say_which():
    code = 'X = "a"\nX = "b"\n'
    finding = examine(code, {"at": "X", "to": "new"})
    assert codes(finding) == ["error ambiguous-address"]
    assert "X#1, X#2" in finding.diagnostics[0].hint
    assert edited(code, {"at": "X#1", "to": "new"}) == 'X = "new"\nX = "b"\n'
    assert edited(code, {"at": "X#2", "to": "new"}) == 'X = "a"\nX = "new"\n'


def test_by_value_and_by_address_must_not_meet():
    finding = examine(CODE, AT, {"from": "old", "to": "new"})
    assert codes(finding) == ["error overlapping-operations"]


def test_a_literal_that_cannot_hold_the_value_is_refused_by_name():
    finding = examine("x = rf'{a}old'", {"from": "old", "to": "new'"})
    assert codes(finding) == ["error unwritable-literal"]
    assert "x/f[1]" in finding.diagnostics[0].message


def test_what_a_user_wrote_over_a_replaced_string_is_drift():
    recorded = {
        name: Recorded("app.py", "python", name, "old", "new") for name in ("a", "b", "gone")
    }
    move = {"from": "old", "to": "new"}
    finding = examine('a = "new"\nb = "mine"\n', move, known=context(recorded=recorded))
    assert codes(finding) == ["error foreign-value"]
    assert "b holds 'mine'" in finding.diagnostics[0].message


def test_the_way_back_finds_a_literal_wherever_it_stands_now():
    code = b"class A:\n    X = 'o\\x6cd'  # why\n"
    finding = examine(code, AT)
    after = edited(code, AT)
    moved = b"# more\n\n" + after.replace(b"class A:", b"class A:\n    Y = 1")
    assert reverted(after, records(finding)) == code
    assert reverted(moved, records(finding)) == moved.replace(b"'new'", b"'o\\x6cd'")
    restyled = after.replace(b"'new'", b'"new"')
    assert reverted(restyled, records(finding)) == restyled.replace(b"new", b"old")


def test_the_way_back_takes_a_restored_literal_as_done_and_refuses_another():
    finding = examine(CODE, AT)
    assert reverted(CODE.encode(), records(finding)) == CODE.encode()
    with pytest.raises(AssertionError):
        reverted(CODE.replace('X = "old"', 'X = "mine"').encode(), records(finding))


def test_the_way_back_finds_values_below_a_key_that_was_changed():
    code = b'D = {"old": {"old": "old", "k": "old"}}\nE = d["old"] == e["old"]["old"]\n'
    move = {"from": "old", "to": "new", "in": "any"}
    after = edited(code, move)
    assert after == code.replace(b"old", b"new")
    assert reverted(after, records(examine(code, move))) == code


def test_the_way_back_of_f_strings_in_pieces():
    code = b'x = (f"{a} old "\n     "old" f" {b}old")\n'
    move = {"from": "old", "to": "it's new"}
    after = edited(code, move)
    assert after.count(b"it's new") == 2 + 1
    assert reverted(after, records(examine(code, move))) == code
