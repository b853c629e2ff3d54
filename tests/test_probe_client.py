"""The probe for real: synthesis on this machine, with made-up weights, healthy and faulty."""

import json
import shutil
import subprocess
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keychange.errors import UsageProblem
from keychange.probing import thresholds
from keychange.probing.assembly import decided, measured
from keychange.probing.checkpoint import main as make
from keychange.probing.checkpoint import make_checkpoint
from keychange.probing.classification import cause_of
from keychange.probing.client import run_probe, worker_environment
from keychange.probing.duration import expect
from keychange.probing.judgement import Standard, judge
from keychange.probing.made_up.config import speech_config
from keychange.probing.made_up.vocoder import program, stages
from keychange.probing.report import ProbeReport
from keychange.probing.request import STAGE_LIMITS
from keychange.probing.supervisor import Outcome
from keychange.probing.verdict import CheckVerdict, Verdict
from keychange.verification.model.cache import inspect_model
from support.probe import (
    FAST,
    PYTHON,
    VOICE,
    copy_of,
    edit_json,
    hub,
    interpreter,
    replace_file,
    request,
    snapshot_of,
)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return hub(tmp_path_factory.mktemp("hub"))


def test_a_healthy_model_speaks(cache, tmp_path):
    stages = []
    asked = request(cache, output=tmp_path / "report", repeat=True)
    found = run_probe(asked, lambda each: stages.append(each.stage))
    assert (found.verdict, found.code) == (Verdict.PASS, ""), found.message
    assert not [each for each in found.checks if each.verdict.decides]
    assert list(dict.fromkeys(stages)) == [each for each in STAGE_LIMITS if each != "start"]
    assert 2.5 < found.audio["seconds"] < 5
    assert found.perf["warm"]["sha256"] == found.perf["cold"]["sha256"]
    assert found.versions["mlx"]
    assert found.warnings.get("model-type", 0) <= 1
    names = [each.name for each in found.artifacts]
    assert names == ["audio.wav", "audio.svg", "report.md", "report.json"]
    with wave.open(str(found.artifacts[0])) as sound:
        assert sound.getnframes() == round(found.audio["seconds"] * 24000)
    assert "| duration | pass |" in found.artifacts[2].read_text("utf-8")
    document = json.loads(found.artifacts[3].read_text("utf-8"))
    assert document["format_version"] == 1
    assert document["verdict"] == "pass"
    assert "made-up weights" in document["headline"]
    assert document["proven_on_gpu"] is False
    if found.device["backend"] == "cpu":
        assert "on a CPU: not proven on a GPU" in document["headline"]


def test_a_cpu_is_refused_where_a_gpu_is_required(cache, tmp_path):
    body = f"import os, sys\nos.execv({str(PYTHON)!r}, [{str(PYTHON)!r}, *sys.argv[1:]])"
    on_cpu = {**request(cache).environment, "MLX_DEFAULT_DEVICE": "cpu"}
    asked = request(cache, python=interpreter(tmp_path, body), environment=on_cpu, require_gpu=True)
    found = run_probe(asked)
    if found.device["backend"] == "cpu":
        assert (found.verdict, found.code) == (Verdict.FAIL, "probe-cpu-only")
        assert found.stage == "import-mlx"
        assert "attempts" not in found.perf


@pytest.mark.parametrize(
    ("change", "code", "verdict"),
    [
        ({"model": "someone/else"}, "model-not-cached", Verdict.FAIL),
        ({"ref_audio": VOICE / "none.wav"}, "reference-missing", Verdict.INCONCLUSIVE),
        ({"ref_text": VOICE / "none.txt"}, "reference-missing", Verdict.INCONCLUSIVE),
        ({"python": VOICE / "no-python"}, "python-missing", Verdict.FAIL),
        ({"python": VOICE / "ref.txt"}, "python-missing", Verdict.FAIL),
        ({"expect": {"bits": 4}}, "model-wrong-quantisation", Verdict.FAIL),
    ],
)
def test_what_is_wrong_before_the_start(cache, tmp_path, change, code, verdict):
    found = run_probe(request(cache, output=tmp_path, **change))
    assert (found.verdict, found.code) == (verdict, code)
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["code"] == code


def test_an_interpreter_without_mlx(cache, tmp_path):
    body = f"import os, sys\nos.execv({str(PYTHON)!r}, ['python', '-I', '-S', *sys.argv[1:]])"
    found = run_probe(request(cache, python=interpreter(tmp_path, body)))
    assert (found.verdict, found.code, found.stage) == (Verdict.FAIL, "mlx-missing", "import-mlx")


