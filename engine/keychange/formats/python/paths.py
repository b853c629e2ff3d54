"""What stands in a Python expression, by name: each kind of node names the places of its parts.

``Visit`` is a node, the path that leads to it, and what a literal there is for. A handler gives
the visits below a node; a node without one hands its own path on.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Any, Final, TypeAlias


class Place(StrEnum):
    """What a literal is for, where it stands."""

    VALUE = "value"
    COMPARISON = "comparison"
    KEY = "key"
    SUBSCRIPT = "subscript"
    PATTERN = "match pattern"
    ANNOTATION = "annotation"
    DOCSTRING = "docstring"
    EXPRESSION = "expression in an f-string"


Visit: TypeAlias = tuple[ast.AST, str, Place]
Handler: TypeAlias = Callable[[Any, str, Place], Iterator[Visit]]

_GETTERS: Final = frozenset({"get", "getenv", "setdefault", "pop"})
_OPTIONS: Final = frozenset({"add_argument", "option", "Option", "Argument", "argument"})
_TESTS: Final = frozenset({"startswith", "endswith"})
_OPERATORS: Final = {ast.Add: "+", ast.Mod: "%", ast.Mult: "*", ast.Div: "div", ast.BitOr: "|"}


def join(path: str, step: str) -> str:
    """A path and one step more; within a scope or after a decorator's mark it needs no slash."""
    return path + step if not path or path[-1] in ".@" else f"{path}/{step}"


def below(node: ast.AST, path: str, place: Place) -> Iterable[Visit]:
    """The visits below a node."""
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        return handler(node, path, place)
    return [(each, path, place) for each in _children(node)]


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node that can hold a string: no operator, nor whether a name is stored."""
    for name in node._fields:
        if name not in _BARE:
            part = getattr(node, name, None)
            if isinstance(part, ast.AST):
                yield part
            elif isinstance(part, list):
                yield from (each for each in part if isinstance(each, ast.AST))


_BARE: Final = frozenset({"arg", "attr", "ctx", "id", "name", "op", "ops", "type_comment"})


def _inner(place: Place) -> Place:
    """The place of an argument: a call gives a new value, but never leaves an f-string."""
    return Place.EXPRESSION if place is Place.EXPRESSION else Place.VALUE


def _within(place: Place, narrower: Place) -> Place:
    keep = place in (Place.EXPRESSION, Place.ANNOTATION)
    return place if keep else narrower


def dotted(node: ast.AST, *, keys: bool = True) -> str:
    """A short name of an expression, ``*`` for what has none.

    Without ``keys`` it holds no string of the expression: the path to a literal must not hold the
    literal itself.
    """
    names: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            names.append("()")
            node = node.func
        elif isinstance(node, ast.Subscript):
            names.append(f"[{_key(node.slice) if keys else ''}]")
            node = node.value
        else:
            names.append(node.id if isinstance(node, ast.Name) else "*")
            break
    return ".".join(reversed(names)).replace(".()", "()").replace(".[", "[")


def _key(node: ast.AST | None) -> str:
    """An element's name in brackets."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            return json.dumps(node.value, ensure_ascii=False)
        return repr(node.value)
    return dotted(node) if node is not None else "**"


def _function(
    node: ast.FunctionDef | ast.AsyncFunctionDef, path: str, _place: Place
) -> Iterator[Visit]:
    name = path + node.name
    yield from ((each, f"{name}@", Place.VALUE) for each in node.decorator_list)
    yield from _parameters(node.args, name)
    if node.returns is not None:
        yield node.returns, f"{name}->", Place.ANNOTATION
    yield from _types(node, name)
    yield from ((each, f"{name}.", Place.VALUE) for each in node.body)


def _types(node: ast.AST, name: str) -> Iterator[Visit]:
    yield from ((each, name, Place.ANNOTATION) for each in getattr(node, "type_params", ()))


def _parameters(args: ast.arguments, name: str) -> Iterator[Visit]:
    positional = [*args.posonlyargs, *args.args]
    defaulted = positional[len(positional) - len(args.defaults) :]
    for each, default in zip(defaulted, args.defaults, strict=True):
        yield default, f"{name}({each.arg})", Place.VALUE
    for each, keyword in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        if keyword is not None:
            yield keyword, f"{name}({each.arg})", Place.VALUE
    for every in (*positional, *args.kwonlyargs, args.vararg, args.kwarg):
        if every is not None and every.annotation is not None:
            yield every.annotation, f"{name}({every.arg})", Place.ANNOTATION


