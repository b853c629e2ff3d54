"""Explanations: every code that is raised is explained, and every explained code is raised."""

import ast
import json
import re
from pathlib import Path

import pytest

import keychange
from keychange import explanations
from keychange.probing import failures, harmless
from keychange.probing.known_failures import FAILURES
from support.provoked import PROVOKED
from support.workspace import migrate

PACKAGE = Path(keychange.__file__).parent
DATA = ("known_failures", "made_up", "explanations")  # of them, what is there is no raising
MAKERS = {"error", "warning", "note"}
# Words with a hyphen that are no codes: names of checks and stages, endings, packages, encodings.
NOT_CODES = {
    *("8-bit-kernel", "active-share", "base-model", "ended-by-itself", "group-size"),
    *("import-mlx", "import-mlx-audio", "inner-silence", "peak-memory", "quantised-layers"),
    *("reference-level", "reference-text", "resident-memory", "same-seed", "sample-rate"),
    *("speech-encoder", "speech-tokenizer", "stuck-token", "text-tokenizer", "voice-match"),
    *("could-not-run", "kept-unverified", "nothing-to-do", "rolled-back"),
    *("rolled-back-inconclusive", "rolled-back-unconfirmed", "rollback-failed"),
    *("applied-unverified", "taken-back", "roll-back"),
    *("keychange-check", "flaming-horse", "from-a-backup", "golden-ratio"),
    *("huggingface-hub", "mlx-audio", "mlx-metal", "qwen3-tts", "conv-transposed"),
    *("latin-1", "utf-8", "utf-8-sig", "whisper-base", "whisper-small", "whisper-tiny"),
}
KNOWN = explanations.known()


def words_in(node):
    """The texts that an expression can have: itself, or either side of a condition."""
    if isinstance(node, ast.IfExp):
        return words_in(node.body) | words_in(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def that_raise(node):
    """Every node but those that only speak of a code, and calls of git, whose verbs have hyphens.

    What is compared with a code, or listed in a tuple of a module's own, raises nothing.
    """
    if isinstance(node, ast.Call) and "git" in ast.unparse(node.func):
        return
    if isinstance(node, ast.Compare) or (
        isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.Set)
    ):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from that_raise(child)


