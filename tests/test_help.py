"""Help, versions, and what the program says without a verb."""

import json
import os
import shlex
import subprocess
import sys
from importlib import metadata
from unittest import mock

import click
import pytest

from keychange.cli import EXAMPLES, VERBS, group
from keychange.cli import help as layout
from keychange.cli.version import lines
from support.workspace import files, migrate_here

MIGRATION = """\
format: 1
id: {revision}
title: A model
operations:
  - env: .env
    set: {{MODEL: {{from: {before}, to: {after}}}}}
"""


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "a project"
    (root / "migrations").mkdir(parents=True)
    for revision, before, after in (("0001_one", "a", "b"), ("0002_two", "b", "c")):
        text = MIGRATION.format(revision=revision, before=before, after=after)
        (root / "migrations" / f"{revision}.yaml").write_text(text)
    (root / ".env").write_text("MODEL=a\n")
    return root


def say(root, *arguments, **environment):
    with mock.patch.dict(os.environ, {"NO_COLOR": "1", **environment}):
        return migrate_here(root, *arguments)


def helped(root, *arguments, columns=80):
    done = say(root, *arguments, "--help", COLUMNS=str(columns))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def command(name):
    return group.get_command(click.Context(group), name)


def parsed(words):
    """Parse the arguments of an example as the program does; it raises where they are wrong."""
    with group.make_context("migrate", list(words)) as ctx:
        if not ctx._protected_args:
            return ""
        name, verb, rest = group.resolve_command(ctx, [*ctx._protected_args, *ctx.args])
        verb.make_context(name, rest, parent=ctx)
        return name


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_examples_that_can_be_given(name):
    examples = [each for each, _ in layout.examples(command(name).examples)]
    assert len(examples) >= 2
    for each in examples:
        line = each.split(" > ")[0].split(" | ")[0].removeprefix('eval "$(').removesuffix(')"')
        words = shlex.split(line)  # variables may stand before the program
        assert parsed(words[words.index("migrate") + 1 :]) == name


def test_the_examples_of_the_program_can_be_given():
    for each, said in layout.examples(EXAMPLES):
        words = shlex.split(each)[1:]
        assert said
        assert parsed([word for word in words if word not in ("-C", "../project")]) in ("", *VERBS)


@pytest.mark.parametrize("columns", [80, 100, 200])
def test_help_keeps_to_the_width(root, columns):
    for arguments in ((), *((name,) for name in ("up", "schema", "completion"))):
        lines = helped(root, *arguments, columns=columns).splitlines()
        assert max(map(len, lines)) <= min(columns, 100)