def _class(node: ast.ClassDef, path: str, _place: Place) -> Iterator[Visit]:
    name = path + node.name
    yield from ((each, f"{name}@", Place.VALUE) for each in node.decorator_list)
    yield from ((each, f"{name}({i})", Place.VALUE) for i, each in enumerate(node.bases))
    yield from ((each.value, f"{name}({each.arg}=)", Place.VALUE) for each in node.keywords)
    yield from _types(node, name)
    yield from ((each, f"{name}.", Place.VALUE) for each in node.body)


def _assign(node: ast.Assign, path: str, place: Place) -> Iterator[Visit]:
    yield from ((each, path, place) for each in node.targets)
    yield from _bind(node.targets[0], node.value, path, place)


def _bind(target: ast.expr, value: ast.expr, path: str, place: Place) -> Iterator[Visit]:
    """A value by the name that it is given; tuples pair up."""
    sequences = ast.Tuple | ast.List
    if isinstance(target, sequences):
        names = target.elts
        values = value.elts if isinstance(value, sequences) else []
        starred = any(isinstance(each, ast.Starred) for each in (*names, *values))
        if starred or len(names) != len(values):
            yield value, path + f"({','.join(map(dotted, names))})", place
            return
        for name, element in zip(names, values, strict=True):
            yield from _bind(name, element, path, place)
    else:
        yield value, join(path, dotted(target)), place


def _annotated(node: ast.AnnAssign, path: str, place: Place) -> Iterator[Visit]:
    yield node.target, path, place
    yield node.annotation, path + dotted(node.target), Place.ANNOTATION
    if node.value is not None:
        kind = dotted(node.annotation).rpartition(".")[2]
        yield (
            node.value,
            path + dotted(node.target),
            Place.ANNOTATION if kind == "TypeAlias" else place,
        )


def _augmented(node: ast.AugAssign | ast.NamedExpr, path: str, place: Place) -> Iterator[Visit]:
    yield node.target, path, place
    yield node.value, join(path, dotted(node.target)), place


def _alias(node: ast.AST, path: str, _place: Place) -> Iterator[Visit]:
    yield from ((each, path, Place.ANNOTATION) for each in _children(node))


def _statement(node: ast.Expr, path: str, place: Place) -> Iterator[Visit]:
    """A string that is a whole statement documents something."""
    documents = isinstance(node.value, ast.Constant)
    yield node.value, path, Place.DOCSTRING if documents else place


def _for(node: ast.For | ast.AsyncFor, path: str, place: Place) -> Iterator[Visit]:
    yield node.target, path, place
    yield node.iter, path + dotted(node.target), place
    yield from ((each, path, place) for each in (*node.body, *node.orelse))


def _assert(node: ast.Assert, path: str, place: Place) -> Iterator[Visit]:
    yield node.test, path, place
    if node.msg is not None:
        yield node.msg, join(path, "assert"), place


def _named(step: str) -> Handler:
    def visit(node: ast.AST, path: str, place: Place) -> Iterator[Visit]:
        yield from ((each, join(path, step), place) for each in _children(node))

    return visit


def _match(node: ast.Match, path: str, place: Place) -> Iterator[Visit]:
    yield node.subject, path, place
    name = join(path, f"match({dotted(node.subject, keys=False)})/case")
    for case in node.cases:
        yield case.pattern, name, Place.PATTERN
        if case.guard is not None:
            yield case.guard, path, place
        yield from ((each, path, place) for each in case.body)


def _call(node: ast.Call, path: str, place: Place) -> Iterator[Visit]:
    callee = dotted(node.func)
    last = callee.rpartition(".")[2]
    yield node.func, path, place
    name = join(path, callee)
    inner = Place.COMPARISON if last in _TESTS else _inner(place)
    inner = _within(_inner(place), inner)
    key = _constant(node.args[0]) if node.args else None
    if last in _GETTERS and key is not None and "://" not in key:
        yield node.args[0], f"{name}(0)", _within(inner, Place.KEY)
        for index, each in enumerate(node.args[1:], 1):
            label = _key(node.args[0]) if index == 1 else str(index)
            yield each, f"{name}({label})", inner
        for keyword in node.keywords:
            label = _key(node.args[0]) if keyword.arg == "default" else f"{keyword.arg}="
            yield keyword.value, f"{name}({label})", inner
    elif last in _OPTIONS and (option := _option(node)) is not None:
        yield from _option_arguments(node, name, option, inner)
    else:
        yield from ((each, f"{name}({i})", inner) for i, each in enumerate(node.args))
        yield from ((each.value, f"{name}({each.arg or '**'}=)", inner) for each in node.keywords)


