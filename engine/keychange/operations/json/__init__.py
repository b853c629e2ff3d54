"""The json kind: members and elements of JSON files, set, renamed, moved, removed, appended.

Addresses of sites are JSON pointers; ``/array/-{condition}`` for the elements that a condition
removes, and ``/array/+value`` for one that is appended. The address of a member that is renamed
or moved is its old pointer, which the operation leaves absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import cast

from keychange.diagnostics import Diagnostic, errors_in
from keychange.formats.json.pointer import Tokens, split
from keychange.formats.json.text import Document, read, value_of
from keychange.model import ABSENT, Context, Finding, Json, Recorded, Source, Value
from keychange.operations.json.changes import Changes
from keychange.operations.json.declared import JsonOperation, expanded, parse, renamed, satisfies
from keychange.operations.json.later import (
    addition_address,
    departure_address,
    place,
    removal_address,
)
from keychange.operations.json.work import Work, guarded

__all__ = ["examine", "new_values", "old_values", "outcomes", "parse", "revert"]


def found_by_value(operation: JsonOperation) -> bool:  # noqa: ARG001 (one contract for all kinds)
    """See ``Kind.found_by_value``: every file has the fields or lacks them."""
    return False


def examine(operation: JsonOperation, source: Source, context: Context) -> Finding:
    """The sites of the operation in one file, their states, and the edits that finish it.

    A file that does not match ``where`` has no sites. The schema *before* is asked only of a file
    that would be edited, the schema *after* only of the edited bytes: a file that a later
    migration has changed is judged by neither.
    """
    data = source.data or b""
    return guarded(
        source.path,
        data,
        lambda: _examine(operation, source.path, data, context),
        jsonc=operation.syntax == "jsonc",
    )


def _examine(operation: JsonOperation, path: str, data: bytes, context: Context) -> Finding:
    jsonc = operation.syntax == "jsonc"
    schemas = operation.schema_before or operation.schema_after
    asked = [()] if schemas else governed(operation, context)
    work = Work.on(path, data, asked, context, jsonc=jsonc)
    if not satisfies(work.draft.value, expanded(operation.where, context.expand)):
        return Finding()
    Changes(operation, work).run()
    if operation.schema_before and any(site.changes for site in work.sites):
        untouched = value_of(data, jsonc=jsonc)
        work.diagnostics += _violations(
            operation.schema_before, "before", untouched, lambda: read(data, jsonc=jsonc), work
        )
    if errors_in(work.diagnostics):
        return Finding(sites=tuple(work.sites), diagnostics=tuple(work.diagnostics))
    edits, document, summary = work.settle()
    if edits and operation.schema_after:
        work.diagnostics += _violations(
            operation.schema_after, "after", document.value, lambda: document, work
        )
    if errors_in(work.diagnostics):
        edits = ()
    return Finding(
        sites=tuple(work.sites),
        edits=edits,
        diagnostics=tuple(work.diagnostics),
        proof=_proof(work) if edits else "",
        summary=tuple(summary) if edits else (),
    )


def revert(records: Sequence[Recorded], source: Source, context: Context) -> Finding:
    """See ``Kind.revert``."""
    from keychange.operations.json import back

    return back.revert(records, source, context)


def governed(operation: JsonOperation, context: Context) -> Iterator[Tokens]:
    """The pointers of all that the operation may look at in a document."""
    yield from (split(pointer) for pointer, _ in operation.where)
    yield from (split(each.pointer) for each in operation.set)
    for pairs in (operation.default, operation.remove_items, operation.append):
        yield from (split(pointer) for pointer, _ in pairs)
    yield from map(split, operation.remove)
    yield from (split(each) for pair in _departures(operation) for each in pair)
    yield from (split(place(address)) for address in context.later)


def outcomes(operation: JsonOperation, context: Context) -> Mapping[str, Value]:
    """What the operation leaves, by address, for addresses known without the file."""
    expand = context.expand
    left: dict[str, Value] = {each.pointer: expand(each.to) for each in operation.set}
    left.update((pointer, expand(value)) for pointer, value in operation.default)
    gone = (*operation.remove, *(old for old, _ in _departures(operation)))
    left.update((pointer, ABSENT) for pointer in gone)
    for pointer, to in _departures(operation):
        left[departure_address(pointer, to)] = ABSENT
    for pointer, where in operation.remove_items:
        left[removal_address(pointer, expanded(where, expand))] = []
    for pointer, items in operation.append:
        values = [expand(item) for item in items]
        left.update((addition_address(pointer, value), value) for value in values)
    return left


def old_values(operation: JsonOperation, context: Context) -> frozenset[str]:
    """The strings that ``set`` declares as old."""
    olds = (old for each in operation.set for old in each.old or ())
    return frozenset(old for old in map(context.expand, olds) if isinstance(old, str))


def new_values(operation: JsonOperation, context: Context) -> frozenset[str]:
    """The strings that the operation leaves, also those inside arrays and objects."""
    values = [
        *(each.to for each in operation.set),
        *(value for _, value in operation.default),
        *(item for _, items in operation.append for item in items),
    ]
    return frozenset(text for value in values for text in _strings(context.expand(value)))


def _departures(operation: JsonOperation) -> Iterator[tuple[str, str]]:
    """Every member that gets another pointer, with both."""
    for pointer, name in operation.rename:
        yield pointer, renamed(pointer, name)
    yield from operation.move


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _violations(
    name: str, when: str, value: Json, document: Callable[[], Document], work: Work
) -> Iterable[Diagnostic]:
    """What a value violates of a schema; its ``document`` is wanted only where it does."""
    from keychange.json_schema.violations import satisfied, violations

    schema = work.context.schema(name)
    if satisfied(value, schema):
        return ()
    return violations(document(), schema, path=work.path, name=name, when=when)


def _proof(work: Work) -> str:
    """What is edited, counted by what it is in the document."""
    pending = [site for site in work.sites if site.changes]
    arrays = [site for site in pending if "array" in cast("dict[str, Json]", site.undo)]
    items = sum(len(each.before) if isinstance(each.before, list) else 1 for each in arrays)
    counts = ((len(pending) - len(arrays), "member"), (items, "item"))
    told = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count]
    return ", ".join([*told, "0 other bytes"])
