"""Room of the transaction's plain ways: what a commit writes, keeps, refuses and clears up."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat

import pytest

from keychange.errors import RefusedError
from keychange.transaction import files
from keychange.transaction.commit import commit
from keychange.transaction.lock import lock
from keychange.transaction.preflight import FileWrite
from keychange.transaction.recovery import recover
from keychange.transaction.stages import pending_recovery
from support.faults import (
    LEDGER,
    hand_down,
    leftovers,
    names_of_notes,
    read_note,
    run,
    snapshot,
    write_note,
)


def codes(caught) -> list[str]:
    return [each.code for each in caught.value.diagnostics]


def test_nothing_to_write_touches_nothing(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    before = (tmp_path / "a").stat()
    with lock(tmp_path):
        commit(tmp_path, [FileWrite("a", b"1", b"1")])
    assert (tmp_path / "a").stat() == before
    assert leftovers(tmp_path) == []


def test_writes_creates_and_removes_in_one_go(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "gone").write_bytes(b"2")
    writes = [
        FileWrite("a", b"1", b"one"),
        FileWrite("gone", b"2", None),
        FileWrite("new/deep/b", None, b"two"),
        FileWrite("secret", None, b"s", mode=0o600),
    ]
    run(tmp_path, writes, FileWrite(LEDGER, None, b"{}", mode=0o600))
    assert (tmp_path / "a").read_bytes() == b"one"
    assert not (tmp_path / "gone").exists()
    assert (tmp_path / "new/deep/b").read_bytes() == b"two"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / LEDGER).stat().st_mode) == 0o600
    assert leftovers(tmp_path) == []
    assert not pending_recovery(tmp_path)


def test_state_folder_is_private_and_ignored(tmp_path):
    (tmp_path / ".keychange").mkdir(mode=0o755)
    with lock(tmp_path):
        assert recover(tmp_path) is None
    assert stat.S_IMODE((tmp_path / ".keychange").stat().st_mode) == 0o700
    assert (tmp_path / ".keychange/.gitignore").read_bytes() == b"*\n"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o640, 0o4711])
def test_mode_is_kept(tmp_path, mode):
    file = tmp_path / "a"
    file.write_bytes(b"1")
    file.chmod(mode)
    run(tmp_path, [FileWrite("a", b"1", b"2")])
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_owner_is_kept(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"1")
    # Only root may give files away; others may choose among their groups.
    owner = (os.geteuid(), os.getgroups()[-1]) if os.geteuid() else (12345, 54321)
    os.chown(file, *owner)
    run(tmp_path, [FileWrite("a", b"1", b"2")])
    assert (file.stat().st_uid, file.stat().st_gid) == owner


def test_extended_attributes_are_kept(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"1")
    write_note(file, "mine")
    run(tmp_path, [FileWrite("a", b"1", b"2")])
    assert read_note(file) == "mine"


def test_access_list_of_the_folder_lets_nobody_in_whom_the_file_did_not(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"1")
    file.chmod(0o640)
    kept = names_of_notes(file)
    hand_down(tmp_path)
    run(tmp_path, [FileWrite("a", b"1", b"2")])
    assert names_of_notes(file) == kept
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_hard_links_stay_one_file(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"long before")
    os.link(file, tmp_path / "b")
    run(tmp_path, [FileWrite("a", b"long before", b"after")])
    assert (tmp_path / "b").read_bytes() == b"after"
    assert file.samefile(tmp_path / "b")


def test_link_is_followed_and_replaced_at_its_end(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").write_bytes(b"1")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "link").symlink_to("folder/file")
    run(tmp_path, [FileWrite("link", b"1", b"2")])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder").is_symlink()
    assert (tmp_path / "real/file").read_bytes() == b"2"


def test_root_may_be_reached_through_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a").write_bytes(b"1")
    (tmp_path / "root").symlink_to("real")
    run(tmp_path / "root", [FileWrite("a", b"1", b"2")])
    assert (tmp_path / "real/a").read_bytes() == b"2"


def test_two_names_of_one_file_are_written_once(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").symlink_to("a")
    run(tmp_path, [FileWrite("a", b"1", b"2"), FileWrite("b", b"1", b"2")])
    assert (tmp_path / "a").read_bytes() == b"2"


def test_names_of_any_length_and_script(tmp_path):
    for name in ("n" * 255, "naïve ☃ 'quoted\" $x", "-rf"):
        run(tmp_path, [FileWrite(name, None, b"x")])
        assert (tmp_path / name).read_bytes() == b"x"


def refused(root, writes, code, **options):
    before = snapshot(root)
    with pytest.raises(RefusedError) as caught:
        run(root, writes, **options)
    assert codes(caught) == [code]
    assert all(each.location and each.hint for each in caught.value.diagnostics)
    assert snapshot(root) == before
    assert leftovers(root) == []


def test_changed_target_is_stale(tmp_path):
    (tmp_path / "a").write_bytes(b"edited")
    refused(tmp_path, [FileWrite("a", b"1", b"2")], "stale-plan")
    refused(tmp_path, [FileWrite("a", None, b"2")], "stale-plan")
    refused(tmp_path, [FileWrite("b", b"1", b"2")], "stale-plan")


def test_changed_read_is_stale(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "seen").write_bytes(b"edited")
    seen = hashlib.sha256(b"planned").hexdigest()
    write = FileWrite("a", b"1", b"2")
    refused(tmp_path, [write], "stale-plan", reads={"seen": seen})
    refused(tmp_path, [write], "stale-plan", reads={"seen": None})
    refused(tmp_path, [write], "stale-plan", reads={"absent": seen})


@pytest.mark.parametrize("path", ["../a", "/etc/hostname", "a/../../b", "", ".", "a//b", "a\0b"])
def test_paths_out_of_the_root(tmp_path, path):
    refused(tmp_path, [FileWrite(path, None, b"x")], "outside-root")


def test_links_out_of_the_root(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside").write_bytes(b"1")
    (root / "link").symlink_to("../outside")
    (root / "up").symlink_to("..")
    refused(root, [FileWrite("link", b"1", b"2")], "outside-root")
    refused(root, [FileWrite("up/outside", b"1", b"2")], "outside-root")
    refused(root, [FileWrite("up/new", None, b"2")], "outside-root")
    assert (tmp_path / "outside").read_bytes() == b"1"


@pytest.mark.parametrize("path", [".git/config", ".keychange/lock", "sub/.git/hooks/x", ".GIT/x"])
def test_folders_of_programs(tmp_path, path):
    refused(tmp_path, [FileWrite(path, None, b"x")], "protected-target")


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    refused(tmp_path, [FileWrite("fifo", b"", b"x")], "not-a-file")
    refused(tmp_path, [FileWrite("folder", None, b"x")], "not-a-file")
    refused(tmp_path, [FileWrite("loop", None, b"x")], "not-a-file")
    fifo_read = {"fifo": hashlib.sha256(b"").hexdigest()}
    refused(tmp_path, [FileWrite("a", None, b"x")], "not-a-file", reads=fifo_read)


def test_device_files(tmp_path):
    (tmp_path / "null").symlink_to("/dev/null")
    refused(tmp_path, [FileWrite("null", b"", b"x")], "outside-root")


def test_file_in_the_way_of_a_folder(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    refused(tmp_path, [FileWrite("a/b", None, b"x")], "unreadable-file")


def test_layered_file_system(tmp_path, monkeypatch):
    """As containers have it: a file is copied to the upper layer when it is opened for writing."""
    path, real = tmp_path / "a", files.open_to_overwrite

    def copied_up(name, folder):
        shutil.copy2(path, tmp_path / "copy")
        (tmp_path / "copy").replace(path)
        return real(name, folder)

    path.write_bytes(b"1")
    monkeypatch.setattr(files, "open_to_overwrite", copied_up)
    run(tmp_path, [FileWrite("a", b"1", b"2")])
    assert path.read_bytes() == b"2"


def test_read_only_file_and_folder(tmp_path):
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut/a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"1")
    (tmp_path / "b").chmod(0o444)
    (tmp_path / "shut").chmod(0o555)
    refused(tmp_path, [FileWrite("b", b"1", b"2")], "read-only-file")
    refused(tmp_path, [FileWrite("shut/a", b"1", b"2")], "read-only-folder")
    refused(tmp_path, [FileWrite("shut/sub/new", None, b"2")], "read-only-folder")
    (tmp_path / "shut").chmod(0o755)


def test_one_file_two_wishes(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").symlink_to("a")
    os.link(tmp_path / "a", tmp_path / "c")
    for other in ("b", "c"):
        writes = [FileWrite("a", b"1", b"2"), FileWrite(other, b"1", b"3")]
        refused(tmp_path, writes, "conflicting-targets")


def test_full_disk(tmp_path, monkeypatch):
    real = os.statvfs

    class Full:
        def __init__(self, values):
            self.f_frsize, self.f_blocks, self.f_bavail = values.f_frsize, values.f_blocks, 1

    monkeypatch.setattr(os, "statvfs", lambda path: Full(real(path)))
    refused(tmp_path, [FileWrite("a", None, b"x"), FileWrite("b", None, b"x")], "no-space")


def test_every_objection_at_once(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    with pytest.raises(RefusedError) as caught:
        run(tmp_path, [FileWrite("a", b"0", b"2"), FileWrite("../b", None, b"2")])
    assert codes(caught) == ["stale-plan", "outside-root"]


def test_state_folder_that_is_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/.keychange").symlink_to("../elsewhere")
    with pytest.raises(RefusedError) as caught:
        run(tmp_path / "root", [FileWrite("a", None, b"x")])
    assert codes(caught) == ["state-unwritable"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_commit_and_recovery_need_the_lock(tmp_path):
    with pytest.raises(RuntimeError):
        commit(tmp_path, [FileWrite("a", None, b"x")])
    with pytest.raises(RuntimeError):
        recover(tmp_path)
