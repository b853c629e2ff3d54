"""Completion: click's protocol and a real shell; quick, silent, and without a trace."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from keychange.cli import VERBS, group
from keychange.cli.completion import SHELLS, answer
from support.workspace import files, git, migrate_here

SHELL_FLAGS = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}
MIGRATION = (
    "format: 1\nid: {0}\ntitle: {1}\noperations:\n  - env: .env\n    set: {{A: {{to: b}}}}\n"
)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "migrations").mkdir()
    for revision, title in (("0001_one", "The first"), ("0002_two", "'The: second'")):
        path = tmp_path / "migrations" / f"{revision}.yaml"
        path.write_text(MIGRATION.format(revision, title))
    (tmp_path / "a file.json").write_text("{}")
    return tmp_path


def offered(root, line, shell="bash", *, environment=None):
    """What is offered after a line, by click's protocol: kind and value of each."""
    words = line.split(" ")
    place = words[-1] if shell == "fish" else str(len(words) - 1)
    asked = {"COMP_WORDS": line, "COMP_CWORD": place, **(environment or {})}
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(root),
        mock.patch.dict(os.environ, asked),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        answer(group, f"{shell}_complete")
    assert err.getvalue() == ""
    return out.getvalue().splitlines()


def values(root, line, **more):
    return [each.removeprefix("plain,") for each in offered(root, line, **more)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("migrate d", ["down", "doctor", "demo"]),
        ("migrate up --to ", ["0002_two", "0001_one", "head"]),
        ("migrate down --to 0", ["0002_two", "0001_one"]),
        ("migrate stamp b", ["base"]),
        ("migrate probe 0001", ["0001_one"]),
        ("migrate up --to = 0002", ["0002_two"]),  # so does bash divide it
        ("migrate up --to =", ["0002_two", "0001_one", "head"]),
        ("migrate explain unknown-c", ["unknown-code"]),
        ("migrate schema voice_clone_config.v1", ["voice_clone_config.v1"]),
        ("migrate schema --check conf", ["file,conf"]),
        ("migrate check conf", ["file,conf"]),
        ("migrate up --plan saved", ["file,saved"]),
        ("migrate -C ../pro", ["dir,../pro"]),
        ("migrate up --format ", ["text", "json", "github"]),
        ("migrate check --format s", ["sarif"]),
        ("migrate --color a", ["auto", "always"]),
        ("migrate up --lo", ["--lock-timeout"]),
        ("migrate no-such-verb x", []),
    ],
)
def test_verbs_options_and_values_are_offered(root, line, expected):
    assert values(root, line) == expected


def test_revisions_are_those_of_the_project_that_is_meant(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert values(elsewhere, f"migrate -C {root} up --to ")[0] == "0002_two"
    assert values(elsewhere, f"migrate up -C {root} --to ")[0] == "0002_two"
    given = {"KEYCHANGE_ROOT": str(root)}
    assert values(elsewhere, "migrate up --to ", environment=given)[0] == "0002_two"


def test_branches_are_offered_to_rebase(root):
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    assert values(root, "migrate rebase --onto m") == ["main"]


def test_titles_are_shown_where_a_shell_can_show_them(root):
    assert offered(root, "migrate up --to 0", "zsh")[:3] == ["plain", "0002_two", "The: second"]
    assert offered(root, "migrate up --to=0", "zsh")[1] == "--to=0002_two"
    assert offered(root, "migrate up --to 0", "fish")[0] == "plain,0002_two\tThe: second"


@pytest.mark.parametrize("broken", ["[", "[tool.keychange]\nmigrations = 'none'"])
def test_nothing_is_said_or_written_where_something_is_wrong(tmp_path, broken):
    (tmp_path / "pyproject.toml").write_text(f"{broken} # keychange")
    before = files(tmp_path)
    assert values(tmp_path, "migrate up --to ") == []
    assert values(tmp_path, "migrate -C /no/such/folder up --to ") == []
    assert offered(tmp_path, "migrate ", "powershell") == []
    assert files(tmp_path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["pyproject.toml"]


def test_what_completes_loads_little():
    heavy = ("ruamel.yaml", "jsonschema", "libcst", "deepdiff", "keychange.planning")
    code = (
        "import sys; from keychange.cli import main\n"
        "try: main()\n"
        f"except SystemExit: print([each for each in {heavy} if each in sys.modules])"
    )
    asked = {"COMP_WORDS": "migrate up --to ", "COMP_CWORD": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **asked, "_MIGRATE_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_says_how_to_install_it_and_is_valid(root, shell):
    done = migrate_here(root, "completion", shell)
    assert done.returncode == 0
    assert f"migrate completion {shell} " in done.stdout
    assert "keychange" in done.stdout
    if program := shutil.which(shell):
        script = root / "script"
        script.write_text(done.stdout)
        subprocess.run([program, *SHELL_FLAGS[shell], "-n", script], check=True)


@pytest.mark.parametrize(
    ("program", "typed", "expected"),
    [
        ("migrate", ["up", "--to", "0"], ["0002_two", "0001_one"]),
        ("keychange", ["up", "--to", "=", "0002"], ["0002_two"]),
        ("./bin/migrate", ["hist"], ["history"]),
    ],
)
def test_bash_completes_both_names(root, program, typed, expected):
    bin_folder = root / "bin"
    bin_folder.mkdir()
    for name in ("migrate", "keychange"):
        path = bin_folder / name
        path.write_text(f'#!/bin/sh\nexec {sys.executable} -m keychange "$@"\n')
        path.chmod(0o755)
    script = root / "script.bash"
    script.write_text(migrate_here(root, "completion", "bash").stdout)
    words = " ".join(f"'{each}'" for each in (program, *typed))
    asks = (
        f". ./script.bash; COMP_WORDS=({words}); COMP_CWORD={len(typed)};"
        f" complete -p {Path(program).name} | grep -q _keychange_complete || exit 9;"
        f" _keychange_complete '{program}' '{typed[-1]}' x; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-c", asks],
        cwd=root,
        env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == expected
    assert done.stderr == ""


def test_each_verb_is_offered_with_its_words(root):
    said = offered(root, "migrate ", "zsh")
    assert said[1::3] == list(VERBS)
    assert said[2::3] == list(VERBS.values())
