import pytest
from hypothesis import given
from hypothesis import strategies as st

from keychange.templates import TemplateError, Templates

HERE = Templates("/home/me/project", {"voice": "assets/voice", "model": "org/${root}"})


def test_variables_may_use_those_above_them():
    made = Templates.resolve("/r", {"a": "${root}/a", "b": "${a}/b"})
    assert made.variables == {"a": "/r/a", "b": "/r/a/b"}


def test_a_variable_below_is_unknown():
    with pytest.raises(TemplateError, match="there is no variable `b`"):
        Templates.resolve("/r", {"a": "${b}", "b": "x"})


@pytest.mark.parametrize(
    ("text", "file", "expected"),
    [
        ("${voice}/ref.wav", None, "assets/voice/ref.wav"),
        ("${root}/x", None, "/home/me/project/x"),
        ("${relative(voice/ref.wav)}", "generated/a/c.json", "../../assets/voice/ref.wav"),
        ("${relative(voice/ref.wav)}", "c.json", "assets/voice/ref.wav"),
        ("${relative(assets/x)}", "assets/c.json", "x"),
        ("$${voice}", None, "${voice}"),
        ("a$${b}c${voice}d", None, "a${b}cassets/voiced"),
        ("$HOME and $5", None, "$HOME and $5"),
        ("${model}", None, "org/${root}"),  # expanded once
    ],
)
def test_text(text, file, expected):
    assert HERE.text(text, file) == expected


@pytest.mark.parametrize(
    "text", ["${voic}", "${", "${voice", "${relative(voice)}", "${relative(/etc/x)}"]
)
def test_what_is_refused(text):
    with pytest.raises(TemplateError):
        HERE.text(text, None if "voice)" in text else "a/b")


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_templates_is_itself(text):
    assert HERE.text(text) == text


@given(st.text())
def test_every_text_expands_or_is_refused(text):
    try:
        HERE.text(text)
    except TemplateError as problem:
        assert str(problem)


def test_values_inside_json_are_expanded_and_names_are_not():
    assert HERE.expand({"${voice}": ["${voice}", 1, None]}) == {
        "${voice}": ["assets/voice", 1, None]
    }
