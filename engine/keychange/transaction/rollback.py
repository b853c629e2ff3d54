"""Room of undoing: every file of a journal back to what it was, and compared; or named."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from keychange.activity import counted
from keychange.diagnostics import Diagnostic, Location, error
from keychange.transaction import files, journal
from keychange.transaction.files import Found, NotAFileError, TooLargeError, Tree, split
from keychange.transaction.flushing import flush_folders
from keychange.transaction.journal_file import Entry, Journal
from keychange.transaction.preflight import digest
from keychange.transaction.stages import JOURNAL, PREPARED
from keychange.transaction.staging import stage
from keychange.transaction.state import STATE, ensure_folder

BACKUP: Final = f"{STATE}/backup"
_JOURNAL: Final = f"{JOURNAL}/{PREPARED}"


class _ForeignError(Exception):
    """The file holds bytes that are neither old nor new: somebody else's, not ours to replace."""


@dataclass(slots=True, eq=False, repr=False)
class Undone:
    """What undoing came to: files put back, and one diagnostic for each that could not be.

    ``retry`` says whether trying once more may help: then the journal stays. ``named`` are the
    paths that were made or removed on the way, beside the files themselves.
    """

    restored: list[str] = field(default_factory=list)
    failures: list[Diagnostic] = field(default_factory=list)
    retry: bool = False
    named: list[str] = field(default_factory=list)


def roll_back(tree: Tree, unfinished: Journal, touched: AbstractSet[str] | None = None) -> Undone:
    """Restore every file that the transaction has written, from the journal, last one first.

    ``touched`` are the targets that were written at all; None, after a crash, means any. The
    journal is removed unless trying again may help.
    """
    undone = Undone()
    try:
        if touched is None:
            journal.confirm(tree, PREPARED)
    except OSError as problem:
        return Undone(failures=[_unbegun(problem)], retry=True)
    entries = unfinished.entries[::-1]
    for entry in entries:
        if entry.after is not None:
            _attempt(tree, unfinished, entry, undone, _drop_staged)
    for entry in counted(entries, "putting back", len(entries)):
        if touched is None or entry.target in touched:
            _attempt(tree, unfinished, entry, undone, _restore)
    try:
        undone.named += _remove_folders(tree, unfinished.folders)
        if not undone.failures:
            undone.named += _drop_backups(tree, unfinished)
        flush_folders(tree, (*(entry.target for entry in entries), *undone.named))
        if not undone.retry:
            journal.remove(tree, PREPARED)
    except OSError as problem:
        undone.retry = True
        undone.failures.append(_unconfirmed(problem))
    return undone


def _attempt(
    tree: Tree,
    unfinished: Journal,
    entry: Entry,
    undone: Undone,
    action: Callable[[Tree, Entry], bool],
) -> None:
    try:
        if action(tree, entry):
            undone.restored.append(entry.path)
    except _ForeignError:
        backup = _back_up(tree, unfinished, entry, undone)
        undone.retry |= backup == _JOURNAL
        undone.failures.append(_foreign(entry, backup))
    except OSError as problem:
        undone.retry = True
        backup = _back_up(tree, unfinished, entry, undone)
        undone.failures.append(_failed(entry, backup, problem))


def _drop_staged(tree: Tree, entry: Entry) -> bool:
    folder, _ = split(entry.target)
    with contextlib.suppress(*files.GONE), tree.folder(folder) as descriptor:
        journal.forget(entry.temp, descriptor)
    return False


def _restore(tree: Tree, entry: Entry) -> bool:
    """Put one file back and compare it; False where it was never changed."""
    found = _read(tree, entry.target)
    folder, name = split(entry.target)
    changed = digest(found.data if found else None) != digest(entry.before)
    if changed:
        if not _is_ours(entry, found):
            raise _ForeignError
        with tree.folder(folder) as descriptor:
            _put_back(entry, descriptor, name)
        _compare(tree, entry)
    elif entry.after is None:
        _drop_staged(tree, entry)
    elif entry.overwrite is not None:
        with tree.folder(folder) as descriptor:
            files.flush(name, descriptor)
    return changed


def _read(tree: Tree, target: str) -> Found | None:
    try:
        return tree.read(target)
    except (NotAFileError, TooLargeError, NotADirectoryError) as problem:
        raise _ForeignError from problem


def _is_ours(entry: Entry, found: Found | None) -> bool:
    """Whether the transaction left the file like this, a write cut short in place included."""
    data = found.data if found else None
    if entry.overwrite is not None and entry.before is not None and data is not None:
        return is_mixture(data, entry.before, entry.overwrite)
    return digest(data) == entry.after


def is_mixture(data: bytes, before: bytes, after: bytes) -> bool:
    """Whether a file is what writing ``after`` over ``before`` can leave when cut short.

    Every byte is of one of the two, or zero, which is what a crash of the whole system leaves
    where a block never reached the disk.
    """
    if len(data) > max(len(before), len(after)):
        return False
    pairs = zip_longest(before, after, fillvalue=0)
    return all(byte in (old, new, 0) for byte, (old, new) in zip(data, pairs, strict=False))


