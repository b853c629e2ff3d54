"""Snapshot: expand each target's pattern under the root, and read each file once."""

from __future__ import annotations

import glob
import hashlib
import os
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from keychange import operations
from keychange.activity import Activity, activity
from keychange.diagnostics import Diagnostic, Location, Related, error
from keychange.model import Context, Migration, Missing, Operation, Searched
from keychange.nearest import nearest
from keychange.patterns import CLOSED, expanded, fits
from keychange.regular import read_regular
from keychange.searching import Search, common_ending
from keychange.settings import TEMP_PREFIX
from keychange.templates import TemplateError, Templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What planning sees of the disk.

    ``matches`` maps a target, as declared and with templates filled in, to the paths it stands
    for; a path without pattern characters stands for itself. ``files`` maps every such path to
    its bytes, None where there is no file; but for those that were ``searched`` instead, and hold
    nothing that an operation could find. ``nearest`` maps a target that has to be there and is
    not, or that fits nothing, to what is there and looks like it.
    """

    matches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nearest: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    searched: Searched = field(default_factory=Searched)

    @property
    def reads(self) -> dict[str, str | None]:
        """The SHA-256 of every file read, None where absent."""
        return {path: sha256(data) for path, data in self.files.items()}


def sha256(data: bytes | None) -> str | None:
    """The hex digest of some bytes; None of None."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def take_snapshot(
    root: Path,
    migrations: Iterable[tuple[Migration, Templates]],
    paths: Iterable[str] = (),
    instead: Mapping[str, bytes | None] = MappingProxyType({}),
) -> Snapshot:
    """Read every target of the migrations, and further paths from the root.

    ``instead`` holds bytes to take for files that a transaction under way has in hand.
    Nothing outside the root is read: not through ``..``, an absolute path, a pattern or a link.
    Whatever is not a regular file of a sane size is a diagnostic, not a hang.
    """
    declared = tuple(migrations)
    with activity("reading") as under_way:
        reader = _Reader(
            root, instead, under_way, _search(root, declared), _examined_targets(declared)
        )
        for migration, templates in declared:
            for operation in migration.operations:
                for index, target in enumerate(operation.targets):
                    place = target_place(migration, operation, index)
                    needed = operation.missing is Missing.ERROR
                    reader.expand(templates.text(target), place, needed=needed)
        for path in paths:
            reader.read(path, Location(path))
    return reader.snapshot()


def read_files(root: Path, patterns: Iterable[str]) -> Snapshot:
    """Read the files that paths and patterns from the root stand for, as ``take_snapshot`` does."""
    with activity("reading") as under_way:
        reader = _Reader(root, {}, under_way)
        for each in patterns:
            reader.expand(each, Location(each))
    return reader.snapshot()


_Declared = tuple[tuple[Migration, Templates], ...]


def _search(root: Path, declared: _Declared) -> Search:
    """A search for all that operations look for by value; for nothing where one cannot be known."""
    values: set[str] = set()
    targets: list[str] = []
    for migration, templates in declared:
        context = Context(revision=migration.revision, expand=templates.expand)
        for operation in migration.operations:
            kind = operations.kind(operation.kind)
            if kind.found_by_value(operation):
                targets += operation.targets
                try:
                    values |= kind.old_values(operation, context)
                    values |= kind.new_values(operation, context)
                except TemplateError:  # it differs from file to file
                    return Search(root, frozenset())
    return Search(root, frozenset(values), common_ending(targets))


def _examined_targets(declared: _Declared) -> frozenset[str]:
    """The targets of operations that may have a site in any file."""
    return frozenset(
        templates.text(target)
        for migration, templates in declared
        for operation in migration.operations
        if not operations.kind(operation.kind).found_by_value(operation)
        for target in operation.targets
    )


def target_place(migration: Migration, operation: Operation, index: int) -> Location:
    """Where a migration names one of the targets of an operation."""
    pointer = f"{operation.pointer}/{operation.kind}"
    listed = f"{pointer}/{index}"
    return migration.locate(listed if listed in migration.positions else pointer)


