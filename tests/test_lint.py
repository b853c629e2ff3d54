"""Lint: what will hurt later in a migration, each at its place with a reason and a fix."""

import json
import re
from pathlib import Path

import pytest

from keychange import explanations
from support.provoked import FILES, MIGRATION, ONE, declared, requiring, running, write
from support.workspace import git, migrate_here

SAMPLE = Path(__file__).parent.parent / "assets" / "sample"
SOUND = {
    **declared("title: voice", "title: Voice, from 0.6B to 1.7B"),
}
SOUND[ONE] = SOUND[ONE].replace("conf/*.json\n", "conf/*.json\n    schema: {after: own.json}\n")
STRINGS = '{at: Voice.MODEL, from: "${old}", to: "${new}"}'


def own(old, new):
    """The sound migration with a piece of it replaced."""
    assert old in SOUND[ONE], old
    return {ONE: SOUND[ONE].replace(old, new, 1)}


@pytest.fixture
def root(tmp_path):
    write(tmp_path, {**FILES, "own.json": "{}", **SOUND})
    return tmp_path


def lint(root, *arguments):
    done = migrate_here(root, "lint", "--format", "json", *arguments)
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode
    return document


def codes(document):
    return [each["code"] for each in document["diagnostics"]]


def test_a_sound_migration_is_clean(root):
    assert codes(lint(root, "--strict")) == []
    assert "Lint: 1 migration, nothing to say." in migrate_here(root, "lint").stderr


def test_the_bundled_migration_is_clean():
    found = lint(SAMPLE, "--strict")
    assert (codes(found), found["exit_code"]) == ([], 0)
    assert found["migrations"] == ["0001_qwen3_tts_1_7b_8bit"]


AGAIN = '  - python: app/voice.py\n    strings:\n      - {at: Voice.MODEL, to: "${new}"}\n'
CASES = {
    "lint-title": (
        own("title: Voice, from 0.6B to 1.7B", "title: Voice"),
        3,
        "no more than the id",
    ),
    "lint-unused-variable": (own("  new:", "  old_one: x\n  new:"), 6, "`old_one`"),
    "lint-unused-requirement": (
        own("operations:", "require:\n  - model: org/other\noperations:"),
        8,
        "the model",
    ),
    "lint-irreversible": (
        own("    set:", "    irreversible: two became one\n    set:"),
        9,
        "two became one",
    ),
    "lint-no-change": (
        own(STRINGS, '{from: "${new}", to: org/voice-1.7B}'),
        13,
        "same",
    ),
    "lint-overlap": ({ONE: SOUND[ONE] + AGAIN}, 20, "`Voice.MODEL` of `app/voice.py`"),
    "lint-secret": (
        own("      TTS_MODEL:", "      HF_TOKEN: {to: hidden7}\n      TTS_MODEL:"),
        10,
        "",
    ),
    "lint-no-expect": ({ONE: SOUND[ONE] + "verify:\n  - run: [prepare]\n"}, 19, "only the status"),
    "lint-no-schema": (own("    schema: {after: own.json}\n", ""), 14, "no schema"),
    "lint-repeated-value": (own(STRINGS, '{from: org/voice-0.6B, to: "${new}"}'), 13, "a variable"),
    "lint-yaml": (own("      TTS_MODEL:", "      SWITCH: {to: on}\n      TTS_MODEL:"), 10, "`on`"),
    "lint-from-not-held": (own("old: org/voice-0.6B", "old: org/voice-0.8B"), 10, "no target"),
    "lint-address": (own("Voice.MODEL", "Voice.MODLE"), 13, "`Voice.MODLE`"),
    "lint-no-match": (own("conf/*.json", "conf/*.jsn"), 14, "`conf/*.jsn`"),
    "lint-no-target": (own("app/voice.py", "app/voise.py"), 11, "`app/voise.py`"),
}


@pytest.mark.parametrize("code", CASES)
def test_what_will_hurt_is_found_at_its_place(root, code):
    files, line, words = CASES[code]
    write(root, files)
    found = [each for each in lint(root)["diagnostics"] if each["code"] == code]
    assert found, f"{code} is not found"
    assert (found[0]["path"], found[0]["line"]) == (ONE, line)
    assert words in found[0]["message"]
    assert found[0].get("hint", "") != found[0]["message"]
    assert found[0]["severity"] == ("note" if code == "lint-irreversible" else "warning")


def test_every_code_of_lint_is_found_by_a_case():
    assert {code for code in explanations.known() if code.startswith("lint-")} == set(CASES)


