"""Room of what an interrupted run leaves: who recovers it, and what a user did meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keychange.errors import RefusedError, RollbackError
from keychange.transaction.commit import commit
from keychange.transaction.lock import lock
from keychange.transaction.reading import read_steadily
from keychange.transaction.recovery import Ending, recover
from keychange.transaction.rollback import is_mixture
from keychange.transaction.stages import pending_recovery
from support.faults import (
    WRITES,
    at_call,
    build_four,
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


@pytest.fixture
def root(tmp_path):
    return build_four(tmp_path)


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
