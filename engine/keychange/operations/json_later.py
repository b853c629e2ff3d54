"""What later migrations have left in a document, so that an earlier one takes it for done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from copy import deepcopy
from typing import cast

from keychange.formats.json_pointer import Tokens, element, join, lookup, split
from keychange.model import Context, Json, Value, same
from keychange.operations.json_declared import satisfies

_ITEM = re.compile(r"/[+-]")


def removal_address(pointer: str, conditions: Iterable[tuple[str, Json]]) -> str:
    """The address of the elements that a condition removes: ``/array/-{"/id": "x"}``."""
    return f"{pointer}/-{json.dumps(dict(conditions), sort_keys=True, ensure_ascii=False)}"


def addition_address(pointer: str, value: Json) -> str:
    """The address of an element that is appended: ``/array/+"x"``."""
    return f"{pointer}/+{json.dumps(value, sort_keys=True, ensure_ascii=False)}"


def superseded(context: Context, document: Json, pointer: str) -> bool:
    """Whether a later migration has left a place, or one around it, as it is."""
    if not context.later:
        return False
    tokens = split(pointer)
    for length in range(len(tokens) + 1):
        outer = join(tokens[:length])
        if outer in context.later and context.supersedes(outer, lookup(document, tokens[:length])):
            return True
    return False


def changed_inside(context: Context, pointer: str, now: Value, to: Json) -> bool:
    """Whether a place holds ``to``, but for what later migrations have changed inside it."""
    inside = [address for address in context.later if address.startswith(f"{pointer}/")]
    if not inside or not isinstance(to, dict | list):
        return False
    found, wanted = deepcopy(cast("Json", now)), deepcopy(to)
    for address in inside:
        tokens = split(_place(address)[len(pointer) :])
        if _is_item(address) or context.supersedes(address, lookup(cast("Json", now), tokens)):
            _drop(found, tokens)
            _drop(wanted, tokens)
    return same(found, wanted)


def removed_later(context: Context, pointer: str, value: Json) -> bool:
    """Whether a later migration removes such an element from an array."""
    prefix = f"{pointer}/-"
    return any(
        satisfies(value, tuple(json.loads(address[len(prefix) :]).items()))
        for address in context.later
        if address.startswith(prefix) and _is_item(address)
    )


def appended_later(context: Context, pointer: str, value: Json) -> bool:
    """Whether a later migration appends such an element to an array."""
    return bool(context.later) and addition_address(pointer, value) in context.later


def _place(address: str) -> str:
    """The pointer of an address: of an element that comes or goes, that of its array."""
    for match in _ITEM.finditer(address):
        try:
            json.loads(address[match.end() :])
        except ValueError:
            continue
        return address[: match.start()]
    return address


def _is_item(address: str) -> bool:
    return _place(address) != address


def _drop(document: Json, tokens: Tokens) -> None:
    holder = lookup(document, tokens[:-1])
    if isinstance(holder, dict):
        holder.pop(tokens[-1], None)
    elif isinstance(holder, list) and (at := element(tokens[-1], len(holder))) is not None:
        holder[at] = None
