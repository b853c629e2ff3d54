"""The diff of a file: what is compared, and what is shown of it."""

import random
import subprocess

import pytest

from keychange.model import FileChange, Site, State
from keychange.render import around, hunks
from keychange.render.diff import unified
from keychange.render.masking import Masks


def diff(before, after, path="app.py", masks=None):
    change = FileChange(path=path, before=before.encode(), after=after.encode())
    return list(unified(change, masks or Masks(), "0001_x", context=1))[2:]


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


@pytest.fixture
def small(monkeypatch):
    """Limits of a hundredth, so that some kilobytes are a large file."""
    monkeypatch.setattr(around, "LARGE", 2_000)
    monkeypatch.setattr(around, "AROUND", 700)
    monkeypatch.setattr(around, "WIDE", 300)
    monkeypatch.setattr(around, "_SHOWN", 40)


def test_of_a_large_file_the_lines_around_a_change_are_shown_and_masked(small):
    rows = [f'  "row-{number}": 1,\n' for number in range(300)]
    rows[200:203] = ['"api_key": "first",\n', "old\n", "é\n"]
    text = "".join(rows)
    head = ' "api_key": "••••",'
    changed = ["@@ -201,3 +201,3 @@", head, "-old", "+new", " é"]
    assert diff(text, text.replace("old\n", "new\n")) == changed
    removed = ["@@ -201,3 +201,2 @@", head, "-old", " é"]
    assert diff(text, text.replace("old\n", "")) == removed
    assert diff(text + "x", text + "y")[-4:] == [
        "-x",
        "\\ No newline at end of file",
        "+y",
        "\\ No newline at end of file",
    ]


def test_what_is_around_a_change_is_a_patch_of_the_whole_file(small, tmp_path):
    chance = random.Random(4)
    for _ in range(60):
        lines = [
            chance.choice(["{\n", "é\n", "a = 1\n", "x" * 120 + "\n", "\n"]) for _ in range(200)
        ]
        text = "".join(lines) + chance.choice(["", "last"])
        places = chance.sample(range(200), chance.randrange(1, 3))
        for place in places:
            lines[place] = chance.choice(["", "new\n", "é\né\n"])
        after = "".join(lines) + chance.choice(["", "last"])
        shown = diff(text, after)
        (tmp_path / "app.py").write_text(text)
        patch = "".join(f"{each}\n" for each in ("--- app.py", "+++ app.py", *shown))
        if shown:
            subprocess.run(["patch", "-s", "-p0"], input=patch.encode(), cwd=tmp_path, check=True)
        assert (tmp_path / "app.py").read_text() == after


def test_of_a_long_line_what_differs_is_shown(small):
    head, tail = (
        '{"a": "' + "é" * 3_000,
        '", "api_key": "first", "model": "old", "b": "' + "é" * 3_000,
    )
    lines = diff(head + tail, head + tail.replace("old", "new"))
    removed, added = lines[1:]
    assert removed.startswith("-[…]")
    assert '"api_key": "••••", "model": "old", "b": "éé' in removed
    assert '"api_key": "••••", "model": "new", "b": "éé' in added
    assert all(each.endswith("é[…]") and len(each) < 140 for each in (removed, added))
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(lines)
    assert "first" not in "".join(lines)


def test_lines_that_were_cut_are_not_of_one_kind(small):
    def kind(end):
        return hunks.kind(*(b"x" * 3_000 + e + b"y" * 3_000 + end for e in (b"old", b"new")))

    assert kind(b"1") is None
    assert kind(b"2") is None


def test_what_differs_all_over_a_large_file_is_not_shown(small, monkeypatch):
    text = "".join(f"{number}\n" for number in range(50_000))
    assert diff(text, text.replace("7", "x")) == ["@@ 49,991 lines: too long to show here @@"]
    line = "x" * 3_000
    monkeypatch.setattr(hunks, "_MAXIMUM_LINE", 2_500)
    assert diff(line, f"y{line}y") == ["@@ 3,002 characters: too long to show here @@"]
    monkeypatch.setattr(hunks, "_MAXIMUM_BYTES", 2_500)
    assert diff(line, f"y{line}y") == ["@@ 3,002 bytes: too long to show here @@"]


def test_a_pem_block_that_begins_far_above_a_change_of_a_large_file_is_masked(monkeypatch):
    monkeypatch.setattr(around, "LARGE", 20_000)
    block = "\n".join(
        ["-----BEGIN PRIVATE KEY-----", *(f"{n:020}abc" for n in range(60)), "old", "-"]
    )
    text = "x\n" * 30_000 + block
    lines = diff(text, text.replace("old", "new"))
    assert not any("00000059abc" in line for line in lines)
    assert "+new" in lines


@pytest.mark.parametrize("path", [".env", "settings.conf"])
def test_a_large_env_file_is_masked_from_its_beginning(small, path):
    text = "LONG='" + "A=value\n" * 400 + "'\nMODEL=old\n"
    state, key = State.PENDING, "MODEL"
    site = Site(path=path, kind="env", address=key, state=state, before="old", after="new")
    lines = diff(text, text.replace("old", "new"), path, Masks([site]))
    assert lines == ["@@ -1,2 +1,2 @@", " LONG=••••", "-MODEL=old", "+MODEL=new"]
