"""What a json operation declares: its parts as values, checked where the schema cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, cast

from keychange.errors import DeclarationProblem, Problem
from keychange.formats.json.pointer import escape, lookup, split
from keychange.model import ABSENT, Json, Operation, Value, same

Conditions = tuple[tuple[str, Json], ...]
"""Pointers, each with what must hold there; all must."""

_WORDS = frozenset({"is", "not", "in", "exists"})


class Setting(NamedTuple):
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
        DeclarationProblem: a pointer is none, or two of them overlap.
    """
    _check(node)
    schema = _mapping(node, "schema")
    return JsonOperation(
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


class _Governed(NamedTuple):
    """A pointer whose value or name the operation may change; ``at`` is its place in the node."""

    tokens: tuple[str, ...]
    verb: str
    pointer: str
    at: str


def _check(node: Mapping[str, Json]) -> None:
    problems = list(_whole_documents(node))
    governed: list[_Governed] = []
    arrays: set[str] = set()
    for pointer, verb, at in _pointers(node):
        try:
            tokens = split(pointer)
        except ValueError as reason:
            message = f"`{pointer}` is no JSON pointer: {reason}"
            hint = "write `/member/inner`; `~1` is a slash in a name, `~0` a tilde"
            problems.append(Problem(at, "invalid-pointer", message, hint))
            continue
        # Elements may go from an array and come to it in one operation.
        if verb and not (verb == _ITEMS and pointer in arrays):
            governed.append(_Governed(tokens, verb, pointer, at))
        if verb == _ITEMS:
            arrays.add(pointer)
    problems = problems or list(_overlaps(governed))
    if problems:
        raise DeclarationProblem(*problems)


_ITEMS = "remove_items or append"


def _pointers(node: Mapping[str, Json]) -> Iterator[tuple[str, str, str]]:
    """Every pointer of a node, the verb that may change what it names, and its place."""

    def at(*tokens: str) -> str:
        return "".join(f"/{escape(each)}" for each in tokens)

    for verb, name in (("", "where"), ("set", "set"), ("default", "default"), (_ITEMS, "append")):
        yield from ((pointer, verb, at(name, pointer)) for pointer in _mapping(node, name))
    for index, pointer in enumerate(cast("list[str]", node.get("remove", []))):
        yield pointer, "remove", at("remove", str(index))
    for array, item in _mapping(node, "remove_items").items():
        yield array, _ITEMS, at("remove_items", array)
        for pointer in cast("dict[str, dict[str, Json]]", item)["where"]:
            yield pointer, "", at("remove_items", array, "where", pointer)
    renames = [(old, renamed(old, str(new))) for old, new in _mapping(node, "rename").items()]
    moves = [(old, str(new)) for old, new in _mapping(node, "move").items()]
    for verb, pairs in (("rename", renames), ("move", moves)):
        yield from ((each, verb, at(verb, pair[0])) for pair in pairs for each in pair)


def _whole_documents(node: Mapping[str, Json]) -> Iterator[Problem]:
    for pointer, verb, at in _pointers(node):
        if not pointer and verb in ("remove", "rename", "move", "default"):
            message = f"`{verb}` needs the pointer of a member, not of the whole document"
            hint = "use `set` to replace the document, or name a member"
            yield Problem(at, "invalid-pointer", message, hint)


def _overlaps(governed: Iterable[_Governed]) -> Iterator[Problem]:
    # In sorted order a pointer stands right before one that lies inside it.
    for outer, inner in pairwise(sorted(governed)):
        if inner.tokens[: len(outer.tokens)] == outer.tokens:
            yield Problem(
                inner.at,
                "overlapping-pointers",
                f"`{outer.verb}` of `{outer.pointer}` and `{inner.verb}` of `{inner.pointer}`"
                " change the same place",
                _way_out(outer, inner),
            )


def _way_out(outer: _Governed, inner: _Governed) -> str:
    for verb in ("rename", "move"):
        if verb in (outer.verb, inner.verb):
            return f"put the `{verb}` into an operation of its own, before what names the new place"
    if outer.tokens == inner.tokens:
        return "keep one of the two"
    return "put them into two operations, one after the other"
