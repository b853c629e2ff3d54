"""Keywords of JSON Schema that look at one value alone: its type, pattern, size or length."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from keychange.model import Json

Accepts: TypeAlias = "Callable[[Json], bool]"

NUMBERS = frozenset({int, float})

_TYPES: Mapping[str, frozenset[type]] = {
    "object": frozenset({dict}),
    "array": frozenset({list}),
    "string": frozenset({str}),
    "boolean": frozenset({bool}),
    "null": frozenset({type(None)}),
    "number": frozenset({int, float}),
    "integer": frozenset({int}),
}


class UnsupportedError(Exception):
    """The schema says something that is left to jsonschema."""


def require(condition: bool) -> None:  # noqa: FBT001 (an assertion)
    """Leave the schema to jsonschema unless a condition holds.

    Raises:
        UnsupportedError: it does not.
    """
    if not condition:
        raise UnsupportedError


def _type(value: Json) -> Accepts:
    listed = [value] if isinstance(value, str) else value
    require(isinstance(listed, list) and bool(listed))
    words = cast("list[Json]", listed)
    require(all(isinstance(each, str) and each in _TYPES for each in words))
    require(len({*map(str, words)}) == len(words))
    types = frozenset[type]().union(*(_TYPES[str(each)] for each in words))
    if "integer" in words and float not in types:
        # A float without a fraction is an integer, too.
        return lambda each: type(each) in types or (type(each) is float and each.is_integer())
    if len(types) == 1:
        (only,) = types
        return lambda each: type(each) is only
    return lambda each: type(each) in types


def alone(word: str, limit: Any) -> Accepts:  # noqa: ANN401 (a JSON value)
    """The acceptor of one such keyword.

    Raises:
        UnsupportedError: the keyword is not known here, or its value is not one that it takes.
    """
    if word == "type":
        return _type(limit)
    if word == "pattern":
        require(isinstance(limit, str))
        search = re.compile(limit).search
        return lambda each: type(each) is not str or search(each) is not None
    if word in _LENGTHS:
        kind, least = _LENGTHS[word]
        require(type(limit) is int and limit >= 0)
        if least:
            return lambda each: type(each) is not kind or len(cast("str", each)) >= limit
        return lambda each: type(each) is not kind or len(cast("str", each)) <= limit
    require(type(limit) in NUMBERS)
    match word:
        case "minimum":
            return lambda each: type(each) not in NUMBERS or cast("float", each) >= limit
        case "maximum":
            return lambda each: type(each) not in NUMBERS or cast("float", each) <= limit
        case "exclusiveMinimum":
            return lambda each: type(each) not in NUMBERS or cast("float", each) > limit
        case "exclusiveMaximum":
            return lambda each: type(each) not in NUMBERS or cast("float", each) < limit
        case _:
            raise UnsupportedError


_LENGTHS: Mapping[str, tuple[type, bool]] = {
    "minLength": (str, True),
    "maxLength": (str, False),
    "minItems": (list, True),
    "maxItems": (list, False),
    "minProperties": (dict, True),
    "maxProperties": (dict, False),
}
