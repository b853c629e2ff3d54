"""A history in a team: late, doubled, missing, deleted and edited migrations, and the way out."""

import json
import shutil
import subprocess

import pytest

from support.history import (
    build,
    checking,
    codes,
    declare,
    migration,
    own,
    paste,
    recorded,
    say,
    value,
    write,
)
from support.workspace import changed, files, git, migrate_here

ONE, TWO, THREE = (
    migration("0001_one", "a", "b"),
    migration("0002_two", "b", "c"),
    migration("0003_three", "c", "d"),
)


@pytest.fixture
def root(tmp_path):
    root = build(tmp_path / "project")
    declare(root, ONE, TWO)
    return root


def up(root, *options):
    done = migrate_here(root, "up", "--yes", *options)
    assert done.returncode == 0, done.stderr
    return done


def remove(root, revision):
    (root / f"migrations/{revision}.yaml").unlink()


# ---------------------------------------------------------------- one value through many


@pytest.mark.parametrize("second", ["linked.py", "folder/app.py", "APP.py"])
def test_one_file_under_two_names_is_one_file(tmp_path, second):
    """Through a link, or, as a hard link stands in for it, where any case of letters names it."""
    root = build(tmp_path)
    declare(root, ONE, TWO.replace("python: app.py", f"python: {second}"))
    if second == "APP.py":
        (root / second).hardlink_to(root / "app.py")
    elif "/" in second:
        (root / "folder").symlink_to(".")
    else:
        (root / second).symlink_to("app.py")
    before = files(root)
    up(root)
    assert (value(root), (root / second).read_text()) == ("c", "MODEL = 'c'\n")
    assert say(root, "check")["clean"]
    up(root)
    migrate_here(root, "down", "--yes")
    assert (value(root), (root / second).read_text()) == ("b", "MODEL = 'b'\n")
    migrate_here(root, "down", "--yes")
    assert changed(before, files(root)) == set()


@pytest.mark.parametrize("elsewhere", [False, True], ids=["as it was", "edited elsewhere"])
def test_down_after_a_branch_switch_over_two_migrations(tmp_path, elsewhere):
    """What git tracks is back at the first one's value; what it ignores is at the third one's."""
    root = build(tmp_path, value="b")
    declare(root, ONE, TWO, THREE)
    up(root, "--to", "1")
    build(tmp_path / "main", value="b")
    up(root)
    for path in ("app.py", "conf/one.json"):
        shutil.copy(tmp_path / "main" / path, root / path)
    if elsewhere:
        (root / "app.py").write_text("# new\nMODEL = 'b'\n")
        (root / "conf/one.json").write_text('{"new": 1, "model": "b"}\n')
    shutil.rmtree(tmp_path / "main")
    for revision in ("0002_two", "0003_three"):
        remove(root, revision)
    before = files(root)
    assert migrate_here(root, "down", "--yes").returncode == 0
    assert (value(root)[0], list(recorded(root))) == ("c", ["0001_one", "0002_two"])
    assert migrate_here(root, "down", "--yes").returncode == 0
    assert (value(root), list(recorded(root))) == ("b", ["0001_one"])
    assert changed(before, files(root)) == {".env"}
    assert say(root, "check")["clean"]


def test_a_file_that_was_recorded_under_two_names_comes_back(root):
    """What was a file of its own became a link to the other since."""
    (root / "linked.py").write_text("MODEL = 'a'\n")
    declare(root, ONE.replace("python: app.py", "python: [app.py, linked.py]"))
    up(root)
    (root / "linked.py").unlink()
    (root / "linked.py").symlink_to("app.py")
    done = migrate_here(root, "down", "--to", "base", "--yes")
    assert (value(root), "missing-target" in done.stderr) == ("a", False)


def test_down_by_steps_and_to_a_revision(root):
    declare(root, THREE)
    before = files(root)
    up(root)
    assert value(root) == "d"
    migrate_here(root, "down", "--steps", "2", "--yes")
    assert value(root) == "b"
    assert list(recorded(root)) == ["0001_one"]
    up(root)
    migrate_here(root, "down", "--to", "2", "--yes")
    assert value(root) == "c"
    migrate_here(root, "down", "--to", "base", "--yes")
    assert changed(before, files(root)) == set()


