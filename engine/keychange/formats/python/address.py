"""Addresses of string literals in Python: where each stands, told without line numbers.

An address is a path of names. ``Service.MODEL`` is a class attribute, ``Service.load(model)`` a
parameter's default, ``load.return`` what a function returns. ``/`` leads into an expression:
``MODEL/os.environ.get("MODEL_ID")/else`` is the last arm of the default of that key. ``["key"]``
and ``[0]`` are elements, ``Field(default=)`` and ``print(0)`` arguments,
``parser.add_argument("--model")`` is the default of that option, ``load@retry(0)`` is an argument
of a decorator. Literals with the same path are told apart by ``#2``, ``#3`` in source order.
"""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

from keychange.formats.python.paths import Place, Visit, below, join
from keychange.formats.python.prefilter import spots
from keychange.formats.python.source import PythonSource

__all__ = ["ADDRESSABLE", "Literal", "Place", "addressable", "holding", "literals"]


ADDRESSABLE = frozenset({Place.VALUE, Place.COMPARISON, Place.KEY, Place.SUBSCRIPT, Place.PATTERN})
"""The places where a literal has an address; the others are never written."""


class Literal(NamedTuple):
    """One string literal: ``start`` and ``end`` are offsets into ``PythonSource.text``, in bytes.

    ``line`` counts from 1.

    ``part`` is None for a whole literal. For static text of an f-string it is the number of
    expressions before it, and the offsets are those of the whole f-string.
    """

    address: str
    value: str
    place: Place
    line: int
    start: int
    end: int
    part: int | None = None


def literals(source: PythonSource) -> tuple[Literal, ...]:
    """All string literals of a file, in source order."""
    return tuple(_numbered(source, _walk(source.tree)))


def holding(source: PythonSource, values: Collection[str]) -> tuple[Literal, ...]:
    """Those of the literals that have one of the values in them, none of which is empty.

    What cannot hold a value is passed over, and so is what cannot have the same address.
    """
    lines = sorted(
        {
            line
            for start, end in spots(source.text, values)
            for line in range(source.line(start), source.line(end) + 1)
        }
    )

    def holds(found: _Found) -> bool:
        return any(value in found[-1] for value in values)

    def is_near(node: ast.AST, _path: str) -> bool:
        if not isinstance(node, ast.stmt):
            return True
        first: ast.AST = next(iter(getattr(node, "decorator_list", ())), node)
        at = bisect_left(lines, first.lineno)  # type: ignore[attr-defined]
        return at < len(lines) and lines[at] <= (node.end_lineno or 0)

    names = {path for _, path, *_ in filter(holds, _walk(source.tree, is_near))}

    def leads_there(_node: ast.AST, path: str) -> bool:
        return any(name.startswith(path) for name in names)

    pruned = leads_there if len(names) <= _FEW else None
    same = [each for each in _walk(source.tree, pruned) if each[1] in names]
    return tuple(
        each for each in _numbered(source, same) if any(value in each.value for value in values)
    )


_FEW: Final = 20
"""With more names to compare with, it is no slower to walk through the whole file."""


def _numbered(source: PythonSource, found: Iterable[_Found]) -> Iterator[Literal]:
    """Literals with their addresses, in source order; those of one path are all there."""
    counts: dict[str, int] = {}
    for node, path, place, part, value in sorted(found, key=_position):
        count = counts[path] = counts.get(path, 0) + 1
        address = path if count == 1 else f"{path}#{count}"
        start, end = source.extent(node)
        yield Literal(address, value, place, node.lineno, start, end, part)


def addressable(source: PythonSource) -> tuple[Literal, ...]:
    """The literals that an operation can name by address."""
    return tuple(
        each for each in literals(source) if each.place in ADDRESSABLE and each.part is None
    )


_Found: TypeAlias = tuple[ast.expr, str, Place, int | None, str]


def _position(found: _Found) -> tuple[int, int, int]:
    node, _, _, part, _ = found
    return node.lineno, node.col_offset, part or 0


_LEAVES = frozenset({ast.Name, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Pass})
_FORMATTED = (ast.JoinedStr, *filter(None, (getattr(ast, "TemplateStr", None),)))


def _walk(
    tree: ast.Module, wanted: Callable[[ast.AST, str], bool] | None = None
) -> Iterator[_Found]:
    """Every string literal with its path; no recursion, files may be deeper than the stack.

    ``wanted`` says of a node and its path, with which all paths below begin, whether to look there.
    """
    stack: list[Visit] = [(tree, "", Place.VALUE)]
    while stack:
        node, path, place = stack.pop()
        if wanted is not None and not wanted(node, path):
            continue
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                name = path if path and path[-1] not in ".@" else f"{path}*"
                yield node, name, place, None, node.value
        elif isinstance(node, _FORMATTED):
            yield from _parts(node, path, place)
            stack.extend((each, path, Place.EXPRESSION) for each in _expressions(node))
        elif type(node) not in _LEAVES:
            stack.extend(below(node, path, place))


def _parts(node: ast.expr, path: str, place: Place) -> Iterator[_Found]:
    part = 0
    for each in node.values:  # type: ignore[attr-defined]
        if isinstance(each, ast.Constant):
            yield node, join(path, f"f[{part}]"), place, part, str(each.value)
        else:
            part += 1


def _expressions(node: ast.expr) -> Iterator[ast.AST]:
    """What stands in the braces of an f-string; a format specification is no literal."""
    for each in node.values:  # type: ignore[attr-defined]
        if not isinstance(each, ast.Constant):
            yield each.value
            if each.format_spec is not None:
                yield from _expressions(each.format_spec)
