"""Room of what an interrupted run leaves: who recovers it, and what a user did meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keychange.errors import RefusedError, RollbackError, RolledBackError
from keychange.transaction import (
    Ending,
    FileWrite,
    commit,
    lock,
    pending_recovery,
    read_steadily,
    recover,
)
from keychange.transaction.rollback import is_mixture
from support.faults import (
    LEDGER,
    Call,
    Faults,
    failing,
    in_child,
    injected,
    killed,
    leftovers,
    read_note,
    run,
    snapshot,
    was_killed,
    write_note,
)

WRITES = [
    FileWrite("a", b"old a", b"new a"),
    FileWrite("b", b"old b", b"new b"),
    FileWrite("sub/made", None, b"made"),
    FileWrite("gone", b"old gone", None),
]


@pytest.fixture
def root(tmp_path):
    for write in WRITES:
        if write.before is not None:
            (tmp_path / write.path).write_bytes(write.before)
    return tmp_path


def at_call(name: str, *arguments: str, number: int = 0):
    """A fault that acts at a call of that name with these among its arguments."""

    class AtCall(Faults):
        def __init__(self, fault) -> None:
            super().__init__(0, self._check)
            self.fault_there = fault
            self.seen = 0

        def _check(self, call: Call) -> None:
            self.at += 1
            if call.name == name and set(arguments) <= set(call.arguments):
                self.seen += 1
                if self.seen == number + 1:
                    self.fault_there(call)

    return AtCall


def interrupt(root, *, after_files: int = 4) -> None:
    """A run that is killed when so many of the files have their new bytes."""
    if after_files == len(WRITES):
        faults = at_call("replace", "committed")(killed)
    else:
        write = WRITES[after_files]
        faults = at_call("replace", write.path.rpartition("/")[2])(killed)
    with injected(faults):
        assert was_killed(in_child(lambda: run(root, WRITES)))
    assert pending_recovery(root)


def recovered(root):
    with lock(root):
        return recover(root)


def test_says_what_it_did(root):
    interrupt(root, after_files=2)
    recovery = recovered(root)
    assert recovery.ending is Ending.ROLLED_BACK
    assert recovery.paths == ("a", "b", "sub/made", "gone")
    assert set(recovery.restored) == {"a", "b"}
    assert recovered(root) is None
    assert leftovers(root) == []


def test_finishes_what_was_committed(root):
    with injected(at_call("unlink", "committed")(killed)):
        assert was_killed(in_child(lambda: run(root, WRITES)))
    new = snapshot(root)
    recovery = recovered(root)
    assert recovery.ending is Ending.COMPLETED
    assert snapshot(root) == new
    assert leftovers(root) == []


def test_commit_before_recovery_is_an_error(root):
    interrupt(root)
    with lock(root), pytest.raises(RuntimeError):
        commit(root, WRITES)


def test_no_before_image_survives(root):
    run(root, WRITES)
    everything = b"".join(p.read_bytes() for p in root.rglob("*") if p.is_file())
    assert b"old" not in everything


def test_journal_is_private(root):
    interrupt(root)
    journal = root / ".keychange/journal"
    assert stat.S_IMODE(journal.stat().st_mode) == 0o700
    assert stat.S_IMODE((journal / "prepared").stat().st_mode) == 0o600


def test_bytes_that_the_user_wrote_since_are_kept(root):
    interrupt(root)
    (root / "a").write_bytes(b"the user's")
    with pytest.raises(RollbackError) as caught:
        recovered(root)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "not-restored"
    assert diagnostic.location.path == "a"
    (backup,) = (word for word in diagnostic.message.split() if ".keychange/backup/" in word)
    assert (root / backup).read_bytes() == b"old a"
    assert stat.S_IMODE((root / backup).stat().st_mode) == 0o600
    assert (root / "a").read_bytes() == b"the user's"
    assert (root / "b").read_bytes() == b"old b"
    assert (root / "gone").read_bytes() == b"old gone"
    assert recovered(root) is None


def test_made_file_that_the_user_edited_is_kept(root):
    interrupt(root)
    (root / "sub/made").write_bytes(b"the user's")
    with pytest.raises(RollbackError) as caught:
        recovered(root)
    assert "did not exist before" in caught.value.diagnostics[0].message
    assert (root / "sub/made").read_bytes() == b"the user's"


def test_made_folder_that_the_user_uses_is_kept(root):
    interrupt(root)
    (root / "sub/mine").write_bytes(b"the user's")
    assert recovered(root).ending is Ending.ROLLED_BACK
    assert [path.name for path in (root / "sub").iterdir()] == ["mine"]


def test_folder_that_vanished_since(root):
    interrupt(root)
    shutil.rmtree(root / "sub")
    assert recovered(root).ending is Ending.ROLLED_BACK
    assert not (root / "sub").exists()


@pytest.mark.parametrize("kind", ["removed", "folder", "link", "fifo"])
def test_file_that_is_none_any_more(root, kind):
    interrupt(root)
    (root / "a").unlink()
    if kind == "folder":
        (root / "a").mkdir()
    elif kind == "link":
        (root / "a").symlink_to("b")
    elif kind == "fifo":
        os.mkfifo(root / "a")
    with pytest.raises(RollbackError) as caught:
        recovered(root)
    assert [each.location.path for each in caught.value.diagnostics] == ["a"]
    assert (root / "b").read_bytes() == b"old b"
    assert recovered(root) is None


def test_newer_journal_is_refused_and_left(root):
    interrupt(root)
    journal = root / ".keychange/journal/prepared"
    head, _, body = journal.read_bytes().partition(b"\n")
    newer = json.dumps(json.loads(head) | {"format": 2}).encode() + b"\n" + body
    journal.write_bytes(newer)
    before = snapshot(root)
    with pytest.raises(RefusedError) as caught:
        recovered(root)
    assert caught.value.diagnostics[0].code == "newer-state"
    assert snapshot(root) == before
    assert journal.read_bytes() == newer


@pytest.mark.parametrize("damage", [b"", b"x", b"{}\n", b'{"format": 1}\n', b"[]\n", b"\xff\n"])
def test_damaged_journal_is_no_excuse(root, damage):
    interrupt(root)
    journal = root / ".keychange/journal/prepared"
    for broken in (damage, journal.read_bytes()[:-1], journal.read_bytes()[:-1] + b"?"):
        journal.write_bytes(broken)
        with pytest.raises(RollbackError) as caught:
            recovered(root)
        assert caught.value.diagnostics[0].code == "damaged-journal"
        assert journal.exists()


def test_mode_time_and_attributes_come_back(root):
    (root / "a").chmod(0o640)
    write_note(root / "a", "mine")
    os.utime(root / "a", ns=(10**18, 10**18))
    interrupt(root)
    recovered(root)
    status = (root / "a").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o640, 10**18)
    assert read_note(root / "a") == "mine"


def test_removed_file_comes_back_as_the_same_file(root):
    before = (root / "gone").stat()
    interrupt(root)
    recovered(root)
    assert os.path.samestat(before, (root / "gone").stat())


@given(st.binary(max_size=12), st.binary(max_size=12), st.integers(0, 12), st.booleans())
def test_cut_short_in_place_is_recognised(before, after, written, cut):
    """What a process that overwrites can leave: some new bytes, then old ones; then it cuts."""
    data = after[:written] + before[written:]
    if written >= len(after):
        data = after if cut else after + before[len(after) :]
    assert is_mixture(data, before, after)


def test_foreign_bytes_are_not_taken_for_cut_short():
    assert not is_mixture(b"the user's", b"old", b"new")
    assert not is_mixture(b"onld", b"old", b"new")
    assert not is_mixture(b"xld", b"old", b"new")


def test_readers_see_the_old_state_of_an_interrupted_run(root):
    interrupt(root, after_files=2)

    def read(instead):
        return {
            write.path: instead[write.path]
            if write.path in instead
            else (root / write.path).read_bytes()
            for write in WRITES
        }

    assert read_steadily(root, read) == {write.path: write.before for write in WRITES}
    assert pending_recovery(root)
    recovered(root)
    assert read_steadily(root, dict) == {}


def test_reader_may_fail_for_a_reason_of_its_own(root):
    with pytest.raises(ZeroDivisionError):
        read_steadily(root, lambda instead: 1 / 0)


def test_reading_makes_no_state_folder(tmp_path):
    assert read_steadily(tmp_path, len) == 0
    assert not pending_recovery(tmp_path)
    assert list(tmp_path.iterdir()) == []


def rolled_back(root, faults) -> RolledBackError:
    with injected(faults), pytest.raises(RolledBackError) as caught:
        run(root, WRITES, FileWrite(LEDGER, None, b"{}", mode=0o600))
    assert leftovers(root) == []
    return caught.value


def test_file_that_the_user_saves_during_the_commit_is_kept(root):
    before = snapshot(root)
    faults = at_call("replace", "a")(lambda call: (root / "b").write_bytes(b"the user's"))
    problem = rolled_back(root, faults)
    assert problem.diagnostics[0].code == "changed-meanwhile"
    assert snapshot(root) == before | {"b": ("file x1", 0o644, b"the user's")}


def test_file_that_appears_during_the_commit_is_kept(root):
    before = snapshot(root)
    faults = at_call("replace", "a")(lambda call: (root / "sub/made").write_bytes(b"the user's"))
    assert rolled_back(root, faults).diagnostics[0].code == "changed-meanwhile"
    assert (root / "sub/made").read_bytes() == b"the user's"
    assert {k: v for k, v in snapshot(root).items() if not k.startswith("sub")} == before


@pytest.mark.parametrize(
    ("name", "arguments"), [("create", ["writing"]), ("replace", ["prepared"]), ("barrier", [])]
)
def test_folder_swapped_for_a_link_during_the_commit(tmp_path, name, arguments):
    """Between the look and the write, a folder becomes a link out of the root."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / "sub", outside):
        folder.mkdir(parents=True)
        (folder / "a").write_bytes(b"1")

    def swap(call):
        (root / "sub").rename(root / "kept")
        (root / "sub").symlink_to(outside)

    faults = at_call(name, *arguments)(swap)
    with injected(faults), pytest.raises(RolledBackError):
        run(root, [FileWrite("sub/a", b"1", b"2")])
    assert [path.name for path in outside.iterdir()] == ["a"]
    assert (outside / "a").read_bytes() == b"1"
    assert (root / "kept/a").read_bytes() == b"1"
    assert not pending_recovery(root)


