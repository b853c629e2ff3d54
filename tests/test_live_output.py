"""What is said while the checks run: live on a terminal, a line per stage elsewhere, no secret."""

import os
import pty
import subprocess

import pytest

from support.workspace import MIGRATE, migrate

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
    print("and", os.environ["OTHER"], file=sys.stderr)
    time.sleep(0.01)
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


def on_a_terminal(root, *arguments):
    """What a person sees of a run whose standard error is a terminal."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR")}
    process = subprocess.Popen(
        [*MIGRATE, "-C", root, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**environment, "TERM": "xterm", "COLUMNS": "200"},
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # Linux says so that the other side is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return seen.decode()


def test_a_terminal_sees_the_output_of_a_command_as_it_comes(root):
    seen = on_a_terminal(root, "up", "--yes")
    for number in range(3):
        assert f"  step {number} with •••• of org/model-8bit" in seen
    assert "\r\x1b[K" in seen
    assert SECRET not in seen
    assert OTHER not in seen
    assert on_a_terminal(root, "verify", "--again", "-q") == ""


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