@pytest.mark.parametrize(
    ("files", "meant"),
    [
        (own("Voice.MODEL", "Voice.MODLE"), "`Voice.MODEL`"),
        (own("conf/*.json", "conf/*.jsn"), "`conf/*.json`"),
        (own("app/voice.py", "app/voise.py"), "`app/voice.py`"),
        (own("app/voice.py", "src/voice.py"), "`app/voice.py`"),
        (own("      TTS_MODEL:", "      TTS_MODLE:"), "`TTS_MODEL`"),
        (own(STRINGS, '{from: org/voice-0.7B, to: "${new}"}'), "`org/voice-0.6B`"),
    ],
)
def test_what_was_meant_is_named(root, files, meant):
    write(root, files)
    assert any(
        f"did you mean {meant}?" in each.get("hint", "") for each in lint(root)["diagnostics"]
    )


def test_an_ambiguous_address_names_the_choice(root):
    write(root, {"app/voice.py": FILES["app/voice.py"] + '    MODEL = "x"\n'})
    (found,) = [each for each in lint(root)["diagnostics"] if each["code"] == "lint-address"]
    assert "names 2 literals" in found["message"]
    assert "`Voice.MODEL#1`, `Voice.MODEL#2`" in found["hint"]


def test_a_second_place_is_shown(root):
    write(root, CASES["lint-overlap"][0])
    said = migrate_here(root, "lint").stderr
    assert re.search(
        r"lint-overlap.*\n.*\n.*\^+\n  \S+0001_voice.yaml:13:9: the first one is here", said
    )


def test_a_secret_is_not_printed(root):
    write(root, own(STRINGS, '{at: Voice.API_KEY, to: "hidden7x9"}'))
    for form in ("text", "concise", "json", "github", "sarif"):
        done = migrate_here(root, "lint", "--format", form)
        assert "lint-secret" in done.stdout + done.stderr
        assert "hidden7x9" not in done.stdout + done.stderr


def test_the_exit_code_says_whether_warnings_count(root):
    assert lint(root)["exit_code"] == 0
    write(root, CASES["lint-title"][0])
    assert lint(root)["exit_code"] == 0
    assert lint(root, "--strict")["exit_code"] == 1
    write(root, {ONE: SOUND[ONE].replace("    set:", "    sett:", 1)})
    assert lint(root)["exit_code"] == 2
    write(root, {**SOUND, "migrations/0003_gap.yaml": MIGRATION.replace("0001_voice", "0003_gap")})
    assert lint(root)["exit_code"] == 1


def test_named_files_alone_are_judged(root):
    other = (
        SOUND[ONE]
        .replace("0001_voice", "0002_more")
        .replace("title: Voice, from 0.6B to 1.7B", "title: More")
    )
    write(root, {"migrations/0002_more.yaml": other, "tests/0001_x.yaml": "no migration"})
    assert "lint-title" in codes(lint(root))
    assert codes(lint(root, ONE)) == []
    assert "lint-title" in codes(lint(root, ONE, "migrations/0002_more.yaml", "tests/0001_x.yaml"))
    assert lint(root, "tests/0001_x.yaml")["migrations"] == []
    wrong = lint(root, "migrations/0002_mor.yaml")
    assert wrong["exit_code"] == 2
    assert "did you mean `migrations/0002_more.yaml`?" in wrong["diagnostics"][0]["hint"]


def test_an_applied_migration_is_not_compared_with_the_files(root):
    assert migrate_here(root, "up", "--yes").returncode == 0
    assert codes(lint(root)) == []


def test_what_is_staged_is_judged(root):
    git(root, "init", "-q")
    write(root, CASES["lint-title"][0])
    git(root, "add", ".")
    write(root, SOUND)
    assert codes(lint(root)) == []
    assert codes(lint(root, "--index")) == ["lint-title"]


def test_nothing_is_said_of_what_is_meant(root):
    """Requirements that are used, one of several patterns, a command on request."""
    text = requiring("  - path: conf/one.json\n  - runtime: mlx\n    python: tools/python\n")[ONE]
    text = text.replace(
        "conf/*.json\n", "[conf/*.json, other/*.json]\n    schema: {after: own.json}\n"
    )
    text = text.replace("title: voice", "title: From one to the other")
    check = "verify:\n  - run: [cat, conf/one.json]\n    only: request\n"
    write(root, {ONE: text + check})
    assert codes(lint(root)) == []


def test_a_check_with_expectations_is_no_finding(root):
    write(root, running("true", "    expect: [ok]\n"))
    assert "lint-no-expect" not in codes(lint(root))
