"""What a json operation declares: its parts as values, checked where the schema cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from keychange.diagnostics import error
from keychange.errors import UsageProblem
from keychange.formats.json.pointer import escape, lookup, split
from keychange.model import ABSENT, Json, Operation, Value, same

Conditions = tuple[tuple[str, Json], ...]
"""Pointers, each with what must hold there; all must."""

_WORDS = frozenset({"is", "not", "in", "exists"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One member to set; ``old`` are the values that may be replaced, None for any."""

    pointer: str
    to: Json
    old: tuple[Json, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonOperation(Operation):
    """Declared changes of the fields of JSON files.

    All pointers name places of the document as it is before the operation, and no two of them
    overlap, so the order of the changes does not matter.
    """

    syntax: str = "json"
    schema_before: str = ""
    schema_after: str = ""
    only_existing: bool = False
    where: Conditions = ()
    set: tuple[Setting, ...] = ()
    default: tuple[tuple[str, Json], ...] = ()
    rename: tuple[tuple[str, str], ...] = ()
    move: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()
    remove_items: tuple[tuple[str, Conditions], ...] = ()
    append: tuple[tuple[str, tuple[Json, ...]], ...] = ()


def parse(node: Mapping[str, Json], common: Mapping[str, object]) -> JsonOperation:
    """The operation that a node of the migration declares; the schema has accepted it.

    Raises:
        UsageProblem: a pointer is none, or two of them overlap.
    """
    schema = _mapping(node, "schema")
    operation = JsonOperation(
        **cast("dict[str, Any]", dict(common)),
        syntax=str(node.get("syntax", "json")),
        schema_before=str(schema.get("before", "")),
        schema_after=str(schema.get("after", "")),
        only_existing=node.get("only") == "existing",
        where=tuple(_mapping(node, "where").items()),
        set=tuple(_setting(*item) for item in _mapping(node, "set").items()),
        default=tuple(_mapping(node, "default").items()),
        rename=tuple((old, str(new)) for old, new in _mapping(node, "rename").items()),
        move=tuple((old, str(new)) for old, new in _mapping(node, "move").items()),
        remove=tuple(str(each) for each in cast("list[Json]", node.get("remove", []))),
        remove_items=tuple(
            (pointer, tuple(cast("Any", item)["where"].items()))
            for pointer, item in _mapping(node, "remove_items").items()
        ),
        append=tuple(
            (pointer, tuple(cast("list[Json]", items)))
            for pointer, items in _mapping(node, "append").items()
        ),
    )
    _check(operation)
    return operation


def renamed(pointer: str, name: str) -> str:
    """The pointer of a member under another name."""
    return f"{pointer.rpartition('/')[0]}/{escape(name)}"


def satisfies(document: Json, conditions: Conditions) -> bool:
    """Whether all conditions hold in a document; they have been expanded."""
    return all(_holds(lookup(document, split(pointer)), each) for pointer, each in conditions)


def expanded(conditions: Conditions, expand: Callable[[Json], Json]) -> Conditions:
    """The conditions with ``${...}`` resolved."""
    return tuple((pointer, expand(condition)) for pointer, condition in conditions)


def _holds(value: Value, condition: Json) -> bool:
    if not isinstance(condition, dict) or not condition or not _WORDS.issuperset(condition):
        return same(value, condition)
    return all(_word_holds(word, wanted, value) for word, wanted in condition.items())


def _word_holds(word: str, wanted: Json, value: Value) -> bool:
    match word:
        case "is":
            return same(value, wanted)
        case "not":
            return value is not ABSENT and not same(value, wanted)
        case "in":
            return any(same(value, each) for each in cast("list[Json]", wanted))
        case _:
            return (value is not ABSENT) == wanted


def _mapping(node: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", node.get(name, {}))


def _setting(pointer: str, node: Json) -> Setting:
    declared = cast("dict[str, Json]", node)
    if "from" not in declared:
        return Setting(pointer, declared["to"], None)
    old = declared["from"]
    return Setting(pointer, declared["to"], tuple(old) if isinstance(old, list) else (old,))


def _governed(operation: JsonOperation) -> Iterator[tuple[str, str]]:
    """Every pointer whose value or name the operation may change, with the verb."""
    yield from (("set", each.pointer) for each in operation.set)
    yield from (("default", pointer) for pointer, _ in operation.default)
    yield from (("remove", pointer) for pointer in operation.remove)
    arrays = [pointer for pointer, _ in (*operation.remove_items, *operation.append)]
    yield from (("remove_items or append", pointer) for pointer in dict.fromkeys(arrays))
    for old, name in operation.rename:
        yield "rename", old
        yield "rename", renamed(old, name)
    for old, new in operation.move:
        yield "move", old
        yield "move", new


def _check(operation: JsonOperation) -> None:
    items = (pointer for _, where in operation.remove_items for pointer, _ in where)
    conditions = (*(pointer for pointer, _ in operation.where), *items)
    governed = list(_governed(operation))
    problems = [
        error("invalid-pointer", f"`{pointer}` is no JSON pointer: {reason}")
        for pointer in dict.fromkeys([*conditions, *(pointer for _, pointer in governed)])
        if (reason := _invalid(pointer))
    ]
    whole = {"remove", "rename", "move", "default"}
    problems += [
        error(
            "invalid-pointer",
            f"{verb} needs the pointer of a member, not of the whole document",
            hint="use `set` to replace the document, or name a member",
        )
        for verb, pointer in governed
        if verb in whole and not pointer
    ]
    if not problems:
        problems += _overlaps(governed)
    if problems:
        raise UsageProblem(*problems)


def _invalid(pointer: str) -> str:
    try:
        split(pointer)
    except ValueError as reason:
        return str(reason)
    return ""


def _overlaps(governed: Iterable[tuple[str, str]]) -> Iterator[Any]:
    # In sorted order a pointer stands right before one that lies inside it.
    ordered = sorted((split(pointer), verb, pointer) for verb, pointer in governed)
    for (outer, verb, pointer), (inner, other_verb, other) in pairwise(ordered):
        if inner[: len(outer)] == outer:
            yield error(
                "overlapping-pointers",
                f"`{verb}` of `{pointer}` and `{other_verb}` of `{other}` change the same place",
                hint="put them into two operations, one after the other",
            )
