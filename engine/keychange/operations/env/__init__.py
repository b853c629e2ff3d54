"""The env kind: keys of ``.env`` files set, renamed and removed without a trace elsewhere."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from keychange.errors import DeclarationProblem, Problem
from keychange.model import ABSENT, Context, Finding, Json, Operation, Recorded, Source, Value
from keychange.secrets import looks_secret
from keychange.yaml_data import escape

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Setting(NamedTuple):
    """One key to set. Without ``olds`` any other value is old; ``export`` None keeps what is."""

    key: str
    to: str
    olds: tuple[str, ...] = ()
    export: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvOperation(Operation):
    """Keys to remove, then to rename, then to set, in one ``.env`` file."""

    settings: tuple[Setting, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()
    removals: tuple[str, ...] = ()
    comment: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that the operation sets, renames or removes, and the new names."""
        renamed = (name for pair in self.renames for name in pair)
        return (*(each.key for each in self.settings), *renamed, *self.removals)


def parse(node: Mapping[str, Json], common: Mapping[str, object]) -> EnvOperation:
    """The operation that a node of the migration declares; the schema has accepted it.

    Raises:
        DeclarationProblem: a name that no shell can hold, or a key that is governed twice.
    """
    declared = cast("Mapping[str, Mapping[str, Any]]", node.get("set") or {})
    settings = tuple(
        Setting(key, each["to"], _olds(each), _export(each.get("export", node.get("export"))))
        for key, each in declared.items()
    )
    renames = tuple(cast("Mapping[str, str]", node.get("rename") or {}).items())
    removals = tuple(cast("Sequence[str]", node.get("remove") or ()))
    if problems := [*_problems([each.key for each in settings], renames, removals)]:
        raise DeclarationProblem(*problems)
    return EnvOperation(
        **cast("dict[str, Any]", common),
        settings=settings,
        renames=renames,
        removals=removals,
        comment=bool(node.get("comment", False)),
    )


def _problems(
    keys: Sequence[str], renames: Sequence[tuple[str, str]], removals: Sequence[str]
) -> Iterator[Problem]:
    """What no environment can do, and what one operation may not; each at its place in the node."""
    old = [(key, f"/rename/{escape(key)}") for key, _ in renames]
    new = [(name, f"/rename/{escape(key)}") for key, name in renames]
    gone = [(key, f"/remove/{index}") for index, key in enumerate(removals)]
    governed = [*((key, f"/set/{escape(key)}") for key in keys), *old, *gone]
    for key, pointer in (*governed, *new):
        if not _NAME.fullmatch(key):
            message = f"no environment variable can be named {key!r}"
            hint = "use letters, digits and _, and no digit first"
            yield Problem(pointer, "invalid-key", message, hint)
    twice: dict[str, str] = {}
    for places in (governed, new, [*old, *gone, *new]):
        seen: set[str] = set()
        for key, pointer in places:
            if key in seen:
                twice.setdefault(key, pointer)
            seen.add(key)
    for key, pointer in twice.items():
        message = f"{key} is named twice in one operation"
        hint = "an operation sets, renames or removes a key once; use two operations"
        yield Problem(pointer, "governed-twice", message, hint)


def _olds(node: Mapping[str, Any]) -> tuple[str, ...]:
    olds = node.get("from", ())
    return (olds,) if isinstance(olds, str) else tuple(olds)


def _export(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def expanded(operation: EnvOperation, context: Context) -> tuple[Setting, ...]:
    """The settings with ``${...}`` resolved for one file."""

    def text(value: str) -> str:
        return cast("str", context.expand(value))

    return tuple(
        Setting(each.key, text(each.to), tuple(map(text, each.olds)), each.export)
        for each in operation.settings
    )


def found_by_value(operation: EnvOperation) -> bool:  # noqa: ARG001 (one contract for all kinds)
    """See ``Kind.found_by_value``: every file has the keys or lacks them."""
    return False


def examine(operation: EnvOperation, source: Source, context: Context) -> Finding:
    """The keys of the operation in one file, their states, and the edits that finish it."""
    from keychange.operations.env.examination import Examination

    return Examination(operation, source, context).finding(expanded(operation, context))


def departure(old: str, new: str) -> str:
    """The address that says what a key is called now, whatever it holds: ``OLD>NEW``."""
    return f"{old}>{new}"


def gone_later(
    key: str, names: Container[str], context: Context, seen: tuple[str, ...] = ()
) -> bool:
    """Whether a later migration has removed a key, or renamed it to one of these names."""
    if key in seen or not context.supersedes(key, ABSENT):
        return False
    gone = departure(key, "")
    arrivals = [each.removeprefix(gone) for each in context.later if each.startswith(gone)]
    return not arrivals or any(
        each in names or gone_later(each, names, context, (*seen, key)) for each in arrivals
    )


def outcomes(operation: EnvOperation, context: Context) -> Mapping[str, Value]:
    """What the operation leaves, by key; what a renamed key holds is not known without the file."""
    gone = [*operation.removals, *(old for old, _ in operation.renames)]
    return {
        **dict.fromkeys(gone, ABSENT),
        **{departure(old, new): ABSENT for old, new in operation.renames},
        **{each.key: each.to for each in expanded(operation, context)},
    }


def old_values(operation: EnvOperation, context: Context) -> frozenset[str]:
    """The values declared as old, but for secrets: nobody searches files for them."""
    return frozenset(
        old
        for each in expanded(operation, context)
        for old in each.olds
        if old != each.to and not looks_secret(each.key, old)
    )


def new_values(operation: EnvOperation, context: Context) -> frozenset[str]:
    """The values that the operation leaves in the file."""
    return frozenset(each.to for each in expanded(operation, context))


def revert(records: Sequence[Recorded], source: Source, context: Context) -> Finding:
    """Put recorded keys of one file back, where they still hold the recorded new value."""
    from keychange.operations.env.back import Reversal

    return Reversal(records, source, context).finding()
