"""Code that nobody here wrote: the standard library, generated programs; and replayed commits."""

import json
import subprocess
import sys
from pathlib import Path

import hypothesmith
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keychange.edits import apply_edits
from keychange.formats.python.address import Place, literals
from keychange.formats.python.encoding import InvalidPython
from keychange.formats.python.source import parse
from keychange.model import Recorded, Source
from keychange.operations import python as kind
from support.python_kind import context
from support.python_oracle import differences

CORPUS = Path(__file__).parent / "corpus"


def run(command, *arguments):
    done = subprocess.run(
        [sys.executable, CORPUS / command, *arguments], capture_output=True, text=True, check=False
    )
    table = {
        words[1].strip(): words[0]
        for line in done.stdout.splitlines()
        if len(words := line.strip().split("  ", 1)) == 2
    }
    return done.returncode, table, done.stderr


def test_a_sample_of_the_standard_library_goes_there_and_back():
    folder = Path(json.__file__).parent
    status, table, errors = run(
        "python_roundtrip.py", "--sample", "80", "--seed", "2", "--jobs", "2",
        "--paths", folder, folder.parent / "argparse.py", folder.parent / "logging",
    )  # fmt: skip
    assert (status, errors) == (0, "")
    assert table["literals"] == table["byte-identical"] == table["evaluated equal"] == "80"


def test_real_commits_are_replayed(tmp_path):
    def git(*arguments):
        identity = ["-c", "user.name=x", "-c", "user.email=x@y"]
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True)

    git("init", "-q")
    file = tmp_path / "a.py"
    versions = [
        '"""Doc."""\nX = "old"\ny = f"{X} old" if X == "a" else b"k"\n',
        '"""Doc."""\nX = "new"\ny = f"{X} old" if X == "a" else b"k"\n',
        '"""Doc."""\nX = \'other\'\ny = f"{X} old" if X == "b" else b"k"\n',
        '"""New."""\nX = \'other\'\ny = f"{X} old" if X == "b" else b"k"\n',
        '"""New."""\nX = \'other\'\ny = f"{X} new" if X == "b" else b"k"\n',
        '"""New."""\nX = \'other\'\ny = f"{X} new" if X == "b" else b"l"\n',
    ]
    for version in versions:
        file.write_text(version)
        git("add", "a.py")
        git("commit", "-q", "-m", "x")
    status, table, errors = run("python_history.py", tmp_path, "--jobs", "1")
    assert (status, errors) == (0, "")
    assert table["reproduced"] == "2"
    assert table["out: a docstring"] == "1"
    assert table["out: more than the text of strings changed"] == "1"
    assert table["differs: the author changed quotes or prefix"] == "1"
    assert table["of 3 reproduced"] == "66.67%"


@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=HealthCheck)
@given(hypothesmith.from_grammar(auto_target=False), st.text(max_size=8), st.randoms())
def test_generated_programs_go_there_and_back(code, value, random):
    try:
        data = (code + '\nx = ["o\\x6cd", f"{y} old"]\n').encode()
        found = literals(parse(data))
    except (InvalidPython, UnicodeEncodeError):
        return
    chosen = random.choice([each for each in found if each.place is Place.VALUE])
    new = f"{value}'\"\\"
    operation = kind.parse(
        {"strings": [{"from": chosen.value, "to": new, "in": "any"}]},
        {"kind": "python", "targets": ("a.py",)},
    )
    finding = kind.examine(operation, Source("a.py", data), context())
    assert not [each for each in finding.diagnostics if each.is_error]
    edited = apply_edits(data, finding.edits)
    pairs = [(each.before, each.after) for each in finding.sites if each.changes]
    assert sorted(differences(data, edited)) == sorted(pairs)
    records = [
        Recorded("a.py", "python", each.address, each.before, each.after, each.undo)
        for each in finding.sites
        if each.changes
    ]
    back = kind.revert(records, Source("a.py", edited), context())
    assert apply_edits(edited, back.edits) == data


def test_the_judge_sees_what_is_not_a_string():
    with pytest.raises(AssertionError):
        differences(b'x = "a"', b"x = 1")
