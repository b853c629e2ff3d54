"""Diagnostics as text: the caret under its span, lines that fit, many that are counted."""

import re

import pytest

from keychange.closest_name import closest, did_you_mean, hint_of
from keychange.closest_path import nearest
from keychange.diagnostics import Location, Related, error, in_order, note, warning
from keychange.render import diagnostics as rendering
from keychange.render.masking import MASK
from keychange.render.style import Style, columns

PIPE, TERMINAL = Style(width=60), Style(width=60, terminal=True)


def shown(text, column, length=1, *, path="a.py", style=PIPE):
    """The line of a snippet, and what its carets stand under, by columns of the terminal."""
    found = error("some-code", "words", Location(path, 7, column, length, text))
    _, line, carets = rendering.full([found], style)
    line, carets = line.partition("| ")[2], carets.partition("| ")[2]
    start, end = carets.index("^"), len(carets)
    at, marked = 0, ""
    for each in line:
        marked += each if start <= at < end else ""
        at += columns(each)
    return line, marked


@pytest.mark.parametrize(
    ("text", "column", "length", "marked"),
    [
        ("MODEL = 'a'", 9, 3, "'a'"),
        ("音声 = '模型' # x", 6, 4, "'模型'"),
        ("\tX = 1", 2, 1, "X"),
        ("a\tb\tX = 1", 5, 1, "X"),
        ("e\u0301 = X", 6, 1, "X"),
        ("A = '\x1b[31m' + X", 15, 1, "X"),
        ("A = '\u200b' + X", 11, 1, "X"),
        ("short", 6, 1, ""),
    ],
)
def test_the_caret_stands_under_its_span(text, column, length, marked):
    line, found = shown(text, column, length)
    assert found == marked
    assert line.isprintable()


@pytest.mark.parametrize("column", [1, 60, 200, 391])
def test_a_long_line_is_cut_around_its_span(column):
    text = "".join(f"{at:>9};" for at in range(10, 410, 10))
    line, marked = shown(text, column, 5)
    assert marked == text[column - 1 : column + 4]
    assert columns(line) <= 60
    assert line.startswith("…") == (column > 1)


def test_a_span_wider_than_the_terminal_is_marked_to_its_end():
    line, marked = shown("x" * 300, 11, 250)
    assert set(marked) <= {"x", "…"}
    assert len(marked) > 30
    assert columns(line) <= 60


def test_a_secret_before_the_span_does_not_move_the_caret_off_it():
    line, marked = shown('api_key = "hidden-value-77"; MODEL = "org/old"', 38, 9)
    assert "hidden" not in line
    assert marked == '"org/old"'


def test_a_span_that_is_a_secret_is_masked_and_marked():
    line, marked = shown('api_key = "hidden-value-77" # x', 11, 17)
    assert "hidden" not in line
    assert MASK in marked
    assert "x" not in marked


def test_of_an_env_file_nothing_but_a_prepared_key_is_shown():
    assert shown("export A=", 8, path=".env") == (f"export A={MASK}", "A")
    assert shown("A=", 3, path="x/.env.local") == (f"A={MASK}", MASK)
    found = error("some-code", "words", Location(".env", 7, 1, 6, "hidden words"))
    assert [*rendering.full([found], PIPE)] == [".env:7:1: error[some-code]: words"]


def test_a_second_place_has_its_snippet_in_the_same_columns():
    first = Related(Location("a.py", 9, 1, 1, "X = 1"), "it is set first here")
    found = error(
        "some-code", "w", Location("a.py", 112, 1, 1, "X = 2"), related=(first,), hint="h"
    )
    assert [*rendering.full([found], PIPE)] == [
        "a.py:112:1: error[some-code]: w",
        "  112 | X = 2",
        "      | ^",
        "  a.py:9:1: it is set first here",
        "    9 | X = 1",
        "      | -",
        "  hint: h",
    ]
    assert rendering.data(found)["related"] == [
        {"path": "a.py", "line": 9, "column": 1, "length": 1, "message": "it is set first here"}
    ]


