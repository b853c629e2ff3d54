"""Ctrl-C at any moment: one clear sentence that agrees with the files, and never a traceback."""

import json
import signal
from contextlib import nullcontext

import pytest

from keychange.interruption import Once, unstoppable
from support.terminal import INTERRUPT, Terminal
from support.workspace import changed, files, migrate

MIGRATION = """\
format: 1
id: 0001_voice
title: A voice
operations:
  - env: .env
    set: {MODEL: {from: a, to: b}}
  - json: conf/*.json
    set: {/model: {from: a, to: b}}
verify:
  - run: [python, talk.py]
"""
NOTHING = "Interrupted; nothing was written."
RESTORED = "Interrupted; every file is as it was before."
NEW = "Interrupted; every file holds its new value, not verified; `migrate up` goes on with"


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "project"
    (root / "migrations").mkdir(parents=True)
    (root / "migrations" / "0001_voice.yaml").write_text(MIGRATION)
    (root / ".env").write_text("TOKEN=not-for-you\nMODEL=a\n")
    (root / "talk.py").write_text("import time\nprint('speaking')\ntime.sleep(600)\n")
    (root / "conf").mkdir()
    for name in ("one", "two"):
        (root / "conf" / f"{name}.json").write_text('{"model": "a"}\n')
    return root


def ended(terminal, said, code, *, besides=0):
    """It ended so: with that sentence, once, and nothing that looks like an accident."""
    assert terminal.end() == code, terminal.seen
    assert terminal.seen.count("Interrupted;") == 1, terminal.seen
    assert said in terminal.seen
    assert "Traceback" not in terminal.seen
    assert "Exception" not in terminal.seen
    assert terminal.seen.endswith("\r\n")


@pytest.mark.parametrize("gate", ["keychange.cli.session", "keychange.planning:toward_head"])
def test_before_anything_is_planned_nothing_is_written(root, gate):
    before = files(root)
    terminal = Terminal(root, "up", "--yes", gate=gate)
    terminal.reach()
    terminal.press(INTERRUPT)
    ended(terminal, NOTHING, 130)
    assert changed(before, files(root)) == set()


def test_at_the_question_nothing_is_written(root):
    before = files(root)
    terminal = Terminal(root, "up")
    terminal.asks("Write these changes?")
    terminal.press(INTERRUPT)
    ended(terminal, NOTHING, 130)
    assert changed(before, files(root)) == set()


def test_while_files_are_written_all_are_put_back(root):
    before = files(root)
    terminal = Terminal(root, "up", "--yes", gate="keychange.transaction.commit:_put")
    terminal.reach()
    terminal.press(INTERRUPT * 2)
    terminal.let_through()
    ended(terminal, RESTORED, 130)
    assert changed(before, files(root)) == set()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_while_the_checks_run_all_are_put_back(root, number, code):
    before = files(root)
    terminal = Terminal(root, "up", "--yes")
    terminal.see("speaking")
    terminal.signal(number)
    ended(terminal, RESTORED, code)
    assert changed(before, files(root)) == set()
    assert migrate(root, "recover").stdout.startswith("Nothing to recover")


def test_again_and_again_while_files_are_put_back_does_not_stop_that(root):
    before = files(root)
    terminal = Terminal(root, "up", "--yes", gate="keychange.run:Run._roll_back")
    terminal.see("speaking")
    terminal.press(INTERRUPT)
    terminal.reach()
    terminal.press(INTERRUPT * 3)
    terminal.see("^C^C")
    terminal.let_through()
    ended(terminal, RESTORED, 130)
    assert changed(before, files(root)) == set()


def test_while_the_ending_is_told_it_is_told_to_its_end(root):
    terminal = Terminal(root, "up", gate="keychange.cli.ending:_say_what_is_left")
    terminal.asks("Write these changes?")
    terminal.press(INTERRUPT)
    terminal.reach()
    terminal.press(INTERRUPT * 2)
    terminal.see("^C\r\n^C")
    terminal.let_through()
    ended(terminal, NOTHING, 130)


def test_what_was_done_is_told_to_its_end_and_nothing_else(root):
    terminal = Terminal(root, "up", "--yes", "--no-verify", gate="keychange.render.text:outcome")
    terminal.reach()
    terminal.press(INTERRUPT)
    terminal.see("^C")
    terminal.let_through()
    assert terminal.end() == 0, terminal.seen
    assert "Applied: 0001_voice; 3 files written" in terminal.seen
    assert "Interrupted" not in terminal.seen
    assert "MODEL=b" in (root / ".env").read_text()


def test_what_is_kept_is_said_to_be_new(root):
    terminal = Terminal(root, "up", "--yes", "--keep")
    terminal.see("speaking")
    terminal.press(INTERRUPT)
    ended(terminal, NEW, 130)
    assert "MODEL=b" in (root / ".env").read_text()
    said = migrate(root)
    assert "unverified  0001_voice" in said.stdout
    assert "next: migrate" in said.stdout


ENDLESS = "^(a+)+$"
"""A pattern that takes longer than the sun on forty letters and another character."""


@pytest.mark.parametrize("verb", [("plan",), ("check",), ("up", "--yes")], ids=lambda verb: verb[0])
def test_in_a_pattern_of_a_schema_that_never_ends_nothing_is_written(root, verb):
    """The live line says that it is at it."""
    schema = {"properties": {"name": {"type": "string", "pattern": ENDLESS}}}
    (root / "voice.schema.json").write_text(json.dumps(schema))
    (root / "conf/one.json").write_text(json.dumps({"model": "a", "name": f"{'a' * 40}!"}))
    declared = MIGRATION.replace(
        "conf/*.json\n", "conf/*.json\n    schema: {after: voice.schema.json}\n"
    )
    (root / "migrations/0001_voice.yaml").write_text(declared)
    before = files(root)
    terminal = Terminal(root, *verb)
    terminal.see("planning")
    terminal.press(INTERRUPT)
    ended(terminal, NOTHING, 130)
    assert changed(before, files(root)) == set()
    assert not (root / ".keychange/lock").exists()


def test_in_a_pattern_of_a_check_that_never_ends_everything_is_restored(root):
    declared = f"{MIGRATION}    expect: ['/{ENDLESS}/']\n"
    (root / "migrations/0001_voice.yaml").write_text(declared)
    (root / "talk.py").write_text(f"print('{'a' * 40}!')\n")
    before = files(root)
    terminal = Terminal(root, "up", "--yes")
    terminal.see("2 s  running python talk.py")
    terminal.press(INTERRUPT)
    ended(terminal, RESTORED, 130)
    assert changed(before, files(root)) == set()


@pytest.mark.parametrize("held", [nullcontext, unstoppable])
def test_only_the_first_signal_stops_a_run(held):
    undone = []

    def run():
        with Once():
            try:
                with held():
                    signal.raise_signal(signal.SIGINT)
            finally:
                signal.raise_signal(signal.SIGINT)
                undone.append("all")

    with pytest.raises(KeyboardInterrupt):
        run()
    assert undone == ["all"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