def test_a_site_that_is_further_is_drift_of_none(tmp_path):
    root = build(tmp_path, value="c")
    declare(root, ONE, TWO, THREE)
    assert [row["standing"] for row in say(root, "status")["migrations"]] == [
        "applied",
        "applied",
        "pending",
    ]
    up(root)
    assert value(root) == "d"
    assert say(root, "check")["clean"]


# ---------------------------------------------------------------- what may be wrong with the order


def late(root):
    """0003 was applied on another branch, with another 0002 before it."""
    declare(root, THREE)
    remove(root, "0002_two")
    declare(root, own("0002_other", "OTHER"), migration("0003_three", "b", "d"))
    up(root)
    remove(root, "0002_other")
    declare(root, own("0002_late", "LATE"))


def doubled(root):
    up(root)
    declare(root, own("0002_mine", "MINE"))


def gap(root):
    up(root)
    remove(root, "0002_two")
    declare(root, own("0003_mine", "MINE"))


def deleted(root):
    up(root)
    remove(root, "0002_two")


def edited(root):
    up(root)
    declare(root, TWO.replace("to: c", "to: e"))


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        (late, "late-migration", "migrations/0002_late.yaml"),
        (late, "missing-migration", "migrations/0002_other.yaml"),
        (doubled, "duplicate-revision", "migrations/0002_two.yaml"),
        (gap, "history-gap", "migrations/0003_mine.yaml"),
        (deleted, "missing-migration", "migrations/0002_two.yaml"),
        (edited, "edited-after-apply", "migrations/0002_two.yaml"),
    ],
)
def test_each_is_located_and_its_command_resolves_it(root, change, code, place):
    change(root)
    before = files(root)
    for verb in (("plan",), ("up", "--yes"), ("check",)):
        said = say(root, *verb)
        assert said["exit_code"] == 1
        assert code in codes(said)
    assert changed(before, files(root)) == set()
    assert place in [each["path"] for each in said["diagnostics"] if each["code"] == code]
    done = paste(root, said, code)
    assert done.returncode == 0, done.stderr
    assert code not in codes(say(root, "check"))
    for _ in range(3):  # what one command uncovers, the next one resolves
        said = say(root, "up", "--yes")
        if said["exit_code"] == 0:
            break
        done = paste(root, said, next(e["code"] for e in said["diagnostics"] if "command" in e))
        assert done.returncode == 0, done.stderr
    assert say(root, "check")["clean"]


def test_the_cause_comes_first_and_no_command_is_named_that_would_be_refused(root):
    """A gap, and what follows from it: values that no migration that is here explains."""
    up(root, "--to", "1")
    declare(root, THREE)
    remove(root, "0002_two")
    write(root, "conf/one.json", '{"model": "a", "n": 1.0}\n')
    done = migrate_here(root, "check")
    first, *_ = done.stderr.splitlines()
    assert first.startswith("migrations/0003_three.yaml:3:1: error[history-gap]")
    assert "conf/one.json:1:11: error[drift]" in done.stderr
    commands = {each.get("command") for each in say(root, "check")["diagnostics"]}
    assert {f"migrate -C {root} rebase"} == commands - {None, ""}
    assert "next: migrate check" in migrate_here(root, "status", "--brief").stdout


def test_status_and_history_show_a_history_out_of_order(root):
    doubled(root)
    assert say(root, "status")["exit_code"] == 0
    assert len(say(root, "history")["migrations"]) == 3
    assert codes(say(root, "validate")) == ["duplicate-revision"]


def test_a_deleted_or_edited_migration_can_be_kept_by_stamping(root):
    edited(root)
    assert migrate_here(root, "stamp", "head", "--yes").returncode == 0
    said = say(root, "check")
    assert "edited-after-apply" not in codes(said)
    assert migrate_here(root, "down", "--yes").returncode == 0  # its old values were kept
    assert value(root) == "b"


