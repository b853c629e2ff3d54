"""Room of the preflight: everything that can be refused is refused before the first write."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from keychange.activity import counted
from keychange.diagnostics import Diagnostic, Location, error
from keychange.errors import RefusedError
from keychange.transaction import files
from keychange.transaction.files import NotAFileError, Tree, Walk, split
from keychange.transaction.journal_file import Attributes, Entry, temp_name
from keychange.transaction.permission import unwritable_file, unwritable_folder
from keychange.transaction.resolving import Objection, resolve
from keychange.transaction.space import missing_space
from keychange.transaction.state import STATE


class FileWrite(NamedTuple):
    """One file of a transaction: its bytes before and after, None where it is not there.

    ``path`` is relative to the root, with forward slashes; links in it are followed within the
    root. ``mode`` is for a file that is made; None leaves it to the user's umask.
    """

    path: str
    before: bytes | None
    after: bytes | None
    mode: int | None = None


class Target(NamedTuple):
    """A file that may be written: its journal entry, new bytes, and identity when looked at."""

    entry: Entry
    after: bytes | None
    mode: int | None
    identity: tuple[int, ...] | None


class Prepared(NamedTuple):
    """What a preflight without objections leaves: targets in order, and the folders to make."""

    targets: tuple[Target, ...]
    folders: tuple[str, ...]


@dataclass(slots=True, eq=False, repr=False)
class _Known:
    """What one preflight has found out about folders and mounts so far."""

    mounted: frozenset[str]
    writable: set[str] = field(default_factory=set)
    missing: dict[str, None] = field(default_factory=dict)


def digest(data: bytes | None) -> str | None:
    """The SHA-256 of a file's bytes, None for no file; as in ``Plan.reads``."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def preflight(
    tree: Tree,
    identifier: str,
    writes: Sequence[FileWrite],
    reads: Mapping[str, str | None],
) -> Prepared:
    """Look at every file that was read and every file to write; nothing is changed.

    Raises:
        RefusedError: with every objection there is.
    """
    objections: list[Diagnostic] = []
    targets: list[Target] = []
    known = _Known(_mount_points())
    with tree.walk() as walk:
        for number, write in enumerate(counted(writes, "comparing", len(writes))):
            try:
                targets.append(_examine(tree, walk, write, temp_name(identifier, number), known))
            except Objection as objection:
                objections.append(objection.diagnostic)
        written = {write.path for write in writes}
        for path, expected in reads.items():
            if path not in written:
                objections.extend(_reread(tree, walk, path, expected))
    targets, conflicts = _distinct(targets)
    objections += conflicts
    if not objections:
        objections += missing_space(tree, _sizes(targets))
    if objections:
        raise RefusedError(*objections)
    return Prepared(tuple(targets), tuple(known.missing))


def _examine(tree: Tree, walk: Walk, write: FileWrite, temp: str, known: _Known) -> Target:
    target = resolve(tree, walk, write.path)
    folder, name = split(target)
    found = None
    try:
        with _reading(write.path):
            descriptor = walk.to(folder)
            _check_folder(write.path, folder, descriptor, known)
            name = _as_named(name, descriptor)
            target = f"{folder}/{name}" if folder else name
            found = files.read(name, descriptor)
            if found.data == write.before:
                problem = unwritable_file(write.path, name, descriptor, found.status)
                if problem:
                    raise Objection(problem)
                # A layered file system makes a copy of a file when it is opened for writing.
                if files.identity(name, descriptor) != found.identity:
                    found = files.read(name, descriptor)
    except FileNotFoundError:
        _check_missing(tree, write.path, folder, known)
    if (found.data if found else None) != write.before:
        raise Objection(stale(write.path))
    if found is None:
        entry = Entry(write.path, target, temp, None, digest(write.after), None, None)
        return Target(entry, write.after, write.mode, None)
    status = found.status
    in_place = write.after is not None and (
        _in_place(status) or tree.absolute(target) in known.mounted
    )
    entry = Entry(
        write.path,
        target,
        temp,
        write.before,
        digest(write.after),
        write.after if in_place else None,
        Attributes(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns),
    )
    return Target(entry, write.after, None, found.identity)