def test_options_stand_under_what_they_are_for(root):
    said = helped(root, "up")
    headings = [line for line in said.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings == [
        "Examples:",
        "What to work on:",
        "Checks and models:",
        "Safety:",
        "Shared options:",
        "Exit codes:",
    ]
    assert "[env var: KEYCHANGE_YES]" in " ".join(said.split())
    assert "[default: head]" in helped(root, "plan")


def test_every_verb_stands_under_a_heading_once():
    shown = [name for _, rows in layout.verbs(VERBS) for name, _ in rows]
    assert sorted(shown) == sorted(VERBS)
    assert not dict(layout.verbs({"made-up": ""}))["Learn"]
    assert list(dict(layout.verbs({"made-up": "x"}))["Further"]) == [("made-up", "x")]


def test_help_is_bold_only_where_there_is_colour(root):
    assert "\x1b" not in helped(root, "plan")
    done = say(root, "--help", NO_COLOR="", FORCE_COLOR="1")
    assert "\x1b[1mExamples:\x1b[0m" in done.stdout


def test_the_version_names_what_a_report_needs(monkeypatch):
    said = migrate_here(".", "--version").stdout.splitlines()
    assert said[0].startswith("keychange 0.")
    assert said[1].startswith("Python 3.")
    assert said[2].startswith("mlx 0.")

    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", nothing)
    assert list(lines())[2].startswith("no mlx here")


@pytest.mark.parametrize(
    ("typed", "meant"), [("pln", "plan"), ("upgrade", "up"), ("rollback", "down"), ("xyz", "")]
)
def test_a_verb_that_is_none_names_the_one_that_was_meant(root, typed, meant):
    done = say(root, typed)
    assert done.returncode == 2
    assert f"there is no verb `{typed}`" in done.stderr
    assert (f"did you mean `{meant}`?" in done.stderr) == bool(meant)


# ---------------------------------------------------------------- without a verb


def facts(done):
    """What the program says without a verb, by its first words."""
    found = {}
    for line in done.stdout.splitlines():
        name, _, said = line.partition(" ")
        found.setdefault(name.rstrip(":"), []).append(said.strip())
    return found


def follow(root, done):
    """Paste the command that is named next."""
    words = shlex.split(facts(done)["next"][0].split("  ")[0])
    assert words[0] == "migrate"
    return migrate_here(root, *words[1:])


def test_without_a_verb_it_says_where_one_stands_and_what_is_next(root):
    before = files(root)
    said = say(root)
    assert said.returncode == 0
    found = facts(said)
    assert found["root"] == [str(root)]
    assert found["migrations"] == ["migrations; 2 migrations, head is 0002_two"]
    assert found["applied"] == ["none of 2"]
    assert found["pending"] == [
        "0001_one: 1 site in 1 file",
        "0002_two: 1 site in 1 file",
    ]
    assert found["drift"] == ["none"]
    assert "Plan: 2 migrations" in follow(root, said).stdout
    assert files(root) == before

    assert say(root, "up", "--yes").returncode == 0
    said = say(root)
    assert facts(said)["applied"] == ["2 of 2, the last is 0002_two"]
    assert follow(root, said).returncode == 0

    (root / ".env").write_text("MODEL=a\n")
    said = say(root)
    assert facts(said)["drift"] == ["0001_one: 1 site in 1 file", "0002_two: 1 site in 1 file"]
    assert "Plan: 2 migrations" in follow(root, said).stdout


def test_without_a_verb_what_is_wrong_names_its_way_out(root):
    (root / "migrations" / "0002_too.yaml").write_text(
        MIGRATION.format(revision="0002_too", before="b", after="c")
    )
    said = say(root)
    assert said.returncode == 0
    assert "rebase" in facts(said)["next"][0]
    (root / ".env").write_text("MODEL=mine\n")
    (root / "migrations" / "0002_too.yaml").unlink()
    said = say(root)
    assert facts(said)["foreign"][0] == "0001_one: 1 site in 1 file; `up` refuses"
    assert "error[foreign-value]" in follow(root, said).stderr


def test_without_a_verb_a_broken_migration_is_located(root):
    (root / "migrations" / "0002_two.yaml").write_text("format: 1\nid: 0002_two\n")
    said = say(root)
    assert said.returncode == 2
    assert "migrations/0002_two.yaml" in said.stderr


def test_without_a_verb_in_an_empty_folder_it_says_how_to_begin(tmp_path):
    said = say(tmp_path)
    assert (said.returncode, said.stderr) == (0, "")
    assert facts(said)["migrations"] == ["none yet"]
    assert "migrate -C " in said.stdout
    assert "demo" in said.stdout
    assert list(tmp_path.iterdir()) == []
    assert follow(tmp_path, said).returncode == 0
    assert (tmp_path / "migrations").is_dir()


def test_without_a_verb_data_is_that_of_status(root):
    said = json.loads(say(root, "--format", "json").stdout)
    assert said == json.loads(say(root, "status", "--format", "json").stdout)


def test_the_environment_names_the_project_unless_an_option_does(root, tmp_path):
    given = {"KEYCHANGE_ROOT": str(tmp_path), "KEYCHANGE_MIGRATIONS": str(root / "migrations")}
    for arguments in (["check", "-C", str(root)], ["-C", str(root), "check"]):
        for _ in range(2):  # the second time it is answered from what was kept
            said = migrate_whole(given, *arguments)
            assert ".env:1:7" in said.stderr
            assert said.returncode == 1


def migrate_whole(environment, *arguments):
    """Run the program itself, with its quick way for a check."""
    return subprocess.run(
        [sys.executable, "-m", "keychange", *arguments],
        env={**os.environ, "NO_COLOR": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
