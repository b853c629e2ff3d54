"""The kinds of operation: a registry, and the contract that each kind's one module keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Protocol, TypeVar

from keychange.model import Context, Finding, Json, Operation, Recorded, Source, Value

KINDS = ("env", "python", "json")
"""The registered kinds. Each is ``keychange.operations.<name>``, loaded when used.

A further kind is one more module, its name here, and its shape under ``$defs`` in the schema."""

OperationT_contra = TypeVar("OperationT_contra", bound=Operation, contravariant=True)


class Kind(Protocol[OperationT_contra]):
    """What a module of this package offers. All functions are pure."""

    def parse(self, node: Mapping[str, Json], common: Mapping[str, object]) -> Operation:
        """The operation that a node of the migration declares; the schema has accepted it.

        ``common`` holds the keyword arguments of ``Operation`` that all kinds share.

        Raises:
            DeclarationProblem: what the schema cannot say is wrong; pointers are from the node.
        """
        ...

    def examine(self, operation: OperationT_contra, source: Source, context: Context) -> Finding:
        """The sites of the operation in one file, their states, and the edits that finish it.

        Never raises for what the file holds: that becomes a diagnostic, and with an error there
        are no edits. A foreign value is judged by ``operation.on_foreign``.
        """
        ...

    def outcomes(self, operation: OperationT_contra, context: Context) -> Mapping[str, Value]:
        """What the operation leaves, by address, for addresses known without the file."""
        ...

    def old_values(self, operation: OperationT_contra, context: Context) -> frozenset[str]:
        """The strings that the operation declares as old."""
        ...

    def new_values(self, operation: OperationT_contra, context: Context) -> frozenset[str]:
        """The strings that the operation leaves somewhere in the file."""
        ...

    def found_by_value(self, operation: OperationT_contra) -> bool:
        """Whether a file can only hold a site where it holds an old or a new value."""
        ...

    def revert(self, records: Sequence[Recorded], source: Source, context: Context) -> Finding:
        """Put recorded sites of one file back, where they still hold the recorded new value.

        Used when the file has changed elsewhere since: a site that holds its old value already
        is done, as is one that has been superseded; one that holds something else is foreign and
        an error. What a record says to write is proved like any other edit.

        Raises:
            ArithmeticError, AttributeError, LookupError, TypeError, ValueError: a record is none
                that ``examine`` can have made; the ledger was edited.
        """
        ...


@cache  # it is asked for every file
def kind(name: str) -> Kind[Operation]:
    """The module of a kind."""
    if name not in KINDS:
        raise KeyError(name)
    module: Kind[Operation] = import_module(f"keychange.operations.{name}")
    return module
