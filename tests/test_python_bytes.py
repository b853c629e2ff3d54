"""Whatever a Python file can be: the bytes outside the literal stay, or nothing is written."""

import sys

import pytest

from support.python_kind import codes, edited, examine, records, reverted

MOVE = {"from": "old", "to": "new"}

FILES = {
    "CRLF": b'x = 1\r\ny = "old"\r\n',
    "lone CR": b'x = 1\ry = "old"\rz = 2\r',
    "mixed line ends": b'a = 1\r\nb = 2\nc = """\r\n"""\rx = "old"\n',
    "byte order mark": b'\xef\xbb\xbfx = "old"\n',
    "byte order mark and cookie": b'\xef\xbb\xbf# -*- coding: utf-8 -*-\nx = "old"\n',
    "latin-1 cookie": '# -*- coding: latin-1 -*-\ny = "é"; x = "old"  # ü\n'.encode("latin-1"),
    "cp1252 cookie on line 2": '#!/x\n# vim: fileencoding=cp1252 :\nx="€","old"'.encode("cp1252"),
    "shift_jis cookie": '# coding: shift_jis\ny = "表示"; x = "old"  # 能\n'.encode("shift_jis"),
    "form feed": b'import os\n\x0c\nx = "old"\n\x0c\n',
    "tabs": b'if x:\n\ty = "old"\n\tif z:\n\t\ta = 1\n',
    "no last newline": b'x = "old"',
    "trailing blanks": b'x = "old"   \n\n\n   \n',
    "semicolons": b'a = 1; x = "old"; b = 2\n',
    "one line": b'if a: x = "old"\nelse: pass\n',
    "continuation": b'if a: \\\n  x = "old"\n',
    "columns beyond ASCII": 'd = {"é漢🎙": 1, "k": "old"}; e = "old"\n'.encode(),
    "odd spaces": b"x   =( 'old' )  ;y=1\ntry: pass\nexcept E  : x = 'old'\n",
    "decorated": b'@a(b)\n@route("old")\nclass A:\n    x = 1\n',
    "after a string of many lines": b'a = """x\ny"""; x = "old"\n',
    "after a string of many lines beyond ASCII": 'a = """é漢\né🎙"""; x = "old"\n'.encode(),
    "wide decorators": b'@a(\n  "old",\n)\nasync def f(\n  b="old",\n): pass\n',
}


@pytest.mark.parametrize("code", FILES.values(), ids=FILES)
def test_only_the_literal_changes_and_all_comes_back(code):
    finding = examine(code, MOVE)
    after = edited(code, MOVE)
    assert after == code.replace(b"old", b"new")
    assert finding.proof.endswith("0 other tokens")
    assert reverted(after, records(finding)) == code


def test_what_the_encoding_cannot_hold_is_escaped():
    code = '# coding: latin-1\nx = "é old"\n'.encode("latin-1")
    after = edited(code, {"at": "x", "to": "é 漢"})
    assert after == '# coding: latin-1\nx = "é \\u6f22"\n'.encode("latin-1")


def test_a_line_break_takes_the_line_end_of_the_file():
    assert edited(b'x = """old"""\r\n', {"at": "x", "to": "a\nb"}) == b'x = """a\r\nb"""\r\n'


def test_a_piece_after_one_of_many_lines_beyond_ascii():
    code = 'a = """é漢\né🎙""" \'old\'\n'
    assert edited(code, {"at": "a", "to": "é漢\né🎙new"}) == code.replace("old", "new")


NOT_PYTHON = {
    "syntax": (b'x = "old\n', 1),
    "later syntax": (b'y = 1\nx = = "old"\n', 2),
    "Python 2": (b'print "old"\n', 1),
    "null byte": (b'y = 1\nx = "old"\0\n', 2),
    "not UTF-8": (b'y = 1\nx = "old"  # \xff\n', 2),
    "unknown encoding": b'# coding: klingon\nx = "old"\n',
    "contradiction": b'\xef\xbb\xbf# coding: latin-1\nx = "old"\n',
    "does not compile": (b'x = "old"\nreturn x\n', 2),
    "too deep": b"x = " + b"-" * 100_000 + b'1\ny = "old"\n',
    "too many parentheses": b"x = " + b"(" * 3_000 + b'"old"' + b")" * 3_000 + b"\n",
}


@pytest.mark.parametrize("case", NOT_PYTHON.values(), ids=NOT_PYTHON)
def test_what_is_not_python_is_a_located_error_and_nothing_is_written(case):
    code, line = case if isinstance(case, tuple) else (case, None)
    finding = examine(code, MOVE)
    assert finding.edits == ()
    assert codes(finding) == ["error invalid-python"]
    if line:
        assert finding.diagnostics[0].location.line == line


def test_a_long_sum_is_refused_or_done_but_never_a_crash():
    for terms in (500, 3_000, 10_000):
        code = ("x = " + " + ".join(['"a"'] * terms) + '\ny = "old"\n').encode()
        finding = examine(code, MOVE)
        assert finding.proof == "1 literal, 0 other tokens" or codes(finding) == [
            "error invalid-python"
        ]


def test_a_very_long_file_and_a_very_long_line():
    code = b"a = 1\n" * 20_000 + b"x = [" + b'"z", ' * 20_000 + b'"old"]\n'
    assert edited(code, MOVE) == code.replace(b"old", b"new")


def test_invalid_escapes_do_not_warn():
    assert edited(b'y = "\\d"\nx = "\\d old"\n', {"at": "x", "to": "\\d new"}) == (
        b'y = "\\d"\nx = "\\d new"\n'
    )


def test_the_syntax_of_a_later_python_is_edited_there_and_refused_here():
    code = b'x = f"{d["old"]} old {f"{a} old"}"\ntype T = "old"\n'
    if sys.version_info >= (3, 12):
        assert edited(code, MOVE) == b'x = f"{d["old"]} new {f"{a} old"}"\ntype T = "old"\n'
    else:
        assert codes(examine(code, MOVE)) == ["error invalid-python"]


def test_a_file_that_cannot_hold_the_value_is_not_parsed(monkeypatch):
    monkeypatch.setattr("keychange.formats.python.source.parse", None)
    assert codes(examine(b"not ! python", MOVE, targets=("*.py",))) == []
