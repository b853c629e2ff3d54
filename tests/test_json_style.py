"""New JSON text looks as the file around it, and taking text out leaves no trace."""

import pytest

from support.json_kind import down, examine, records, up

ADD = {"set": {"/new": {"to": 1}}}
ADD_NESTED = {"set": {"/new": {"to": {"x": [1, {}]}}}}
APPEND = {"append": {"/a": [3]}}


@pytest.mark.parametrize(
    ("before", "node", "after"),
    [
        # The gap before the last sibling is the gap before the new one.
        ('{\n  "a": 1\n}', ADD, '{\n  "a": 1,\n  "new": 1\n}'),
        ('{\n\t"a" : 1\n}\n', ADD, '{\n\t"a" : 1,\n\t"new" : 1\n}\n'),
        ('{\r\n    "a": 1\r\n}\r\n', ADD, '{\r\n    "a": 1,\r\n    "new": 1\r\n}\r\n'),
        ('{"a": 1}', ADD, '{"a": 1, "new": 1}'),
        ('{"a":1}', ADD, '{"a":1,"new":1}'),
        ('{"a":1, "b":2}', ADD, '{"a":1, "b":2, "new":1}'),
        ('{ "a": 1 }', ADD, '{ "a": 1, "new": 1 }'),
        ('{"a": 1,\n "b": 2}', ADD, '{"a": 1,\n "b": 2,\n "new": 1}'),
        ('{ "a": 1\n, "b": 2\n}', ADD, '{ "a": 1\n, "b": 2\n, "new": 1\n}'),
        ('{\n  "a": 1,\n\n  "b": 2\n}', ADD, '{\n  "a": 1,\n\n  "b": 2,\n  "new": 1\n}'),
        ('{\n"a": 1\n}', ADD, '{\n"a": 1,\n"new": 1\n}'),
        # Containers take the indentation of the document, or its one line.
        (
            '{\n  "a": 1\n}',
            ADD_NESTED,
            '{\n  "a": 1,\n  "new": {\n    "x": [\n      1,\n      {}\n    ]\n  }\n}',
        ),
        (
            '{\r\n\t"a":1\r\n}',
            {"set": {"/a": {"to": [1]}}},
            '{\r\n\t"a":[\r\n\t\t1\r\n\t]\r\n}',
        ),
        ('{"a":1}', ADD_NESTED, '{"a":1,"new":{"x":[1,{}]}}'),
        ('{"a": 1}', ADD_NESTED, '{"a": 1, "new": {"x": [1, {}]}}'),
        ('{\n  "a": [1]\n}', {"set": {"/a": {"to": [2, 3]}}}, '{\n  "a": [2, 3]\n}'),
        ('{\n  "a": []\n}', {"set": {"/a": {"to": [2]}}}, '{\n  "a": [\n    2\n  ]\n}'),
        # Empty containers open.
        ("{}", ADD, '{\n  "new": 1\n}'),
        ("{}\n", ADD, '{\n  "new": 1\n}\n'),
        ("[]", {"append": {"": [1]}}, "[\n  1\n]"),
        ('{"a":{}}', {"set": {"/a/b": {"to": 1}}}, '{"a":{"b":1}}'),
        ('{ "a": {} }', {"set": {"/a/b": {"to": 1}}}, '{ "a": { "b": 1 } }'),
        (
            '{\n    "a": {}\n}',
            {"set": {"/a/b": {"to": 1}}},
            '{\n    "a": {\n        "b": 1\n    }\n}',
        ),
        ('{\n  "a": [{}]\n}', {"set": {"/a/0/b": {"to": 1}}}, '{\n  "a": [{"b": 1}]\n}'),
        ('{\n  "a": { }\n}', {"set": {"/a/b": {"to": 1}}}, '{\n  "a": {\n    "b": 1\n  }\n}'),
        # Arrays.
        ('{"a": [1, 2]}', APPEND, '{"a": [1, 2, 3]}'),
        ('{"a": [1]}', APPEND, '{"a": [1, 3]}'),
        ('{"a":[1]}', APPEND, '{"a":[1,3]}'),
        ('{\n "a": [\n  1\n ]\n}', APPEND, '{\n "a": [\n  1,\n  3\n ]\n}'),
        # Escapes as the file has them.
        ('{"a": "\\u00e9"}', {"set": {"/a": {"to": "ü"}}}, '{"a": "\\u00fc"}'),
        ('{"a": "é"}', {"set": {"/a": {"to": "ü"}}}, '{"a": "ü"}'),
        ('{"a": "\\u0041 é"}', {"set": {"/a": {"to": "ü"}}}, '{"a": "ü"}'),
        ('{"a": 1}', {"set": {"/a": {"to": "ü\ud800"}}}, '{"a": "ü\\ud800"}'),
        ('{"a": 1}', {"rename": {"/a": "ü/~"}}, '{"ü/~": 1}'),
        ('{"a": 1, "b": 2}', {"rename": {"/a": ""}}, '{"": 1, "b": 2}'),
        # Removal.
        ('{\n  "a": 1,\n  "b": 2\n}', {"remove": ["/a"]}, '{\n  "b": 2\n}'),
        ('{\n  "a": 1,\n  "b": 2\n}', {"remove": ["/b"]}, '{\n  "a": 1\n}'),
        ('{\n  "a": 1,\n  "b": 2\n}', {"remove": ["/a", "/b"]}, "{}"),
        ('{"a": 1, "b": 2, "c": 3}', {"remove": ["/b"]}, '{"a": 1, "c": 3}'),
        (
            '{"a": [1, 2, 3, 4]}',
            {"remove_items": {"/a": {"where": {"": {"in": [1, 3, 4]}}}}},
            '{"a": [2]}',
        ),
        (
            '[\n  {"id": 1},\n  {"id": 2}\n]',
            {"remove_items": {"": {"where": {"/id": {"not": 2}}}}},
            '[\n  {"id": 2}\n]',
        ),
        # A moved value is re-indented, and otherwise as it was.
        (
            '{\n  "a": {\n    "b": {\n      "c": 1.0\n    }\n  }\n}',
            {"move": {"/a/b": "/d"}},
            '{\n  "a": {},\n  "d": {\n    "c": 1.0\n  }\n}',
        ),
        ('{"a": {"b": "\\u0041"}, "c": {}}', {"move": {"/a/b": "/c/b"}}, None),
        # A byte order mark stays where it is.
        ('\ufeff{"a": 1}', ADD, '\ufeff{"a": 1, "new": 1}'),
        ("\ufeff{}", ADD, '\ufeff{\n  "new": 1\n}'),
    ],
)
def test_new_text_has_the_style_of_the_file(before, node, after):
    after = '{"a": {}, "c": {"b": "\\u0041"}}' if after is None else after
    assert up(before.encode(), node).decode() == after
    assert down(after.encode(), records(examine(before.encode(), node))).decode() == before