def test_unknown_names_are_refused_before_anything_runs(cache):
    with pytest.raises(UsageProblem):
        run_probe(request(cache, thresholds={"loudness": 1}))
    with pytest.raises(UsageProblem):
        run_probe(request(cache, limits={"loading": 1}))


def test_the_worker_is_offline_whatever_the_project_says():
    found = worker_environment({"HF_HUB_OFFLINE": "0", "HF_HOME": "/h"})
    assert (found["HF_HUB_OFFLINE"], found["HF_HOME"]) == ("1", "/h")


def first_seconds(source, target, seconds=2):
    """The beginning of a recording: a shorter reference costs less."""
    with wave.open(str(source)) as whole, wave.open(str(target), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(seconds * whole.getframerate()))
    return target


def batch(folder, requests):
    """What the worker measured for every request, in one process; see support/probe_batch.py."""
    program = Path(__file__).parent / "support" / "probe_batch.py"
    output = folder / "outcomes.json"
    subprocess.run(
        [str(PYTHON), str(program), str(output)],
        input=json.dumps(requests).encode(),
        env=worker_environment(FAST),
        capture_output=True,
        check=True,
    )
    return json.loads(output.read_text())


SHORT = "A short sentence."
ORDER = {
    "ref_audio": str(VOICE / "ref.wav"),
    "ref_text": (VOICE / "ref.txt").read_text("utf-8")[:30],
    "text": SHORT,
    "language": "english",
    "seeds": [0],
    "max_tokens": expect(SHORT, thresholds.DEFAULTS).max_tokens,
    "require_gpu": False,
}
SPOKEN = {
    "silent": ({"audio": "silent"}, "probe-silent"),
    "noise": ({"audio": "noise"}, "probe-noise"),
    "nan": ({"audio": "nan"}, "probe-not-finite"),
    "clip": ({"audio": "clip"}, "probe-clipped"),
    "never": ({"eos": "never"}, "probe-runaway"),
    "instant": ({"eos": "instant"}, "probe-empty"),
}


def vocabulary_of_another_model(snapshot):
    """Whole files, and yet a tokenizer that does not know the chat template."""
    edit_json(
        snapshot / "tokenizer_config.json", lambda found: found.update(added_tokens_decoder={})
    )


def without_speech_tokenizer(snapshot):
    shutil.rmtree(snapshot / "speech_tokenizer")


def without_encoder(snapshot):
    path = snapshot / "speech_tokenizer" / "config.json"
    edit_json(path, lambda found: found.pop("encoder_config"))


def without_vocoder_weights(snapshot):
    (snapshot / "speech_tokenizer" / "model.safetensors").unlink()


def with_a_broken_tokenizer(snapshot):
    replace_file(snapshot / "tokenizer_config.json", b"{")


# What the inspector finds first is found by the worker too, where mlx-audio only prints a warning.
LOADED = {
    "another vocabulary": (vocabulary_of_another_model, "tokenizer-broken"),
    "broken tokenizer": (with_a_broken_tokenizer, "tokenizer-missing"),
    "no speech tokenizer": (without_speech_tokenizer, "speech-tokenizer-missing"),
    "no encoder": (without_encoder, "speech-encoder-missing"),
}
REFERENCES = {"silent reference": "reference-silent", "no recording": "reference-unreadable"}


@pytest.fixture(scope="session")
def outcomes(cache, tmp_path_factory):
    """Every fault for real, in one process."""
    folder = tmp_path_factory.mktemp("faults")
    order = {**ORDER, "ref_audio": str(first_seconds(VOICE / "ref.wav", folder / "ref.wav"))}
    orders = {}
    for name, (options, _) in SPOKEN.items():
        snapshot = make_checkpoint(folder / name, **options)
        orders[name] = {**order, "model": str(snapshot)}
    for name, (damage, _) in LOADED.items():
        snapshot = snapshot_of(copy_of(cache, folder / name))
        damage(snapshot)
        orders[name] = {**order, "model": str(snapshot)}
    silent = folder / "silent.wav"
    with wave.open(str(silent), "wb") as sound:
        sound.setparams((1, 2, 24000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 48000))
    text = folder / "text.wav"
    text.write_text("no audio")
    model = str(snapshot_of(cache))
    orders["silent reference"] = {**order, "model": model, "ref_audio": str(silent)}
    orders["no recording"] = {**order, "model": model, "ref_audio": str(text)}
    # As in the full size: several layers, and a projection to the code predictor.
    deeper = make_checkpoint(folder / "deeper", size="medium")
    orders["deeper"] = {**order, "model": str(deeper)}
    found = batch(folder, list(orders.values()))
    return dict(zip(orders, zip(orders.values(), found, strict=True), strict=True))


