"""`check` in checkouts of every kind: each works, or says what it cannot do."""

import os
import subprocess

import pytest

from support.voice_project import FILES, OLD, write
from support.workspace import migrate, track

BEHIND = "notes/old.md:1:1: note[left-behind]"


def git(folder, *arguments):
    person = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    allowed = ("-c", "protocol.file.allow=always")
    subprocess.run(["git", *person, *allowed, *arguments], cwd=folder, check=True)


@pytest.fixture
def files(tmp_path):
    root = tmp_path / "project"
    write(root, {**FILES, "notes/old.md": f"{OLD}\n"})
    return root


def both_ways(root, *arguments):
    """The answer of a cold check, which a warm one must repeat."""
    first, second = migrate(root, "check", *arguments), migrate(root, "check", *arguments)
    assert (first.returncode, first.stderr) == (second.returncode, second.stderr)
    return first


def test_without_git_all_files_are_searched(files):
    environment = {"GIT_CEILING_DIRECTORIES": str(files.parent)}
    for arguments in ((), ("--index",)):
        done = migrate(files, "check", *arguments, environment=environment)
        assert done.returncode == 0
        assert BEHIND in done.stderr


def test_a_machine_without_git(files, tmp_path):
    (tmp_path / "bin").mkdir()
    done = migrate(files, "check", environment={"PATH": str(tmp_path / "bin")})
    assert done.returncode == 0
    assert BEHIND in done.stderr


def test_a_repository_without_commits(files):
    git(files, "init", "-q")
    assert both_ways(files).returncode == 0
    git(files, "add", ".")
    assert BEHIND in both_ways(files, "--index").stderr


def test_a_bare_repository_has_no_files_to_judge(tmp_path):
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    done = migrate(tmp_path / "bare.git", "check", environment={"PWD": ""})
    assert done.returncode == 2
    assert "error[bare-repository]" in done.stderr


def test_a_submodule_is_its_own_project(files, tmp_path):
    track(files)
    outer = tmp_path / "outer"
    write(outer, {"README.md": "outer\n"})
    git(outer, "init", "-q")
    git(outer, "submodule", "--quiet", "add", str(files), "inner")
    inner = outer / "inner"
    write(inner, {".env": FILES[".env"]})
    assert BEHIND in both_ways(inner).stderr
    assert BEHIND in both_ways(inner, "--index").stderr
    write(outer, {"migrations/0001_voice.yaml": FILES["migrations/0001_voice.yaml"]})
    assert "inner/" not in both_ways(outer).stderr


def test_a_sparse_checkout_judges_what_is_there(files):
    track(files)
    git(files, "sparse-checkout", "set", "--cone", "app", "migrations")
    assert not (files / "notes").exists()
    assert both_ways(files).returncode == 0
    assert both_ways(files, "--index").returncode == 0


def test_a_shallow_clone(files, tmp_path):
    track(files)
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{files}", "clone")
    done = both_ways(tmp_path / "clone", "--index")
    assert done.returncode == 0
    assert ".env: note[not-here]" in done.stderr
    assert BEHIND in done.stderr


def test_many_untracked_files_cost_nothing_and_are_not_searched(files):
    track(files)
    for number in range(3000):
        (files / "junk" / str(number % 30)).mkdir(parents=True, exist_ok=True)
        (files / "junk" / str(number % 30) / f"{number}.txt").write_text(OLD)
    assert both_ways(files).stderr.count("left-behind") == 1


def test_names_that_are_no_text(files):
    name = os.fsdecode(b"notes/\xff \n.md")
    write(files, {name: f"{OLD}\n"})
    track(files)
    assert both_ways(files).stderr.count("left-behind") == 2
