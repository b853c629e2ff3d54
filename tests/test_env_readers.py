"""The models of bash and python-dotenv against the real ones."""

import os
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keychange.formats.dotenv.bash import Assignment
from keychange.formats.dotenv.readers import Reference
from keychange.formats.dotenv.scanner import read_bash
from keychange.formats.dotenv.text import EnvFile, environment
from support.env_oracles import ShellDied, bash, python_dotenv

KEYS = st.sampled_from(["A", "B", "AB", "A_B", "X1"])
TOKENS = st.sampled_from(
    [*"aX1_ \t'\"\\#$=~:;,./{}-@%+*?!&|<>()`[]\r", "${A}", "$B", "${A:-x}", "\\\n", "#c", " #",
     "é", "\u00a0", "export ", "\\n", "\\\\", "''", '""', "$$", "$(", "${"]
)  # fmt: skip
LINES = st.one_of(
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "", "", "export ", " ", "# "]),
        KEYS,
        st.sampled_from(["=", "=", "=", "=", " = ", "= ", "", "+="]),
        st.lists(TOKENS, max_size=8).map("".join),
    ),
    st.lists(TOKENS, max_size=6).map("".join),
    st.sampled_from(["", "# it's", "set -a", "unset A", "export B", "A=1 B=2", "export A B=1"]),
)
TEXTS = st.lists(LINES, max_size=6).map("\n".join)
SLOW = settings(
    derandomize=True,  # a search with other seeds belongs to whoever changes the models
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SLOW
@given(TEXTS)
def test_what_the_model_says_of_bash_is_what_bash_does(tmp_path: Path, text: str):
    data = text.encode()
    reading = read_bash(text)
    try:
        real = bash(data, tmp_path)
    except ShellDied:
        assert reading.stop is not None or "$(" in text
        return
    modelled = environment(data, ambient={"HOME": "/", "PATH": "/nonexistent"})
    if "~" in text or (reading.stop is not None and not reading.broken):
        return
    for key in {*real, *modelled} - beyond(reading):
        assert modelled.get(key) == real.get(key), key


def beyond(reading) -> set[str]:
    """The keys whose value the model leaves open, and those that refer to them."""
    unknown: set[str] = set()
    for event in reading.events:
        if isinstance(event, Assignment):
            parts = event.parts
            names = {part.name for part in parts or () if isinstance(part, Reference)}
            if parts is None or names & unknown:
                unknown.add(event.key)
    return unknown


@SLOW
@given(TEXTS)
def test_what_the_model_says_of_python_dotenv_is_what_it_does(tmp_path: Path, text: str):
    data = text.encode()
    real = python_dotenv(data, tmp_path, interpolate=False)
    assert {key: each[-1].value for key, each in EnvFile(data).by_key.items()} == real


@SLOW
@given(TEXTS)
def test_references_are_those_that_python_dotenv_resolves(tmp_path: Path, text: str):
    data = text.encode()
    real = python_dotenv(data, tmp_path)
    known: dict[str, str | None] = {}
    for binding in EnvFile(data).python.bindings:
        parts = binding.parts
        known[binding.key] = None if parts is None else "".join(
            part if isinstance(part, str)
            else {**os.environ, **known}.get(part.name, part.default or "") or ""
            for part in parts
        )  # fmt: skip
    assert known == real
