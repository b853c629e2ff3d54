"""Targets of the python kind that are no plain file, and the proof, by the command line."""

import json
import os
import stat

import pytest

from support.workspace import changed, files, migrate

MIGRATION = """\
format: 1
id: 0001_voice
title: A to B
operations:
  - python: [app.py, good.py]
    strings: [{from: org/model-a, to: org/model-b}]
"""
CODE = b"MODEL = 'org/model-a'\n"


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "project"
    (root / "migrations").mkdir(parents=True)
    (root / "migrations" / "0001_voice.yaml").write_text(MIGRATION)
    (root / "good.py").write_bytes(CODE)
    (tmp_path / "outside.py").write_bytes(CODE)
    return root


def read_only(path):
    path.write_bytes(CODE)
    path.chmod(0o444)


WRONG = {
    "a folder": (lambda path: path.mkdir(), "unreadable-target"),
    "a pipe": (os.mkfifo, "unreadable-target"),
    "not there": (lambda path: None, "missing-target"),
    "a link to nothing": (lambda path: path.symlink_to("gone.py"), "missing-target"),
    "a link to itself": (lambda path: path.symlink_to("app.py"), "unreadable-target"),
    "a link out of the root": (lambda path: path.symlink_to("../outside.py"), "outside-root"),
    "read-only": (read_only, "read-only-file"),
    "no Python": (lambda path: path.write_bytes(CODE + b"x = (\n"), "invalid-python"),
    "too deep": (
        lambda path: path.write_bytes(b"x = " + b"(" * 9_999 + b")" * 9_999 + b"\n" + CODE),
        "invalid-python",
    ),
    "a sum that crashes libcst": (
        lambda path: path.write_bytes(CODE + b"x = " + b'"a" + ' * 40_000 + b'"a"\n'),
        "invalid-python",
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_cannot_be_edited_is_a_located_error_and_nothing_is_written(root, case):
    make, code = case
    make(root / "app.py")
    before = files(root)
    done = migrate(root, "up", "--yes")
    assert done.returncode == 1, done.stderr
    (line,) = (each for each in done.stderr.splitlines() if ": error[" in each)
    assert f"{code}]: " in line
    assert line.startswith(("app.py", "migrations/0001_voice.yaml:5:"))
    assert "Traceback" not in done.stderr
    assert changed(before, files(root)) == set()
    assert (root.parent / "outside.py").read_bytes() == CODE


def test_a_link_within_the_root_stays_a_link(root):
    (root / "real.py").write_bytes(CODE)
    (root / "real.py").chmod(0o750)
    (root / "app.py").symlink_to("real.py")
    assert migrate(root, "up", "--yes").returncode == 0
    assert (root / "app.py").is_symlink()
    assert (root / "real.py").read_bytes() == b"MODEL = 'org/model-b'\n"
    assert stat.S_IMODE((root / "real.py").stat().st_mode) == 0o750


@pytest.mark.parametrize("change", ["unlink", "edit", "mkdir"])
def test_a_file_that_changes_after_planning_is_not_written(root, change):
    from keychange import planning, project, workflow
    from keychange.errors import RefusedError
    from keychange.options import Options
    from keychange.settings import find_settings

    path = root / "app.py"
    path.write_bytes(CODE)
    here = project.load_project(find_settings(root, None, root))
    plan = planning.plan_up(here)
    path.unlink()
    if change == "edit":
        path.write_bytes(CODE + b"# mine\n")
    elif change == "mkdir":
        path.mkdir()
    before = files(root)
    with pytest.raises(RefusedError) as caught:
        workflow.up(here, plan, Options())
    assert "app.py" in {each.location.path for each in caught.value.diagnostics if each.location}
    assert changed(before, files(root)) == set()


def test_a_plan_shows_one_proof_for_each_file_and_the_ledger_keeps_it(root):
    (root / "app.py").write_bytes(CODE + b"OTHER = 'org/model-a'\n")
    expected = {"app.py": "2 literals, 0 other tokens", "good.py": "1 literal, 0 other tokens"}
    shown = migrate(root, "plan").stdout
    assert [line for line in shown.splitlines() if "proved" in line] == [
        f"  proved: {proof}" for proof in expected.values()
    ]
    document = json.loads(migrate(root, "plan", "--format", "json").stdout)
    (step,) = document["plan"]["steps"]
    assert {each["path"]: each["proofs"] for each in step["files"]} == {
        path: [proof] for path, proof in expected.items()
    }
    assert migrate(root, "up", "--yes").returncode == 0
    ledger = json.loads((root / ".keychange" / "ledger.json").read_text())
    kept = {
        file["path"]: file["proofs"]
        for entry in ledger["entries"]
        for batch in entry["batches"]
        for file in batch
    }
    assert kept == {path: [proof] for path, proof in expected.items()}
