"""Transcripts: what every verb prints, in a terminal and without one, is what a reviewer read.

`python tests/transcripts --write` writes them anew.
"""

import re
from pathlib import Path

import pytest

from keychange.cli import VERBS
from support import recorder
from support.recorder import COLUMNS
from support.scenes import SCENES
from support.stage import Stage

FOLDER = Path(__file__).parent / "transcripts"
PLAYED = [(name, suffix) for name, scene in SCENES.items() for suffix in scene.suffixes]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    recorder.warm()
    return Stage(tmp_path_factory.mktemp("stage"))


@pytest.mark.parametrize(("name", "suffix"), PLAYED)
def test_a_scene_prints_its_transcript(stage, name, suffix):
    now = stage.play(SCENES[name], coloured=suffix == ".ansi")
    assert now == (FOLDER / f"{name}{suffix}").read_text(), "python tests/transcripts --write"


def test_every_transcript_has_its_scene():
    recorded = {(path.stem, path.suffix) for path in FOLDER.iterdir() if path.suffix != ".py"}
    assert recorded - {("__pycache__", "")} == set(PLAYED)


def endings(suffix):
    """Which verbs end well, and which do not, in the transcripts of one way to show them."""
    good, bad = set(), set()
    for path in FOLDER.glob(f"*{suffix}"):
        for played in re.split(r"^\$ ", path.read_text(), flags=re.MULTILINE)[1:]:
            words = played.splitlines()[0].split()
            failed = re.search(r"^--- exit \d+$", played, re.MULTILINE)
            (bad if failed else good).update(words[1:2])
    return good, bad


# A synthesis takes seconds: in a terminal alone, where the most is shown.
SHOWN_ONCE = {"demo", "probe"}


def test_every_verb_is_shown_when_it_goes_well_and_when_it_does_not():
    coloured, plain = endings(".ansi"), endings(".txt")
    for good, bad in (coloured, (plain[0] | SHOWN_ONCE, plain[1])):
        assert sorted(VERBS.keys() - good) == []
        assert sorted(VERBS.keys() - bad) == []


def test_without_colour_there_is_no_escape_and_nothing_secret_anywhere():
    for path in (*FOLDER.glob("*.txt"), *FOLDER.glob("*.ansi")):
        text = path.read_text()
        assert "canary" not in text
        assert "\x1b" not in text
        assert path.suffix == ".ansi" or "\\e" not in text


def results(text):
    """The lines that a transcript has on standard output."""
    for played in re.split(r"^(?=\$ )", text, flags=re.MULTILINE):
        yield from re.split(r"^--- ", played, flags=re.MULTILINE)[0].splitlines()


def test_a_terminal_breaks_lines_and_takes_no_word_of_a_result_away():
    """But of a plan: that is a patch in a pipe, and a review in a terminal."""
    for path in FOLDER.glob("*.txt"):
        text = path.read_text()
        shows_a_plan = re.search(r"^\$ migrate (plan|up|down)", text, re.MULTILINE)
        if shows_a_plan or ".ansi" not in SCENES[path.stem].suffixes:
            continue
        coloured = path.with_suffix(".ansi").read_text()
        words = " ".join(re.sub(r"\\e\[[0-9;]*m", "", coloured).split())
        told = [line for line in results(text) if "be asked" not in line]
        assert [line for line in told if " ".join(line.split()) not in words] == [], path.name


def test_what_can_be_wrapped_fits_the_terminal():
    """Hints are wrapped; a line that is longer holds a path, a diff or a line for machines."""
    for path in FOLDER.glob("*.txt"):
        for line in path.read_text().splitlines():
            assert len(line) <= COLUMNS or not line.startswith("  hint: "), path.name