@pytest.mark.parametrize(
    ("before", "node", "after"),
    [
        ('{\n  "a": 1, // one\n}', ADD, '{\n  "a": 1, // one\n  "new": 1,\n}'),
        ('{\n  "a": 1 // one\n}', ADD, '{\n  "a": 1, // one\n  "new": 1\n}'),
        ('{\n  "a": 1 /* one */\n}', ADD, '{\n  "a": 1, /* one */\n  "new": 1\n}'),
        ('{"a": 1 /* one */}', ADD, '{"a": 1, /* one */ "new": 1}'),
        ('{"a": 1,}', ADD, '{"a": 1, "new": 1,}'),
        ('{"a": [1, 2,]}', APPEND, '{"a": [1, 2, 3,]}'),
        ("{\n  // none yet\n}", ADD, '{\n  // none yet\n  "new": 1\n}'),
        ("// head\n{}\n// tail", ADD, '// head\n{\n  "new": 1\n}\n// tail'),
        ('{\n  "a": 1\n  // later\n}', ADD, '{\n  "a": 1,\n  "new": 1\n  // later\n}'),
        (
            '{\n  "a": 1, // one\n  "b": 2 // two\n}',
            {"remove": ["/b"]},
            '{\n  "a": 1 // one\n}',
        ),
        (
            '{\n  "a": 1, // one\n  "b": 2, // two\n}',
            {"remove": ["/b"]},
            '{\n  "a": 1, // one\n}',
        ),
        (
            '{\n  "a": 1, // one\n  "b": 2 // two\n}',
            {"remove": ["/a"]},
            '{\n  "b": 2 // two\n}',
        ),
        (
            '{\n  /* about b */\n  "b": 2,\n  "c": 3\n}',
            {"remove": ["/b"]},
            '{\n  /* about b */\n  "c": 3\n}',
        ),
        (
            '{\n  "u": "http://x", // "a": 1\n  "a": "/* no */"\n}',
            {"set": {"/a": {"to": 1}}},
            '{\n  "u": "http://x", // "a": 1\n  "a": 1\n}',
        ),
    ],
)
def test_comments_and_trailing_commas_stay(before, node, after):
    node = {"syntax": "jsonc", **node}
    assert up(before.encode(), node).decode() == after
    assert down(after.encode(), records(examine(before.encode(), node))).decode() == before


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[,]", "where a value"),
        (b"[1,,]", "`,` where a value"),
        (b"{,}", "where a member name"),
        (b'{"a":,}', "where a value"),
        (b"[1] /* open", "a comment has no end"),
        (b"[1] /*/", "a comment has no end"),
        (b"[1/**/2]", "`2` where"),
        (b"# no", "`#` where a value"),
        (b"// only", "the file is empty"),
    ],
)
def test_jsonc_is_strict_about_the_rest(data, reason):
    (found,) = examine(data, {"syntax": "jsonc", **ADD}).diagnostics
    assert found.code == "invalid-json"
    assert reason in found.message


