"""`check` means the same whatever git is told by the environment, a config or attributes."""

import os
import subprocess

import pytest

from support.answers import run
from support.voice_project import FILES, NEW, OLD, write
from support.workspace import MIGRATE, git, migrate, track

BEHIND = "notes.md:1:1: note[left-behind]"
PENDING = "app/voice.py:1:9: error[pending]"
DRIFTED, FINE = f'VOICE = "{OLD}"\n', f'VOICE = "{NEW}"\n'


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    write(root, {**FILES, "notes.md": f"{OLD}\n"})
    track(root)
    return root


def stage(root, folder=""):
    """Stage what has drifted, and have the disk hold what is right."""
    write(root, {f"{folder}app/voice.py": DRIFTED})
    git(root, "add", ".")
    write(root, {f"{folder}app/voice.py": FINE})


@pytest.fixture
def part(tmp_path):
    """A project in a subfolder of a repository, in a linked worktree."""
    whole = tmp_path / "whole"
    write(whole / "part", {**FILES, "notes.md": f"{OLD}\n"})
    track(whole)
    git(whole, "worktree", "add", "-q", "../tree")
    return tmp_path / "tree"


@pytest.mark.parametrize("given", ["absolute", "relative", "by hand"])
def test_a_hook_of_a_worktree_names_the_repository_alone(part, given):
    stage(part, "part/")
    folder = git(part, "rev-parse", "--absolute-git-dir").strip()
    variables = {"GIT_DIR": folder if given != "relative" else os.path.relpath(folder, part)}
    if given == "by hand":
        variables["GIT_WORK_TREE"] = "."
    for _ in range(2):
        done = subprocess.run(
            [*MIGRATE, "-C", "part", "check", "--index"],
            cwd=part,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert PENDING in done.stderr
        assert done.stderr.count("left-behind") == 1
        assert BEHIND in done.stderr


@pytest.mark.parametrize("name", ["grep.fullName", "submodule.recurse"])
def test_a_config_changes_no_answer(part, tmp_path, name):
    write(tmp_path / "other", {"inside.md": f"{OLD}\n"})
    track(tmp_path / "other")
    add = ("submodule", "--quiet", "add", str(tmp_path / "other"), "part/inner")
    git(part, "-c", "protocol.file.allow=always", *add)
    git(part, "config", name, "true")
    for _ in range(2):
        done = migrate(part / "part", "check")
        assert [each for each in done.stderr.splitlines() if "left-behind" in each] == [
            f"{BEHIND}: still holds the old value `{OLD}`; no operation governs it"
        ]


def test_how_paths_are_read_is_not_the_callers_to_say(project):
    """Magit, for one, gives this to every git that it runs, and so to hooks."""
    write(project, {f"app/more{each}.py": f"A = {each}\n" for each in range(400)})
    write(project, {"app/more7.py": f'VOICE = "{OLD}"\n'})
    git(project, "add", ".")
    done = migrate(project, "plan", environment={"GIT_LITERAL_PATHSPECS": "1"})
    assert "app/more7.py" in done.stdout


def test_a_site_in_a_file_that_git_does_not_read_or_search_is_seen(project, monkeypatch):
    monkeypatch.setattr("keychange.warm.record._FEW", 0)
    monkeypatch.setattr("keychange.regular._TICK_NS", -(10**18))
    write(project, {".gitattributes": "app/odd.py -diff\n", "app/odd.py": "A = 1\n"})
    git(project, "add", ".")
    git(project, "update-index", "--assume-unchanged", "app/deep/other.py")
    for path in ("app/odd.py", "app/deep/other.py"):
        run(project)
        assert run(project)[0]
        write(project, {path: f'A = "{OLD}"\n'})
        assert f"{path}:1:5: error[pending]" in run(project)[1][1]
        write(project, {path: "A = 1\n"})


@pytest.mark.parametrize("told", ["--assume-unchanged", "--skip-worktree"])
def test_what_is_staged_is_judged_also_where_git_was_told_to_leave_the_file_alone(project, told):
    path = "app/voice.py"
    stage(project)
    git(project, "update-index", told, path)
    for names in ((), (str(project / path),)):
        for _ in range(2):
            done = migrate(project, "check", "--index", *names)
            assert done.returncode == 1
            assert f"{path}:1:9: error[" in done.stderr
    command = done.stderr.partition("next: ")[2].splitlines()[0]
    subprocess.run(command, shell=True, cwd=project, check=True)
    assert migrate(project, "check", "--index").returncode == 0


@pytest.fixture
def filtered(tmp_path):
    """A project whose tracked config git keeps in another form, as a tool for secrets does."""
    root = tmp_path / "project"
    attributes = "*.json filter=turned\n*.py text eol=crlf\n"
    write(root, {**FILES, ".gitignore": ".env\n", ".gitattributes": attributes})
    git(root, "init", "-q")
    for way in ("clean", "smudge"):
        git(root, "config", f"filter.turned.{way}", "rev")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "as it was")
    return root


