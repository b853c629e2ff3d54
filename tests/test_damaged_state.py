"""Room of damaged state: what keychange reads of its own, with anything in it wrong.

A longer run, of every case: `KEYCHANGE_DAMAGE=1 python -m pytest tests/test_damaged_state.py`.
"""

import hashlib
import hmac
import itertools
import json
import os
import posixpath

import pytest

from keychange.errors import KeychangeError
from keychange.ledger_file import ledger_bytes, parse_ledger
from keychange.plan_file import read_plan
from keychange.settings import TEMP_PREFIX
from keychange.transaction.journal_file import Journal, NewerFormatError
from keychange.transaction.lock import Owner
from support.damage import EVERY, World, broken, damaged
from support.documents import judged

LEDGER = ".keychange/ledger.json"
READING = (("status",), ("check",), ("plan",), ("report", "--out", "-"))
WRITING = (("up", "--yes"), ("down", "--to", "base", "--yes"), ("stamp", "head", "--yes"))


def some(cases, fit):
    """Each of so many cases, in turn with the verbs."""
    return itertools.islice(cases, 0, None, EVERY or fit)


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    """Two migrations are applied, a third is not, and every file was edited since."""
    world = World(tmp_path_factory.mktemp("edited"))
    world.run("up", "--yes")
    world.edit()
    down = ("down", "--yes")
    world.keep(
        (down, down), (down, ("up", "--yes")), (("up", "--yes"),), (("stamp", "head", "-y"),)
    )
    return world


@pytest.fixture(scope="module", params=["prepared", "committed"])
def interrupted(request, tmp_path_factory):
    """One migration is applied, and the run of the second was killed at a stage."""
    world = World(tmp_path_factory.mktemp(request.param))
    world.run("up", "--to", "1", "--yes")
    world.interrupt(request.param)
    up, down = ("up", "--yes"), ("down", "--yes")
    world.keep((("recover",), up), (up, down, down), (down,))
    world.stage = request.param
    return world


@pytest.fixture
def ledger(edited):
    """What its ledger holds."""
    edited.again()
    return json.loads((edited.root / LEDGER).read_bytes())


def encoded(document):
    return json.dumps(document).encode()


def test_what_is_read_of_a_ledger_is_one(ledger):
    """Whatever is wrong in it, it is refused, or has the types and the paths of the schema."""
    taken = 0
    for number, (case, spoilt) in enumerate(damaged(ledger)):
        try:
            found = parse_ledger(encoded(spoilt))
        except KeychangeError as problem:
            newer = case in (("set", ("format",)), ("moved", ("format",)))
            codes = ("unreadable-ledger", "newer-ledger")[: 1 + newer]
            assert problem.diagnostics[0].code in codes, case
            continue
        taken += 1
        paths = [each.path for e in found.entries for batch in e.batches for each in batch]
        assert all(map(is_below, paths)), case
        if case[1] != ("last", "ending") and number % (EVERY or 19) == 0:
            written = ledger_bytes(found)
            assert parse_ledger(written) == found, case
            judged("ledger", json.loads(written))
    assert taken > 1000, "most of what is opaque stays so"


def is_below(path):
    return path == posixpath.normpath(f"/{path}")[1:]


def test_a_damaged_ledger_leads_nowhere(edited, ledger):
    verbs = (*READING, *WRITING, ("down", "--yes"), ("rebase", "--yes"))
    turn = itertools.cycle(verbs)
    for case, spoilt in some(damaged(ledger), 127):
        data = encoded(spoilt)
        for verb in verbs if EVERY else (next(turn),):
            assert edited.judge(case, {LEDGER: data}, verb) in (0, 1)


