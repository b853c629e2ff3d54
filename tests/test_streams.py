"""Room of the two streams: results that cannot be printed, narration that nobody hears."""

import shlex
import subprocess

import pytest

from support.history import build, codes, declare, migration, say, value
from support.workspace import MIGRATE, files, migrate_here

FULL = (
    "<stdout>: error[unwritable-output]: the result cannot be written to standard output: no space"
)


@pytest.fixture
def root(tmp_path):
    root = build(tmp_path / "project")
    declare(root, migration("0001_one", "a", "b"))
    return root


def spoken(root, verb, streams):
    """A verb in a shell, with its streams led elsewhere; its exit code and what it said."""
    command = f"{shlex.join([*MIGRATE, '-C', str(root), *shlex.split(verb)])} {streams}"
    return subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("verb", ["plan", "status --format json", "check --format sarif", "--help"])
def test_a_result_that_cannot_be_printed_is_an_error_of_its_own(root, verb):
    before = files(root)
    done = spoken(root, verb, "> /dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith(FULL)
    assert "run the command again" in done.stderr
    assert files(root) == before


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_run_came_to_counts_where_its_result_cannot_be_printed(root, form):
    done = spoken(root, f"up --yes --format {form}", "> /dev/full")
    assert (done.returncode, value(root)) == (0, "b")
    *_, error, hint, last = done.stderr.splitlines()
    assert error.startswith(FULL)
    assert "counts" in hint
    assert last == "Applied: 0001_one; 3 files written."


def test_an_error_that_cannot_be_printed_keeps_its_code_and_is_told(root):
    (root / ".env").write_text("MODEL=foreign\n")
    assert codes(say(root, "up", "--yes")) == ["foreign-value"]
    done = spoken(root, "up --yes --format json", "> /dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith(FULL)
    assert ".env:1:1: error[foreign-value]: " in done.stderr.splitlines()[-1]


def test_a_reader_that_has_gone_stops_nothing_that_lasts(root):
    """Before, it stopped `up` between two steps, with the code of a refusal."""
    quiet = spoken(root, "plan", "| true")
    assert (quiet.returncode in (0, 1), "error" in quiet.stderr) == (True, False)
    assert spoken(root, "up --yes -v", "2>&1 | true").returncode == 0
    assert value(root) == "b"


@pytest.mark.parametrize(("verb", "code"), [("up --yes", 0), ("plan --no-such", 2), ("check", 1)])
def test_narration_that_nobody_hears_is_missed_by_nobody(root, verb, code):
    done = spoken(root, verb, "2> /dev/full")
    assert done.returncode == code
    if verb == "up --yes":
        assert done.stdout == "Applied: 0001_one; 3 files written.\n"


def test_what_is_saved_is_told_where_it_cannot_be_printed(root):
    plan = root / "up.plan.json"
    done = spoken(root, f"plan --out {plan}", "> /dev/full")
    assert done.returncode == 0
    assert done.stderr.endswith(f"The plan was saved: {plan}\n")
    assert migrate_here(root, "up", "--plan", plan).returncode == 0
