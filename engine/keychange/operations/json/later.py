"""What later migrations have left in a document, so that an earlier one takes it for done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from copy import deepcopy
from typing import cast

from keychange.formats.json.pointer import Tokens, element, join, lookup, split
from keychange.model import ABSENT, Context, Json, Value, same
from keychange.operations.json.declared import satisfies

_ITEM = re.compile(r"/[+>-]")


def removal_address(pointer: str, conditions: Iterable[tuple[str, Json]]) -> str:
    """The address of the elements that a condition removes: ``/array/-{"/id": "x"}``."""
    return f"{pointer}/-{json.dumps(dict(conditions), sort_keys=True, ensure_ascii=False)}"


def addition_address(pointer: str, value: Json) -> str:
    """The address of an element that is appended: ``/array/+"x"``."""
    return f"{pointer}/+{json.dumps(value, sort_keys=True, ensure_ascii=False)}"


def departure_address(pointer: str, to: str) -> str:
    """The address that says where a member has gone, whatever it holds: ``/old/>"/new"``."""
    return f"{pointer}/>{json.dumps(to, ensure_ascii=False)}"


def superseded(context: Context, document: Json, pointer: str) -> bool:
    """Whether a later migration has left a place, or one around it, as it is."""
    if not context.later:
        return False
    tokens = split(pointer)
    return any(_left(context, document, tokens[:length]) for length in range(len(tokens) + 1))


def _left(context: Context, document: Json, tokens: Tokens, seen: tuple[str, ...] = ()) -> bool:
    """Whether a place is as a later migration leaves it: one that has gone must have arrived."""
    pointer, now = join(tokens), lookup(document, tokens)
    if pointer in seen or not context.supersedes(pointer, now):
        return False
    parted = map(_parted, context.later)
    ways = [item for place, item in parted if (place, item[:1]) == (pointer, ">")]
    arrivals = [split(json.loads(each[1:])) for each in ways]
    if now is not ABSENT or not arrivals:
        return True
    return any(
        lookup(document, each) is not ABSENT or _left(context, document, each, (*seen, pointer))
        for each in arrivals
    )


def changed_inside(context: Context, pointer: str, now: Value, to: Json) -> bool:
    """Whether a place holds ``to``, but for what later migrations have changed inside it."""
    inside = [address for address in context.later if address.startswith(f"{pointer}/")]
    if not inside or not isinstance(to, dict | list):
        return False
    found, wanted = deepcopy(cast("Json", now)), deepcopy(to)
    for address in inside:
        place, item = _parted(address)
        tokens = split(place[len(pointer) :])
        if item[:1] == ">":
            _drop(found, split(json.loads(item[1:]).removeprefix(pointer)))
        elif item:
            _drop_items(found, tokens, item)
            _drop_items(wanted, tokens, item)
        elif context.supersedes(address, lookup(cast("Json", now), tokens)):
            _drop(found, tokens)
            _drop(wanted, tokens)
    return same(found, wanted)


def removed_later(context: Context, pointer: str, value: Json) -> bool:
    """Whether a later migration removes such an element from an array."""
    return any(
        place == pointer and item[:1] == "-" and _fits(value, item)
        for place, item in map(_parted, context.later)
    )


def appended_later(context: Context, pointer: str, value: Json) -> bool:
    """Whether a later migration appends such an element to an array."""
    return bool(context.later) and addition_address(pointer, value) in context.later


def place(address: str) -> str:
    """The pointer that an address starts with."""
    return _parted(address)[0]


def _parted(address: str) -> tuple[str, str]:
    """The pointer of an address, and its ``+value``, ``-condition`` or ``>pointer`` if any."""
    for match in _ITEM.finditer(address):
        try:
            json.loads(address[match.end() :])
        except ValueError:
            continue
        return address[: match.start()], address[match.start() + 1 :]
    return address, ""


def _fits(value: Json, item: str) -> bool:
    """Whether an element is one that ``+value`` or ``-condition`` speaks of."""
    said = json.loads(item[1:])
    return same(value, said) if item[0] == "+" else satisfies(value, tuple(said.items()))


def _drop_items(document: Json, tokens: Tokens, item: str) -> None:
    array = lookup(document, tokens)
    if isinstance(array, list):
        array[:] = [each for each in array if not _fits(each, item)]


def _drop(document: Json, tokens: Tokens) -> None:
    holder = lookup(document, tokens[:-1])
    if isinstance(holder, dict):
        holder.pop(tokens[-1], None)
    elif isinstance(holder, list) and (at := element(tokens[-1], len(holder))) is not None:
        holder[at] = None