def _option(node: ast.Call) -> str | None:
    """The name of a command-line option: the first long flag, else the first name."""
    names = [name for name in map(_constant, node.args) if name is not None]
    flags = [name for name in names if name.startswith("-")]
    long = [name for name in flags if name.startswith("--")]
    return next(iter(long or flags or names), None)


def _option_arguments(node: ast.Call, name: str, option: str, inner: Place) -> Iterator[Visit]:
    """Arguments of ``add_argument``, ``click.option``, ``typer.Option`` by the option's name."""
    quoted = json.dumps(option, ensure_ascii=False)
    first = _constant(node.args[0])
    default_first = dotted(node.func).endswith(("Option", "Argument")) and first != option
    for index, each in enumerate(node.args):
        label = quoted if index == 0 and default_first else str(index)
        yield each, f"{name}({label})", inner
    for keyword in node.keywords:
        label = quoted if keyword.arg == "default" else f"{quoted}, {keyword.arg or '**'}="
        yield keyword.value, f"{name}({label})", inner


def _constant(node: ast.AST) -> str | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


def _dict(node: ast.Dict, path: str, place: Place) -> Iterator[Visit]:
    for index, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
        if key is not None:
            yield key, join(path, f"key[{index}]"), _within(place, Place.KEY)
        yield value, f"{path}[{_key(key)}]", place


def _sequence(node: ast.List | ast.Tuple | ast.Set, path: str, place: Place) -> Iterator[Visit]:
    yield from ((each, f"{path}[{index}]", place) for index, each in enumerate(node.elts))


def _conditional(node: ast.IfExp, path: str, place: Place) -> Iterator[Visit]:
    yield node.test, path, _inner(place)
    yield node.body, join(path, "then"), place
    yield node.orelse, join(path, "else"), place


def _boolean(node: ast.BoolOp, path: str, place: Place) -> Iterator[Visit]:
    name = join(path, "or" if isinstance(node.op, ast.Or) else "and")
    yield from ((each, f"{name}[{index}]", place) for index, each in enumerate(node.values))


def _binary(node: ast.BinOp, path: str, place: Place) -> Iterator[Visit]:
    """The operands of a chain of one operator, numbered from the left."""
    operator = type(node.op)
    operands = [node.right]
    left = node.left
    while isinstance(left, ast.BinOp) and type(left.op) is operator:
        operands.append(left.right)
        left = left.left
    name = join(path, _OPERATORS.get(operator, operator.__name__.lower()))
    for index, each in enumerate((left, *reversed(operands))):
        yield each, f"{name}[{index}]", place


def _compare(node: ast.Compare, path: str, place: Place) -> Iterator[Visit]:
    operands = (node.left, *node.comparators)
    named = next((each for each in operands if dotted(each) != "*"), node.left)
    name = join(path, f"compare({dotted(named, keys=False)})")
    yield from ((each, name, _within(place, Place.COMPARISON)) for each in operands)


def _subscript(node: ast.Subscript, path: str, place: Place) -> Iterator[Visit]:
    if place is Place.ANNOTATION:
        arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        yield from ((each, path, place) for each in (node.value, *arguments))
        return
    name = dotted(node.value)
    yield node.value, path, place
    yield node.slice, join(path, f"subscript({name})"), _within(place, Place.SUBSCRIPT)


def _lambda(node: ast.Lambda, path: str, place: Place) -> Iterator[Visit]:
    name = join(path, "lambda")
    yield from ((each, step, _within(place, at)) for each, step, at in _parameters(node.args, name))
    yield node.body, name, _inner(place)


def _dict_comprehension(node: ast.DictComp, path: str, place: Place) -> Iterator[Visit]:
    yield node.key, path, _within(place, Place.KEY)
    yield node.value, path, place
    yield from ((each, path, place) for each in node.generators)


_HANDLERS: dict[type[ast.AST], Handler] = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.NamedExpr: _augmented,
    ast.Expr: _statement,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.Assert: _assert,
    ast.Return: _named("return"),
    ast.Yield: _named("yield"),
    ast.YieldFrom: _named("yield"),
    ast.Match: _match,
    ast.Call: _call,
    ast.Dict: _dict,
    ast.DictComp: _dict_comprehension,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.IfExp: _conditional,
    ast.BoolOp: _boolean,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.Subscript: _subscript,
    ast.Lambda: _lambda,
}
if sys.version_info >= (3, 12):
    _HANDLERS[ast.TypeAlias] = _alias
