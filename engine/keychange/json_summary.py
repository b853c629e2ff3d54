"""The change of a JSON document in words of the document, found by deepdiff, not by the edits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

from keychange.formats.json.pointer import join, lookup
from keychange.model import ABSENT, Json, Value, same

_encode = json.JSONEncoder(ensure_ascii=False).encode
_canonical = json.JSONEncoder(sort_keys=True).encode
WHOLE = "the document"
"""What the pointer of a whole document, which is empty, reads as."""

_LONGEST = 72
_MOST = 5


class Change(NamedTuple):
    """One declared change: what a pointer named before, and what it names now.

    ``items``: both are arrays, and elements come or go while the others keep their order.
    """

    pointer: str
    before: Value
    after: Value
    secret: bool = False
    items: bool = False


def differences(changes: Iterable[Change]) -> dict[str, list[str]]:
    """What deepdiff finds to differ, as lines, by the pointer that was declared.

    deepdiff sees the declared places only; that the rest of two documents is the same is shown
    by comparing them whole, which costs a hundredth.
    """
    before: dict[str, Json] = {}
    after: dict[str, Json] = {}
    special: dict[str, Change] = {}
    for change in changes:
        if change.items:
            before[change.pointer], after[change.pointer] = _items(change)
        else:
            _put(before, change.pointer, change.before)
            _put(after, change.pointer, change.after)
        if change.secret or change.items:
            special[change.pointer] = change
    found: dict[str, list[str]] = {}
    for path in _paths(_shape(before, after)):
        lines = found.setdefault(path[0], [])
        if path[0] not in special:
            lines.append(_line(path, before, after))
    for pointer in found.keys() & special.keys():
        if special[pointer].secret:
            found[pointer] = [f"{pointer or WHOLE} changed"]
        else:
            found[pointer] = [
                *_item_lines(pointer, "removed", before[pointer]),
                *_item_lines(pointer, "added", after[pointer]),
            ]
    return found


def _put(values: dict[str, Json], pointer: str, value: Value) -> None:
    if value is not ABSENT:
        values[pointer] = value


def _items(change: Change) -> tuple[Json, Json]:
    """The elements that go and those that come, under names that tell them apart.

    Many count as one: deepdiff takes seconds for ten thousand.
    """
    before, after = cast("list[Json]", change.before), cast("list[Json]", change.after)
    return _named("-", without(before, after)), _named("+", without(after, before))


def _named(sign: str, items: list[Json]) -> Json:
    if len(items) > _MOST:
        return {sign: len(items)}
    return {f"{sign}{at}": item for at, item in enumerate(items)}


def without(items: list[Json], others: list[Json]) -> list[Json]:
    """The elements of one array that another has not, each as often as it is missing there."""
    left = Counter(map(_canonical, others))
    result = []
    for item, text in zip(items, map(_canonical, items), strict=True):
        if left[text]:
            left[text] -= 1
        else:
            result.append(item)
    return result


def _shape(before: Json, after: Json) -> str:
    """Both documents with every string replaced by its number of first appearance.

    deepdiff compares strings for equality only, so two pairs of one shape differ at the same
    paths, and ten thousand files that change alike are compared once.
    """
    numbers: dict[str, str] = {}

    def plain(value: Json) -> Json:
        if isinstance(value, str):
            return numbers.setdefault(value, f"s{len(numbers)}")
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        return [plain(each) for each in value] if isinstance(value, list) else value

    return json.dumps([plain(before), plain(after)])


@lru_cache(maxsize=1024)
def _paths(shape: str) -> tuple[tuple[str, ...], ...]:
    """Where the two documents of a shape differ.

    deepdiff looks into what has members on both sides; its import takes longer than to plan a
    hundred files, and of two plain values it only says that they differ.
    """
    before, after = json.loads(shape)
    found: set[tuple[str, ...]] = set()
    for name in {**before, **after}:
        old, new = before.get(name, ABSENT), after.get(name, ABSENT)
        if type(old) is type(new) and isinstance(old, dict | list):
            found.update((name, *path) for path in _inside(old, new))
        elif not same(old, new):
            found.add((name,))
    return tuple(sorted(found))


def _inside(before: Json, after: Json) -> Iterator[tuple[str, ...]]:
    """Where two objects or two arrays differ, by deepdiff."""
    from deepdiff import DeepDiff

    tree: Any = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0)
    for kind in tree.values():
        for node in kind:
            yield tuple(map(str, node.path(output_format="list")))


def _line(path: Sequence[str], before: Json, after: Json) -> str:
    pointer = path[0] + join(path[1:]) or WHOLE
    old, new = lookup(before, path), lookup(after, path)
    if old is ABSENT:
        return f"{pointer} added"
    if new is ABSENT:
        return f"{pointer} removed"
    return f"{pointer}: {shown(old)} -> {shown(new)}"


def _item_lines(pointer: str, verb: str, named: Json) -> list[str]:
    pointer = pointer or WHOLE
    items = cast("dict[str, Json]", named)
    if not items.keys().isdisjoint({"-", "+"}):
        return [f"{pointer}: {count} items {verb}" for count in items.values()]
    return [f"{pointer}: {shown(item)} {verb}" for item in items.values()]


def shown(value: Value) -> str:
    """A value as one short line."""
    if value is ABSENT:
        return "nothing"
    text = _encode(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