BEFORE = '{\n  "a": 1,\n  "b": 2,\n  "list": [1, 2, 3],\n  "c": 3\n}\n'
CHANGE = {
    "remove": ["/b"],
    "rename": {"/a": "z"},
    "set": {"/new": {"to": True}},
    "remove_items": {"/list": {"where": {"": 2}}},
    "append": {"/list": [9]},
}


@pytest.mark.parametrize(
    ("old", "new", "back"),
    [
        # What the user did since stays; what was taken out finds its place by its neighbours.
        ('"c": 3', '"c": 33', BEFORE.replace('"c": 3', '"c": 33')),
        ('"new": true', '"new": true,\n  "mine": 0', BEFORE.replace("3\n}", '3,\n  "mine": 0\n}')),
        ('"z": 1', '"z": 100', BEFORE.replace('"a": 1', '"a": 100')),
        ("[1, 3, 9]", "[1, 3, 9, 10]", BEFORE.replace("2, 3]", "2, 3, 10]")),
        ("[1, 3, 9]", "[1, 3]", BEFORE),
        ("[1, 3, 9]", "[9]", BEFORE.replace("[1, 2, 3]", "[\n    2\n  ]")),
        ("[1, 3, 9]", "[3, 1, 2, 9]", BEFORE.replace("[1, 2, 3]", "[3, 1, 2]")),
    ],
)
def test_down_keeps_what_was_edited_since(old, new, back):
    known = records(examine(BEFORE.encode(), CHANGE))
    after = up(BEFORE.encode(), CHANGE).decode()
    assert old in after
    assert down(after.replace(old, new).encode(), known).decode() == back


def test_down_after_a_reformat_writes_in_the_new_style():
    known = records(examine(BEFORE.encode(), CHANGE))
    reformatted = '{"z":1,"list":[1,3,9],"c":3,"new":true}'
    assert down(reformatted.encode(), known).decode() == '{"a":1,"b": 2,"list":[1,2,3],"c":3}'


@pytest.mark.parametrize(
    ("now", "back"),
    [
        ("[1, 3, 5]", "[1, 2, 3, 4, 5, 6]"),
        ("[1]", "[1, 2, 4, 6]"),
        ("[]", "[2, 4, 6]"),
        ("[\n]", "[2, 4, 6]"),
        ("[0, 1, 3, 5]", "[0, 2, 1, 4, 3, 6, 5]"),
        ("[1, 3, 5, 7]", "[1, 2, 3, 4, 5, 6, 7]"),
    ],
)
def test_elements_come_back_also_into_an_array_that_has_changed(now, back):
    before = b'{"a": [1, 2, 3, 4, 5, 6]}'
    node = {"remove_items": {"/a": {"where": {"": {"in": [2, 4, 6]}}}}}
    known = records(examine(before, node))
    assert up(before, node) == b'{"a": [1, 3, 5]}'
    assert down(f'{{"a": {now}}}'.encode(), known).decode() == f'{{"a": {back}}}'
