"""The diff of a file: what is compared, and what is shown of it."""

from keychange.model import FileChange
from keychange.render.diff import unified
from keychange.render.masking import Masks


def diff(before, after, path="app.py"):
    change = FileChange(path=path, before=before.encode(), after=after.encode())
    return list(unified(change, Masks(), "0001_x", context=1))[2:]


def test_a_change_of_a_secret_is_seen_and_the_secret_is_not():
    lines = diff('a = 1\napi_key = "first"\nb = "hf_abcdefgh12"\n', 'a = 1\napi_key = "other"\n')
    assert lines == [
        "@@ -1,3 +1,2 @@",
        " a = 1",
        '-api_key = "••••"',
        '-b = "••••"',
        '+api_key = "••••"',
    ]


def test_only_the_lines_around_a_change_are_shown():
    assert diff("a\nb\nc\nd\n", "a\nb\nc\nD\n") == ["@@ -3,2 +3,2 @@", " c", "-d", "+D"]


def test_what_looks_like_a_mark_of_the_diff_is_a_line():
    lines = diff('@@ password = "first"\n-- x\n', '@@ password = "first"\n++ x\n')
    assert lines == ["@@ -1,2 +1,2 @@", ' @@ password = "••••"', "--- x", "+++ x"]
