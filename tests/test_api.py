"""The public functions: their examples run, they print nothing, and importing them is cheap."""

import ast
import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import keychange
from keychange import api
from keychange.render import document
from support.workspace import changed, files, migrate_here

MIGRATION = """\
format: 1
id: 0001_larger
title: A larger model
operations:
  - env: .env
    set: {MODEL: {from: org/small, to: org/large}}
  - python: app.py
    strings: [{from: org/small, to: org/large}]
"""
FUNCTIONS = ("plan", "up", "down", "check", "probe")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations/0001_larger.yaml").write_text(MIGRATION)
    (tmp_path / ".env").write_text("MODEL=org/small\n")
    (tmp_path / "app.py").write_text("MODEL = 'org/small'\n")
    return tmp_path


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of_a_function_runs(name, root):
    found = doctest.DocTestFinder(recurse=False).find(
        getattr(api, name), name, globs={"keychange": keychange, "root": root}
    )
    assert sum(len(each.examples) for each in found) > 0
    for example in found:
        assert doctest.DocTestRunner().run(example).failed == 0


def test_they_print_nothing_and_agree_with_the_verbs(root, capsys):
    before = files(root)
    made, found = keychange.plan(root), keychange.check(str(root))
    assert document.plan(made) == document.plan(api.plan(root, migrations=root / "migrations"))
    assert {e.code for e in found.problems} == {"pending"}
    assert keychange.up(root).done == ("0001_larger",)
    assert keychange.check(root, names=["app.py"]).clean
    after = files(root)
    assert keychange.down(root).done == ("0001_larger",)
    assert changed(before, files(root)) == set()
    assert capsys.readouterr() == ("", "")
    assert migrate_here(root, "up", "--yes").returncode == 0
    assert changed(after, files(root)) == set()


def test_what_goes_wrong_is_raised_with_its_place_and_nothing_is_written(root):
    before = files(root)
    with pytest.raises(keychange.RefusedError, match="not approved"):
        keychange.up(root, approve=lambda plan: plan.direction == "down")
    (root / ".env").write_text("MODEL=mine\n")
    with pytest.raises(keychange.RefusedError) as refused:
        keychange.up(root)
    place = next(each.location for each in refused.value.diagnostics if each.is_error)
    assert (place.path, place.line) == (".env", 1)
    with pytest.raises(keychange.UsageProblem, match="0009"):
        keychange.plan(root, to="0009")
    with pytest.raises(keychange.KeychangeError):
        keychange.plan(root / "nowhere")
    assert changed(before, files(root)) == {".env"}


def test_all_that_is_offered_is_there_and_typed():
    stub = Path(keychange.__file__).with_suffix(".pyi")
    tree = ast.parse(stub.read_text())
    typed = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom)
             for alias in node.names}  # fmt: skip
    assert typed == set(api.__all__) == set(dir(keychange)) - {"__version__"}
    for name in api.__all__:
        assert getattr(keychange, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        keychange.nothing_of_this_name  # noqa: B018 (asking is the test)


def test_importing_keychange_imports_nothing():
    program = (
        "import sys, importlib; before = set(sys.modules); import keychange;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["keychange"]


def test_a_submodule_is_imported_without_the_functions():
    program = "import sys; from keychange import git; print('keychange.api' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_a_function_stays_one_when_modules_are_imported():
    program = (
        "import keychange, keychange.probing.client, keychange.cli;"
        f"assert all(callable(getattr(keychange, name)) for name in {FUNCTIONS})"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
