"""Keywords of JSON Schema that look at one value alone: its type, pattern, size or length."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from keychange.model import Json

Accepts: TypeAlias = "Callable[[Json], bool]"

Check: TypeAlias = "Callable[[Any], bool]"
"""An acceptor of the values of one type, which has been looked at."""

NUMBERS: frozenset[type] = frozenset({int, float})

_TYPES: Mapping[str, frozenset[type]] = {
    "object": frozenset({dict}),
    "array": frozenset({list}),
    "string": frozenset({str}),
    "boolean": frozenset({bool}),
    "null": frozenset({type(None)}),
    "number": NUMBERS,
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


def types_of(value: Json) -> frozenset[type]:
    """The types that the keyword ``type`` names, as ``json`` makes them.

    Raises:
        UnsupportedError: it names none, or one twice.
    """
    listed = [value] if isinstance(value, str) else value
    require(isinstance(listed, list) and bool(listed))
    words = [each for each in cast("list[Json]", listed) if isinstance(each, str)]
    require(len({*words} & _TYPES.keys()) == len(cast("list[Json]", listed)))
    return frozenset[type]().union(*(_TYPES[each] for each in words))


def of_types(types: frozenset[type]) -> Accepts:
    """The acceptor of the keyword ``type``."""
    if int in types and float not in types:
        # A float without a fraction is an integer, too.
        return lambda each: type(each) in types or (type(each) is float and each.is_integer())
    return lambda each: type(each) in types


def alone(word: str, limit: Any) -> tuple[frozenset[type], Check]:  # noqa: ANN401 (a JSON value)
    """The types that another such keyword says something about, and its acceptor for those alone.

    Raises:
        UnsupportedError: the keyword is not known here, or its value is not one that it takes.
    """
    if word == "pattern":
        require(isinstance(limit, str))
        search = re.compile(limit).search
        return _TYPES["string"], lambda each: search(each) is not None
    if word in _LENGTHS:
        kind, least = _LENGTHS[word]
        require(type(limit) is int and limit >= 0)
        if least:
            return _TYPES[kind], lambda each: len(each) >= limit
        return _TYPES[kind], lambda each: len(each) <= limit
    require(type(limit) in NUMBERS)
    match word:
        case "minimum":
            return NUMBERS, lambda each: each >= limit
        case "maximum":
            return NUMBERS, lambda each: each <= limit
        case "exclusiveMinimum":
            return NUMBERS, lambda each: each > limit
        case "exclusiveMaximum":
            return NUMBERS, lambda each: each < limit
        case _:
            raise UnsupportedError


_LENGTHS: Mapping[str, tuple[str, bool]] = {
    "minLength": ("string", True),
    "maxLength": ("string", False),
    "minItems": ("array", True),
    "maxItems": ("array", False),
    "minProperties": ("object", True),
    "maxProperties": ("object", False),
}
