"""Every diagnostic that a run can be brought to: placed, marked, explained, and with a way on."""

import difflib
import io
import os
import re
import shlex
import signal
import subprocess
from contextlib import redirect_stderr, redirect_stdout

import pytest

from keychange import explanations
from keychange.cli import VERBS, main
from keychange.diagnostics import shell_word
from keychange.render.masking import MASK
from support.provoked import FILES, PROVOKED, write


def say(root, words):
    """Run a command in the folder itself; its exit code and what it says on standard error."""
    out, err = io.StringIO(), io.StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main(["-C", ".", "--color", "never", *shlex.split(words)])
    except SystemExit as done:
        return done.code, err.getvalue()
    finally:
        signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    write(tmp_path, FILES)
    return tmp_path


def block(text, code):
    """The lines of the first diagnostic of a code."""
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if f"[{code}]: " in line)
    end = next((n for n, line in enumerate(lines[at + 1 :], at + 1) if line[:2] != "  "), None)
    return lines[at:end]


VALUES = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|\S*[/\d]\S*|\S*[A-Z]{2,}\S*")
ALIKE = 0.6


def alike(message, code):
    """How much a message has in common with the example of its explanation, but for values."""
    shown = re.search(rf"\[{code}\]: (.+)", explanations.known()[code].example)[1]
    words = [VALUES.sub("_", each).split() for each in (message, shown)]
    return difflib.SequenceMatcher(None, *words, autojunk=False).ratio()


@pytest.mark.parametrize("code", PROVOKED)
def test_it_is_said_where_and_why_and_what_to_do(project, code):
    case = PROVOKED[code]
    write(project, case.files)
    for words in case.before:
        ended, said = say(project, words)
        assert ended == 0, said
    case.then(project)
    _, said = say(project, case.command)
    head, *rest = block(said, code)
    place, message = re.fullmatch(
        r"(?:(.+): )?(?:error|warning|note)\[[a-z-]+\]: (.+)", head
    ).groups()
    assert (place or "").startswith(case.place)
    assert bool(place) == bool(case.place)
    assert "hush" not in said, "the secret of the .env file"
    assert code in explanations.known()
    assert alike(message, code) >= ALIKE, "the example of the explanation says it otherwise"
    numbered = re.search(r":(\d+):(\d+)$", place or "")
    is_note = " note[" in f" {head}" and "-v" not in case.command
    if numbered and rest and not is_note and rest[0].lstrip()[0].isdigit():
        number, shown = re.fullmatch(r" +(\d+) \| (.*)", rest[0]).groups()
        indent, marks = re.fullmatch(r" +\| ( *)(\^+)", rest[1]).groups()
        assert number == numbered[1]
        assert len(indent) + len(marks) <= max(len(shown), 1) + 1
    hints = [line.removeprefix("  hint: ") for line in rest if line.startswith("  hint: ")]
    assert hints != [message]
    nexts = [line.removeprefix("  next: ") for line in rest if line.startswith("  next: ")]
    for words in nexts:
        program, *arguments = shlex.split(words)
        assert program in ("migrate", "git", "cd", "chmod")
        if program == "migrate":
            assert arguments[:2] == ["-C", "."], "it names the project"
            assert arguments[2] in VERBS or arguments[-1] == "--help"
    if "error[" in head:
        assert hints or nexts, "an error says what to do"


@pytest.mark.parametrize("code", ["foreign-value", "duplicate-key", "pending"])
def test_of_an_env_file_the_key_is_shown_and_never_the_value(project, code):
    case = PROVOKED[code]
    write(project, case.files)
    _, said = say(project, case.command)
    _, snippet, carets, *_ = block(said, code)
    assert snippet.endswith(f"TTS_MODEL={MASK}")
    marked = carets.partition("| ")[2]
    shown = snippet.partition("| ")[2]
    assert shown[marked.index("^") :][: marked.count("^")] in ("TTS_MODEL", MASK)


def test_a_command_for_a_file_leads_into_the_project_first(tmp_path, monkeypatch):
    root = tmp_path / "project"
    write(root, FILES)
    (root / "app/voice.py").chmod(0o400)
    monkeypatch.chdir(tmp_path)
    out, err = io.StringIO(), io.StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit):
        main(["-C", "project", "up", "--yes"])
    signal.signal(signal.SIGTERM, handler)
    command = block(err.getvalue(), "read-only-file")[-1].removeprefix("  next: ")
    assert command == "cd project && chmod u+w app/voice.py"
    assert os.system(command) == 0
    assert (root / "app/voice.py").stat().st_mode & 0o200


@pytest.mark.parametrize(
    "name",
    [
        "a.json",
        "-a b",
        "it's",
        "a\nb",
        "red\x1b[31m",
        "it's\x1b\\",
        "latin\udce9f",
        "ü$(touch x)",
        "\x7f!!",
    ],
)
def test_a_name_in_a_command_is_that_name_to_a_shell_and_nothing_to_a_terminal(name):
    word = shell_word(name)
    assert word.isprintable()
    said = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert os.fsdecode(said.stdout) == name
