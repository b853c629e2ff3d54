"""A new value is written in the style of the old literal, and always means what it should."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keychange.formats.python.literal import Unwritable, rewrite, segments, value_of
from keychange.formats.python.spelling import Medium

STYLES = {
    "double": ('"old"', "new", '"new"'),
    "single": ("'old'", "new", "'new'"),
    "unicode prefix": ("u'old'", "new", "u'new'"),
    "raw": (r"r'\d'", r"\w", r"r'\w'"),
    "triple": ('"""a\nold"""', "a\nnew\n", '"""a\nnew\n"""'),
    "escapes": (r'"a\told"', "a\tnew\t", r'"a\tnew\t"'),
    "escaped alphabet": (r'"caf\u00e9"', "th\u00e9", r'"th\u00e9"'),
    "plain alphabet": ('"café"', "thé", '"thé"'),
    "octal habit": (r'"\033[1m"', "\x1b[2m\x1b[0m", r'"\033[2m\033[0m"'),
    "newline escape in triple quotes": ('"""a\\nold"""', "a\nnew\n", '"""a\\nnew\\n"""'),
    "quote in it": ('"old"', 'a "b" \n', """'a "b" \\n'"""),
    "quote in it, and the other": ('"old"', 'it\'s "b"', '"it\'s \\"b\\""'),
    "quote in it, as before": (r'"an \"old\" one"', 'a "new" one', r'"a \"new\" one"'),
    "other quote in it": ('"old"', "it's", '"it\'s"'),
    "quotes where they end nothing": ('"""old"""', '""a" ""b', '"""""a" ""b"""'),
    "quote at the end of triple": ('"""old"""', 'say "x"', '"""say "x\\""""'),
    "three quotes in triple": ('"""old"""', 'a"""b', r'"""a\"\"\"b"""'),
    "backslash": ('"old"', "a\\b", r'"a\\b"'),
    "raw with its quote": ("r'old'", "it's", 'r"it\'s"'),
    "raw with both quotes": ("r'old'", 'it\'s "x"', "'it\\'s \"x\"'"),
    "raw with trailing backslash": (r'r"C:\old"', "C:\\new\\", r'"C:\\new\\"'),
    "raw with newline": ("r'old'", "a\nb", r"'a\nb'"),
    "raw with control character": ("r'old'", "a\x00b", r"'a\x00b'"),
    "raw with carriage return": ("r'''\r'''", "\r", r"'''\r'''"),
    "control character": ('"old"', "a\x00b", r'"a\x00b"'),
    "direction mark": ('"old"', "a\u202eb", r'"a\u202eb"'),
    "astral": ('"old"', "🎙", '"🎙"'),
    "line continuation": ('"a\\\nold"', "anew", '"a\\\nnew"'),
    "empty": ('""', "new", '"new"'),
    "to empty": ('"old"', "", '""'),
    "concatenation, one piece changes": ('"org/" "old-4bit"', "org/new-4bit", '"org/" "new-4bit"'),
    "concatenation, all changes": ('"org/"\n    "old"', "else", '"else"'),
    "concatenation with a comment": ('"ab"  # why\n  "cd"', "xy", '"xy"  # why\n  ""'),
    "concatenation of two kinds": ("r'\\d' \"old\"", "\\dnew", "r'\\d' \"new\""),
    "two changes in two pieces": (
        '"first line. "\n    "the a second line"',
        "first line.\na second line",
        '"first line.\\n"\n    "a second line"',
    ),
    "an escape between two changes": (
        r'"old caf\u00e9 au lait x"',
        "new café au lait y",
        r'"new caf\u00e9 au lait y"',
    ),
    "bare braces": ('"old"', "{x}", '"{x}"'),
}


@pytest.mark.parametrize(("old", "value", "new"), STYLES.values(), ids=STYLES)
def test_the_style_stays(old, value, new):
    assert rewrite(old, value, Medium()) == new
    assert ast.literal_eval(f"({new}\n)") == value


def test_a_line_end_is_the_line_end_of_the_file():
    assert rewrite('"""a"""', "a\nb", Medium("\r\n")) == '"""a\r\nb"""'


def test_what_the_encoding_cannot_hold_is_escaped():
    latin = Medium(holds=lambda text: all(ord(char) < 256 for char in text))
    assert rewrite('"é"', "é漢", latin) == r'"é\u6f22"'
    assert rewrite("r'\\d'", "\\d漢", latin) == r"'\\d\u6f22'"


@pytest.mark.parametrize(
    ("text", "part", "value", "new"),
    [
        ('f"{a}/old/{b}"', 1, "/new/", 'f"{a}/new/{b}"'),
        ('f"{a} old {{b}}"', 1, " new {b} {c}", 'f"{a} new {{b}} {{c}}"'),
        ("rf'{a}\\old'", 1, "\\new", "rf'{a}\\new'"),
        ('f"old{a}" "old"', 1, "new", 'f"old{a}" "new"'),
        ('f"{a!r:>{w}} old"', 1, " it's", 'f"{a!r:>{w}} it\'s"'),
        ("f'''{a}\n old'''", 1, "\n new", "f'''{a}\n new'''"),
    ],
)
def test_a_static_part_of_an_f_string(text, part, value, new):
    assert rewrite(text, value, Medium(), part=part) == new


def test_an_f_string_cannot_change_its_prefix_and_says_so():
    with pytest.raises(Unwritable, match='opens with rf"'):
        rewrite('rf"{a}old"', 'new"', Medium(), part=1)


def test_an_f_string_is_not_written_as_a_whole():
    with pytest.raises(Unwritable, match="its parts"):
        rewrite('f"{a}old"', "new", Medium())


def test_ten_thousand_pieces_are_within_reach():
    text = " ".join(['"ab"'] * 10_000)
    assert len(segments(text)) == 10_000
    assert rewrite(text, "ab" * 9_999 + "aX", Medium()) == " ".join(['"ab"'] * 9_999 + ['"aX"'])


PREFIXES = st.sampled_from(["", "r", "R", "u", "U"])
QUOTES = st.sampled_from(["'", '"', "'''", '"""'])
TEXTS = st.text(st.sampled_from("ab'\"\\\n\r\t{}#é漢🎙\x00\x7f\xa0\u2028 dnxu0N"), max_size=8)


@st.composite
def written(draw):
    """A literal that Python accepts, as people and formatters write them."""
    pieces = []
    for _ in range(draw(st.integers(1, 3))):
        prefix, quote, text = draw(PREFIXES), draw(QUOTES), draw(TEXTS)
        if prefix.lower() != "r":
            spell = draw(st.sampled_from([repr, ascii]))
            text = spell("'" + text)[2:-1].replace("'", "\\'").replace('"', '\\"')
        piece = f"{prefix}{quote}{text}{quote}"
        try:
            assert isinstance(ast.literal_eval(f"({piece})"), str)  # no comment in it
        except (SyntaxError, ValueError, AssertionError):
            piece = f"{quote}plain{quote}"
        pieces.append(piece)
    return draw(st.sampled_from([" ", "\n  ", "\\\n", "  # why\n"])).join(pieces)


@given(written(), TEXTS)
def test_any_value_in_any_literal_means_that_value(text, value):
    meant = ast.literal_eval(f"({text}\n)")
    assert value_of(text, None) == meant
    new = rewrite(text, value, Medium())
    assert ast.literal_eval(f"({new}\n)") == value
    assert text.count("# why") in (new.count("# why"), 0) or "#" in value
    assert rewrite(text, meant, Medium()) == text