def test_line_one_is_whole_in_a_pipe_and_wrapped_on_a_terminal():
    long = error(
        "some-code", "word " * 30 + "`migrate up --to 0001 -v -q --debug`", Location("a.py")
    )
    assert len([*rendering.full([long], PIPE)]) == 1
    first, *rest = rendering.full([long], TERMINAL)
    assert first.startswith("a.py: error[some-code]: word")
    assert all(columns(line) <= 60 for line in (first, *rest))
    assert all(re.match(r"    \S", line) for line in rest)
    assert rest[-1].endswith("`migrate up --to 0001 -v -q --debug`"), "a command stays whole"


def test_many_of_one_code_are_counted_and_not_shown():
    many = [error("drift", "d", Location(f"{n % 7}.json", n, 1)) for n in range(1, 115)]
    few = [warning("other", "o", Location("x.py", 1, 1)), note("quiet", "q")]
    lines = [*rendering.full([*many, *few], PIPE)]
    assert sum("error[drift]" in line for line in lines) == rendering.MOST == 20
    assert "and 94 more of drift; -v shows all" in lines
    assert lines[-1] == "114 errors in 7 files, 1 warning"
    every = [*rendering.full([*many, *few], PIPE, verbose=True)]
    assert sum("error[drift]" in line for line in every) == 114
    assert not any("more of" in line for line in every)


def test_a_few_are_not_counted():
    lines = [*rendering.full([error("one", "o"), warning("two", "t")], PIPE)]
    assert lines == ["error[one]: o", "warning[two]: t"]


def test_they_come_in_the_order_of_their_places():
    places = [
        Location("b", 2, 1),
        Location("a", 9, 1),
        None,
        Location("a", 10, 1),
        Location("a", 9, 3),
    ]
    found = in_order(error("some-code", "w", each) for each in places)
    assert [str(each.location) for each in found] == ["None", "a:9:1", "a:9:3", "a:10:1", "b:2:1"]


def test_annotations_have_the_end_of_the_span():
    (line,) = rendering.github([error("some-code", "w", Location("a.py", 3, 5, 4, "    ABCD"))])
    assert line == "::error title=some-code,file=a.py,line=3,col=5,endColumn=9::w"


# ---------------------------------------------------------------- what was meant


def test_the_likeliest_name_comes_first_whatever_its_case():
    assert closest("Model_Id", ["model_id", "model", "device"], 2) == ("model_id", "model")
    assert closest("model_id", ["model_id"]) == (), "it is there"
    assert closest("", ["a"]) == ()
    assert did_you_mean("devcie", ["device", "dtype"]) == "did you mean `device`?"
    assert did_you_mean("nothing", ["device"]) == ""
    assert hint_of("x", [], "fields") == ""


def test_the_cost_is_bounded():
    seen = []
    names = (seen.append(n) or f"name_{n}" for n in range(10_000_000))
    assert closest("name_1x", names)
    assert len(seen) < 3_000
    assert closest("x" * 10_000, ["x" * 10_000 + "y"]) == ()


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("scripts/prepare.py", ""),
        ("scripts/prepaer.py", "scripts/prepare.py"),
        ("script/prepare.py", "scripts/prepare.py"),
        ("prepare.py", "scripts/prepare.py"),
        ("generated/*/voice.jsn", "generated/*/voice.json"),
        ("generated/*/voise.json", "generated/*/voice.json"),
        ("generate/*/voice.json", "generated/*/voice.json"),
        ("generated/*/*.jsn", "generated/*/*.json"),
        ("generated/*/*.toml", ""),
        ("../scripts/prepaer.py", ""),
        ("/etc/paswd", ""),
    ],
)
def test_a_target_that_is_not_there_is_likest_to_one_that_is(tmp_path, target, meant):
    for name in ("scripts/prepare.py", "generated/a/voice.json", "generated/b/voice.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert nearest(tmp_path, [target]) == ({target: meant} if meant else {})