@pytest.mark.parametrize(
    ("at", "new"),
    [
        (("document", "operations"), "none"),
        (("document", "operations", 0), 1),
        (("batches", 0, 2, "sites", 0, "undo"), None),
        (("batches", 0, 2, "sites", 0, "kind"), "toml"),
        (("batches", 0, 0, "sites", 1, "undo", "was", 2), "b; rm"),
        (("batches", 0, 3, "sites", 1, "address"), "\0"),
        (("batches", 0, 1, "path"), "../x"),
        (("batches", 0, 1, "before"), "0" * 64),
        (("batches", 0, 1, "undo", 0, 0, 1), 10**9),
        (("evidence",), {"checks": [{"name": "run"}]}),
    ],
    ids=lambda each: "/".join(map(str, each)) if isinstance(each, tuple) else None,
)
def test_what_a_record_cannot_lead_back_to_is_said_and_not_written(edited, ledger, at, new):
    """One of each sort that was found: they ended in `internal-error`, or in other bytes."""
    node = ledger["entries"][0]
    for step in at[:-1]:
        node = node[step]
    node[at[-1]] = new
    (edited.root / LEDGER).write_bytes(encoded(ledger))
    before = edited.files()
    reporting = at == ("evidence",)
    done = edited.run(
        *(("report", "1") if reporting else ("down", "--to", "base", "--yes")), code=1
    )
    assert (
        ".keychange/ledger.json: error[unreadable-ledger]: the ledger is damaged: " in done.stderr
    )
    assert "next: migrate " in done.stderr
    assert edited.files() == before


def envelope(manifest, pack):
    """A journal whose digest is right, whatever its manifest says."""
    encoded = json.dumps(manifest).encode()
    digest = hashlib.sha256(encoded + pack).hexdigest()
    head = {"format": 1, "sha256": digest, "manifest": len(encoded)}
    return json.dumps(head).encode() + b"\n" + encoded + pack


def parted(data):
    head, _, body = data.partition(b"\n")
    size = json.loads(head)["manifest"]
    return json.loads(head), json.loads(body[:size]), body[size:]


def test_what_is_read_of_a_journal_names_no_place_but_its_own(interrupted):
    whole = (interrupted.root / ".keychange/journal" / interrupted.stage).read_bytes()
    head, manifest, pack = parted(whole)
    assert envelope(manifest, pack) == whole
    original = Journal.decode(whole)
    cases = [(case, envelope(spoilt, pack)) for case, spoilt in damaged(manifest)]
    cases += [
        (case, json.dumps(spoilt).encode() + whole[whole.index(b"\n") :])
        for case, spoilt in damaged(head)
    ]
    for case, data in cases:
        try:
            found = Journal.decode(data)
        except (ValueError, NewerFormatError):
            continue
        before = {each.temp: each.before for each in original.entries}
        for each in found.entries:
            assert each.before == before.get(each.temp, each.before), case
            assert each.temp.startswith(f"{TEMP_PREFIX}{found.identifier}-"), case
            assert "/" not in each.temp, case
        for path in (*found.folders, *(each.target for each in found.entries)):
            assert path == posixpath.normpath(f"/{path}")[1:], case
            assert path == LEDGER or not path.startswith((".keychange/", ".git/")), case


def test_a_damaged_journal_leads_nowhere(interrupted):
    interrupted.again()
    path = f".keychange/journal/{interrupted.stage}"
    _, manifest, pack = parted((interrupted.root / path).read_bytes())
    turn = itertools.cycle((("recover",), ("status",), ("up", "--yes"), ("down", "--yes")))
    for case, spoilt in some(damaged(manifest), 71):
        interrupted.judge(case, {path: envelope(spoilt, pack)}, next(turn))


@pytest.fixture
def plan(edited):
    """A plan that was saved, by path, with the key that seals it."""
    edited.again()
    edited.run("down", "--yes", "--dry-run", "--out", str(edited.root / "p.plan"))
    return {each: (edited.root / each).read_bytes() for each in (".keychange/key", "p.plan")}


