"""The judgement: good measurements pass, each bad one has its code, bad luck is inconclusive."""

import copy
import json
import math
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keychange.errors import UsageProblem
from keychange.probing import failures, thresholds
from keychange.probing.assembly import decided, measured
from keychange.probing.classification import cause_of
from keychange.probing.duration import expect
from keychange.probing.headline import markdown
from keychange.probing.judgement import Standard, judge
from keychange.probing.recogniser import word_error_rate
from keychange.probing.report import ProbeReport
from keychange.probing.supervisor import Outcome
from keychange.probing.verdict import CheckVerdict, Verdict
from keychange.verification.model.inspection import Checkpoint

SCHEMAS = Path(__file__).parents[1] / "schemas"
TEXT = "The voice upgrade is live and working on this machine."
SPEECH = {
    "seconds": 3.44,
    "sample_rate": 24000,
    "finite": True,
    "level_dbfs": -21.0,
    "active_share": 0.9,
    "clipped_share": 0.0,
    "inner_silence": 0.3,
    "flatness": 0.003,
    "modulation_db": 21.0,
    "voiced_share": 0.6,
    "self_similarity": 0.4,
}
RUN = {"seed": 0, "tokens": 43, "seconds": 2.1, "speed": 1.6, "runaway": False, "peak_bytes": 5e9}
GOOD = {
    "versions": {"python": "3.12.1", "mlx": "0.32.4"},
    "device": {
        "default": "Device(gpu, 0)",
        "backend": "metal",
        "info": {"device_name": "Apple M1 Max"},
        "kernel_error": 1e-6,
    },
    "model": {
        "kind": "base",
        "text_tokenizer": True,
        "speech_tokenizer": True,
        "speech_encoder": True,
        "quantised_layers": 250,
        "bits": [8],
        "group_sizes": [64],
        "parameters": 1_928_677_440,
        "active_bytes": 3.17e9,
        "sample_rate": 24000,
    },
    "reference": {**SPEECH, "characters_per_second": 15.0},
    "attempts": [{**RUN, "sha256": "a"}],
    "repeat": {**RUN, "sha256": "a"},
    "audio": SPEECH,
    "voice": {"match": 0.81, "reference_halves": 0.9},
}
CHECKPOINT = Checkpoint(
    bits=8,
    group_size=64,
    quantised_layers=250,
    parameters=1_928_677_440,
    weights=3_100_000_000,
    size=3_103_000_000,
)


def standard(**changes):
    numbers = thresholds.resolve({})
    options = {
        "checkpoint": CHECKPOINT,
        "thresholds": numbers,
        "expected": expect(TEXT, numbers),
        "require_gpu": True,
    }
    return Standard(**{**options, **changes})


def report(facts, outcome=None, **changes):
    """The whole report of a worker that measured these facts and came to its end."""
    outcome = outcome or Outcome(result={"ok": True}, stage="words")
    outcome.facts = facts
    blank = ProbeReport(model="mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit", verdict=Verdict.FAIL)
    checks = judge(facts, standard(**changes))
    return decided(measured(blank, outcome), checks, cause_of(outcome, {"load": 1, "total": 9}))


def altered(**sections):
    facts = copy.deepcopy(GOOD)
    for section, values in sections.items():
        facts[section] = {**facts[section], **values} if isinstance(values, dict) else values
    return facts


def test_good_measurements_pass():
    found = report(GOOD)
    assert (found.verdict, found.code, found.stage) == (Verdict.PASS, "", "")
    assert {each.verdict for each in found.checks} == {CheckVerdict.PASS, CheckVerdict.SKIPPED}
    assert [each.name for each in found.checks if each.verdict is CheckVerdict.SKIPPED] == ["words"]
    assert found.proven_on_gpu
    assert found.headline() == (
        "Qwen3-TTS 1.7B 8-bit on Device(gpu, 0) (metal, Apple M1 Max): 3.2 GB, "
        "3.4 s of speech in 2.1 s (1.6x real time), voice match 0.81"
    )


