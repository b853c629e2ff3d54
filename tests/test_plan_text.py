"""The plan as a person reads it: nothing hidden, nothing lost, nothing wider than the page."""

import os
import pty
import re
import select
import subprocess
import sys

import pytest

from keychange.cli import pager
from keychange.planning import plan_up
from keychange.project import load_project
from keychange.render import text
from keychange.render.style import Style, columns, folded, padded, visible
from keychange.render.words import marked, paired
from keychange.settings import find_settings
from support.workspace import MIGRATE, migrate_here

OLD, NEW = "org/voice-0.6B-Base-4bit", "org/voice-1.7B-Base-8bit"
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
MIGRATION = f"""\
format: 1
id: 0001_voice
title: From small to large
operations:
  - env: .env
    missing: skip
    set: {{VOICE: {{from: {OLD}, to: {NEW}}}}}
  - python: app.py
    strings: [{{from: {OLD}, to: {NEW}}}]
  - json: "generated/*/voice.json"
    set:
      /model: {{from: {OLD}, to: {NEW}}}
      /ref: {{to: "${{relative(assets/ref.wav)}}"}}
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/0001_voice.yaml").write_text(MIGRATION)
    (tmp_path / ".env").write_text(f"KEY=hidden-1\nVOICE={OLD}\n")
    (tmp_path / "app.py").write_text(
        f"# 音声 {'模型 ' * 30}\nVOICE = '{OLD}'  # e\u0301 \u202e\u200b\n"
    )
    for number in range(6):
        folder = tmp_path / f"generated/p{number}"
        folder.mkdir(parents=True)
        body = f'{{\n  "n": {number},\n  "model": "{OLD}",\n  "ref": "x"\n}}\n'
        (folder / "voice.json").write_text(body)
    odd = tmp_path / "generated/odd"
    odd.mkdir()
    (odd / "voice.json").write_text(f'{{"model":  "{OLD}", "ref": "x"}}\n')
    return tmp_path


def planned(root, width=80, *, colour=False, reader=True, **options):
    made = plan_up(load_project(find_settings(root, None, root)))
    return list(text.plan(made, Style(colour, width, reader), **options))


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_page_and_colour_says_nothing_that_words_do_not(root, width):
    plain = planned(root, width)
    assert max(map(columns, plain)) <= width
    assert [ESCAPES.sub("", each) for each in planned(root, width, colour=True)] == plain


def test_a_site_has_its_name_its_place_and_its_reason(root):
    lines = planned(root)
    shown = "\n".join(lines)
    assert "── app.py ─" in shown
    assert "   why: migrations/0001_voice.yaml:9\n ··· VOICE\n" in shown
    assert "   why: migrations/0001_voice.yaml:12-13\n ··· /model, /ref\n" in shown
    assert f"   2 - VOICE={OLD}\n   2 + VOICE={NEW}\n  proved: " in shown
    at = lines.index("  app.py")
    assert lines[at + 1].split() == ["~", "pending", "VOICE", OLD, "→", NEW]
    narrow = planned(root, 64)
    at = narrow.index("  app.py")
    assert narrow[at + 1].split() == ["~", "pending", "VOICE", OLD]
    assert narrow[at + 2].split() == ["→", NEW]
    assert narrow[at + 1].index(OLD) == narrow[at + 2].index(NEW)
    assert lines[-1] == "Plan: 1 migration, 9 files to change, 16 sites to set, 0 already done."


def test_what_cannot_be_seen_in_a_file_is_seen_in_its_diff(root):
    shown = "\n".join(planned(root))
    assert "\\u202e\\u200b" in shown
    assert not set(shown) & set("\u202e\u200b\x1b")
    assert visible("a\u3164\u2800\ufe01\U000e0101\x9b\u00a0b") == (
        "a\\u3164\\u2800\\ufe01\\U000e0101\\x9b\\xa0b"
    )
    assert visible("é e\u0301 模型 👍\ufe0f\t") == "é e\u0301 模型 👍\ufe0f\t"


def test_equal_changes_are_told_once_and_one_that_differs_is_told(root):
    shown = "\n".join(planned(root))
    assert "and 5 more files with the same change: generated/p1/voice.json," in shown
    assert "── generated/odd/voice.json ─" in shown
    assert "── generated/p0/voice.json ─" in shown
    assert "── generated/p1/voice.json ─" not in shown
    everything = planned(root, each_one=True)
    for number in range(6):
        assert sum(f"── generated/p{number}/voice.json ─" in each for each in everything) == 1
        assert everything.count(f"  generated/p{number}/voice.json") == 1
    assert "more files" not in "\n".join(everything)


def test_files_that_differ_only_in_what_is_masked_are_not_equal(root):
    path = root / "migrations/0001_voice.yaml"
    extra = '  - json: "keys/*.json"\n    set: {/api_key: {to: "all-the-same"}}\n'
    path.write_text(path.read_text() + extra)
    (root / "keys").mkdir()
    for number in range(3):
        (root / f"keys/{number}.json").write_text(f'{{"api_key": "secret-{number}"}}\n')
    shown = "\n".join(planned(root))
    assert [f"── keys/{number}.json ─" in shown for number in range(3)] == [True] * 3
    assert "secret-" not in shown
    assert "all-the-same" not in shown


def test_where_no_reader_is_the_diff_is_a_patch(root):
    (root / ".env").unlink()
    (root / "app.py").write_text(f"VOICE = '{OLD}'\n\n\nNAME = 'x'  \n")
    patch = "".join(f"{each}\n" for each in planned(root, reader=False, each_one=True))
    assert "@@ -1,5 +1,5 @@ /model, /ref\n" in patch
    names = [
        "app.py",
        *(f"generated/p{n}/voice.json" for n in range(6)),
        "generated/odd/voice.json",
    ]
    before = {name: (root / name).read_bytes() for name in names}
    assert migrate_here(root, "up", "--yes").returncode == 0
    after = {name: (root / name).read_bytes() for name in names}
    for name, data in before.items():
        (root / name).write_bytes(data)
    command = ["git", "apply", "-p0", "-"]
    subprocess.run(command, input=patch, text=True, cwd=root, check=True)
    assert {name: (root / name).read_bytes() for name in names} == after


def test_summary_and_names_and_context(root):
    assert not any(each.startswith("── ") for each in planned(root, summary=True))
    names = migrate_here(root, "plan", "--name-only").stdout.split()
    assert names[:2] == [".env", "app.py"]
    assert len(names) == 9
    none = migrate_here(root, "plan", "-U", "0").stdout
    assert "@@ -3,2 +3,2 @@ /model, /ref\n" in none
    assert "KEY=" not in none
    assert migrate_here(root, "plan", "-U", "-1").returncode == 2
    assert "and 5 more files" in none
    for option in ("--all", "-v"):
        assert "more files" not in migrate_here(root, "plan", option).stdout


def test_the_next_command_applies_this_very_plan(root):
    said = migrate_here(root, "plan", "--to", "1").stderr
    (command,) = re.findall(r"Apply it with: migrate (.*)", said)
    assert command == f"-C {root} up --to 1"
    assert migrate_here(root, *command.split()[2:], "--yes").returncode == 0
    assert migrate_here(root, "plan", "--exit-code").returncode == 0


def test_a_site_says_in_json_what_declares_it(root):
    import json

    sites = json.loads(migrate_here(root, "plan", "--format", "json").stdout)["plan"]["steps"][0][
        "sites"
    ]
    found = {(each["path"], each["address"]): each["declared"]["line"] for each in sites}
    assert found[".env", "VOICE"] == 7
    assert found["app.py", "VOICE"] == 9
    assert found["generated/p3/voice.json", "/ref"] == 13


@pytest.mark.parametrize(
    ("old", "new", "left", "right"),
    [
        (f"model = '{OLD}'", f"model = '{NEW}'", ["0.6B", "4bit"], ["1.7B", "8bit"]),
        ("a/ref/x.wav", "../../a/ref_2/x.wav", ["ref"], ["../../", "ref_2"]),
        ("x = f(one-two)", "x = f(three-four)", ["one-two"], ["three-four"]),
        ("same", "same", [], []),
        ("VOICE=qwen", "something else entirely", [], []),
        (f"{'a ' * 500}b", f"{'a ' * 500}c", ["b"], ["c"]),
    ],
)
def test_the_words_that_differ_are_marked(old, new, left, right):
    pieces = marked(old, new)
    assert ["".join(part for part, _ in side) for side in pieces] == [old, new]
    assert [[part for part, differs in side if differs] for side in pieces] == [left, right]


def test_alike_lines_stand_side_by_side():
    old = ["backend = qwen", f"model = {OLD}"]
    new = ["# a remark", f"export model = {NEW}", "voice = x"]
    assert paired(old, new) == [(0, None), (None, 0), (1, 1), (None, 2)]
    assert paired([], ["a"]) == [(None, 0)]
    assert paired(["a"] * 100, ["a"] * 100) == [(at, at) for at in range(100)]


def test_columns_are_counted_not_characters():
    assert (columns("模型"), columns("e\u0301"), columns("ab")) == (4, 1, 2)
    assert padded("模", 4) == "模  "
    lines = list(folded((("模型模型", False), ("ab\tc", True)), 5))
    assert lines == [(("模型", False),), (("模型", False), ("a", True)), (("b  c", True),)]


# ------------------------------------------------------------------------------- the pager


def at_a_terminal(root, *arguments, **environment):
    """Run `migrate plan` on a pseudo-terminal of 24 lines; what it wrote there, and its status."""
    ours, theirs = pty.openpty()
    given = {k: v for k, v in os.environ.items() if k not in ("CI", "PAGER", "LESS", "COLUMNS")}
    process = subprocess.Popen(
        [*MIGRATE, "-C", root, "plan", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**given, "TERM": "xterm", "LINES": "24", **environment},
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            said += os.read(ours, 65536)
        except OSError:  # Linux's word for the other end being closed
            break
        if not said:
            break
    os.close(ours)
    _, problems = process.communicate()
    return said.decode(), problems.decode(), process.returncode


PAGER = f"{sys.executable} -c \"import sys; print('PAGED', len(sys.stdin.read().split(chr(10))))\""


def test_a_long_plan_goes_through_the_pager_at_a_terminal(root):
    said, problems, code = at_a_terminal(root, KEYCHANGE_PAGER=PAGER, PAGER="false")
    assert (said.startswith("PAGED "), code) == (True, 0)
    assert "Nothing was written. Apply it with" in problems


def test_a_pager_that_ends_early_or_is_not_there_disturbs_nothing(root):
    said, problems, code = at_a_terminal(root, "--all", PAGER="true")
    assert (said, code) == ("", 0)
    assert "Traceback" not in problems


def test_what_is_asked_not_to_go_through_the_pager_does_not(root):
    said, _, code = at_a_terminal(root, "--no-pager", PAGER=PAGER)
    assert ("PAGED" in said, "Plan: 1 migration" in said, code) == (False, True, 0)


@pytest.mark.parametrize(
    ("environment", "lines", "paged"),
    [
        ({}, 100, True),
        ({}, 20, False),
        ({"CI": "1"}, 100, False),
        ({"TERM": "dumb"}, 100, False),
        ({"KEYCHANGE_PAGER": "cat"}, 100, False),
        ({"KEYCHANGE_PAGER": ""}, 100, False),
        ({"PAGER": "exit 127"}, 100, False),
    ],
)
def test_when_there_is_a_pager(monkeypatch, environment, lines, paged):
    for name in ("CI", "TERM", "KEYCHANGE_PAGER", "PAGER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"LINES": "24", "PAGER": "cat >/dev/null", **environment}.items():
        monkeypatch.setenv(name, value)
    assert pager.page(["a line"] * lines) == paged