def test_what_is_staged_is_judged_as_a_checkout_would_write_it(filtered):
    path = "generated/one/voice.json"
    assert git(filtered, "show", f":{path}").startswith("}")
    name = "generated/a b\nc/voice.json"
    write(filtered, {name: f'{{"model": "{OLD}"}}\n', path: f'{{"model": "{OLD}"}}\n'})
    git(filtered, "add", ".")
    for each in (name, path):
        write(filtered, {each: f'{{"model": "{NEW}"}}\n'})
    done = migrate(filtered, "check", "--index", "--format", "json")
    assert done.stdout.count('"code": "pending"') == 2
    git(filtered, "add", ".")
    (filtered / path).touch()
    assert migrate(filtered, "check", "--index").returncode == 0


def test_a_filter_that_is_not_here_is_told(filtered):
    stage(filtered)
    git(filtered, "config", "filter.turned.required", "true")
    write(filtered, {"generated/one/voice.json": f'{{"model": "{OLD}"}}\n'})
    git(filtered, "config", "filter.turned.smudge", "false")
    done = migrate(filtered, "check", "--index")
    assert done.returncode == 2
    assert "error[git-failed]: git does not give all that is staged" in done.stderr


def test_what_is_meant_to_be_added_or_merged_is_judged_as_it_is_on_the_disk(project):
    write(project, {"app/later.py": DRIFTED})
    git(project, "add", "-N", "app/later.py")
    assert "app/later.py:1:9: error[pending]" in migrate(project, "check", "--index").stderr
    write(project, {"app/later.py": FINE})
    assert migrate(project, "check", "--index").returncode == 0


@pytest.fixture
def refused(project, tmp_path):
    """A project in which git fails for a reason, as it does in another user's checkout."""
    stage(project)
    (project / ".git/index").write_bytes(b"DIRC\0\0\0\2 not an index")
    write(project, {"untracked.txt": f"{OLD}\n"})
    return project


def test_what_git_does_not_say_is_told(refused):
    done = migrate(refused, "check", "--index")
    assert done.returncode == 2
    assert "error[git-failed]: git does not say what is staged: " in done.stderr
    for _ in range(2):
        done = migrate(refused, "check")
        assert done.returncode == 0
        assert "warning[git-failed]: git does not say which files it tracks: " in done.stderr
        assert "untracked.txt:1:1: note[left-behind]" in done.stderr


def test_a_checkout_on_a_machine_without_git(project, tmp_path):
    done = migrate(project, "check", "--index", environment={"PATH": str(tmp_path)})
    assert done.returncode == 2
    assert "there is no program `git`" in done.stderr


def test_another_users_checkout_is_told_with_the_command_of_git(project):
    variables = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    done = migrate(project, "check", "--index", environment=variables)
    assert done.returncode == 2
    assert "detected dubious ownership" in done.stderr
    assert f"git config --global --add safe.directory {project}" in done.stderr


def test_what_is_staged_is_mended_by_the_command_that_is_named(project):
    stage(project)
    done = migrate(project, "check", "--index")
    (command,) = (each for each in done.stderr.splitlines() if each.startswith("  next: "))
    assert "git add -- app/voice.py" in command
    subprocess.run(command.removeprefix("  next: "), shell=True, cwd=project, check=True)
    assert migrate(project, "check", "--index").returncode == 0


def test_what_is_wrong_on_the_disk_as_well_is_mended_there_first(project):
    later = FILES["migrations/0001_voice.yaml"].replace("0001_voice", "0002_later")
    later = later.replace(NEW, "org/voice-3B").replace(OLD, NEW)
    stage(project)
    write(project, {"migrations/0002_later.yaml": later})
    git(project, "add", "migrations")
    said = migrate(project, "check", "--index").stderr
    assert "git add -- app/voice.py" in said  # 0001 is done on the disk
    assert "git add -- .env" not in said
