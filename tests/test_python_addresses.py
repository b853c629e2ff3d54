"""Every place that has an address, and its name."""

import argparse
import json
import random
from pathlib import Path
from textwrap import dedent

import pytest

from keychange.formats.python.address import addressable, holding, literals
from keychange.formats.python.paths import Place
from keychange.formats.python.source import parse


def addresses(code):
    return {each.address: each.value for each in addressable(parse(dedent(code).encode()))}


SHAPES = {
    "module constant": ('X = "v"', "X"),
    "annotated constant": ('X: str = "v"', "X"),
    "walrus": ('if (x := "v"): pass', "x"),
    "augmented": ('X += "v"', "X"),
    "several targets": ('a = b = "v"', "a"),
    "unpacked": ('a, (b, c) = 1, (2, "v")', "c"),
    "class attribute": ('class A:\n X = "v"', "A.X"),
    "nested class": ('class A:\n class B:\n  X = "v"', "A.B.X"),
    "enum member": ('class E(Enum):\n RED = "v"', "E.RED"),
    "dataclass field": (
        '@dataclass\nclass A:\n x: str = field(default="v")',
        "A.x/field(default=)",
    ),
    "pydantic field": ('class A(Model):\n x: str = Field(default="v")', "A.x/Field(default=)"),
    "pydantic metadata": (
        'class A:\n x: Annotated[str, Field(default="v")]',
        "A.x/Field(default=)",
    ),
    "instance attribute": ('class A:\n def f(self): self.x = "v"', "A.f.self.x"),
    "positional default": ('def f(a, b="v"): pass', "f(b)"),
    "positional-only default": ('def f(a="v", /): pass', "f(a)"),
    "keyword-only default": ('def f(*, k="v"): pass', "f(k)"),
    "async default": ('async def f(k="v"): pass', "f(k)"),
    "lambda default": ('f = lambda a="v": a', "f/lambda(a)"),
    "lambda body": ('f = lambda: "v"', "f/lambda"),
    "return": ('def f(): return "v"', "f.return"),
    "yield": ('def f(): yield "v"', "f.yield"),
    "nested function": ('def f():\n def g(): return "v"', "f.g.return"),
    "environ.get": ('X = os.environ.get("K", "v")', 'X/os.environ.get("K")'),
    "environ.get in a call": ('f(os.environ.get("K", "v"))', 'f(0)/os.environ.get("K")'),
    "getenv": ('X = os.getenv("K", "v")', 'X/os.getenv("K")'),
    "getenv by keyword": ('X = os.getenv("K", default="v")', 'X/os.getenv("K")'),
    "setdefault": ('os.environ.setdefault("K", "v")', 'os.environ.setdefault("K")'),
    "dict get": ('x = d.get("k", "v")', 'x/d.get("k")'),
    "stripped": ('x = os.environ.get("K", "v").strip()', 'x/os.environ.get("K")'),
    "argparse": ('p.add_argument("-m", "--model", default="v")', 'p.add_argument("--model")'),
    "argparse help": ('p.add_argument("--m", help="v")', 'p.add_argument("--m", help=)'),
    "click": ('@click.option("--model", default="v")\ndef f(): pass', 'f@click.option("--model")'),
    "typer": ('def f(m=typer.Option("v", "--model")): pass', 'f(m)/typer.Option("--model")'),
    "dict by key": ('D = {"a": {"b": "v"}}', 'D["a"]["b"]'),
    "dict by name": ('D = {E.A: "v"}', "D[E.A]"),
    "list by index": ('L = [0, "v"]', "L[1]"),
    "tuple by index": ('T = (0, "v")', "T[1]"),
    "set": ('S = {"v"}', "S[0]"),
    "item assigned": ('d["k"] = "v"', 'd["k"]'),
    "conditional, then": ('X = "v" if c else 0', "X/then"),
    "conditional, else": ('X = 0 if c else "v"', "X/else"),
    "or-chain": ('X = a or b or "v"', "X/or[2]"),
    "arm within a default": (
        'X = os.environ.get("K", a if b else "v")',
        'X/os.environ.get("K")/else',
    ),
    "sum": ('X = a + "v" + b', "X/+[1]"),
    "argument": ('f("v")', "f(0)"),
    "keyword": ('f(a=g("v"))', "f(a=)/g(0)"),
    "decorator": ('@route("v")\nclass A: pass', "A@route(0)"),
    "base class": ('class A(make("v")): pass', "A(0)/make(0)"),
    "class keyword": ('class A(k="v"): pass', "A(k=)"),
    "loop": ('for x in ("v",): pass', "x[0]"),
    "raise": ('def f(): raise E("v")', "f.E(0)"),
    "assert": ('assert x, "v"', "assert"),
    "comparison": ('x == "v"', "compare(x)"),
    "membership": ('x in ("v",)', "compare(x)[0]"),
    "prefix test": ('x.startswith("v")', "x.startswith(0)"),
    "dict key": ('D = {"v": 1}', "D/key[0]"),
    "subscript": ('x = d["v"]', "x/subscript(d)"),
    "lookup": ('x = d.get("v")', "x/d.get(0)"),
    "match value": ('match x:\n case "v": pass', "match(x)/case"),
    "await": ('async def f(): return await g("v")', "f.return/g(0)"),
}


