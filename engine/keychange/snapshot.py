"""Snapshot: what the targets of the migrations hold, read once, and what was searched instead."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from keychange import operations
from keychange.activity import activity
from keychange.diagnostics import Diagnostic, Location
from keychange.model import Context, Migration, Missing, Operation, Searched
from keychange.reading import Reader, from_root
from keychange.searching import Search
from keychange.templates import TemplateError, Templates


class Snapshot(NamedTuple):
    """What planning sees of the disk.

    ``matches`` maps a target, as declared and with templates filled in, to the paths it stands for;
    a path without pattern characters stands for itself, or for the name under which the same file
    was read before. ``files`` maps every such path to its bytes, None where there is no file; but
    for those that were ``searched`` instead, and hold nothing that an operation could find.
    ``nearest`` maps a target that has to be there and is not, or that fits nothing, to what is
    there and looks like it.
    """

    matches: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    nearest: Mapping[str, str] = MappingProxyType({})
    files: Mapping[str, bytes | None] = MappingProxyType({})
    diagnostics: tuple[Diagnostic, ...] = ()
    searched: Searched = Searched()

    @property
    def reads(self) -> dict[str, str | None]:
        """The SHA-256 of every file read, None where absent."""
        return {path: sha256(data) for path, data in self.files.items()}

    def paths(self, operation: Operation, templates: Templates) -> tuple[str, ...]:
        """The files that the targets of an operation stand for."""
        targets = (templates.text(each) for each in operation.targets)
        return tuple(dict.fromkeys(path for each in targets for path in self.matches[each]))


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
        search = _search(root, declared)
        examined = _examined_targets(declared)
        reader = Reader(root, under_way, instead)
        for migration, templates in declared:
            for operation in migration.operations:
                for index, target in enumerate(operation.targets):
                    place = target_place(migration, operation, index)
                    needed = operation.missing is Missing.ERROR
                    named = templates.text(target)
                    without = None if named in examined else search.without
                    reader.expand(named, place, needed=needed, without=without)
        for path in paths:
            reader.matches[path] = reader.read(path, Location(path))
    searched = {path: at for path, at in reader.searched.items() if path not in reader.files}
    return Snapshot(
        matches=reader.matches,
        nearest=reader.nearest,
        files=reader.files,
        diagnostics=tuple(reader.diagnostics),
        searched=Searched(search.values, searched, search.since),
    )


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
                try:
                    texts = map(templates.text, operation.targets)
                    targets += (from_root(each, os.path.realpath(root)) for each in texts)
                    values |= kind.old_values(operation, context)
                    values |= kind.new_values(operation, context)
                except TemplateError:  # it differs from file to file
                    return Search(root, frozenset())
    return Search(root, frozenset(values), targets)


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