def _as_named(name: str, folder: int) -> str:
    """The name in the case of letters that its folder has, where the system takes any.

    A file that is replaced under another spelling would be called by that one afterwards.
    """
    try:
        os.stat(name.swapcase(), dir_fd=folder, follow_symlinks=False)
    except OSError:
        return name
    names = os.listdir(folder)
    alike = (each for each in names if each.casefold() == name.casefold())
    return name if name in names else next(alike, name)


@contextlib.contextmanager
def _reading(path: str) -> Iterator[None]:
    """Say which file it was that could not be read; that there is none is no objection."""
    try:
        yield
    except FileNotFoundError:
        raise
    except NotAFileError as problem:
        raise Objection(
            error(
                "not-a-file",
                f"{path} is not a regular file",
                Location(path),
                hint="keychange changes regular files only; take it out of the targets",
            )
        ) from problem
    except OSError as problem:
        raise Objection(
            error(
                "unreadable-file",
                f"{path} cannot be read: {problem.strerror}",
                Location(path),
                hint="make it readable, and its folders too",
            )
        ) from problem


def stale(path: str) -> Diagnostic:
    """What is said of a file that is not what the plan was made from."""
    return error(
        "stale-plan",
        f"{path} has changed since the plan was made",
        Location(path),
        hint="nothing was written; make a new plan and look at it",
        command="migrate plan",
    )


def _reread(tree: Tree, walk: Walk, path: str, expected: str | None) -> Iterator[Diagnostic]:
    found = None
    try:
        folder, name = split(resolve(tree, walk, path))
        with _reading(path):
            found = files.read(name, walk.to(folder))
    except FileNotFoundError:
        pass
    except Objection as objection:
        yield objection.diagnostic
        return
    if digest(found.data if found else None) != expected:
        yield stale(path)


def _check_missing(tree: Tree, path: str, folder: str, known: _Known) -> None:
    """The nearest folder that exists must let names be made; note those that do not exist."""
    missing = []
    while not os.path.lexists(tree.absolute(folder)):
        missing.append(folder)
        folder, _ = split(folder)
    with _reading(path), tree.folder(folder) as descriptor:
        _check_folder(path, folder, descriptor, known)
    known.missing.update(dict.fromkeys(reversed(missing)))


def _check_folder(path: str, folder: str, descriptor: int, known: _Known) -> None:
    if folder not in known.writable:
        problem = unwritable_folder(path, folder, descriptor)
        if problem:
            raise Objection(problem)
        known.writable.add(folder)


def _in_place(status: os.stat_result) -> bool:
    """Whether a new file under the name would be another one: hard links, other owners."""
    user = os.geteuid()
    return status.st_nlink > 1 or (
        user != 0
        and (status.st_uid != user or status.st_gid not in {os.getegid(), *os.getgroups()})
    )


def _mount_points() -> frozenset[str]:
    """Files can be mounted one by one, as containers do; such a name cannot be replaced."""
    if sys.platform != "linux":
        return frozenset()
    try:
        table = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return frozenset()
    return frozenset(line.split(" ", 5)[4].replace("\\040", " ") for line in table.splitlines())


def _distinct(targets: Sequence[Target]) -> tuple[list[Target], list[Diagnostic]]:
    """Links and spellings can name one file twice: once is enough, if both want the same of it."""
    kept: dict[object, Target] = {}
    conflicts = []
    for target in targets:
        key: object = target.identity and target.identity[:2]
        other = kept.setdefault(key or target.entry.target, target)
        if other.after != target.after:
            path = target.entry.path
            conflicts.append(
                error(
                    "conflicting-targets",
                    f"{path} and {other.entry.path} are the same file, with two new contents",
                    Location(path),
                    hint="take one of the two out of the targets",
                )
            )
    return list(kept.values()), conflicts


def _sizes(targets: Iterable[Target]) -> dict[str, list[int]]:
    """The bytes of the files to come, by folder; the journal's are staged at the same time."""
    sizes: dict[str, list[int]] = {STATE: []}
    for target in targets:
        entry = target.entry
        sizes[STATE].append(len(entry.before or b"") + len(entry.overwrite or b""))
        sizes.setdefault(split(entry.target)[0], []).append(len(target.after or b""))
    return sizes
