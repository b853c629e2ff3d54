"""A large document without what nobody asks for: the same edits as from the whole."""

import json
from contextlib import ExitStack
from unittest.mock import patch

from hypothesis import assume, event, given, note, settings
from hypothesis import strategies as st

from keychange.edits import Edit, apply_edits
from keychange.formats.json import abridged, pieces
from keychange.formats.json.abridged import abridge
from keychange.formats.json.pieces import FAILURES, Pieces
from keychange.formats.json.problem import InvalidJsonError
from keychange.formats.json.text import read
from keychange.spans import Span
from support.json_kind import examine, put_back, records, up
from support.json_operations import random_operation
from support.json_texts import NAMES, VALUES, Writer

LAWS = settings(deadline=None, max_examples=50)
NODES = st.randoms(use_true_random=False)
WIDE = st.one_of(
    st.dictionaries(st.one_of(NAMES, st.text(max_size=3)), VALUES, min_size=4, max_size=12),
    st.lists(VALUES, min_size=4, max_size=10),
)


@st.composite
def files(draw):
    value = draw(WIDE)
    return value, Writer(draw(NODES)).document(value)


def small(limit=1, window=64):
    """Documents, runs and windows of a few bytes, in place of thousands."""
    stack = ExitStack()
    for module, name, size in (
        (abridged, "LEAST", 0),
        (abridged, "LIMIT", limit),
        (pieces, "WINDOW", window),
    ):
        stack.enter_context(patch.object(module, name, size))
    return stack


@LAWS
@given(st.data(), st.integers(1, 40), st.integers(100, 200))
def test_up_and_down_find_what_they_find_in_the_whole(data, limit, window):
    value, before = data.draw(files())
    node = random_operation(value, data.draw(NODES))
    note(f"{before!r}\n{node}")
    whole = examine(before, node)
    with small(limit, window):
        assert examine(before, node) == whole
        left = abridge(before, [("model_id",), ("a", "b")])
    event(f"{min(len(left.cuts), 3)} cuts")
    after = apply_edits(before, whole.edits)
    is_object = isinstance(read(after).value, dict)
    edited_since = up(after, {"default": {"/another": 1}}) if is_object else after + b" "
    for edited in (after, edited_since):
        expected = put_back(edited, records(whole))
        with small(limit, window):
            assert put_back(edited, records(whole)) == expected


@LAWS
@given(files(), st.integers(0, 200), st.sampled_from('"{}[],:\\x0é\n\x00'), st.integers(8, 80))
def test_what_is_valid_in_pieces_is_valid(made, at, text, window):
    _, data = made
    damaged = data[: at % len(data)] + text.encode() + data[at % len(data) + 1 :]
    try:
        read(damaged)
        valid = True
    except InvalidJsonError:
        valid = False
    event(f"valid: {valid}")
    assert accepted(damaged) is valid  # every one of these is shorter than a window
    with small(window=window):
        assert valid or not accepted(damaged)
        assert valid or not abridge(damaged, [("model_id",)]).cuts


def accepted(data):
    try:
        return Pieces(data).valid()
    except FAILURES:
        return False


@LAWS
@given(files(), st.data())
def test_places_are_those_of_the_whole(made, data):
    value, text = made
    tokens = (data.draw(st.sampled_from([*value])),) if isinstance(value, dict) else ("2",)
    with small():
        left = abridge(text, [tokens])
    assume(left.cuts)
    there, here = read(left.data), read(text)
    assert left.span(there.find(tokens).span) == here.find(tokens).span
    assert left.span(there.root.span) == here.root.span


BIG = json.dumps({"model_id": "old", "rows": [{"id": n} for n in range(99)], "z": 1}).encode()


def test_what_the_whole_does_not_show_is_not_shown():
    with small():
        left = abridge(BIG, [("model_id",)])
        assert len(left.data) < 300
        end = Span(len(left.data), len(left.data))
        assert left.shows((), left.data)
        assert left.shows([Edit(end, b"\n")], left.data + b"\n")
        assert not left.shows([Edit(end, b",")], left.data + b",")
        assert not left.shows([Edit(end, b"\n")], left.data + b" ")


def test_a_member_that_is_there_twice_is_found_where_nobody_looks():
    twice = BIG.replace(b'{"id": 50}', b'{"id": 50, "i\\u0064": 51}')
    with small():
        assert [each.code for each in examine(twice, {"set": {"/z": {"to": 2}}}).diagnostics] == [
            "duplicate-member"
        ]


def test_a_member_is_there_twice_however_it_is_spelled():
    for twice in ('{"é": 1, "\\u00e9": 2}', '{"\\u00e9": 1, "é": 2}', '{"é": 1, "é": 2}'):
        data = BIG.replace(b'{"id": 50}', twice.encode())
        for window in range(20, 80):
            with small(window=window):
                assert not abridge(data, [("z",)]).cuts
                assert not accepted(data)


def test_what_is_cut_does_not_depend_on_what_is_read_at_once():
    inner = {"é": "ü" * 30, "rows": [{"id": n, "text": "é\t"} for n in range(9)]}
    value = {"a": inner, "model_id": "old", "b": [inner, "\u2028" * 40, inner], "c": inner}
    for ascii_only in (True, False):
        data = json.dumps(value, indent=1, ensure_ascii=ascii_only).encode()
        with small(limit=40, window=100_000):
            whole = abridge(data, [("model_id",), ("b", "1")])
        assert whole.cuts
        for window in range(16, 400, 7):
            with small(limit=40, window=window):
                assert abridge(data, [("model_id",), ("b", "1")]) == whole


def test_a_string_longer_than_a_window_is_cut_out():
    data = json.dumps({"model_id": "old", "blob": "é\\" * 999, "z": 1}).encode()
    with small():
        left = abridge(data, [("z",)])
        assert len(left.data) < 300
        assert up(data, {"set": {"/z": {"to": 2}}}) == data.replace(b'"z": 1', b'"z": 2')


def test_a_number_that_goes_on_after_a_window_is_one_number():
    data = json.dumps([1, [-1.5e300, 2.25e-7, 10**30, None, True]] * 3, indent="\t").encode()
    for window in range(8, 120):
        with small(window=window):
            assert Pieces(data).valid()