def test_down_after_the_file_was_edited_or_went_with_its_branch(root):
    before = files(root)
    up(root)
    remove(root, "0001_one")
    declare(root, TWO.replace("to: c", "to: q").replace("app.py", "conf/one.json"))
    done = migrate_here(root, "down", "--to", "base", "--yes")
    assert done.returncode == 0, done.stderr
    assert {path for path in changed(before, files(root)) if "migrations" not in path} == set()


# ---------------------------------------------------------------- stamp


def test_stamp_touches_the_ledger_only_and_says_what_down_cannot_do(tmp_path):
    root = build(tmp_path, value="c")
    declare(root, ONE, TWO)
    before = files(root)
    assert say(root, "stamp", "head")["exit_code"] == 1  # nobody can be asked
    assert recorded(root) == {}
    done = migrate_here(root, "stamp", "head", "--yes")
    assert "`down` will not change a file for 0001_one, 0002_two" in done.stderr
    assert recorded(root) == {"0001_one": "stamped", "0002_two": "stamped"}
    assert say(root, "check")["clean"]
    down = migrate_here(root, "down", "--yes")
    assert "what `0002_two` replaced is not recorded here" in down.stderr
    assert down.returncode == 0
    assert changed(before, files(root)) == set()


def test_stamp_base_forgets_and_names_what_is_lost(root):
    up(root)
    after = files(root)
    dry = migrate_here(root, "stamp", "base", "--dry-run")
    assert "- 0002_two: forgotten" in dry.stdout
    assert len(recorded(root)) == 2
    done = migrate_here(root, "stamp", "base", "--yes")
    assert done.returncode == 0
    assert "`0001_one` is forgotten with the old values of 3 files" in done.stderr
    assert (recorded(root), changed(after, files(root))) == ({}, set())


def test_stamp_of_what_the_files_do_not_hold_says_so(root):
    done = migrate_here(root, "stamp", "1", "--yes")
    assert "3 sites do not hold what `0001_one` sets" in done.stderr
    assert "drift" in codes(say(root, "check"))
    assert migrate_here(root, "stamp", "0009", "--yes").returncode == 2


def test_stamping_what_is_recorded_changes_nothing(root):
    up(root)
    ledger = (root / ".keychange/ledger.json").read_bytes()
    assert say(root, "stamp", "head")["ending"] == "nothing-to-do"
    assert (root / ".keychange/ledger.json").read_bytes() == ledger


# ---------------------------------------------------------------- the ledger


NO_NUMBER = b"""{"format": 1, "entries": [{"revision": "one", "title": "", "checksum": "",
"status": "verified", "applied_at": "", "document": {}, "batches": [], "evidence": {}}]}"""
DAMAGED = [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "x"}', b"[" * 9999, NO_NUMBER]


@pytest.mark.parametrize("bytes_", DAMAGED)
def test_a_damaged_ledger_is_kept_aside_and_rebuilt_from_the_files(root, bytes_):
    up(root)
    after = files(root)
    ledger = root / ".keychange/ledger.json"
    ledger.write_bytes(bytes_)
    assert codes(say(root, "check")) == ["unreadable-ledger"]
    for verb in ("status", "history"):
        said = say(root, verb)
        assert (said["exit_code"], codes(said)) == (0, ["unreadable-ledger"])
    refused = say(root, "down", "--yes")
    assert (refused["exit_code"], codes(refused)) == (1, ["unreadable-ledger"])
    assert ledger.read_bytes() == bytes_
    done = paste(root, refused, "unreadable-ledger")
    assert done.returncode == 0, done.stderr
    assert "`down` cannot restore what it held" in done.stderr
    assert recorded(root) == {"0001_one": "verified", "0002_two": "verified"}
    (kept,) = (root / ".keychange/rescued").rglob("ledger.json")
    assert kept.read_bytes() == bytes_
    assert say(root, "check")["clean"]
    assert "not recorded here" in migrate_here(root, "down", "--yes").stderr
    assert changed(after, files(root)) == set()