EXPECTED = {
    **{name: code for name, (_, code) in SPOKEN.items()},
    **{name: code for name, (_, code) in LOADED.items()},
    **REFERENCES,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_fault_for_real_has_its_code(outcomes, name):
    order, raw = outcomes[name]
    outcome = Outcome(facts=raw["facts"], stage=raw["stage"], result=raw["result"])
    standard = Standard(
        checkpoint=replace(inspect_model(order["model"], {}).checkpoint, weights=0),
        thresholds=thresholds.DEFAULTS,
        expected=expect(SHORT, thresholds.DEFAULTS),
        require_gpu=False,
    )
    blank = ProbeReport(model=order["model"], verdict=Verdict.PASS)
    checks = judge(outcome.facts, standard)
    found = decided(measured(blank, outcome), checks, cause_of(outcome, {}))
    assert found.code == EXPECTED[name]
    assert found.verdict is not Verdict.PASS
    assert CheckVerdict.PASS in {each.verdict for each in found.checks}


def test_the_counter_holds_in_a_deeper_talker(outcomes):
    _, found = outcomes["deeper"]
    (attempt,) = found["facts"]["attempts"]
    assert not attempt["runaway"]
    assert 8 < attempt["tokens"] < 25  # of 17 characters, at 15 a second


def test_the_vocoder_of_the_full_size_speaks_at_100_hz():
    """Its stages in numpy: a frame of each vowel, upsampled 1920-fold, is a periodic wave."""
    decoder = speech_config("full")["decoder_config"]
    signal = np.ones((3, 2))
    for stage, weights in zip(stages(decoder), program(decoder).values(), strict=True):
        channels = 1 + max(output for _, output, _ in weights)
        taps = 1 + max(tap for _, _, tap in weights)
        found = np.zeros((len(signal) * stage.factor + taps, channels))
        for (source, output, tap), weight in weights.items():
            end = tap + len(signal) * stage.factor
            found[tap : end : stage.factor, output] += weight * signal[:, source]
        signal = found[: len(signal) * stage.factor]
    sound = signal[:, 0]
    assert len(sound) == 3 * 1920
    middle = sound[1920 + 960 : 1920 + 1440]  # a quarter of the frame, where the syllable is full
    assert np.abs(middle[:240] - middle[240:]).max() < 0.05 * np.abs(middle).max()
    assert np.abs(sound[:1920]).max() > 3 * np.abs(sound[:240]).max()


def test_the_same_seed_makes_the_same_checkpoint(cache, tmp_path):
    assert make(["tiny", str(tmp_path)]) == 0
    again = snapshot_of(tmp_path)
    for path in snapshot_of(cache).rglob("*"):
        if path.is_file():
            other = again / path.relative_to(snapshot_of(cache))
            assert other.read_bytes() == path.read_bytes()


def test_a_model_that_is_there_is_never_overwritten(cache):
    with pytest.raises(FileExistsError):
        make_checkpoint(cache)


WATCHDOG = """import os, sys
starts = open({starts!r}, "a")
starts.write("x")
starts.close()
if os.path.getsize({starts!r}) <= {times}:
    print("kIOGPUCommandBufferCallbackErrorImpactingInteractivity", file=sys.stderr)
    os.abort()
os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""


@pytest.mark.parametrize(
    ("times", "verdict", "code"),
    [(1, Verdict.PASS, ""), (2, Verdict.INCONCLUSIVE, "gpu-watchdog")],
)
def test_what_the_gpu_watchdog_ended_is_tried_once_more(cache, tmp_path, times, verdict, code):
    starts = tmp_path / "starts"
    body = WATCHDOG.format(starts=str(starts), times=times, python=str(PYTHON))
    found = run_probe(request(cache, python=interpreter(tmp_path, body)))
    assert (found.verdict, found.code, found.retried) == (verdict, code, "gpu-watchdog")
    assert starts.read_text() == "xx"
