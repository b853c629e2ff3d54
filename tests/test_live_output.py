"""What is said while the checks run: live on a terminal, a line per stage elsewhere, no secret."""

import re

import pytest

from keychange.activity import activity, counted, current
from keychange.cli.live import fit
from support.terminal import Terminal
from support.workspace import migrate

SECRET = "n0t-a real # token"
OTHER = "value-of-another-program"
MIGRATION = """\
format: 1
id: 0001_voice
title: A voice
operations:
  - env: .env
    set: {MODEL: {to: org/model-8bit}}
verify:
  - run: [python, talk.py]
"""
TALK = """\
import os, sys, time
for number in range(3):
    print(f"step {number} with {os.environ['HF_TOKEN']} of {os.environ['MODEL']}")
    while os.environ.get("TALK_WAITS") and not os.path.exists(f"seen-{number}"):
        time.sleep(0.01)
    print("and", os.environ["OTHER"], file=sys.stderr)
sys.exit(int(os.environ.get("TALK_STATUS", "0")))
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001_voice.yaml").write_text(MIGRATION)
    (tmp_path / "talk.py").write_text(TALK)
    (tmp_path / ".env").write_text(
        f"export HF_TOKEN='{SECRET}'\nexport OTHER={OTHER}\nexport MODEL=org/model-4bit\n"
    )
    return tmp_path


def test_a_terminal_sees_the_output_of_a_command_as_it_comes(root):
    terminal = Terminal(root, "up", "--yes", environment={"TALK_WAITS": "1"})
    for number in range(3):
        terminal.see(f"running python talk.py: step {number} with •••• of org/model-8bit")
        (root / f"seen-{number}").touch()
    assert terminal.end() == 0
    assert "\r\x1b[K" in terminal.seen
    assert SECRET not in terminal.seen
    assert OTHER not in terminal.seen
    assert shown(terminal.seen)[-1].startswith("Applied: 0001_voice")


@pytest.mark.parametrize("columns", [30, 60])
def test_a_line_that_is_replaced_never_fills_the_window(root, columns):
    terminal = Terminal(root, "up", "--yes", columns=200, environment={"TALK_WAITS": "1"})
    terminal.see("running python talk.py: step 0 with")
    terminal.resize(columns)
    before = len(terminal.seen)
    (root / "seen-0").touch()
    terminal.see("…")
    (root / "seen-1").touch()
    (root / "seen-2").touch()
    assert terminal.end() == 0
    painted = [each for each in terminal.seen[before:].split("\r\x1b[K") if each.endswith("…")]
    assert painted
    assert all(len(each) < columns for each in painted), painted


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"CI": "1"}])
def test_a_terminal_that_cannot_replace_a_line_gets_one_for_each_stage(root, environment):
    terminal = Terminal(root, "up", "--yes", environment=environment)
    assert terminal.end() == 0
    assert "running python talk.py\r\n" in terminal.seen
    assert "\x1b[K" not in terminal.seen


def test_a_quiet_run_shows_no_line(root):
    terminal = Terminal(root, "up", "--yes", "-q")
    assert terminal.end() == 0
    assert "\x1b[K" not in terminal.seen
    assert "running" not in terminal.seen


def shown(seen):
    """The lines that are left on the screen."""
    lines = (line.rpartition("\r\x1b[K")[2] for line in seen.split("\r\n"))
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines if line]


def test_elsewhere_there_is_one_line_per_stage(root):
    done = migrate(root, "up", "--yes")
    assert done.returncode == 0, done.stderr
    assert "running python talk.py" in done.stderr
    assert "step" not in done.stderr
    assert not {"\r", "\x1b"} & set(done.stderr + done.stdout)


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_the_end_of_a_failed_output_shows_no_value_of_env(root, form):
    done = migrate(root, "up", "--yes", "--format", form, environment={"TALK_STATUS": "4"})
    assert done.returncode == 3
    said = done.stdout + done.stderr
    assert SECRET not in said
    assert OTHER not in said
    if form == "text":
        assert "| step 2 with •••• of org/model-8bit" in said


def test_counts_are_shown_while_files_are_planned(root):
    (root / "conf").mkdir()
    for number in range(3):
        (root / f"conf/{number}.json").write_text("{}")
    path = root / "migrations" / "0001_voice.yaml"
    json = "operations:\n  - json: conf/*.json\n    set: {/a: {to: 1}}\n"
    path.write_text(path.read_text().replace("operations:\n", json))
    terminal = Terminal(root, "plan", "--summary", gate="keychange.planning.up:spread")
    terminal.reach()
    terminal.see("  planning: 0 of 3 files")
    terminal.let_through()
    assert terminal.end() == 0
    assert not any("planning" in line for line in shown(terminal.seen))


def test_work_within_work_is_what_is_shown():
    assert current() is None
    with activity("reading", 3) as outer:
        assert list(counted("ab", "searching", 2)) == ["a", "b"]
        outer.step(2)
        with activity("looking"):
            assert str(current()) == "looking"
        assert str(current()) == "reading: 2 of 3 files"
        for _ in counted("ab", "searching", 2, "places"):
            assert str(current()).startswith("searching: ")
            break
    assert current() is None


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("four", 4, "four"),
        ("five!", 4, "fiv…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("e\u0301e\u0301", 2, "e\u0301e\u0301"),
    ],
)
def test_a_line_fits_by_columns_not_by_characters(text, columns, expected):
    assert fit(text, columns) == expected
