"""Saved plans: exactly that plan, once, in this checkout, and no secret in the file."""

import hashlib
import json
import shlex
import shutil

import pytest
from jsonschema import Draft202012Validator

from keychange.resources import bundled_schema
from support.history import build, checking, codes, declare, migration, own, say, value, write
from support.workspace import changed, files, migrate_here

ONE, TWO = migration("0001_one", "a", "b"), migration("0002_two", "b", "c")


@pytest.fixture
def root(tmp_path):
    root = build(tmp_path / "project")
    declare(root, ONE, TWO)
    return root


@pytest.fixture
def plan(root, tmp_path):
    path = tmp_path / "up.plan.json"
    done = migrate_here(root, "plan", "--out", path)
    assert done.returncode == 0, done.stderr
    return path


def refused(root, *arguments):
    before = files(root)
    said = say(root, *arguments)
    assert said["exit_code"] == 1
    assert set(codes(said)) == {"stale-plan"}
    assert changed(before, files(root)) == set()
    return [each["message"] for each in said["diagnostics"]]


def test_a_saved_plan_is_applied_without_a_question_and_once(root, plan):
    said = say(root, "up", "--plan", plan)
    assert (said["exit_code"], said["done"], value(root)) == (0, ["0001_one", "0002_two"], "c")
    assert any("applied before" in each for each in refused(root, "up", "--plan", plan))
    assert migrate_here(root, "down", "--to", "base", "--yes").returncode == 0
    assert value(root) == "a"  # every byte as it was, and still not a second time
    assert any("applied before" in each for each in refused(root, "up", "--plan", plan))


def test_a_plan_that_was_rolled_back_is_used_up(root, tmp_path):
    declare(root, migration("0002_two", "b", "c", more=checking("raise SystemExit(1)")))
    say(root, "plan", "--out", tmp_path / "p")
    assert say(root, "up", "--plan", tmp_path / "p")["exit_code"] == 3
    refused(root, "up", "--plan", tmp_path / "p")


def test_the_command_that_is_named_works(root, tmp_path):
    done = migrate_here(root, "plan", "--to", "1", "--out", tmp_path / "it's.plan")
    (command,) = [line for line in done.stderr.splitlines() if "Apply it with" in line]
    program, *rest = shlex.split(command.partition("with: ")[2])
    assert program == "migrate"
    assert migrate_here(root, *rest).returncode == 0
    assert value(root) == "b"


def test_down_has_saved_plans_too(root, tmp_path):
    before = files(root)
    migrate_here(root, "up", "--yes")
    back = tmp_path / "back.json"
    done = migrate_here(root, "down", "--steps", "2", "--dry-run", "--out", back)
    assert f" down --plan {back}" in done.stderr
    for path in (root / "migrations").iterdir():
        shutil.copy(path, tmp_path)
    assert migrate_here(root, "up", "--plan", back).returncode == 2
    assert say(root, "down", "--plan", back)["done"] == ["0002_two", "0001_one"]
    assert changed(before, files(root)) == set()
    refused(root, "down", "--plan", back)


def edit_file(root, plan):
    write(root, "app.py", "MODEL = 'a'  # edited\n")


def remove_file(root, plan):
    (root / "conf/one.json").unlink()


def new_file(root, plan):
    write(root, "conf/two.json", '{"model": "a"}')


def edit_migration(root, plan):
    declare(root, TWO.replace("to: c", "to: d"))


def new_migration(root, plan):
    declare(root, own("0003_more", "MORE"))


def remove_migration(root, plan):
    (root / "migrations/0002_two.yaml").unlink()


def another_run(root, plan):
    assert migrate_here(root, "up", "--to", "1", "--yes").returncode == 0
    assert migrate_here(root, "down", "--yes").returncode == 0


def edit_plan(root, plan):
    document = json.loads(plan.read_bytes())
    document["steps"][0]["files"][0]["after"] = None
    plan.write_text(json.dumps(document))


def lose_key(root, plan):
    (root / ".keychange/key").unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edit_file, "the file has changed"),
        (remove_file, "the file has changed"),
        (new_file, "the file has changed"),
        (edit_migration, "migration `0002_two` is not what it was"),
        (new_migration, "migration `0003_more` is not what it was"),
        (remove_migration, "migration `0002_two` is not there any more"),
        (another_run, "another run has written since"),
        (edit_plan, "the plan file was edited"),
        (lose_key, "not made in this checkout"),
    ],
)
def test_a_stale_plan_is_refused(root, plan, change, said):
    change(root, plan)
    assert any(said in each for each in refused(root, "up", "--plan", plan))


def test_a_copy_of_the_project_is_another_checkout(root, plan):
    copy = root.parent / "copy"
    shutil.copytree(root, copy)
    assert any("another checkout" in each for each in refused(copy, "up", "--plan", plan))


def test_the_file_is_private_and_holds_no_secret(root, plan):
    assert plan.stat().st_mode & 0o777 == 0o600
    assert (root / ".keychange/key").stat().st_mode & 0o777 == 0o600
    text = plan.read_text()
    assert "canary" not in text
    for path in (".env", "app.py"):  # nor what a secret could be guessed from
        assert hashlib.sha256((root / path).read_bytes()).hexdigest() not in text


def test_the_file_fits_its_schema(root, plan, tmp_path):
    migrate_here(root, "up", "--yes")
    migrate_here(root, "down", "--dry-run", "--out", tmp_path / "down.json")
    validator = Draft202012Validator(bundled_schema("plan"))
    for path in (plan, tmp_path / "down.json"):
        validator.validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"kind": "keychange plan", "format": 1}'])
def test_what_is_no_plan_is_neither_applied_nor_overwritten(root, tmp_path, text):
    path = tmp_path / "file"
    path.write_text(text)
    assert migrate_here(root, "up", "--plan", path).returncode == 2
    if "kind" not in text:
        assert codes(say(root, "plan", "--out", path)) == ["not-a-plan-file"]
        assert path.read_text() == text


def test_a_plan_of_a_newer_keychange_is_refused(root, plan):
    plan.write_text(plan.read_text().replace('"format": 1', '"format": 2'))
    assert codes(say(root, "up", "--plan", plan)) == ["newer-plan"]


def test_a_plan_with_errors_is_not_saved(root, tmp_path):
    write(root, "app.py", "MODEL = 'mine'\n")
    assert say(root, "plan", "--out", tmp_path / "p")["exit_code"] == 1
    assert not (tmp_path / "p").exists()
    assert codes(say(root, "plan", "--out", tmp_path / "no/such/p")) == ["foreign-value"]


def test_options_that_would_change_the_plan_are_refused(root, plan):
    for options in (("--to", "1"), ("--dry-run",), ("--interrupted", "continue")):
        assert migrate_here(root, "up", "--plan", plan, *options).returncode == 2
    assert migrate_here(root, "down", "--plan", plan, "--to", "base").returncode == 2
    assert migrate_here(root, "down", "--out", plan).returncode == 2
