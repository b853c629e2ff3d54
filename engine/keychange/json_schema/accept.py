"""JSON Schema, the quick way: says yes to what is surely valid, and leaves the rest to jsonschema.

A schema is compiled into closures once. What they accept is valid by jsonschema; what they do not
accept may still be, so jsonschema is asked, which also has the reasons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from keychange.formats.json.pointer import lookup, split
from keychange.json_schema.scalars import (
    NUMBERS,
    Accepts,
    UnsupportedError,
    alone,
    of_types,
    require,
    types_of,
)
from keychange.model import ABSENT, Json

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_DRAFTS = frozenset(
    {
        _DRAFT,
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/draft-07/schema",
        "http://json-schema.org/draft-07/schema#",
    }
)
_ANNOTATIONS: Mapping[str, type] = {
    **dict.fromkeys(("title", "description", "$comment", "$id", "$schema", "format"), str),
    **dict.fromkeys(("deprecated", "readOnly", "writeOnly"), bool),
    **dict.fromkeys(("$defs", "definitions"), dict),
    "examples": list,
    "default": object,
}
"""Keywords that no value violates, with the type that they have to have."""

_AT_ROOT = frozenset({"$id", "$schema", "$defs", "definitions"})
_OBJECT = frozenset(
    {"properties", "patternProperties", "additionalProperties", "propertyNames", "required"}
)


def acceptor(schema: Json) -> Accepts | None:
    """A function that is true only of values that satisfy the schema.

    None where the schema uses a keyword that is not known here, or uses one wrongly: a schema
    that has an acceptor is a valid one. The values are those that ``json`` makes.
    """
    if isinstance(schema, dict) and str(schema.get("$schema", _DRAFT)) not in _DRAFTS:
        return None
    compiler = _Compiler(schema)
    try:
        accepts = compiler.compile(schema, root=True)
        compiler.compile_definitions()
    except (UnsupportedError, re.error, RecursionError):
        return None

    def careful(value: Json) -> bool:
        try:
            return accepts(value)
        except (RecursionError, OverflowError):
            return False

    return careful


class _Compiler:
    """One schema while it is compiled. ``exact`` turns false where an acceptor is only careful."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._known: dict[str, Accepts] = {}
        self._exact = True
        old = isinstance(root, dict) and "/draft-07/" in str(root.get("$schema"))
        self._beside_ref = not old  # draft 7 passes over what stands beside a reference

    def compile(self, schema: Json, *, root: bool = False) -> Accepts:
        """The acceptor of a schema.

        Raises:
            UnsupportedError: it has none.
        """
        if isinstance(schema, bool):
            return lambda _: schema
        if not isinstance(schema, dict):
            raise UnsupportedError
        if "$ref" in schema and not self._beside_ref and len(schema) > 1:
            raise UnsupportedError
        types = types_of(schema["type"]) if "type" in schema else None
        checks: list[Accepts] = []
        for word, value in schema.items():
            if word == "type":
                continue
            if word in _ANNOTATIONS:
                kind = _ANNOTATIONS[word]
                require(isinstance(value, kind) and (root or word not in _AT_ROOT))
            elif word in ("then", "else"):
                require("if" in schema)
            elif word not in _OBJECT:
                checks.append(self._check(word, value, schema, types))
        if not _OBJECT.isdisjoint(schema):
            checks.append(self._object(schema))
        return _all(checks) if types is None else _typed(types, checks)

    def compile_definitions(self) -> None:
        """Compile what is defined and not used: it has to be a schema too.

        Raises:
            UnsupportedError: one of them is none, or has no acceptor.
        """
        if isinstance(self._root, dict):
            require("#" not in str(self._root.get("$id")))
            for word in ("$defs", "definitions"):
                for each in _mapping(self._root.get(word, {})).values():
                    self.compile(each)

    def _check(
        self, word: str, value: Json, schema: Mapping[str, Json], types: frozenset[type] | None
    ) -> Accepts:
        """The acceptor of one keyword; of values of these types alone, if there are any."""
        match word:
            case "const" | "enum":
                return self._one_of([value] if word == "const" else value)
            case "items":
                item = self.compile(value)
                return lambda each: type(each) is not list or all(map(item, each))
            case "uniqueItems":
                return self._unique(value)
            case "allOf" | "anyOf" | "oneOf":
                return self._combined(word, value)
            case "not":
                inner = self._exactly(value)
                return lambda each: not inner(each)
            case "if":
                return self._if(value, schema)
            case "$ref":
                return self._reference(value)
            case _:
                kinds, check = alone(word, value)
                if types is not None and types <= kinds:
                    return check
                return lambda each: type(each) not in kinds or check(each)

    def _one_of(self, listed: Json) -> Accepts:
        require(isinstance(listed, list) and bool(listed))
        values = cast("list[Json]", listed)
        # Containers are compared by jsonschema in its own way; they are left to it.
        texts = frozenset(each for each in values if isinstance(each, str))
        numbers = frozenset(each for each in values if type(each) in NUMBERS)
        single = [each for each in values if each is None or isinstance(each, bool)]
        if any(isinstance(each, list | dict) for each in values):
            self._exact = False

        def accepts(value: Json) -> bool:
            if type(value) is str:
                return value in texts
            if type(value) in NUMBERS:
                return value in numbers
            return any(value is each for each in single)

        return accepts

    def _unique(self, value: Json) -> Accepts:
        require(isinstance(value, bool))
        if not value:
            return lambda _: True
        self._exact = False

        def accepts(each: Json) -> bool:
            if type(each) is not list:
                return True
            return all(type(item) is str for item in each) and len({*each}) == len(each)

        return accepts

    def _combined(self, word: str, value: Json) -> Accepts:
        require(isinstance(value, list) and bool(value))
        schemas = cast("list[Json]", value)
        if word == "oneOf":
            exact = [self._exactly(each) for each in schemas]
            return lambda each: sum(accepts(each) for accepts in exact) == 1
        parts = [self.compile(each) for each in schemas]
        if word == "allOf":
            return _all(parts)
        return lambda each: any(accepts(each) for accepts in parts)

    def _if(self, value: Json, schema: Mapping[str, Json]) -> Accepts:
        condition = self._exactly(value)
        then, otherwise = (self.compile(schema.get(word, True)) for word in ("then", "else"))
        return lambda each: then(each) if condition(each) else otherwise(each)

    def _exactly(self, schema: Json) -> Accepts:
        """The acceptor of a schema whose refusal counts as well."""
        before, self._exact = self._exact, True
        accepts = self.compile(schema)
        require(self._exact and not self._wanted_below(schema))
        self._exact = before
        return accepts

    @staticmethod
    def _wanted_below(schema: Json) -> bool:
        """Whether a reference stands in a schema: what it leads to may be only careful."""
        stack = [schema]
        while stack:
            here = stack.pop()
            if isinstance(here, dict):
                if "$ref" in here:
                    return True
                stack.extend(here.values())
            elif isinstance(here, list):
                stack.extend(here)
        return False

    def _reference(self, value: Json) -> Accepts:
        pointer = value.removeprefix("#") if isinstance(value, str) else "?"
        require(isinstance(value, str) and value.startswith("#/") and "%" not in pointer)
        if pointer not in self._known:
            try:
                target = lookup(self._root, split(pointer))
            except ValueError:
                raise UnsupportedError from None
            require(target is not ABSENT and pointer.split("/")[1] in ("$defs", "definitions"))
            self._known[pointer] = _never  # until it is compiled: it may refer to itself
            self._known[pointer] = self.compile(cast("Json", target))

        def accepts(each: Json) -> bool:
            return self._known[pointer](each)

        return accepts

    def _object(self, schema: Mapping[str, Json]) -> Accepts:
        """All keywords about members in one: they share the walk."""
        named = {
            name: self.compile(each)
            for name, each in _mapping(schema.get("properties", {})).items()
        }
        patterns = [
            (re.compile(pattern).search, self.compile(each))
            for pattern, each in _mapping(schema.get("patternProperties", {})).items()
        ]
        # jsonschema joins the patterns into one, in which a group would count differently.
        require(len(patterns) < 2 or "(" not in "".join(_mapping(schema["patternProperties"])))
        names = self.compile(schema.get("propertyNames", True))
        rest = self.compile(schema.get("additionalProperties", True))
        listed = schema.get("required", [])
        require(isinstance(listed, list) and all(type(each) is str for each in listed))
        required = frozenset(cast("list[str]", listed))
        require(len(required) == len(cast("list[str]", listed)))
        closed = schema.get("additionalProperties") is False and not patterns
        open_ = schema.get("additionalProperties", True) is True and not patterns
        walks = "propertyNames" in schema or not (closed or open_)

        def accepts(value: Json) -> bool:
            if type(value) is not dict:
                return True
            if not required <= value.keys() or (closed and not value.keys() <= named.keys()):
                return False
            for name, check in named.items():
                if name in value and not check(value[name]):
                    return False
            return not walks or all(map(fits, value, value.values()))

        def fits(name: str, value: Json) -> bool:
            known = name in named
            for search, check in patterns:
                if search(name):
                    known = True
                    if not check(value):
                        return False
            return names(name) and (known or rest(value))

        return accepts


def _never(_: Json) -> bool:
    return False


def _mapping(value: Json) -> dict[str, Json]:
    require(isinstance(value, dict))
    return cast("dict[str, Json]", value)


def _typed(types: frozenset[type], checks: list[Accepts]) -> Accepts:
    """What is of the types, and passes the checks, which see nothing else."""
    if len(types) > 1 or int in types:
        return _all([of_types(types), *checks])
    (only,) = types
    if not checks:
        return lambda value: type(value) is only
    passes = _all(checks)
    return lambda value: type(value) is only and passes(value)


def _all(checks: list[Accepts]) -> Accepts:
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda value: first(value) and second(value)

    def accepts(value: Json) -> bool:
        for check in checks:  # noqa: SIM110 (all() of a generator takes twice as long)
            if not check(value):
                return False
        return True

    return accepts