def in_module(tree):
    """Codes of one module: every hyphenated word, and every first word of a diagnostic."""
    for node in that_raise(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", node.value):
                yield node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            if node.func.id in MAKERS:
                yield from words_in(node.args[0])
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            yield from words_in(node.value)


def raised():
    paths = [p for p in PACKAGE.rglob("*.py") if not set(DATA) & set(p.parts)]
    found = {code for path in paths for code in in_module(ast.parse(path.read_bytes()))}
    return (found - NOT_CODES - {""}) | {each.code for each in FAILURES if each.pattern}


def test_every_code_that_is_raised_is_explained():
    missing = sorted(raised() - KNOWN.keys())
    assert not missing, "add a table to engine/keychange/explanations/, or to NOT_CODES here"


def test_every_explained_code_is_raised():
    warnings = {each.name for each in harmless.KNOWN}
    assert sorted(KNOWN.keys() - raised() - warnings) == []


def sayings(tree):
    """Every text of a module that a message can begin with, as a pattern; values stand for any."""
    for node in ast.walk(tree):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        texts = [each.value if isinstance(each, ast.Constant) else None for each in parts]
        if all(text is None or isinstance(text, str) for text in texts):
            words = "".join(text or "" for text in texts)
            if len(re.sub(r"\W", "", words)) >= LEAST and "\n" not in words:
                yield "".join(".+?" if text is None else re.escape(text) for text in texts)


MODELS = {each.code for each in FAILURES} | {each.name for each in harmless.KNOWN}
LEAST = 6
"""Letters that a pattern must have of its own, so as not to fit everything."""
HEAD = re.compile(
    r"^(?:(?P<place>.+?): )?(?P<severity>error|warning|note)\[(?P<code>.+?)\]: (?P<said>.+)$"
)
PLACE = re.compile(r"[^\s:]+(?::\d+:\d+)?")


def test_an_example_is_what_the_program_prints():
    """Its place has the one form, and its words are in the program.

    Those that a run can be brought to are compared with what it prints, in test_provoked.py.
    """
    paths = [p for p in PACKAGE.rglob("*.py") if "explanations" not in p.parts]
    said = {pattern for path in paths for pattern in sayings(ast.parse(path.read_bytes()))}
    every = re.compile("|".join(f"(?:{each})" for each in sorted(said)))
    strange = []
    for code, found in KNOWN.items():
        for head in filter(None, map(HEAD.match, found.example.splitlines())):
            placed = head["place"] is None or PLACE.fullmatch(head["place"])
            words = re.sub(r"^`[^`]+`: ", "", head["said"])
            seen = code in PROVOKED or code in MODELS or every.match(words)
            if not placed or head["code"] != code or not seen:
                strange.append(f"{code}: {head[0]}")
    assert strange == []


def test_the_example_of_what_is_raised_shows_its_first_line():
    """But for the failures of models and harmless warnings, which show what the model prints."""
    silent = [
        code
        for code, found in KNOWN.items()
        if code not in MODELS and not any(map(HEAD.match, found.example.splitlines()))
    ]
    assert silent == []


def test_an_example_has_a_place_where_the_program_knows_one():
    for code, case in PROVOKED.items():
        shown = next(filter(None, map(HEAD.match, KNOWN[code].example.splitlines())))
        if case.place:
            assert shown["place"], f"{code} has a place, and its example none"
        else:
            assert not shown["place"], f"{code} has no place, and its example one"


def test_a_code_is_explained_in_one_place():
    written = [
        code
        for path in (PACKAGE / "explanations").glob("*.toml")
        for code in re.findall(r"^\[(.+)\]$", path.read_text("utf-8"), re.MULTILINE)
    ]
    codes = [*written, *(each.code for each in FAILURES), *(each.name for each in harmless.KNOWN)]
    assert sorted(codes) == sorted(KNOWN)


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_an_explanation_is_whole(code):
    found = KNOWN[code]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
    for text in (found.what, found.why, found.fix):
        assert re.match(r"\S", text)
        assert re.search(r"[.:`)]$", text), text
    shown = re.findall(r"(?:error|warning|note)\[([a-z0-9-]+)\]", found.example)
    assert found.example.strip()
    assert set(shown) <= {code}


@pytest.mark.parametrize("failure", [each for each in FAILURES if each.pattern])
def test_the_example_of_a_known_failure_is_recognised(failure):
    if "[" + failure.code + "]" not in failure.example:
        assert failures.recognise(failure.example) is failure


@pytest.mark.parametrize("warning", harmless.KNOWN)
def test_the_example_of_a_harmless_warning_is_counted(warning):
    assert harmless.sort(warning.example).harmless == {warning.name: 1}


def test_explain_one_all_and_none(tmp_path):
    done = migrate(tmp_path, "explain", "metal-no-device")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line in ("What", "Why", "Example", "Fix")]
    assert "NSRangeException" in done.stdout
    listed = migrate(tmp_path, "explain").stdout
    assert all(f"\n  {code} " in listed for code in KNOWN)
    wrong = migrate(tmp_path, "explain", "metal-no-devise")
    assert wrong.returncode == 2
    assert "did you mean `metal-no-device`?" in wrong.stderr


def test_the_words_of_an_error_will_do():
    for words, code in (
        ("NSRangeException", "metal-no-device"),
        ("ModuleNotFoundError: voice_ref_mediator", "voice-ref-mediator-missing"),
    ):
        found = explanations.explain(words)
        assert found is not None
        assert found.code == code
    assert explanations.explain("nothing that anybody knows") is None
    assert "drift" in explanations.closest("drifted")


def test_explain_as_json(tmp_path):
    document = json.loads(migrate(tmp_path, "explain", "--format", "json", "drift").stdout)
    assert document["explanation"]["code"] == "drift"
    assert set(document["explanation"]) >= {"what", "why", "example", "fix", "family"}
    everything = json.loads(migrate(tmp_path, "--format", "json", "explain").stdout)
    assert len(everything["codes"]) == len(KNOWN)
