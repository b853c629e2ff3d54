"""Later: what later migrations leave in a file, so that an earlier one takes it for done."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from keychange import operations
from keychange.model import Context, Migration, Operation, Value
from keychange.snapshot import Snapshot
from keychange.templates import Templates


class Later:
    """What later migrations leave in a file, so that an earlier one takes it for done."""

    def __init__(
        self,
        history: tuple[Migration, ...],
        templates: Mapping[str, Templates],
        snapshot: Snapshot,
    ) -> None:
        self._operations: dict[str, list[tuple[str, Operation]]] = {}
        self._templates = templates
        self._left: dict[str, list[Left]] = {}
        for migration in history[1:]:
            for operation in migration.operations:
                here = templates[migration.revision]
                for path in snapshot.paths(operation, here):
                    listed = self._operations.setdefault(path, [])
                    listed.append((migration.revision, operation))

    def in_file(self, revision: str, path: str) -> Left:
        """What those above a revision leave."""
        if path not in self._left:
            self._left[path] = self._gather(path)
        above = (each for each in self._left[path] if each.lowest > revision)
        return next(above, Left())

    def _gather(self, path: str) -> list[Left]:
        """By the lowest revision that counts, in order: each is the next with one more added."""
        gathered = [Left()]
        for revision, operation in reversed(self._operations.get(path, ())):
            last = gathered[-1]
            expand = partial(self._templates[revision].expand, file=path)
            context = Context(revision=revision, expand=expand)
            kind = operations.kind(operation.kind)
            by_address = dict(last.by_address)
            for address, value in kind.outcomes(operation, context).items():
                by_address[address] = (value, *by_address.get(address, ()))
            values = last.values | kind.new_values(operation, context)
            gathered.append(Left(revision, by_address, values))
        return gathered[:0:-1]


class Left(NamedTuple):
    """What the migrations from ``lowest`` on leave in a file: by address, and anywhere."""

    lowest: str = ""
    by_address: Mapping[str, tuple[Value, ...]] = MappingProxyType({})
    values: frozenset[str] = frozenset()
