"""A kind that does not ship: strings of TOML files by dotted key. The recipe of the README.

Its site is one string on one line; its address is the dotted key, such as ``tool.talker.model``.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keychange.diagnostics import Location, error
from keychange.edits import Edit, apply_edits
from keychange.model import (
    Context,
    Finding,
    Json,
    OnForeign,
    Operation,
    Recorded,
    Site,
    Source,
    State,
    Value,
)
from keychange.spans import Span

_LINE = re.compile(
    rb"""^[ \t]*(?:\[(?P<table>[\w.-]+)\]
             |(?P<key>[\w.-]+)[ \t]*=[ \t]*(?P<value>"[^"\\\n]*"|'[^'\n]*'))""",
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlOperation(Operation):
    """Strings to set; per dotted key the new value and the old one, None for any."""

    settings: tuple[tuple[str, str, str | None], ...]


def parse(node: Mapping[str, Json], common: Mapping[str, Any]) -> TomlOperation:
    declared: Any = node["set"]
    settings = ((key, each["to"], each.get("from")) for key, each in declared.items())
    return TomlOperation(**common, settings=tuple(settings))


def examine(operation: TomlOperation, source: Source, context: Context) -> Finding:
    file = _File(source)
    for key, to, old in operation.settings:
        new = str(context.expand(to))
        if key not in file.spans:
            file.problems.append(file.problem("key-missing", key, "is not a string here"))
            continue
        value = file.value(key)
        if value == new or context.supersedes(key, value):
            state = State.DONE
        elif old is None or value == context.expand(old):
            state = State.PENDING
        elif operation.on_foreign is OnForeign.FAIL:
            file.problems.append(file.problem("foreign-value", key, "holds a third value"))
            continue
        else:
            replaced = operation.on_foreign is OnForeign.REPLACE
            state = State.PENDING if replaced else State.FOREIGN
        file.take(key, state, new, json.dumps(new, ensure_ascii=False))
    return file.finding()


def revert(records: Sequence[Recorded], source: Source, context: Context) -> Finding:
    file = _File(source)
    for each in records:
        was: Any = each.undo
        value = file.value(each.address) if each.address in file.spans else None
        if value not in (each.before, each.after):
            file.problems.append(file.problem("foreign-value", each.address, "was edited since"))
            continue
        state = State.DONE if value == each.before else State.PENDING
        file.take(each.address, state, str(each.before), was["was"])
    return file.finding()


def outcomes(operation: TomlOperation, context: Context) -> Mapping[str, Value]:
    return {key: context.expand(to) for key, to, _ in operation.settings}


def old_values(operation: TomlOperation, context: Context) -> frozenset[str]:
    olds = (old for _, _, old in operation.settings if old is not None)
    return frozenset(str(context.expand(old)) for old in olds)


def new_values(operation: TomlOperation, context: Context) -> frozenset[str]:
    return frozenset(str(context.expand(to)) for _, to, _ in operation.settings)


def found_by_value(operation: TomlOperation) -> bool:
    return False


class _File:
    """One file, its strings by key, and what is to become of them."""

    def __init__(self, source: Source) -> None:
        self.path, self.data = source.path, source.data or b""
        self.spans = dict(_strings(self.data))
        self.sites: list[Site] = []
        self.edits: list[Edit] = []
        self.problems = []
        try:
            self.before = tomllib.loads(self.data.decode())
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
            self.spans = {}
            self.problems.append(error("invalid-toml", str(problem), Location(self.path)))

    def raw(self, key: str) -> bytes:
        return self.data[self.spans[key].start : self.spans[key].end]

    def value(self, key: str) -> str:
        return str(tomllib.loads(f"v = {self.raw(key).decode()}")["v"])

    def problem(self, code: str, key: str, said: str):
        span = self.spans.get(key)
        place = Location.at(self.path, self.data, span) if span else Location(self.path)
        return error(code, f"`{key}` {said}", place, hint="correct the migration, or the file")

    def take(self, key: str, state: State, after: str, spelled: str) -> None:
        span, before = self.spans[key], self.value(key)
        now = after if state is State.PENDING else before
        undo = {"was": self.raw(key).decode()}
        site = {"kind": "toml", "address": key, "state": state, "before": before, "after": now}
        self.sites.append(Site(path=self.path, span=span, undo=undo, **site))
        if state is State.PENDING:
            self.edits.append(Edit(span, spelled.encode()))

    def finding(self) -> Finding:
        if self.problems:
            return Finding(sites=tuple(self.sites), diagnostics=tuple(self.problems))
        after = tomllib.loads(apply_edits(self.data, self.edits).decode())
        for site in self.sites:  # all else is the same: put these back, and compare
            _put(after, site.address, site.before)
        assert after == self.before
        proof = f"{len(self.edits)} strings, 0 other bytes" if self.edits else ""
        return Finding(sites=tuple(self.sites), edits=tuple(self.edits), proof=proof)


def _strings(data: bytes) -> Iterator[tuple[str, Span]]:
    table = ""
    for found in _LINE.finditer(data):
        if found["table"]:
            table = f"{found['table'].decode()}."
        else:
            yield table + found["key"].decode(), Span(*found.span("value"))


def _put(document: Any, key: str, value: Value) -> None:
    *parents, last = key.split(".")
    for each in parents:
        document = document[each]
    document[last] = value
