"""The search in bytes says no only where parsing would say no."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keychange.formats.python.prefilter import may_contain

HIDDEN = [
    (rb'x = "gp\x74-4"', "gpt-4"),
    (rb'x = "\N{LATIN SMALL LETTER G}pt-4"', "gpt-4"),
    (rb'x = "\147pt-4"', "gpt-4"),
    (b'x = "gpt\\\n-4"', "gpt-4"),
    (b'x = "gpt\\\r\n-4"', "gpt-4"),
    (b'x = "gpt" "-4"', "gpt-4"),
    (b"x = ('g'  # why\n 'p' r'''t-''' \"4\")", "gpt-4"),
    (b'x = f"{a} gp" "t-" f"4{b}"', "gpt-4"),
    (b'x = f"{{gpt}} {a}"', "{gpt}"),
    (b'x = "a\\\\b"', "a\\b"),
    (b'x = r"a\\b" "\\x63"', "a\\bc"),
    (b'x = "it\\\'s"', "it's"),
    (b'x = """a\r\nb"""', "a\nb"),
    ("# coding: latin-1\nx = 'é'".encode("latin-1"), "é"),
    (rb'x = "\ud83d"', "\ud83d"),
    (b"", ""),
]


@pytest.mark.parametrize(("code", "value"), HIDDEN)
def test_what_hides_a_value_is_seen(code, value):
    assert may_contain(code, [value])


@pytest.mark.parametrize(
    "code",
    [b"x = 1", b'x = "gpt-5"', b'x = "\\x41" "b"', b'x = a + \\\n    b\ny = "gp"', b'x = "\\1"'],
)
def test_a_file_without_it_is_not_parsed(code):
    assert not may_contain(code, ["gpt-4o"])


ALPHABET = "ab\\'\"{}\n é"


@st.composite
def spelled(draw):
    """A value, and one of the many ways to write it as a literal."""
    value = draw(st.text(ALPHABET, min_size=1, max_size=6))
    cuts = sorted(draw(st.lists(st.integers(0, len(value)), max_size=3)))
    pieces = []
    for start, end in zip([0, *cuts], [*cuts, len(value)], strict=True):
        prefix = draw(st.sampled_from(["", "", "f", "r"]))
        quote = draw(st.sampled_from(["'", '"', "'''"]))
        body = ""
        for char in value[start:end]:
            plain = char * 2 if prefix == "f" and char in "{}" else char
            escape = draw(
                st.sampled_from([plain, plain, f"\\x{ord(char):02x}", f"\\u{ord(char):04x}"])
            )
            must = char in "\\'\"\n" and prefix != "r"
            body += f"\\x{ord(char):02x}" if must else plain if prefix == "r" else escape
            body += draw(st.sampled_from(["", "", "", "\\\n"])) if prefix != "r" else ""
        pieces.append(f"{prefix}{quote}{body}{quote}")
    return value, draw(st.sampled_from(["", " ", "  # x's \"\n"])).join(pieces)


@given(spelled(), st.sampled_from(["", "\\d = 1\n", "# \\\n", 'r"\\\\" '.join("()") + "\n"]))
def test_no_spelling_hides_a_value(case, before):
    value, text = case
    code = f"{before}x = (\n{text}\n)\n".encode()
    try:
        tree = ast.parse(text and f"(\n{text}\n)", mode="eval").body
        meant = ast.literal_eval(tree) if isinstance(tree, ast.Constant) else tree.values[0].value
    except (SyntaxError, ValueError, IndexError):
        return
    if meant == value:
        assert may_contain(code, [value])
        assert may_contain(code, [value[: len(value) // 2]])
