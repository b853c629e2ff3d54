"""The reader of JSON: what `json` accepts, where everything is, and why the rest is refused."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keychange.formats.json.pointer import join, lookup, split
from keychange.formats.json.problem import InvalidJsonError
from keychange.formats.json.refusal import find_problem
from keychange.formats.json.text import read
from keychange.model import ABSENT, same
from support.json_texts import json_files, strictly

FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *'{}[]:,"\\ \n/*-+.0123eE',
            "true",
            "null",
            "NaN",
            "Infinity",
            '"a"',
            '"a":',
            "\\u00e9",
            "é",
        ]
    ),
    max_size=12,
).map("".join)


def places(document, entry, pointer=""):
    """Every pointer of a document with its entry, by the spans alone."""
    yield pointer, entry
    container = document.container(entry)
    for at, each in enumerate(container.entries if container else ()):
        name = each.name if container.is_object else str(at)
        yield from places(document, each, join([*split(pointer), name]))


@settings(deadline=None)
@given(json_files())
def test_reads_what_json_reads_and_knows_where_it_is(file):
    value, data = file
    document = read(data)
    assert same(document.value, value)
    for pointer, entry in places(document, document.root):
        assert same(json.loads(document.raw(entry.span)), lookup(value, split(pointer)))
        if entry.key_end != entry.value:
            assert json.loads(document.raw(entry.key)) == split(pointer)[-1]


def accepted(data):
    try:
        read(data)
    except InvalidJsonError as failure:
        problem = failure.problem
        assert 0 <= problem.start <= problem.end <= len(data)
        assert problem.reason
        return False
    return True


def valid(text):
    try:
        strictly(text)
    except ValueError:
        return False
    return True


@given(FRAGMENTS)
@example('{"a":1,"a":2}')
@example('{"a":1,"\\u0061":2}')
@example('"\\ud800"')
@example('"\\')
@example("-")
@example("1.")
@example("[1,]")
@example("{,}")
@example("1e999")
@example("\t")
@settings(max_examples=400, deadline=None)
def test_accepts_what_json_accepts_but_for_doubles_and_nan(text):
    assert accepted(text.encode()) == valid(text)


@given(json_files(), st.data())
@settings(max_examples=200, deadline=None)
def test_one_wrong_byte_is_refused_where_json_refuses(file, data):
    _, before = file
    text = before.decode().removeprefix("\ufeff")
    at = data.draw(st.integers(0, len(text)))
    middle = data.draw(st.sampled_from(["", ",", "}", "]", '"', "\\", "\x01", "0", ":", "t", "é"]))
    broken = text[:at] + middle + text[at + data.draw(st.integers(0, 1)) :]
    assert accepted(broken.encode()) == valid(broken)


@settings(deadline=None)
@given(json_files())
def test_the_reader_that_explains_accepts_what_is_valid(file):
    text = file[1].removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    assert "levels deep" in find_problem(text, 0).reason


@pytest.mark.parametrize(
    ("data", "line", "column", "reason"),
    [
        (b"", 1, 1, "empty"),
        (b" \n ", 1, 1, "empty"),
        (b"\xef\xbb\xbf", 1, 1, "empty"),
        (b'{\n  "a": 1,\n}', 2, 9, "a comma before `}`"),
        (b"[1,\n]", 1, 3, "a comma before `]`"),
        (b'{"a": NaN}', 1, 7, "`NaN` is no value of JSON"),
        (b"[-Infinity]", 1, 2, "`-Infinity` is no value of JSON"),
        (b'{"a": "x\ty"}', 1, 9, "control character, U+0009"),
        (b'{"a": "x\ny"}', 1, 7, "without its closing quote"),
        (b'["\\x41"]', 1, 3, "no escape of JSON"),
        (b'["\\u00g0"]', 1, 3, "no escape of JSON"),
        (b'{"a": "x', 1, 7, "ends inside this string"),
        (b'{"a": [1, 2', 1, 7, "ends before the `]`"),
        (b'{"a":', 1, 1, "ends before the `}`"),
        (b'{"a": 1} x', 1, 10, "more text after the document"),
        (b'{"a": 1}\n// c', 2, 1, "a comment"),
        (b'{"a": 1 /* c */}', 1, 9, "a comment"),
        (b"{'a': 1}", 1, 2, "single quotes"),
        (b"{a: 1}", 1, 2, "`a` where a member name"),
        (b'{"a" 1}', 1, 6, "`:` after the member name"),
        (b'{"a": 1 "b": 2}', 1, 9, "`,` or `}`"),
        (b"[1 2]", 1, 4, "`,` or `]`"),
        (b"[01]", 1, 2, "a number as JSON does not write it"),
        (b"[+1]", 1, 2, "a number as JSON does not write it"),
        (b"[.5]", 1, 2, "a number as JSON does not write it"),
        (b"[True]", 1, 2, "`True` where a value"),
        (b'["\xe9"]', 1, 3, "byte 0xe9 is not UTF-8"),
        (b"\xff\xfe{\x00}\x00", 1, 1, "byte 0xff is not UTF-8"),
        (b"[" + b"1" * 5000 + b"]", 1, 2, "more than 4300 digits"),
    ],
)
def test_says_why_and_where(data, line, column, reason):
    from support.json_kind import examine

    (found,) = examine(data, {"set": {"/a": {"to": 1}}}).diagnostics
    assert (found.code, found.location.line, found.location.column) == (
        "invalid-json",
        line,
        column,
    )
    assert reason in found.message


def test_a_repeated_member_is_refused_with_both_places():
    data = b'{\n  "x": {"a": 1,\n\n"b": 2, "\\u0061": 3}\n}'
    with pytest.raises(InvalidJsonError) as failure:
        read(data)
    problem = failure.value.problem
    assert problem.code == "duplicate-member"
    assert data[problem.other :].startswith(b'"a"')
    assert data[problem.start :].startswith(b'"\\u0061"')


def test_no_message_repeats_a_value():
    secret = "hunter2hunter2hunter2"
    for text in (f"{{'key': '{secret}'}}", f'{{"key": {secret}}}', f'{{"key": "{secret}\n"}}'):
        with pytest.raises(InvalidJsonError) as failure:
            read(text.encode())
        assert secret not in failure.value.problem.reason


@pytest.mark.parametrize("depth", [3_000, 10_000, 200_000])
@pytest.mark.parametrize("ending", ["", "]"])
def test_nesting_without_end_is_read_or_is_an_error_with_a_place(depth, ending):
    # How deep Python's own scanner goes depends on its version and on the machine's stack.
    from support.json_kind import examine

    data = b"[" * depth + ending.encode() * depth
    finding = examine(data, {"append": {"": [1]}})
    if finding.diagnostics or not ending:
        (found,) = finding.diagnostics
        assert (found.code, found.location.column) == ("invalid-json", depth)
    else:
        assert len(finding.edits) == 1


def test_a_document_of_a_hundred_levels_is_edited():
    from support.json_kind import up

    before = b'{"a":' * 100 + b"1" + b"}" * 100
    after = up(before, {"set": {"/a" * 100: {"to": 2}}})
    assert after == before.replace(b"1", b"2")


@pytest.mark.parametrize("text", ["1.0", "1e5", "1E+5", "-0", "123456789012345678901234567890"])
def test_numbers_elsewhere_keep_their_spelling(text):
    from support.json_kind import up

    before = f'{{"n": {text}, "a": 1}}'.encode()
    assert up(before, {"set": {"/a": {"to": 2}}}) == before.replace(b'"a": 1', b'"a": 2')


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", {"": 0, "a/b": 1, "m~n": 8, "foo": ["bar", "baz"], " ": 7}),
        ("/", 0),
        ("/a~1b", 1),
        ("/m~0n", 8),
        ("/ ", 7),
        ("/foo/0", "bar"),
        ("/foo/1", "baz"),
        ("/foo/2", ABSENT),
        ("/foo/01", ABSENT),
        ("/foo/-", ABSENT),
        ("/foo/-1", ABSENT),
        ("/foo/0/x", ABSENT),
        ("/foo/" + "9" * 40, ABSENT),
    ],
)
def test_pointers_are_those_of_rfc_6901(pointer, value):
    document = {"": 0, "a/b": 1, "m~n": 8, "foo": ["bar", "baz"], " ": 7}
    assert lookup(document, split(pointer)) == value
    assert join(split(pointer)) == pointer


@pytest.mark.parametrize("pointer", ["a", "a/b", "/~2", "/~", "#/a"])
def test_what_is_no_pointer_is_refused(pointer):
    with pytest.raises(ValueError, match="JSON pointer"):
        split(pointer)
