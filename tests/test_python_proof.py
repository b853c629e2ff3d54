"""The proof refuses every edit that changes more than it names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keychange.formats.python.encoding import InvalidPython
from keychange.formats.python.proof import Change, Disproved, prove
from keychange.formats.python.source import parse

CODE = b'''\
# coding: utf-8
class A:
    """Doc."""

    X = "old"  # why

    def f(self, a="old"):
        return f"{a} old" if a else ["old", 1]
'''
START = CODE.index(b'"old"')
CHANGE = Change(START, START + 5, '"new"', {None: "new"})
EDITED = CODE[:START] + b'"new"' + CODE[START + 5 :]


def test_the_edit_that_is_named_is_proved():
    prove(parse(CODE), EDITED, [CHANGE])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('"nex"', "does not hold its new value"),
        ('b"ne"', "became something else"),
        ("12345", "became something else"),
        ("[1, 2]", "Constant became List"),
        ('"new" + ""', "Constant became BinOp"),
        ('"new",', "Constant became Tuple"),
        ('"new"; y = 1', "a different number of elements"),
        ('"new"  #', "token|ends"),
        ('("new")', "other ends|hit no literal"),
        ("'ne", "does not parse"),
    ],
)
def test_a_literal_that_becomes_something_else_is_named(text, reason):
    change = Change(START, START + 5, text, {None: "new"})
    data = CODE[:START] + text.encode() + CODE[START + 5 :]
    with pytest.raises(Disproved, match=reason):
        prove(parse(CODE), data, [change])


def test_an_edit_that_goes_on_into_what_follows_is_refused():
    code = b'x = "old"\n# """\n'
    edited = code.replace(b'"old"', b'"""new')
    with pytest.raises(Disproved, match="beyond its statement"):
        prove(parse(code), edited, [Change(4, 9, '"""new', {None: "new"})])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"why", b"who", "outside"),
        (b"1]", b"2]", "outside"),
        (b"Doc", b"Dok", "outside"),
        (b"coding: utf-8", b"coding: ascii", "encoding"),
        (b"    X", b"        X", "parse"),
        (b"1]\n", b"1]\n\n", "outside"),
    ],
)
def test_any_other_difference_is_named(old, new, reason):
    with pytest.raises(Disproved, match=reason):
        prove(parse(CODE), EDITED.replace(old, new, 1), [CHANGE])


@pytest.mark.parametrize(
    "code",
    [
        'a = 1; x = "old"; b = 2',
        'x = "old"; """\n"""; b = 2\n',
        'x = """\n"""; y = "old"\n',
        '\\\nx = "old"\n',
        '\fx = "old"\n',
        'if a:\n    pass\nelse: x = "old"\ny = 1\n',
        'a = 1\nb = 2\nx = "old"  # coding: ascii, naïve\n',
        '@d(\n  "old"\n)\nclass A:\n  x = 1\r\ny = 2\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_what_stands_around_a_statement_does_not_matter(code, encoding):
    data = f"# coding: {encoding}\n{code}".encode(encoding)
    source = parse(data)
    start = source.text.index(b'"old"')
    change = Change(start, start + 5, "'newer'", {None: "newer"})
    edited = data.replace(b'"old"', b"'newer'")
    prove(source, edited, [change])
    for old, new in ((b"newer", b"never"), (b"1", b"2"), (b"'newer'", b"'newer' ''")):
        if old in edited:
            with pytest.raises(Disproved):
                prove(source, edited.replace(old, new), [change])


def test_an_edit_that_hits_no_literal_is_refused():
    at = CODE.index(b"class")
    with pytest.raises(Disproved):
        prove(parse(CODE), CODE, [Change(at, at + 5, "class", {None: "class"})])


def test_a_comment_inside_a_concatenation_must_stay():
    code = b'x = ("a"  # why\n     "b")\n'
    end = code.index(b")")
    change = Change(5, end, '"c"', {None: "c"})
    with pytest.raises(Disproved, match="COMMENT"):
        prove(parse(code), b'x = ("c")\n', [change])


def test_a_file_that_never_compiled_is_not_our_fault():
    code = b'x = "old"\nreturn\n'
    with pytest.raises(InvalidPython, match="'return' outside function") as caught:
        prove(parse(code), code.replace(b"old", b"new"), [Change(4, 9, '"new"', {None: "new"})])
    assert caught.value.line == 2


@given(st.integers(0, len(EDITED) - 1), st.binary(min_size=1, max_size=1))
def test_no_changed_byte_goes_unseen(place, byte):
    mutant = EDITED[:place] + byte + EDITED[place + 1 :]
    if mutant != EDITED:
        with pytest.raises(Disproved):
            prove(parse(CODE), mutant, [CHANGE])
