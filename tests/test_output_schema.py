"""Every verb's JSON document and the ledger are as their schemas say, on success and on failure.

What other tests print with `--format json` is held against the same schemas, nothing undescribed in
it: see `support.documents`.
"""

import json
import shutil

import pytest

from keychange.cli import VERBS
from keychange.resources import bundled_schema
from support.documents import closed, judged, printed
from support.history import build, declare, migration, own
from support.workspace import migrate_here

GOES_WELL = {
    "plan": [("plan",), ("plan", "--out", "PLAN"), ("up", "--dry-run")],
    "up": [("up", "--yes"), ("up", "--yes")],
    "down": [
        ("up", "--yes"),
        ("down", "--dry-run"),
        ("down", "--yes"),
        ("down", "--to", "base", "--yes"),
    ],
    "status": [("status",), ("up", "--yes"), ("status",)],
    "history": [("history",), ("up", "--yes"), ("history",)],
    "check": [("check",), ("up", "--yes"), ("check",)],
    "validate": [("validate",)],
    "verify": [("up", "--yes"), ("verify",)],
    "stamp": [("stamp", "0001", "--dry-run"), ("stamp", "0001", "--yes")],
    "rebase": [("rebase", "--dry-run"), ("rebase", "--yes")],
    "recover": [("recover",)],
    "schema": [("schema",), ("schema", "output"), ("schema", "--check", "conf/*.json")],
    "sites": [("sites", "app.py")],
    "new": [("new", "next_one"), ("new", "other", "--from", "org/voice", "--to", "z", "--dry-run")],
    "init": [("init", "--dry-run"), ("init",)],
    "lint": [("lint",)],
    "completion": [("completion", "bash")],
    "report": [("up", "--yes"), ("report",)],
    "doctor": [("doctor",)],
    "explain": [("explain",), ("explain", "drift")],
}
ELSEWHERE = {"probe", "model", "demo"}
"""Verbs that need a model: their documents are held against the schema where they are tested."""
GOES_WRONG = [
    (("--nonsense",), 2),
    (("up",), 1),
    (("up", "--to", "0009", "--yes"), 2),
    (("plan", "--out", "no/such/folder/plan"), 1),
    (("down", "--to", "0009"), 2),
    (("stamp", "0009"), 2),
    (("rebase", "--onto", "none"), 2),
    (("schema", "none"), 2),
    (("schema", "--check", "conf/*.json", "--by", "migration"), 1),
    (("sites", "none.py"), 1),
    (("new", "../x"), 2),
    (("explain", "no-such-code"), 2),
    (("probe",), 1),
    (("model", "fetch"), 1),
]


@pytest.fixture
def root(tmp_path):
    root = build(tmp_path / "project")
    declare(root, migration("0001_one", "a", "b", more="verify: [{run: ['true']}]\n"))
    declare(root, own("0002_two", "OTHER"))
    (root / "voice.py").write_text("VOICE = 'org/voice'\n")
    return root


def document(root, *arguments):
    done = migrate_here(root, *arguments, "--format", "json")
    said = printed(done.stdout)
    assert said["exit_code"] == done.returncode
    return said


def test_no_verb_is_left_out():
    assert set(VERBS) - ELSEWHERE <= GOES_WELL.keys()


@pytest.mark.parametrize("verb", GOES_WELL)
def test_success(root, verb):
    if verb == "init":
        shutil.rmtree(root / "migrations")
    for words in GOES_WELL[verb]:
        named = (str(root.parent / each) if each == "PLAN" else each for each in words)
        said = document(root, *named)
        # Of a document that is no failure, the schema demands the members of its verb.
        assert said.get("ending") not in ("refused", "could-not-run"), said


@pytest.mark.parametrize(("words", "code"), GOES_WRONG)
def test_failure(root, words, code):
    said = document(root, *words)
    assert said["exit_code"] == code, said
    assert said["diagnostics"]


def test_ledger(root):
    """Bytes that are no UTF-8, values of every kind, a run that is cut off, a stamp."""
    (root / ".env").write_bytes(b"MODEL=a\nLATIN=\xe9\n")
    declare(root, own("0003_three", "LATIN"))
    path = root / ".keychange/ledger.json"
    for words in (
        ("up", "--yes"),
        ("down", "--to", "0001", "--yes"),
        ("stamp", "0002", "--yes"),
        ("down", "--to", "base", "--yes"),
    ):
        assert migrate_here(root, *words).returncode == 0
        held = judged("ledger", json.loads(path.read_bytes()))
        assert held["last"]["verb"] == words[0]


@pytest.mark.parametrize("name", ["output", "ledger"])
def test_the_schemas_can_say_no_and_explain_themselves(name):
    schema, _ = closed(name)
    for wrong in ({}, {"format_version": 2}, {"format": 2}, []):
        with pytest.raises(AssertionError):
            judged(name, wrong)
    assert "additionalProperties" not in bundled_schema("output"), "a reader must bear new members"
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        for each in (*node.get("properties", {}).values(), *node.get("$defs", {}).values()):
            assert each["title"], each
            assert each["description"].endswith("."), each
            waiting.append(each)


def test_a_document_without_its_verb_s_members_is_refused():
    good = {"format_version": 1, "verb": "check", "exit_code": 0, "diagnostics": []}
    with pytest.raises(AssertionError):
        judged("output", good)
    judged("output", {**good, "clean": True, "migrations": []})
    with pytest.raises(AssertionError):
        judged("output", {**good, "clean": True, "migrations": [], "more": 1})
    judged("output", {**good, "exit_code": 1, "ending": "refused", "done": []})