class _Reader:
    def __init__(
        self,
        root: Path,
        instead: Mapping[str, bytes | None],
        under_way: Activity,
        search: Search | None = None,
        examined: frozenset[str] = frozenset(),
    ) -> None:
        self._under_way = under_way
        self.instead = instead
        self.search = search
        self.examined = examined
        self.searched: set[str] = set()
        self.root = os.path.realpath(root)
        self.matches: dict[str, tuple[str, ...]] = {}
        self.nearest: dict[str, str] = {}
        self.files: dict[str, bytes | None] = {}
        self.diagnostics: list[Diagnostic] = []
        self._real: dict[str, str] = {}
        self._folders = {"": self.root}

    def snapshot(self) -> Snapshot:
        """What was seen."""
        searched = frozenset(self.searched - self.files.keys())
        return Snapshot(
            matches=self.matches,
            nearest=self.nearest,
            files=self.files,
            diagnostics=tuple(self.diagnostics),
            searched=Searched(self.search.values, searched) if self.search else Searched(),
        )

    def expand(self, target: str, place: Location, *, needed: bool = True) -> None:
        """Read what a target stands for; where it is ``needed`` and nothing is, look for more."""
        if target in self.matches:
            return
        self._expand(target, place)
        found = self.matches[target]
        lacking = not found or (found == (target,) and self.files.get(target, b"") is None)
        if needed and lacking and (near := nearest(Path(self.root), target)):
            self.nearest[target] = near

    def _expand(self, target: str, place: Location) -> None:
        pattern = target.removeprefix(self.root + "/").removeprefix("./")
        parts = pattern.split("/")
        self.matches[target] = ()
        outside = pattern.startswith(("/", "~")) or ".." in parts
        if outside or _is_closed(pattern):
            where = "not under the root" if outside else "inside .git or .keychange"
            message = f"the target `{target}` is {where}"
            hint = "name it by its path from the root, without `..`"
            self.diagnostics.append(error("target-outside-root", message, place, hint=hint))
            return
        if not glob.has_magic(pattern):
            if self.read(pattern, place):
                self.matches[target] = (pattern,)
            return
        found = expanded(self.root, pattern)
        found.update((each, False) for each in self.instead if fits(each, pattern))
        names = [each for each in sorted(found) if _is_open(each)]
        if self.search and target not in self.examined:
            plain = [each for each in names if found[each] and each not in self.files]
            self.searched |= self.search.without(plain)
        self._under_way.total += sum(each not in self.searched for each in names)
        self.matches[target] = tuple(
            each for each in names if each in self.searched or self._is_file(each, place)
        )

    def _is_file(self, path: str, place: Location) -> bool:
        return self.read(path, place, folders=False) and self.files[path] is not None

    def _real_path(self, path: str) -> str:
        """``os.path.realpath`` below the root; folders are looked at once, not for every file."""
        if any(part in ("", ".", "..") for part in path.split("/")):
            return os.path.realpath(os.path.join(self.root, path))  # noqa: PTH118 (10,000 files)
        folder, _, name = path.rpartition("/")
        parent = self._folders.get(folder)
        if parent is None:
            parent = self._folders[folder] = self._real_path(folder)
        full = f"{parent}/{name}"
        return os.path.realpath(full) if os.path.islink(full) else full  # noqa: PTH114 (same)

    def read(self, path: str, place: Location, *, folders: bool = True) -> bool:
        """Take one file into the snapshot; whether the path may be planned for.

        Not with ``folders``, a folder is nothing to speak of: a pattern fits it by chance.
        """
        self._under_way.step()
        if path in self.files:
            return True
        real = self._real_path(path)
        inside = real.startswith(self.root + os.sep)
        if not inside or _is_closed(real[len(self.root) + 1 :]):
            where = "into .git or .keychange" if inside else "out of the root"
            message = f"`{path}` leads {where} through a link"
            hint = "nothing there is read or written; make it a file of the project"
            self.diagnostics.append(
                error("target-outside-root", message, Location(path), hint=hint)
            )
            return False
        if self._real.setdefault(real, path) != path:
            return False  # the same file under a second name is planned once, under the first
        if path in self.instead:
            self.files[path] = self.instead[path]
            return True
        try:
            self.files[path] = read_regular(real, follow=False)
        except FileNotFoundError:
            self.files[path] = None
        except OSError as problem:
            if isinstance(problem, IsADirectoryError) and not folders:
                return False
            reason = problem.strerror or str(problem)
            at = Location(path)
            message = f"cannot read the target: {reason.lower()}"
            hint = "make it a regular file that you may read, or take it out of the targets"
            related = (Related(place, "it is a target here"),) if place.line else ()
            self.diagnostics.append(
                error("unreadable-target", message, at, hint=hint, related=related)
            )
            return False
        return True


def _is_open(path: str) -> bool:
    staged = TEMP_PREFIX in path and posixpath.basename(path).startswith(TEMP_PREFIX)
    return not staged and not _is_closed(path)


def _is_closed(path: str) -> bool:
    """Whether a path goes through a folder that is a program's own, in whatever case of letters."""
    folded = path.casefold()
    if not any(each in folded for each in CLOSED):
        return False
    return not CLOSED.isdisjoint(folded.split("/"))
