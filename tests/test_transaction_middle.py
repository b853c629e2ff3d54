"""Room of the transaction's middle: who interferes with it, and what rests on what."""

from __future__ import annotations

import errno
import os
import stat
from unittest.mock import Mock

import pytest

from keychange.errors import RollbackError, RolledBackError
from keychange.transaction import flushing
from keychange.transaction.files import FileSystem
from keychange.transaction.lock import lock
from keychange.transaction.preflight import FileWrite
from keychange.transaction.recovery import Ending, recover
from keychange.transaction.stages import pending_recovery
from support.faults import (
    LEDGER,
    WRITES,
    Call,
    Faults,
    at_call,
    build_four,
    failing,
    injected,
    leftovers,
    run,
    snapshot,
)

STAGED = 3
"""The number of the barrier after staging: one for the folder, two for the journal come first."""


@pytest.fixture
def root(tmp_path):
    return build_four(tmp_path)


def recovered(root):
    with lock(root):
        return recover(root)


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
    ("name", "arguments", "number"),
    [("create", ["writing"], 0), ("replace", ["prepared"], 0), ("barrier", [], STAGED)],
)
def test_folder_swapped_for_a_link_during_the_commit(tmp_path, name, arguments, number):
    """Between the look and the write, a folder becomes a link out of the root."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / "sub", outside):
        folder.mkdir(parents=True)
        (folder / "a").write_bytes(b"1")

    def swap(call):
        (root / "sub").rename(root / "kept")
        (root / "sub").symlink_to(outside)

    faults = at_call(name, *arguments, number=number)(swap)
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

        def make_folder(self, name, folder, mode):
            steps.append(f"folder {name}")
            super().make_folder(name, folder, mode)

    run(root, [])
    writes = [*WRITES, FileWrite("deep/down/file", None, b"made")]
    with injected(Order()):
        run(root, writes, FileWrite(LEDGER, None, b"{}", mode=0o600))
    journal = f"flush folder {(root / '.keychange/journal').stat().st_ino}"
    prepared, committed = steps.index("replace prepared"), steps.index("replace committed")
    assert steps[prepared + 1] == journal
    staged = [i for i, step in enumerate(steps) if step.startswith("create .keychange-")]
    assert prepared < min(staged)
    names = ("a", "b", "sub/made", "deep/down/file", "folder deep", ".keychange/ledger.json")
    for path, name in ((root / each, each.rpartition("/")[2]) for each in names):
        folder = root if name == "folder deep" else path.parent
        step = name if name == "folder deep" else f"replace {name}"
        last = max(i for i, each in enumerate(steps) if each == step)
        assert f"flush folder {folder.stat().st_ino}" in steps[last:committed]
    assert steps[committed + 1] == journal


def test_flushing_in_threads_tells_what_failed(root):
    """The threads of a real run, and a disk that fails at the last file."""

    class Broken(FileSystem):
        def flush(self, descriptor):
            if os.fstat(descriptor).st_size == 1000:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    before = snapshot(root)
    writes = [FileWrite(f"made/{number}", None, b"x") for number in range(200)]
    with injected(Broken()), pytest.raises(RolledBackError) as caught:
        run(root, [*writes, FileWrite("made/200", None, b"x" * 1000)])
    assert "writing made/200 failed" in caught.value.diagnostics[0].message
    assert snapshot(root) == before
    assert leftovers(root) == []


def test_flushing_without_threads(root, monkeypatch):
    """A system that lets no thread be started: everything is flushed all the same."""
    refused = Mock(side_effect=RuntimeError("no more"))
    monkeypatch.setattr(flushing, "start_new_thread", refused)
    flushed = []

    class Counting(FileSystem):
        def flush(self, descriptor):
            flushed.append(os.fstat(descriptor).st_ino)

    with injected(Counting()):
        run(root, WRITES)
    assert {(root / name).stat().st_ino for name in ("a", "b", "sub/made", "sub")} <= set(flushed)
    refused.assert_called()


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
