"""What was searched is not read, and the plan is the same; what changed since is searched again."""

import os
import subprocess

import pytest

from keychange import regular, searching, workflow
from keychange.diagnostics import errors_in
from keychange.planning import plan_up
from keychange.project import load_project
from keychange.settings import find_settings
from support.history import codes, say
from support.workspace import migrate_here, track

OLD, NEW = "org/model-4bit", "org/model-8bit"
MIGRATION = f"""\
format: 1
id: 0001_model
title: model
operations:
  - python: "app/**/*.py"
    strings: [{{from: {OLD}, to: {NEW}}}]
  - python: "named/*.py"
    strings: [{{at: NAME, to: new}}]
"""
HOLDERS = {
    "plain": f'MODEL = "{OLD}"\n',
    "done": f'MODEL = "{NEW}"\n',
    "escaped": 'MODEL = "org/\\x6dodel-4bit"\n',
    "octal": 'MODEL = "org\\57model-4bit"\n',
    "named": 'MODEL = "\\N{LATIN SMALL LETTER O}rg/model-4bit"\n',
    "joined": 'MODEL = "org/mod\\\nel-4bit"\n',
    "pieces": 'MODEL = ("org/mo"  # why\n  r"del" "-4bit")\n',
    "letters": f"MODEL = ({' '.join(map(repr, OLD))})\n",
    "f_string": f'MODEL = f"{{A}}" "{OLD}"\n',
    "compared": f'if M == "{OLD}":\n    pass\n',
    "utf_7": "# coding: utf-7\nMODEL = 'org/+AG0-odel-4bit'\n",
    "latin": f"# coding: latin-1\nMODEL = '{OLD}'\n",
    "broken": f'MODEL = "{OLD}\n',
}
OTHERS = {
    "none": "A = 1\n",
    "near": 'MODEL = "org/other-4bit"\n',
    "scattered": "M = 'm'; O = 'o'\nE = 'org/' + 'model-4bit'\n",
    "no_python": "print 'hello'\n",
}


def git(root, *arguments):
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "project"
    for folder in ("app", "app/deep/er", "named"):
        (root / folder).mkdir(parents=True)
    (root / "migrations").mkdir()
    (root / "migrations/0001_model.yaml").write_text(MIGRATION)
    texts = HOLDERS | OTHERS
    for name, text in texts.items():
        (root / f"app/{name}.py").write_text(text)
        (root / f"app/deep/er/{name}.py").write_bytes(text.replace("\n", "\r\n").encode())
    (root / "named/one.py").write_text("NAME = 'old'\n")
    (root / ".gitignore").write_text("app/ignored.py\n")
    track(root)
    return root


@pytest.fixture
def read_here(monkeypatch):
    """The files that were searched here, and not by git."""
    found = []
    original = searching._may_hold

    def noted(root, values, path):
        found.append(path)
        return original(root, values, path)

    monkeypatch.setattr(searching, "_may_hold", noted)
    monkeypatch.setattr(searching, "_SIZE", 0)
    return found


def planned(root, monkeypatch, few):
    monkeypatch.setattr(searching, "FEW", few)
    return plan_up(load_project(find_settings(root, None, root)))


def without_errors(root):
    for name in ("broken", "utf_7"):
        for folder in ("app", "app/deep/er"):
            (root / folder / f"{name}.py").write_text("A = 1\n")


def same_both_ways(root, monkeypatch):
    """The plan with a search, which is the plan without one but for what was read."""
    whole = planned(root, monkeypatch, 10**9)
    quick = planned(root, monkeypatch, 1)
    assert not whole.searched.files
    assert quick.searched.files.keys().isdisjoint(quick.reads)
    assert quick.searched.files.keys() | quick.reads.keys() == whole.reads.keys()
    assert quick.diagnostics == whole.diagnostics
    for mine, other in zip(quick.steps, whole.steps, strict=True):
        assert mine.sites == other.sites
        assert mine.changes == other.changes
    return quick


def names(paths):
    return {path.rpartition("/")[2].removesuffix(".py") for path in paths}


@pytest.mark.parametrize("checkout", [True, False])
def test_the_plan_is_the_same_and_most_is_not_read(root, monkeypatch, read_here, checkout):
    if not checkout:
        (root / ".git").rename(root.parent / "elsewhere")
    found = same_both_ways(root, monkeypatch)
    assert names(found.searched.files) == OTHERS.keys()
    assert names(read_here).isdisjoint(OTHERS.keys() - {"near"})
    assert [each.code for each in errors_in(found.diagnostics)] == ["invalid-python"] * 4


def test_what_git_says_of_a_file_does_not_matter(root, monkeypatch):
    holding = f'MODEL = "{OLD}"\n'
    kinds = ("untracked", "ignored", "assumed", "skipped", "staged", "linked", "removed")
    for name in ("assumed", "skipped", "removed"):
        (root / f"app/{name}.py").write_text("A = 1\n")
    git(root, "add", ".")
    git(root, "update-index", "--assume-unchanged", "app/assumed.py")
    git(root, "update-index", "--skip-worktree", "app/skipped.py")
    git(root, "rm", "-q", "--cached", "app/removed.py")
    (root / "app/staged.py").write_text("A = 1\n")
    git(root, "add", "app/staged.py")
    (root / "elsewhere.txt").write_text(holding)
    (root / "app/linked.py").symlink_to("../elsewhere.txt")
    for name in kinds:
        if name != "linked":
            (root / f"app/{name}.py").write_text(holding)
    found = same_both_ways(root, monkeypatch)
    pending = {site.path for step in found.steps for site in step.sites if site.changes}
    assert pending >= {f"app/{name}.py" for name in kinds}


