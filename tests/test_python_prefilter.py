"""The search in bytes says no only where parsing would say no."""

import ast
import encodings
import pkgutil
import re
import unicodedata
from encodings.aliases import aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keychange.formats.python.prefilter import line_patterns, may_contain

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
    (b'x = (\n  "gpt" \'\' # it\'s C:\\new\\\n # \'\n\f u"""-""" "" \'4\')', "gpt-4"),
    (b"x = 'gpt' ' ' 'for'", "gpt for"),
    (b"x = f'gpt{model=}'", "gptmodel="),
    (b"x = 'gpt' '\"' \\\r\n '4'", 'gpt"4'),
    (b"x = r'a\\\n' 'b'", "a\\\nb"),
    (b"x = '\\\n' 'gp' '\\\n' 't-4'", "gpt-4"),
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


def test_a_table_of_characters_holds_no_value_but_its_own():
    rows = "".join(f"    {chr(code)!r}  # 0x{code:02x}\n" for code in range(256))
    escaped = "".join(f"    '\\x{code:02x}'  # 0x{code:02x}\n" for code in range(256))
    for table in (rows, escaped):
        code = f"TABLE = (\n{table})\n".encode()
        assert not may_contain(code, ["gpt-4", "model", "acb"])
        assert may_contain(code, ["ABCDEFGHIJKLMNOP"])


ALPHABET = "ab\\'\"{}\n é"


def escapes(char):
    code = ord(char)
    yield from (char, char, f"\\x{code:02x}", f"\\u{code:04X}", f"\\U{code:08x}")
    if code < 0o200 and char != "\n":
        yield from (f"\\{code:03o}", f"\\N{{{unicodedata.name(char)}}}")


@st.composite
def spelled(draw, alphabet=ALPHABET, least=1):
    """A value, and one of the many ways to write it as a literal."""
    value = draw(st.text(alphabet, min_size=least, max_size=least + 5))
    cuts = sorted(draw(st.lists(st.integers(0, len(value)), max_size=3)))
    pieces = []
    for start, end in zip([0, *cuts], [*cuts, len(value)], strict=True):
        prefix = draw(st.sampled_from(["", "", "f", "r"]))
        quote = draw(st.sampled_from(["'", '"', "'''"]))
        body = ""
        for char in value[start:end]:
            plain = char * 2 if prefix == "f" and char in "{}" else char
            escape = draw(
                st.sampled_from([plain, *[each for each in escapes(char) if each != char], plain])
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


def fits(data, values, rank):
    """Whether a search tool would name the file; no patterns would name all of them."""
    patterns = line_patterns(values, rank)
    return not patterns or any(re.search(each.encode(), data, re.MULTILINE) for each in patterns)


@given(
    spelled("ab-/. B7", 3),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(0, 3),
    st.sampled_from(["", "other"]),
)
def test_no_spelling_hides_a_value_from_a_search_tool(case, newline, rank, beside):
    value, text = case
    code = f"x = (\n{text}\n)\n"
    try:
        tree = ast.parse(code).body[0].value
    except SyntaxError:
        return
    part = tree if isinstance(tree, ast.Constant) else tree.values[0]
    data = code.replace("\n", newline).encode()
    assert part.value != value or fits(data, [value, beside + "value"], rank)


@pytest.mark.parametrize(
    ("code", "value"), [each for each in HIDDEN if line_patterns([each[1]])], ids=str
)
def test_a_search_tool_finds_what_hides(code, value):
    assert all(fits(code, [value], rank) for rank in range(4))


@pytest.mark.parametrize("value", ["", "ab", "é" * 9, "a{b}c", "x\ny"])
def test_what_has_no_run_of_plain_characters_is_not_searched(value):
    assert line_patterns(["long-enough", value]) == ()


def test_a_search_tool_does_not_name_what_cannot_hold_it():
    code = b'model = "bench-org/voice-0.6B-8bit"\nB, size = "B", "-5bit"\n# encoding: utf-8\n'
    assert not all(fits(code, ["bench-org/voice-0.6B-4bit"], rank) for rank in range(4))


def test_every_codec_that_writes_plain_characters_otherwise_is_named():
    plain = bytes(each for each in range(32, 127) if each not in b"{}\"'\\~")
    names = {
        *aliases,
        *aliases.values(),
        *(m.name for m in pkgutil.iter_modules(encodings.__path__)),
    }
    checked = 0
    for name in sorted(names):
        try:
            same = plain.decode(name) == plain.decode("ascii")
        except LookupError:  # no codec of text, or of another system
            continue
        except ValueError:
            same = False
        checked += not same
        assert same or fits(f"# coding: {name}\n".encode(), ["plain"], 0), name
    assert checked > 40