def test_failed_restore_is_retried_and_its_backup_removed(root):
    """The disk fills up and stays full; then there is room again."""

    class Full(Faults):
        def write(self, descriptor, data):
            if self.full and b"old" in bytes(data):
                raise OSError(28, "No space left on device")
            return super().write(descriptor, data)

        full = False

    faults = Full()
    faults.at, faults.fault = -1, None
    original = Faults.replace

    def replace(source, destination, folder):
        if destination == "gone" or source == "gone":
            faults.full = True
            raise OSError(28, "No space left on device")
        return original(faults, source, destination, folder)

    faults.replace = replace
    before = snapshot(root)
    with injected(faults), pytest.raises(RollbackError) as caught:
        run(root, WRITES)
    assert {each.code for each in caught.value.diagnostics} == {"restore-failed", "write-failed"}
    named = [d.location.path for d in caught.value.diagnostics if d.code == "restore-failed"]
    assert sorted(named) == ["a", "b"]
    for diagnostic in caught.value.diagnostics:
        assert diagnostic.hint
    assert pending_recovery(root)
    assert recovered(root).ending is Ending.ROLLED_BACK
    assert snapshot(root) == before
    assert leftovers(root) == []


def test_nothing_is_relied_on_before_it_is_on_the_disk(root):
    """Power may fail at any call: what a step rests on has been flushed before it."""
    flushed: set[tuple[int, int]] = set()
    steps: list[str] = []

    class Order(Faults):
        def create(self, name, folder, mode):
            descriptor = super().create(name, folder, mode)
            steps.append(f"create {name}")
            return descriptor

        def flush(self, descriptor):
            status = os.fstat(descriptor)
            kind = "folder" if stat.S_ISDIR(status.st_mode) else "file"
            flushed.add((status.st_dev, status.st_ino))
            steps.append(f"flush {kind} {status.st_ino}")

        def replace(self, source, destination, folder):
            status = os.stat(source, dir_fd=folder)
            if destination != source and not destination.startswith(".keychange-"):
                assert (status.st_dev, status.st_ino) in flushed, (source, destination)
            steps.append(f"replace {destination}")
            super().replace(source, destination, folder)

    run(root, [])
    with injected(Order()):
        run(root, WRITES, FileWrite(LEDGER, None, b"{}", mode=0o600))
    journal = f"flush folder {(root / '.keychange/journal').stat().st_ino}"
    prepared, committed = steps.index("replace prepared"), steps.index("replace committed")
    assert steps[prepared + 1] == journal
    staged = [i for i, step in enumerate(steps) if step.startswith("create .keychange-")]
    replaced = [steps.index(f"replace {name}") for name in ("a", "b", "made", "ledger.json")]
    assert prepared < min(staged)
    assert max(replaced) < committed
    for folder in (root, root / "sub", root / ".keychange"):
        flush = f"flush folder {folder.stat().st_ino}"
        assert flush in steps[max(replaced) : committed]
    assert steps[committed + 1] == journal


def test_undoing_is_flushed_before_the_journal_goes(root):
    steps: list[str] = []

    class Order(Faults):
        def flush(self, descriptor):
            status = os.fstat(descriptor)
            steps.append(f"flush {status.st_ino}")

        def replace(self, source, destination, folder):
            if destination == "committed":
                failing(5)(Call("replace", (), lambda: None))
            steps.append(f"replace {destination}")
            super().replace(source, destination, folder)

        def unlink(self, name, folder):
            steps.append(f"unlink {name}")
            super().unlink(name, folder)

    with injected(Order()), pytest.raises(RolledBackError):
        run(root, WRITES)
    back = max(i for i, step in enumerate(steps) if step in ("replace a", "replace b"))
    gone = steps.index("unlink prepared")
    assert f"flush {root.stat().st_ino}" in steps[back:gone]