def _put_back(entry: Entry, folder: int, name: str) -> None:
    attributes = entry.attributes
    if entry.before is None or attributes is None:
        files.system.unlink(name, folder)
    elif entry.after is None:
        # The file itself was set aside: it comes back with everything that it had.
        if not _holds(entry.temp, folder, entry.before):
            raise _ForeignError
        files.system.replace(entry.temp, name, folder)
    elif entry.overwrite is not None:
        files.overwrite(name, folder, entry.before)
    else:
        descriptor = stage(folder, entry.temp, entry.before, attributes, like=name, mode=None)
        try:
            files.system.set_modified(descriptor, attributes.modified_ns)
            files.system.flush(descriptor)
            files.system.barrier(descriptor)
        finally:
            os.close(descriptor)
        files.system.replace(entry.temp, name, folder)


def _holds(name: str, folder: int, data: bytes) -> bool:
    try:
        return files.read(name, folder).data == data
    except (FileNotFoundError, NotAFileError, TooLargeError):
        return False


def _compare(tree: Tree, entry: Entry) -> None:
    """A file counts as restored only once it has been read again.

    Raises:
        OSError: it is not what it was.
    """
    found = tree.read(entry.target)
    same = (found.data if found else None) == entry.before
    if found and entry.attributes:
        same = same and stat.S_IMODE(found.status.st_mode) == entry.attributes.mode
    if not same:
        raise OSError(errno.EIO, "it was written back and reads differently")


def _remove_folders(tree: Tree, folders: Sequence[str]) -> Sequence[str]:
    """Remove folders that the transaction made, unless somebody uses them by now; returns all."""
    for path in reversed(folders):
        parent, name = split(path)
        try:
            with tree.folder(parent) as descriptor:
                files.system.remove_folder(name, descriptor)
        except files.GONE:
            continue
        except OSError as problem:
            if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    return folders


def _back_up(tree: Tree, unfinished: Journal, entry: Entry, undone: Undone) -> str:
    """Where the bytes from before are kept for good, empty where there were none."""
    if entry.before is None:
        return ""
    path = _backup_path(unfinished, entry)
    try:
        for parent, name in _folders(path):
            with tree.folder(parent) as descriptor:
                ensure_folder(name, descriptor)
                undone.named.append(f"{parent}/{name}")
        folder, name = split(path)
        with tree.folder(folder) as descriptor:
            journal.forget(name, descriptor)
            _keep(name, descriptor, entry.before)
    except OSError:
        return _JOURNAL
    undone.named.append(path)
    return path


def _keep(name: str, folder: int, data: bytes) -> None:
    descriptor = files.create(name, folder, data)
    try:
        files.system.flush(descriptor)
    finally:
        os.close(descriptor)


def _backup_path(unfinished: Journal, entry: Entry) -> str:
    return f"{BACKUP}/{unfinished.identifier}/{entry.target}"


def _folders(path: str) -> Iterator[tuple[str, str]]:
    """Every folder of a path as parent and name, outermost first, keychange's own left out."""
    parts = path.split("/")[:-1]
    for count in range(1, len(parts)):
        yield "/".join(parts[:count]), parts[count]


def _drop_backups(tree: Tree, unfinished: Journal) -> Iterable[str]:
    """Remove backups of an earlier attempt at this journal, for what they hold is restored now.

    Returns each path where one may have been.
    """
    if not os.path.lexists(tree.absolute(f"{BACKUP}/{unfinished.identifier}")):
        return ()
    folders: dict[str, None] = {}
    paths = []
    for entry in unfinished.entries:
        path = _backup_path(unfinished, entry)
        folders.update(dict.fromkeys(f"{parent}/{name}" for parent, name in _folders(path)))
        with contextlib.suppress(FileNotFoundError), tree.folder(split(path)[0]) as descriptor:
            journal.forget(split(path)[1], descriptor)
        paths.append(path)
    return (*paths, *_remove_folders(tree, sorted(folders)))


def _foreign(entry: Entry, backup: str) -> Diagnostic:
    was = f"its bytes from before are in {backup}" if backup else "it did not exist before"
    return error(
        "not-restored",
        f"{entry.path} holds neither its old nor its new bytes and was left as it is; {was}",
        Location(entry.path),
        hint="compare the two and keep what you want; nothing else will touch the file",
    )


def _failed(entry: Entry, backup: str, problem: OSError) -> Diagnostic:
    was = f"its bytes from before are in {backup}" if backup else "it did not exist before"
    return error(
        "restore-failed",
        f"{entry.path} could not be restored: {problem.strerror}; {was}",
        Location(entry.path),
        hint="remove the cause, then let keychange try again",
        command="migrate recover",
    )


def _unbegun(problem: OSError) -> Diagnostic:
    return error(
        "restore-failed",
        "nothing was put back yet, for the disk did not confirm how far the interrupted run came:"
        f" {problem.strerror}; all bytes from before are in {_JOURNAL}",
        Location(_JOURNAL),
        hint="remove the cause, then let keychange try again",
        command="migrate recover",
    )


def _unconfirmed(problem: OSError) -> Diagnostic:
    return error(
        "restore-unconfirmed",
        f"the files were written back, but the disk did not confirm it: {problem.strerror};"
        f" all bytes from before are in {_JOURNAL}",
        Location(_JOURNAL),
        hint="remove the cause, then let keychange try again",
        command="migrate recover",
    )
