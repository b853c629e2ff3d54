"""Room of the preflight: everything that can be refused is refused before the first write."""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keychange.diagnostics import Diagnostic, Location, error
from keychange.errors import RefusedError
from keychange.transaction import files
from keychange.transaction.files import NotAFileError, Tree, split
from keychange.transaction.journal import Attributes, Entry, temp_name
from keychange.transaction.state import LEDGER, STATE

_PROTECTED = frozenset({STATE, ".git"})


@dataclass(frozen=True, slots=True)
class FileWrite:
    """One file of a transaction: its bytes before and after, None where it is not there.

    ``path`` is relative to the root, with forward slashes; links in it are followed within the
    root. ``mode`` is for a file that is made; None leaves it to the user's umask.
    """

    path: str
    before: bytes | None
    after: bytes | None
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A file that may be written: its journal entry, new bytes, and identity when looked at."""

    entry: Entry
    after: bytes | None
    mode: int | None
    identity: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a preflight without objections leaves: targets in order, and the folders to make."""

    targets: tuple[Target, ...]
    folders: tuple[str, ...]


class _Objection(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


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
    folders: dict[str, None] = {}
    mounted = _mount_points()
    for number, write in enumerate(writes):
        try:
            target = _examine(tree, write, temp_name(identifier, number), mounted, folders)
            targets.append(target)
        except _Objection as objection:
            objections.append(objection.diagnostic)
    written = {write.path for write in writes}
    for path, expected in reads.items():
        if path not in written:
            objections.extend(_reread(tree, path, expected))
    targets, conflicts = _distinct(targets)
    objections += conflicts
    if not objections:
        objections += _room(tree, targets)
    if objections:
        raise RefusedError(*objections)
    return Prepared(tuple(targets), tuple(folders))


def resolve(tree: Tree, path: str) -> str:
    """Where a path leads, relative to the root, with every link followed."""
    parts = path.split("/")
    if path.startswith("/") or "\0" in path or not all(p not in ("", ".", "..") for p in parts):
        raise _Objection(_outside(path))
    real = os.path.realpath(tree.root / path)
    root = f"{tree.root}".rstrip("/") + "/"
    if not real.startswith(root):
        raise _Objection(_outside(path))
    target = real.removeprefix(root)
    if target != LEDGER and any(p.casefold() in _PROTECTED for p in target.split("/")):
        raise _Objection(
            error(
                "protected-target",
                f"{path} leads into a folder that belongs to a program: {target}",
                Location(path),
                hint="take it out of the operation's targets",
            )
        )
    return target


def _outside(path: str) -> Diagnostic:
    return error(
        "outside-root",
        f"{path} leads out of the project",
        Location(path),
        hint="keychange changes only files below the root; name the file's own place there",
    )


def _examine(
    tree: Tree,
    write: FileWrite,
    temp: str,
    mounted: frozenset[str],
    folders: dict[str, None],
) -> Target:
    target = resolve(tree, write.path)
    found = _read(tree, write.path, target)
    if (found.data if found else None) != write.before:
        raise _Objection(_stale(write.path))
    _check_folder(tree, write.path, target, folders)
    if found is None:
        entry = Entry(write.path, target, temp, None, digest(write.after), None, None)
        return Target(entry, write.after, write.mode, None)
    status = found.status
    _check_writable(tree, write.path, target, status)
    in_place = write.after is not None and _in_place(tree, target, status, mounted)
    attributes = Attributes(
        stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns
    )
    entry = Entry(
        write.path,
        target,
        temp,
        write.before,
        digest(write.after),
        write.after if in_place else None,
        attributes,
    )
    return Target(entry, write.after, None, found.identity)


def _read(tree: Tree, path: str, target: str) -> files.Found | None:
    try:
        return tree.read(target)
    except NotAFileError as problem:
        raise _Objection(
            error(
                "not-a-file",
                f"{path} is not a regular file",
                Location(path),
                hint="keychange changes regular files only; take it out of the targets",
            )
        ) from problem
    except OSError as problem:
        raise _Objection(
            error(
                "unreadable-file",
                f"{path} cannot be read: {problem.strerror}",
                Location(path),
                hint="make it readable, and its folders too",
            )
        ) from problem


def _stale(path: str) -> Diagnostic:
    return error(
        "stale-plan",
        f"{path} has changed since the plan was made",
        Location(path),
        hint="nothing was written; make a new plan and look at it",
        command="migrate plan",
    )


def _reread(tree: Tree, path: str, expected: str | None) -> Iterator[Diagnostic]:
    try:
        found = _read(tree, path, resolve(tree, path))
    except _Objection as objection:
        yield objection.diagnostic
        return
    if digest(found.data if found else None) != expected:
        yield _stale(path)


def _check_folder(tree: Tree, path: str, target: str, folders: dict[str, None]) -> None:
    """The nearest folder that exists must let names be made and replaced; note the missing."""
    folder, _ = split(target)
    missing = []
    while not os.path.lexists(tree.root / folder):
        missing.append(folder)
        folder, _ = split(folder)
    place = tree.root / folder
    if not stat.S_IMODE(place.stat().st_mode) & 0o222 or not os.access(place, os.W_OK | os.X_OK):
        raise _Objection(
            error(
                "read-only-folder",
                f"the folder of {path} does not let files be replaced: {folder or '.'}",
                Location(path),
                hint="make the folder writable, or take the file out of the targets",
                command=f"chmod u+w {shlex.quote(folder or '.')}",
            )
        )
    folders.update(dict.fromkeys(reversed(missing)))


def _check_writable(tree: Tree, path: str, target: str, status: os.stat_result) -> None:
    folder, name = split(target)
    reason = ""
    if not stat.S_IMODE(status.st_mode) & 0o222:
        # A replaced file need not be writable, and root may write everything; the bits still say
        # what their owner wants.
        reason = "its mode allows no writing"
    else:
        try:
            with tree.folder(folder) as descriptor:
                os.close(files.open_to_overwrite(name, descriptor))
        except OSError as problem:
            reason = problem.strerror or "the system does not allow it"
    if reason:
        raise _Objection(
            error(
                "read-only-file",
                f"{path} cannot be written: {reason}",
                Location(path),
                hint="make the file writable, or take it out of the targets",
                command=f"chmod u+w {shlex.quote(target)}",
            )
        )


def _in_place(tree: Tree, target: str, status: os.stat_result, mounted: frozenset[str]) -> bool:
    """Whether a new file under the name would not be the same: links, mounts, other owners."""
    user = os.geteuid()
    foreign = user != 0 and (
        status.st_uid != user or status.st_gid not in {os.getegid(), *os.getgroups()}
    )
    return status.st_nlink > 1 or foreign or f"{tree.root}/{target}" in mounted


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


def _room(tree: Tree, targets: Iterable[Target]) -> Iterator[Diagnostic]:
    """Staged files and the journal need room at the same time, each on its own file system."""
    needed: dict[int, list[int]] = {}
    places: dict[int, Path] = {}
    for target in targets:
        place = _nearest(tree, split(target.entry.target)[0])
        state = _nearest(tree, STATE)
        in_journal = len(target.entry.before or b"") + len(target.entry.overwrite or b"")
        for where, size in ((place, len(target.after or b"")), (state, in_journal)):
            device = where.stat().st_dev
            places.setdefault(device, where)
            needed.setdefault(device, []).append(size)
    for device, sizes in needed.items():
        system = os.statvfs(places[device])
        block = system.f_frsize or 4096
        wanted = sum(-(-size // block) for size in sizes)
        # A file system that counts no blocks at all does not say how full it is.
        if system.f_blocks and wanted > system.f_bavail:
            yield error(
                "no-space",
                f"the disk has {system.f_bavail * block} bytes left, {wanted * block} are needed",
                Location("."),
                hint="make room on the disk and run the command again",
            )


def _nearest(tree: Tree, folder: str) -> Path:
    while not os.path.lexists(tree.root / folder):
        folder, _ = split(folder)
    return tree.root / folder