def test_a_damaged_plan_is_applied_by_nobody(edited, plan):
    """Also one with a seal that fits: whoever has the key can make one."""
    file = edited.root / "p.plan"
    verb = ("down", "--plan", str(file))
    whole = json.loads(plan["p.plan"])
    for number, (case, spoilt) in enumerate(damaged(json.loads(plan["p.plan"]))):
        again = sealed(spoilt, plan[".keychange/key"])
        data = encoded(again)
        file.write_bytes(data)
        try:
            read_plan(file)
        except KeychangeError:
            continue
        if {**again, "to": whole["to"], "seal": ""} == {**whole, "seal": ""}:
            continue  # it says the same; how far is of no consequence on the way down
        if number % (EVERY or 37) == 0:
            assert edited.judge(case, {**plan, "p.plan": data}, verb) in (1, 2)


def sealed(document, key):
    if not isinstance(document, dict):
        return document
    meant = {name: each for name, each in document.items() if name != "seal"}
    text = json.dumps(meant, sort_keys=True, separators=(",", ":"))
    return {**meant, "seal": hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}


@pytest.mark.parametrize("key", [b"", b"0" * 63, b"\xff" * 64], ids=["empty", "short", "other"])
def test_a_damaged_key_seals_nothing(edited, plan, key):
    (edited.root / ".keychange/key").write_bytes(key)
    for verb in (("plan", "--out"), ("down", "--plan")):
        done = edited.run(*verb, str(edited.root / "p.plan"), code=1)
        assert ".keychange/key: error[state-unwritable]: " in done.stderr
    assert (edited.root / "p.plan").read_bytes() == plan["p.plan"]


def test_a_damaged_record_of_the_lock_names_nobody():
    this = {"format": 1, **Owner.this("migrate up")._asdict()}
    cases = [(case, encoded(spoilt)) for case, spoilt in damaged(this)]
    for case, data in (*cases, *broken(encoded(this))):
        found = Owner.parse(data)
        if found is not None:
            words = (found.host, found.since, found.command, found.process_start)
            assert (type(found.pid), {*map(type, words)}) == (int, {str}), case
            assert found.is_current in (True, False), case


def test_damaged_evidence_of_a_check_is_said(edited, ledger):
    """Of a command; what a probe reports is held against its schema."""
    said = {"name": "run", "verdict": "fail", "headline": "a b", "command": ["a", "b"], "status": 1}
    probe = {"voice": {"match": 0.5}, "audio": {"seconds": 1.5}, "perf": {"seconds": 1.0}}
    probe["checks"] = [{"name": "level", "verdict": "pass", "value": -19.5, "unit": "dBFS"}]
    checks = [
        {**said, "seconds": 1.5, "warnings": {"tokenizer": 1}, "output": ["x"]},
        {"name": "probe", "verdict": "pass", "headline": "well", "report": probe},
    ]
    codes = set()
    for case, spoilt in some(damaged(checks), 23):
        ledger["entries"][1]["evidence"] = {"checks": spoilt}
        codes.add(edited.judge(case, {LEDGER: encoded(ledger)}, ("report", "2", "--out", "-")))
    assert codes == {0, 1}


def test_bytes_that_are_no_document_any_more_are_no_trap(edited, plan, ledger):
    applying = ("down", "--plan", str(edited.root / "p.plan"))
    for path, verbs in (
        (LEDGER, (("status",), ("down", "--yes"))),
        (".keychange/lock", (("up", "--yes"),)),
        (".keychange/key", (applying,)),
        ("p.plan", (applying,)),
    ):
        turn = itertools.cycle(verbs)
        whole = plan.get(path) or encoded(ledger)
        for name, data in some(broken(whole), 2):
            edited.judge(("broken", f"{path} {name}"), {**plan, path: data}, next(turn))


@pytest.mark.parametrize(
    "make",
    [os.mkfifo, os.mkdir, lambda at: at.symlink_to("/dev/zero"), lambda at: at.symlink_to(at.name)],
    ids=["fifo", "folder", "endless", "loop"],
)
def test_what_is_no_file_in_the_place_of_one_is_no_trap(edited, make):
    state = ("ledger.json", "lock", "journal/prepared", "journal/committed", "cache/migrations")
    turn = itertools.cycle((("check",), ("down", "--yes")))
    for name in state:
        edited.judge(("place", name), {f".keychange/{name}": make}, next(turn))
