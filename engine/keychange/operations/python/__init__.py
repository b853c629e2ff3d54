"""The python kind: strings in Python sources, by value or by address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, cast

from keychange.errors import DeclarationProblem, Problem
from keychange.formats.python.prefilter import may_contain
from keychange.model import Context, Finding, Json, Recorded, Source, Value
from keychange.operations.python.entries import ByAddress, ByValue, Entry, PythonOperation
from keychange.operations.python.reports import missed


def parse(node: Mapping[str, Json], common: Mapping[str, object]) -> PythonOperation:
    """See ``Kind.parse``."""
    strings = cast("list[dict[str, Any]]", node["strings"])
    entries = tuple(_entry(each, f"/strings/{index}") for index, each in enumerate(strings))
    return PythonOperation(entries=entries, **cast("dict[str, Any]", common))


def _entry(node: Mapping[str, Any], pointer: str) -> Entry:
    if node.get("from") == node["to"]:
        message = "`from` and `to` are the same string"
        hint = "give the new value in `to`"
        raise DeclarationProblem(Problem(f"{pointer}/to", "no-change", message, hint))
    if "at" in node:
        return ByAddress(node["at"], node["to"], node.get("from"))
    prefix = node.get("match", "exact") == "prefix"
    return ByValue(node["from"], node["to"], prefix, node.get("in", "defaults") == "any")


def _expanded(operation: PythonOperation, context: Context) -> tuple[Entry, ...]:
    def text(value: str) -> str:
        return cast("str", context.expand(value))

    result: list[Entry] = []
    for each in operation.entries:
        match each:
            case ByValue():
                result.append(each._replace(old=text(each.old), new=text(each.new)))
            case ByAddress():
                old = None if each.old is None else text(each.old)
                result.append(each._replace(at=text(each.at), new=text(each.new), old=old))
    return tuple(result)


def outcomes(operation: PythonOperation, context: Context) -> Mapping[str, Value]:
    """See ``Kind.outcomes``."""
    return {
        each.at.removesuffix("#1"): each.new
        for each in _expanded(operation, context)
        if isinstance(each, ByAddress)
    }


def old_values(operation: PythonOperation, context: Context) -> frozenset[str]:
    """See ``Kind.old_values``."""
    return frozenset(each.old for each in _expanded(operation, context) if each.old is not None)


def new_values(operation: PythonOperation, context: Context) -> frozenset[str]:
    """See ``Kind.new_values``."""
    return frozenset(each.new for each in _expanded(operation, context))


def found_by_value(operation: PythonOperation) -> bool:
    """See ``Kind.found_by_value``."""
    return all(isinstance(each, ByValue) for each in operation.entries)


def examine(operation: PythonOperation, source: Source, context: Context) -> Finding:
    """See ``Kind.examine``. A file whose bytes cannot hold a value is not parsed."""
    entries = _expanded(operation, context)
    by_value = [each for each in entries if isinstance(each, ByValue)]
    values = {value for each in by_value for value in (each.old, each.new)}
    if len(by_value) < len(entries) or may_contain(
        source.data or b"", values | context.later_values
    ):
        from keychange.operations.python.forward import Examination

        return Examination(operation, source, context, entries).run()
    reports = (missed(each, operation, source, context) for each in by_value)
    return Finding(diagnostics=tuple(chain.from_iterable(reports)))


def revert(records: Sequence[Recorded], source: Source, context: Context) -> Finding:
    """See ``Kind.revert``."""
    from keychange.operations.python.back import Reversal

    operation = PythonOperation(kind="python", targets=(source.path,), entries=())
    return Reversal(operation, source, context).run(records)