def test_settings_of_git_change_nothing(root, monkeypatch, read_here):
    for name, value in (
        *(("grep.fullName", "true"), ("grep.patternType", "fixed"), ("grep.column", "true")),
        *(("color.ui", "always"), ("core.quotePath", "true"), ("submodule.recurse", "true")),
    ):
        git(root, "config", name, value)
    (root / ".gitattributes").write_text("*.py binary\n")
    (root / "app/zoë 1.py").write_text("A = 1\n")
    git(root, "add", ".")
    for name in ("GIT_DIR", "GIT_LITERAL_PATHSPECS"):
        monkeypatch.setenv(name, "1")
    found = same_both_ways(root, monkeypatch)
    assert "app/zoë 1.py" in found.searched.files
    assert len(found.searched.files) == 2 * len(OTHERS) + 1
    assert "zoë 1" not in names(read_here)


def test_below_the_top_of_a_checkout(tmp_path, root, monkeypatch, read_here):
    (tmp_path / "outer").mkdir()
    (root / ".git").rename(tmp_path / "git-of-before")
    root = root.rename(tmp_path / "outer/inner")
    track(tmp_path / "outer")
    git(tmp_path / "outer", "config", "grep.fullName", "true")
    assert same_both_ways(root, monkeypatch).searched.files
    assert "none" not in names(read_here)


def test_where_git_cannot_say_all_is_searched_here(root, monkeypatch, tmp_path, read_here):
    script = tmp_path / "bin/git"
    script.parent.mkdir()
    for text in ("exit 128", "printf 'app/plain.py\\0'; echo app/near.py: cannot read it >&2"):
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
        read_here.clear()
        assert names(same_both_ways(root, monkeypatch).searched.files) == OTHERS.keys()
        assert len(read_here) == 2 * len(HOLDERS | OTHERS)


def test_only_what_changed_since_is_searched_again(root, monkeypatch, read_here):
    plan = planned(root, monkeypatch, 1)
    read_here.clear()
    monkeypatch.setattr(regular, "_TICK_NS", 10**18)
    assert searching.holding_now(root, plan.searched) == ()
    assert read_here == sorted(plan.searched.files)  # so young that they may have changed
    monkeypatch.setattr(regular, "_TICK_NS", -(10**18))
    read_here.clear()
    assert searching.holding_now(root, plan.searched) == ()
    assert read_here == []
    (root / "app/none.new").write_text(HOLDERS["escaped"])
    (root / "app/none.new").rename(root / "app/none.py")
    (root / "app/near.py").unlink()
    (root / "app/near.py").symlink_to("plain.py")
    assert searching.holding_now(root, plan.searched) == ("app/near.py", "app/none.py")


@pytest.mark.parametrize("text", [HOLDERS["plain"], HOLDERS["letters"]])
def test_a_file_that_comes_to_hold_the_value_makes_the_plan_stale(root, monkeypatch, text):
    without_errors(root)
    monkeypatch.setattr(searching, "FEW", 1)
    done = migrate_here(root, "plan", "--out", root.parent / "saved.plan")
    assert done.returncode == 0, done.stderr
    (root / "app/near.py").write_text("B = 2\n")  # what holds nothing may change
    project = load_project(find_settings(root, None, root))
    plan = plan_up(project)
    assert "app/near.py" in plan.searched.files
    (root / "app/none.py").write_text(text)
    said = say(root, "up", "--plan", root.parent / "saved.plan")
    assert (said["exit_code"], codes(said)) == (1, ["stale-plan"])
    assert said["diagnostics"][0]["path"] == "app/none.py"
    assert searching.holding_now(root, plan.searched) == ("app/none.py",)
    git(root, "update-index", "--assume-unchanged", "app/no_python.py")
    assert searching.holding_now(root, plan.searched) == ("app/none.py",)
    (root / "app/none.py").unlink()
    assert searching.holding_now(root, plan.searched) == ()
    assert say(root, "up", "--plan", root.parent / "saved.plan")["exit_code"] in (0, 1)


def test_up_searches_again_under_the_lock(root, monkeypatch):
    without_errors(root)
    monkeypatch.setattr(searching, "FEW", 1)
    original = workflow.recover

    def meanwhile(folder):
        (root / "app/none.py").write_text(HOLDERS["pieces"])
        return original(folder)

    monkeypatch.setattr(workflow, "recover", meanwhile)
    before = (root / "app/plain.py").read_bytes()
    said = say(root, "up", "--yes")
    assert (said["exit_code"], codes(said)) == (1, ["stale-plan"])
    assert (root / "app/plain.py").read_bytes() == before
    monkeypatch.setattr(workflow, "recover", original)
    assert say(root, "up", "--yes")["exit_code"] == 0
    assert f'"{NEW}"' in (root / "app/plain.py").read_text()
    assert say(root, "check")["exit_code"] == 0