def test_a_damaged_ledger_can_be_stamped(root):
    up(root)
    (root / ".keychange/ledger.json").write_bytes(b"{")
    assert migrate_here(root, "stamp", "head", "--yes").returncode == 0
    assert recorded(root) == {"0001_one": "stamped", "0002_two": "stamped"}
    assert len(list((root / ".keychange/rescued").rglob("ledger.json"))) == 1


def test_a_missing_ledger_is_made_from_what_up_finds_done(root):
    up(root)
    (root / ".keychange/ledger.json").unlink()
    assert say(root, "check")["clean"]
    done = up(root)
    assert "what was there before is not known, and `down` leaves it" in done.stderr
    assert recorded(root) == {"0001_one": "verified", "0002_two": "verified"}


@pytest.mark.parametrize("verb", ["plan", "up", "down", "check", "status", "history", "verify"])
def test_a_ledger_of_a_newer_keychange_is_refused(root, verb):
    up(root)
    ledger = root / ".keychange/ledger.json"
    text = ledger.read_text().replace('"format": 1', '"format": 2')
    ledger.write_text(text)
    said = say(root, verb)
    assert (said["exit_code"], codes(said)) == (1, ["newer-ledger"])
    assert ledger.read_text() == text


def test_the_ledger_says_how_the_last_run_ended(root):
    declare(root, migration("0003_three", "c", "d", more=checking("raise SystemExit(1)")))
    said = say(root, "up", "--yes")
    last = json.loads((root / ".keychange/ledger.json").read_bytes())["last"]
    assert (last["ending"], last["revision"]) == (said["ending"], said["undone"])
    assert (said["ending"], said["done"]) == ("rolled-back", ["0001_one", "0002_two"])


# ---------------------------------------------------------------- two halves


def clone(root, name):
    subprocess.run(["git", "clone", "-q", root, root.parent / name], check=True)
    return root.parent / name


@pytest.fixture
def shared(root):
    git(root, "init", "-q")
    up(root)
    git(root, "add", ".")
    git(root, "commit", "-qm", "applied")
    return root


def test_a_fresh_clone_has_one_half_and_up_finishes_the_other(shared):
    fresh = clone(shared, "fresh")
    write(fresh, ".env", "MODEL=a\nMINE=1\n")
    row = say(fresh, "status")["migrations"]
    assert [each["standing"] for each in row] == ["partly applied", "partly applied"]
    assert codes(say(fresh, "check")) == ["pending", "pending"]
    before = files(fresh)
    up(fresh)
    assert value(fresh) == "c"
    assert changed(before, files(fresh)) == {".env"}
    assert migrate_here(fresh, "down", "--to", "base", "--yes").returncode == 0
    assert changed(before, files(fresh)) == set()


@pytest.mark.parametrize("missing", ["create", "error", "skip"])
def test_check_in_ci_judges_the_tracked_half_and_says_so(shared, missing):
    for path in (shared / "migrations").iterdir():
        text = path.read_text().replace("missing: create", f"missing: {missing}")
        path.write_text(text)
    git(shared, "commit", "-qam", "the other way", "--allow-empty")
    ci = clone(shared, "ci")
    said = say(ci, "check")
    assert said["clean"], said
    assert any(
        each["code"] in ("not-here", "missing-target") and "`.env`" in each["message"]
        for each in said["diagnostics"]
    )
    write(ci, "app.py", "MODEL = 'a'\n")
    assert set(codes(say(ci, "check"))) == {"pending"}


def test_a_tracked_target_that_is_missing_is_no_other_machines(shared):
    git(shared, "rm", "-q", "app.py")
    assert "missing-target" in codes(say(shared, "check"))


def test_state_is_per_worktree(shared):
    git(shared, "worktree", "add", "-q", "../second")
    second = shared.parent / "second"
    write(second, ".env", "MODEL=a\n")
    assert recorded(second) == {}
    up(second)
    assert migrate_here(second, "down", "--to", "base", "--yes").returncode == 0
    assert (second / ".env").read_text() == "MODEL=a\n"
    assert (value(shared), list(recorded(shared))) == ("c", ["0001_one", "0002_two"])
