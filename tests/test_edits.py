import pytest
from hypothesis import given
from hypothesis import strategies as st

from keychange.edits import Edit, OverlapError, apply_edits, inverse
from keychange.spans import LineIndex, Span, newline_of


@st.composite
def data_and_edits(draw):
    data = draw(st.binary(max_size=60))
    points = draw(st.lists(st.integers(0, len(data)), unique=True, max_size=8).map(sorted))
    edits = [
        Edit(Span(start, end), draw(st.binary(max_size=6)))
        for start, end in zip(points[::2], points[1::2], strict=False)
    ]
    return data, draw(st.permutations(edits))


@given(data_and_edits())
def test_the_inverse_brings_every_byte_back(case):
    data, edits = case
    after = apply_edits(data, edits)
    assert apply_edits(after, inverse(data, edits)) == data


@given(data_and_edits())
def test_bytes_outside_the_spans_stay(case):
    data, edits = case
    after, shift = apply_edits(data, edits), 0
    position = 0
    for edit in sorted(edits, key=lambda each: each.span):
        kept = data[position : edit.span.start]
        assert after[position + shift : edit.span.start + shift] == kept
        shift += len(edit.replacement) - len(edit.span)
        position = edit.span.end
    assert after[position + shift :] == data[position:]


@pytest.mark.parametrize(
    ("first", "second"), [((0, 2), (1, 3)), ((1, 1), (1, 1)), ((1, 1), (1, 2))]
)
def test_overlaps_are_refused(first, second):
    with pytest.raises(OverlapError):
        apply_edits(b"abcd", [Edit(Span(*first), b"x"), Edit(Span(*second), b"y")])


def test_an_edit_beyond_the_end_is_refused():
    with pytest.raises(ValueError, match="beyond the end"):
        apply_edits(b"ab", [Edit(Span(1, 3), b"")])


@given(st.text(alphabet="aé\n\r😀", max_size=40))
def test_positions_agree_with_splitting_into_lines(text):
    data = text.encode()
    index = LineIndex(data)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert index.last == len(lines)
    assert [index.text(number) for number in range(1, index.last + 1)] == lines
    for number in range(1, index.last + 1):
        assert index.position(index.start(number)) == (number, 1)


def test_columns_count_characters_and_not_the_byte_order_mark():
    index = LineIndex("\ufeffé = 1\r\nü".encode())
    assert index.position(3) == (1, 1)
    assert index.position(5) == (1, 2)
    assert index.position(11) == (2, 1)


@pytest.mark.parametrize(
    ("data", "newline"),
    [(b"", b"\n"), (b"a\r\nb\n", b"\r\n"), (b"a\nb\r\n", b"\n"), (b"a\rb", b"\r")],
)
def test_newline_of(data, newline):
    assert newline_of(data) == newline