RUNAWAY = {**RUN, "tokens": 144, "runaway": True, "sha256": "b"}
FAULTS = {
    "the CPU": (altered(device={"default": "Device(cpu, 0)", "backend": "cpu"}), "probe-cpu-only"),
    "a wrong kernel": (altered(device={"kernel_error": 0.4}), "kernel-wrong"),
    "a kernel of NaN": (altered(device={"kernel_error": None}), "kernel-wrong"),
    "no text tokenizer": (altered(model={"text_tokenizer": False}), "tokenizer-missing"),
    "no speech tokenizer": (altered(model={"speech_tokenizer": False}), "speech-tokenizer-missing"),
    "no encoder": (altered(model={"speech_encoder": False}), "speech-encoder-missing"),
    "a CustomVoice model": (altered(model={"kind": "custom_voice"}), "model-wrong-type"),
    "four bits": (altered(model={"bits": [4]}), "model-wrong-quantisation"),
    "mixed bits": (altered(model={"bits": [4, 8]}), "model-wrong-quantisation"),
    "no bits": (altered(model={"bits": []}), "model-wrong-quantisation"),
    "other groups": (altered(model={"group_sizes": [32]}), "model-wrong-quantisation"),
    "few quantised layers": (altered(model={"quantised_layers": 3}), "model-wrong-quantisation"),
    "another size": (altered(model={"parameters": 900_000_000}), "model-wrong-size"),
    "half in memory": (altered(model={"active_bytes": 1.5e9}), "weights-not-resident"),
    "a silent reference": (altered(reference={"level_dbfs": -70.0}), "reference-silent"),
    "never ends": (altered(attempts=[RUNAWAY, RUNAWAY]), "probe-runaway"),
    "another rate": (altered(audio={"sample_rate": 16000}), "probe-wrong-rate"),
    "not finite": (altered(audio={"finite": False}), "probe-not-finite"),
    "silence": (altered(audio={"level_dbfs": -68.0}), "probe-silent"),
    "a click in silence": (altered(audio={"active_share": 0.02}), "probe-silent"),
    "too short": (altered(audio={"seconds": 0.6}), "probe-too-short"),
    "clipped": (altered(audio={"clipped_share": 0.3}), "probe-clipped"),
    "noise": (altered(audio={"flatness": 0.57}), "probe-noise"),
    "no rhythm": (altered(audio={"modulation_db": 0.5}), "probe-unmodulated"),
    "no pitch": (altered(audio={"voiced_share": 0.0}), "probe-unvoiced"),
    "one tone": (altered(audio={"self_similarity": 0.999}), "probe-tone"),
    "other words": ({**GOOD, "words": {"errors": 0.9, "heard": "no"}}, "probe-wrong-words"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_bad_measurement_has_its_code(name):
    facts, code = FAULTS[name]
    found = report(facts)
    assert found.code == code
    assert found.verdict is failures.known()[code].verdict
    assert found.message
    assert found.stage
    assert not found.proven_on_gpu
    assert found.diagnostic().hint
    assert code in found.headline()


WARNINGS = {
    "a long gap": (altered(audio={"inner_silence": 3.0}), "probe-gap"),
    "slow": (altered(repeat={"speed": 0.2}), "probe-slow"),
    "another voice": (altered(voice={"match": 0.1}), "probe-other-voice"),
    "other audio": (altered(repeat={"sha256": "c"}), "probe-not-repeatable"),
    "a transcript of half": (
        altered(reference={"characters_per_second": 2.0}),
        "reference-text-mismatch",
    ),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_some_measurements_only_warn(name):
    facts, code = WARNINGS[name]
    found = report(facts)
    assert found.verdict is Verdict.PASS
    assert [each.code for each in found.checks if each.verdict is CheckVerdict.WARN] == [code]


def test_a_bad_reference_says_nothing_about_the_migration():
    found = report(altered(reference={"level_dbfs": -70.0}, audio={"level_dbfs": -70.0}))
    assert (found.verdict, found.code) == (Verdict.INCONCLUSIVE, "reference-silent")
    assert "could not be tested here" in found.headline()


def test_a_whispered_reference_excuses_a_whisper():
    quiet = {"voiced_share": 0.02}
    assert report(altered(reference=quiet, audio=quiet)).verdict is Verdict.PASS
    assert report(altered(audio=quiet)).code == "probe-unvoiced"


def test_one_attempt_that_runs_away_is_forgiven():
    assert report(altered(attempts=[RUNAWAY, {**RUN, "sha256": "a"}])).verdict is Verdict.PASS


def test_a_run_on_a_cpu_is_never_proven_on_a_gpu():
    facts = altered(device={"default": "Device(cpu, 0)", "backend": "cpu"}, repeat={"speed": 0.01})
    found = report(facts, require_gpu=False)
    assert found.verdict is Verdict.PASS
    assert not found.proven_on_gpu
    assert "on a CPU: not proven on a GPU" in found.headline()
    verdicts = {each.name: each.verdict for each in found.checks}
    assert verdicts["device"] is verdicts["backend"] is CheckVerdict.WARN
    assert verdicts["speed"] is CheckVerdict.SKIPPED


def test_what_was_measured_before_a_crash_explains_it_first():
    partial = {key: GOOD[key] for key in ("device", "model")}
    partial["model"] = {**partial["model"], "parameters": 7}
    crash = Outcome(stage="synthesis", returncode=-11)
    found = report(partial, crash)
    assert found.code == "model-wrong-size"
    assert [each.code for each in found.checks if each.verdict.decides] == [
        "model-wrong-size",
        "probe-crashed",
    ]


def test_a_crash_alone_is_the_verdict():
    found = report({"device": GOOD["device"]}, Outcome(stage="load", returncode=-6))
    assert (found.verdict, found.code, found.stage) == (Verdict.FAIL, "probe-crashed", "load")


def test_out_of_memory_is_inconclusive():
    outcome = Outcome(
        stage="load", returncode=-6, stderr="kIOGPUCommandBufferCallbackErrorOutOfMemory"
    )
    found = report({"device": GOOD["device"]}, outcome)
    assert (found.verdict, found.code) == (Verdict.INCONCLUSIVE, "out-of-memory")
    assert found.stderr


@given(count=st.integers(0, 7))
def test_a_crash_after_any_section_is_judged(count):
    """Sections are sent one by one: a crash may end after any of them."""
    order = ["device", "model", "reference", "attempts", "repeat", "audio", "voice"]
    facts = {key: GOOD[key] for key in order[:count]}
    found = report(facts, Outcome(stage="load", returncode=-11))
    assert found.verdict is Verdict.FAIL
    assert found.to_json()


def test_thresholds_can_be_overridden_and_are_checked():
    numbers = thresholds.resolve({"level_dbfs": -10})
    assert report(GOOD, thresholds=numbers).code == "probe-silent"
    with pytest.raises(UsageProblem) as caught:
        thresholds.resolve({"level_dbfss": -10})
    (problem,) = caught.value.diagnostics
    assert problem.code == "unknown-threshold"
    assert problem.hint.startswith("did you mean `level_dbfs`? known: kernel_error, ")


def test_every_threshold_says_where_it_comes_from():
    for each in thresholds.TABLE:
        assert each.meaning
        assert each.source
        assert math.isfinite(each.value)


def test_every_failure_has_a_cause_and_a_fix():
    for code, each in failures.known().items():
        assert code == each.code == code.lower()
        assert each.cause.endswith(".")
        assert each.fix.endswith(".")
        assert each.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE}
        each.command.format(model="m")


@pytest.mark.parametrize(
    ("heard", "rate"),
    [
        ("the voice upgrade is live", 0.0),
        ("The voice, upgrade is LIVE!", 0.0),
        ("the voice is live", 0.2),
        ("the voice upgrade is is live", 0.2),
        ("the noise upgrade is live", 0.2),
        ("", 1.0),
    ],
)
def test_word_errors_are_counted(heard, rate):
    assert word_error_rate("The voice upgrade is live.", heard) == pytest.approx(rate)


@pytest.mark.parametrize("name", ["good", *FAULTS])
def test_every_report_is_of_its_schema(name):
    schema = json.loads((SCHEMAS / "probe_report.schema.json").read_text("utf-8"))
    found = report(FAULTS[name][0] if name in FAULTS else GOOD)
    jsonschema.validate(json.loads(found.to_json()), schema)


def test_the_table_to_paste_has_a_row_for_every_check():
    found = report(FAULTS["silence"][0])
    table = markdown(found)
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) == len(found.checks) + 1
    assert "| level | fail | -68.0 dBFS | >= -45 |" in rows
