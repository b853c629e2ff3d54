"""The hooks, run by the real pre-commit in repositories made here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from support.voice_project import NEW, OLD

CHECKOUT = Path(__file__).parent.parent
SHIPPED = (
    *("engine", "schemas", "migrations", "assets/sample"),
    *("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"),
)
MIGRATION = """\
format: 1
id: {id}
title: voice
operations:
  - env: .env
    missing: skip
    set: {{VOICE: {{from: {old}, to: {new}}}}}
  - python: "app/*.py"
    strings: [{{from: {old}, to: {new}}}]
"""
CONFIG = """\
default_install_hook_types: [pre-commit, post-checkout, post-merge]
repos:
  - repo: {repo}
    rev: {rev}
    hooks:
      - id: keychange-check
      - id: keychange-validate
      - id: keychange-behind
"""
PERSON = {
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "test"),
    **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "test@example.invalid"),
    **dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-01-01T00:00:00Z"),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_EDITOR": "true",
}


@pytest.fixture(scope="session")
def hooks(tmp_path_factory, worker_id):
    """Where keychange can be cloned from, at which revision, and the environment of commands."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    repo = shared / "keychange"
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        **PERSON,
        "PRE_COMMIT_HOME": str(shared / "pre-commit"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    environment.pop("CI", None)
    with FileLock(shared / "keychange.lock"):
        if not repo.exists():
            staged = shared / "keychange.staged"
            for name in SHIPPED:
                target = staged / name
                target.parent.mkdir(parents=True, exist_ok=True)
                if (CHECKOUT / name).is_dir():
                    ignored = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(CHECKOUT / name, target, ignore=ignored)
                else:
                    shutil.copy(CHECKOUT / name, target)
            for command in (("init", "-q"), ("add", "-f", "."), ("commit", "-q", "-m", "x")):
                subprocess.run(["git", *command], cwd=staged, env=environment, check=True)
            staged.rename(repo)
    head = ["git", "rev-parse", "HEAD"]
    rev = subprocess.run(head, cwd=repo, capture_output=True, text=True, check=True).stdout.strip()
    return repo, rev, environment


class Repository:
    def __init__(self, root, environment):
        self.root = root
        self.environment = environment

    def run(self, *command, folder="", code=0):
        done = subprocess.run(
            command,
            cwd=self.root / folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        return said

    def git(self, *arguments, folder="", code=0):
        return self.run("git", *arguments, folder=folder, code=code)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)


@pytest.fixture
def project(tmp_path, hooks):
    """A repository with the hooks installed and one migration that is applied."""
    repo, rev, environment = hooks
    made = Repository(tmp_path / "project", environment)
    made.write(".pre-commit-config.yaml", CONFIG.format(repo=repo, rev=rev))
    made.write(".gitignore", ".env\n")
    made.write(".env", f"VOICE={NEW}\n")
    made.write("app/voice.py", f'A = "{NEW}"\n\n\nB = "b"\n')
    first = MIGRATION.format(id="0001_voice", old=OLD, new=NEW)
    made.write("migrations/0001_voice.yaml", first)
    made.git("init", "-q", "-b", "main")
    made.git("add", ".")
    with FileLock(f"{repo}.installing"):  # one environment for all tests
        made.run("pre-commit", "install", "--install-hooks")
    said = made.git("commit", "-q", "-m", "first")
    assert said.count("Passed") == 2
    return made


def head(project):
    return project.git("rev-parse", "HEAD")


def test_a_commit_that_drifts_is_refused_and_a_clean_one_is_not(project):
    before = head(project)
    project.write("app/voice.py", f'A = "{OLD}"\n')
    said = project.git("commit", "-a", "-q", "-m", "drift", code=1)
    assert "app/voice.py:1:5: error[pending]" in said
    assert head(project) == before
    project.write("app/voice.py", f'A = "{NEW}"\nC = 1\n')
    assert "Failed" not in project.git("commit", "-a", "-q", "-m", "clean")


def test_a_partly_staged_file_is_judged_as_it_is_staged(project):
    project.write("app/voice.py", f'A = "{OLD}"\n\n\nB = "b"\n')
    project.git("add", "app/voice.py")
    project.write("app/voice.py", f'A = "{NEW}"\n\n\nB = "c"\n')
    assert "error[pending]" in project.git("commit", "-q", "-m", "staged drift", code=1)
    project.git("add", "app/voice.py")
    project.write("app/voice.py", f'A = "{OLD}"\n\n\nB = "c"\n')
    project.git("commit", "-q", "-m", "staged well")
    assert OLD in (project.root / "app/voice.py").read_text()


def test_what_git_ignores_is_judged_too_and_may_be_missing(project):
    project.write("notes.txt", "x\n")
    project.git("add", "notes.txt")
    project.write(".env", f"VOICE={OLD}\n")
    assert ".env:1:7: error[pending]" in project.git("commit", "-q", "-m", "env", code=1)
    (project.root / ".env").unlink()
    project.git("commit", "-q", "-m", "no env")


def test_it_runs_in_a_worktree_and_from_a_subfolder(project):
    tree = project.root.with_name("tree")
    project.git("worktree", "add", "-q", str(tree))
    there = Repository(tree, project.environment)
    there.write("app/voice.py", f'A = "{OLD}"\n')
    there.git("add", ".", folder="app")
    said = there.git("commit", "-q", "-m", "drift", folder="app", code=1)
    assert "app/voice.py:1:5: error[pending]" in said
    there.write("app/voice.py", f'A = "{NEW}"\n')
    there.git("commit", "-q", "-a", "--allow-empty", "-m", "clean", folder="app")


def test_a_migration_that_is_not_valid_is_refused(project):
    project.write("migrations/0002_next.yaml", "format: 1\nid: 0002_next\ntitel: typo\n")
    project.git("add", ".")
    said = project.git("commit", "-q", "-m", "broken", code=1)
    assert "migrations/0002_next.yaml:3:1: error" in said
    assert "did you mean" in said


def test_a_checkout_and_a_rebase_say_what_is_to_be_applied(project):
    project.git("checkout", "-q", "-b", "topic")
    project.write("topic.txt", "x\n")
    project.git("add", ".")
    project.git("commit", "-q", "-m", "topic")
    project.git("checkout", "-q", "main")
    second = MIGRATION.format(id="0002_next", old=NEW, new="org/voice-3B")
    project.write("migrations/0002_next.yaml", second)
    project.git("add", ".")
    project.git("commit", "-q", "--no-verify", "-m", "a further migration")
    project.git("checkout", "-q", "topic")
    said = project.git("rebase", "main")
    assert "1 migration behind (0002_next); next: migrate up" in said
    said = project.git("checkout", "main")
    assert "1 migration behind (0002_next); next: migrate up" in said
    said = project.git("checkout", "-q", "HEAD~1")
    assert "migration behind" not in said