@pytest.mark.parametrize(("code", "address"), SHAPES.values(), ids=SHAPES)
def test_each_shape_has_its_address(code, address):
    assert addresses(code)[address] == "v"


def test_same_names_are_numbered_in_source_order():
    code = """
        @overload
        def f(a: int) -> str: return "1"
        @overload
        def f(a: str) -> str:
            if a: return "2"
            return "3"
    """
    assert addresses(code) == {"f.return": "1", "f.return#2": "2", "f.return#3": "3"}


def test_an_address_does_not_depend_on_lines_or_on_the_value():
    first = addresses('class A:\n    X = "old"\n')
    second = addresses(
        '# a comment\n\nclass A:\n    """Doc."""\n\n    X = (\n        "new"\n    )\n'
    )
    assert list(first) == list(second) == ["A.X"]


@pytest.mark.parametrize(
    "code",
    [
        '"""v"""',
        'def f():\n    "v"',
        'class A:\n    X = 1\n    "v"',
        'x: "v" = 1',
        'def f(a: "v") -> "v": pass',
        'x: Literal["v"] = 1',
        "# 'v'",
        'x = b"v"',
    ],
)
def test_docstrings_annotations_comments_and_bytes_have_none(code):
    assert addresses(code) == {}


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ('f(x == "v")', Place.COMPARISON),
        ('x = "v" in y', Place.COMPARISON),
        ('x == ("a" if c else "v")', Place.COMPARISON),
        ('x == f("v")', Place.VALUE),
        ('{"v": 1}', Place.KEY),
        ('{"v": k for k in y}', Place.KEY),
        ('d.get("v", 1)', Place.KEY),
        ('requests.get("https://v")', Place.VALUE),
        ('d["v"] = 1', Place.SUBSCRIPT),
        ('d[f("v")]', Place.VALUE),
        ('Mode = Literal["v"]', Place.SUBSCRIPT),
        ('match x:\n case {"v": 1}: pass', Place.PATTERN),
        ("f\"{d['v']}\"", Place.EXPRESSION),
        ("f\"{os.environ.get('K', 'v')}\"", Place.EXPRESSION),
        ('x = "%s" % "v"', Place.VALUE),
        ('x = "v".join(y)', Place.VALUE),
    ],
)
def test_a_place_says_what_a_literal_is_for(code, place):
    found = [each for each in literals(parse(code.encode())) if each.value.endswith("v")]
    assert [each.place for each in found] == [place]


def test_a_deep_file_needs_no_stack():
    code = "x = " + "(" * 90 + '"v"' + ",)" * 90 + "\n" + "y = " + "+".join(['"w"'] * 900)
    found = addresses(code)
    assert len(found) == 901
    assert found["y/+[899]"] == "w"


@pytest.mark.parametrize(
    "path", [argparse.__file__, *sorted(Path(json.__file__).parent.glob("*.py"))]
)
def test_those_that_hold_a_value_are_found_without_looking_at_all_of_them(path):
    source = parse(Path(path).read_bytes())
    known = literals(source)
    values = sorted({each.value for each in known if each.value})
    chosen = random.Random(7)
    for value in chosen.sample(values, min(len(values), 60)):
        start = chosen.randrange(len(value))
        for wanted in ({value}, {value[start : start + 9], values[0]}):
            held = tuple(each for each in known if any(one in each.value for one in wanted))
            assert holding(source, wanted) == held


def test_an_address_counts_those_that_hold_something_else():
    code = """
    def f(a):
        if a:
            x = "one"
        @d("v")
        def x(b="v"): pass
        x = ["v",
            ("\\x76")]
    x = "v" if y else "w"
    class f:
        x = "two"
        x = "v"; y = "v"
    def f():
        x = "v"
        return f"{y} is v {x('v')}"
    """
    source = parse(dedent(code).encode())
    found = {each.address: each.value for each in holding(source, {"v"})}
    every = {each.address: each.value for each in literals(source)}
    assert found == {name: value for name, value in every.items() if "v" in value}
    assert {"f.x#3", "f.x#4", "f.x[1]"} <= found.keys()
