"""What python-dotenv's ``set_key`` and ``unset_key`` do to files, and keychange does not.

The numbers are those of python-dotenv's issues; the others are from trying it (1.2.4).
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keychange.formats.dotenv.writing import Spelling, UnwritableError
from support.env_kind import errors, examine, up
from support.env_oracles import bash, python_dotenv


def setting(key, to, **more):
    return {"set": {key: {"to": to, **more}}}


def test_a_new_key_is_not_glued_to_a_last_line_without_newline():  # 123, 140
    assert up(b"A=1", setting("B", "2")) == b"A=1\nB=2"


def test_a_key_is_not_written_when_it_cannot_be_read_back():  # 678
    finding = examine(b"A=1\n", setting("B", "${HOME} sweet ${HOME}"))
    assert errors(finding) == ["unwritable-value"]
    assert finding.edits == ()


def test_a_name_that_no_reader_can_hold_is_refused():  # 678
    from keychange.errors import UsageProblem

    for name in ("A B", "A=B", "1A", "A#", "", "A-B", "É"):
        with pytest.raises(UsageProblem):
            examine(b"", setting(name, "1"))


def test_a_commented_key_is_neither_set_nor_lost():  # 657
    before = b"# A=example\nB=1\n#A=other\n"
    assert up(before, setting("A", "2")) == before + b"A=2\n"


@pytest.mark.parametrize("value", ["it's", "a\\'b", "\\", "'", "a'b\"c", "\\n", 'say "hi"', "a\\"])
def test_quotes_and_backslashes_come_back(tmp_path: Path, value):  # 670 and its kin
    after = up(b"export A='x'\nB=1\n", setting("A", value))
    assert bash(after, tmp_path, allexport=False) == {"A": value}
    assert python_dotenv(after, tmp_path) == {"A": value, "B": "1"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"A=1\r\nB=1\r\n", b"A=2\r\nB=1\r\n"),
        (b"export A=1\n", b"export A=2\n"),
        (b"A=1 # why\n", b"A=2 # why\n"),
        (b"A = 1\n", b"A = 2\n"),
        (b"  A=1\n", b"  A=2\n"),
        (b"\xef\xbb\xbfA=1\n", b"\xef\xbb\xbfA=2\n"),
        (b'A="1"\n', b'A="2"\n'),
        (b"A=1\n\n\n", b"A=2\n\n\n"),
        (b"A=1", b"A=2"),
        (b"# caf\xe9\nA=1\n", b"# caf\xe9\nA=2\n"),
        (b"A=0\nA=1\n", b"A=0\nA=2\n"),
        (b"A=1\t\n", b"A=2\t\n"),
        (b"what is this\nA=1\n", b"what is this\nA=2\n"),
    ],
    ids=[
        "crlf", "export", "comment", "spaces", "indent", "bom", "quotes", "blank lines",
        "no last newline", "latin-1", "duplicates", "trailing tab", "unreadable line",
    ],
)  # fmt: skip
def test_set_changes_the_value_alone(before, after):
    assert up(before, setting("A", "2")) == after


def test_unset_leaves_what_stands_around(tmp_path: Path):
    before = b"# first\r\n\r\nA=1\r\nB='x\r\ny' # b\r\n# last"
    assert up(before, {"remove": ["B"]}) == b"# first\r\n\r\nA=1\r\n# last"


def test_unset_removes_every_line_of_a_key_and_no_other():
    assert up(b"A=1\nAB=1\nA=2\nexport A='3'\n", {"remove": ["A"]}) == b"AB=1\n"


def test_no_file_is_made_for_a_removal():  # 480
    assert examine(None, {"remove": ["A"], "rename": {"B": "C"}}).edits == ()


def test_a_reference_in_another_value_stays_a_reference():
    before = b"BASE=/a\nFULL=${BASE}/x\n"
    assert up(before, setting("BASE", "/b")) == b"BASE=/b\nFULL=${BASE}/x\n"


def test_a_dollar_is_written_as_a_dollar(tmp_path: Path):
    after = up(b"A=1\n", setting("A", "pa$$word$X"))
    assert bash(after, tmp_path) == python_dotenv(after, tmp_path) == {"A": "pa$$word$X"}


@given(st.text(max_size=20))
def test_no_value_raises_anything_but_a_refusal(value):
    try:
        line = Spelling("", "=", "").holding(value, "K").line("K")
    except UnwritableError as refusal:
        assert len(value) < 2 or value not in str(refusal)
    else:
        assert line.startswith("K=")
