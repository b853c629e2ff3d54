"""The supervisor and the classification: however a worker ends, it has a code and is gone."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from keychange.probing import failures, harmless, supervisor
from keychange.probing.classification import cause_of
from keychange.probing.client import worker_environment
from keychange.probing.request import STAGE_LIMITS
from keychange.probing.supervisor import Outcome, supervise
from keychange.probing.verdict import Verdict
from support.probe import PYTHON, fake_mlx, interpreter

WORKER = Path(supervisor.__file__).with_name("worker.py")
LIMITS = {**STAGE_LIMITS, "total": 30}
HELLO = """
import json, os, signal, sys, time
def say(**event): print(json.dumps({"v": 1, "t": 0, **event}), flush=True)
open("pid", "w").write(str(os.getpid()))
"""
LOADING = HELLO + 'say(ev="stage", name="load")\n'


def run(folder, body, limits=LIMITS, progress=None):
    """The outcome of a worker that runs `body`; afterwards nothing of it is alive."""
    command = [str(interpreter(folder, body))]
    try:
        return supervise(
            command, environment=dict(os.environ), folder=folder, limits=limits, progress=progress
        )
    finally:
        assert_gone(folder)


def assert_gone(folder):
    if (folder / "pid").exists():
        group = (folder / "pid").read_text()
        assert soon(lambda: not living(group, "pgid"))


def living(number, column):
    """The processes of that group or id; one that only waits to be reaped does not live."""
    listed = subprocess.run(
        ["ps", "-A", "-o", f"{column}=,stat="], capture_output=True, text=True, check=True
    )
    rows = (line.split() for line in listed.stdout.splitlines())
    return [row for row in rows if row[0] == str(number) and not row[1].startswith("Z")]


def soon(condition):
    """Whether it holds within ten seconds: the kernel takes its time to end a process."""
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.05)
    return False


def code(outcome, limits=LIMITS):
    cause = cause_of(outcome, limits)
    return cause.code if cause else ""


def test_a_good_run_is_read_to_its_end(tmp_path):
    body = LOADING + (
        'say(ev="facts", section="model", values={"bits": [8]})\n'
        'say(ev="facts", section="model", values={"kind": "base"})\n'
        'say(ev="facts", section="attempts", values={"seed": 0})\n'
        'say(ev="facts", section="attempts", values={"seed": 1})\n'
        'say(ev="result", ok=True, code="", message="")\n'
    )
    seen = []
    outcome = run(tmp_path, body, progress=seen.append)
    assert code(outcome) == ""
    assert outcome.facts["model"] == {"bits": [8], "kind": "base"}
    assert outcome.facts["attempts"] == [{"seed": 0}, {"seed": 1}]
    assert [each.stage for each in seen] == ["load"]


def test_signs_of_life_say_how_much_was_spoken(tmp_path):
    body = LOADING + (
        'say(ev="stage", name="synthesis")\n'
        'say(ev="alive", stage="synthesis", tokens=25, audio=2.0)\n'
        'say(ev="alive", stage="synthesis", tokens="many", audio=[])\n'
        'say(ev="result", ok=True, code="", message="")\n'
    )
    seen = []
    assert code(run(tmp_path, body, progress=seen.append)) == ""
    assert list(map(str, seen)) == [
        "probe: load",
        "probe: synthesis",
        "probe: synthesis: 25 tokens, 2.0 s of speech",
        "probe: synthesis",
    ]


def test_noise_on_stdout_is_no_protocol(tmp_path):
    body = HELLO + (
        'sys.stdout.buffer.write(b"\\xff\\x00 Fetching 3 files\\n[1]\\n{}\\n" + b"x" * 300000)\n'
        'print(); say(ev="result", ok=True, code="", message="")\n'
    )
    assert code(run(tmp_path, body)) == ""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("pass", "probe-no-result"),
        ('print("all is well")', "probe-no-result"),
        ('print("x" * 100000); sys.exit(0)', "probe-no-result"),
        ("sys.exit(3)", "probe-no-result"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "probe-crashed"),
        ("os.kill(os.getpid(), signal.SIGFPE)", "probe-crashed"),
        ("os.abort()", "probe-crashed"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "probe-killed"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "probe-killed"),
        ('say(ev="result", ok=False, code="metal-no-device", message="m")', "metal-no-device"),
        (
            'say(ev="result", ok=False, code="", exception="KeyError", message="m")',
            "probe-exception",
        ),
        (
            'say(ev="result", ok=False, code="", exception="MemoryError", message="")',
            "out-of-memory",
        ),
    ],
)
def test_every_ending_has_its_code(tmp_path, body, expected):
    outcome = run(
        tmp_path,
        LOADING + "import resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n" + body,
    )
    cause = cause_of(outcome, LIMITS)
    assert (cause.code, cause.stage) == (expected, "load")
    assert cause.message


STDERR = {
    "metal-no-device": [
        "*** Terminating app due to uncaught exception 'NSRangeException', reason: '*** -[",
        "RuntimeError: [metal::load_device] No Metal device available",
    ],
    "metal-library-mismatch": [
        "libc++abi: terminating: Failed to load the default metallib. library not found",
        "RuntimeError: [metal::Device] Unable to load kernel rbitsc",
    ],
    "gpu-watchdog": [
        "[METAL] Command buffer execution failed: Impacting Interactivity (0000000e)",
    ],
    "out-of-memory": [
        "(00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",
        "RuntimeError: [metal::malloc] Attempting to allocate 90 bytes",
        "cudaMalloc failed: out of memory",
    ],
    "gpu-error": ["RuntimeError: CUDA error: an illegal memory access was encountered"],
    "mlx-too-old-for-cuda": ["RuntimeError: [metal_kernel] No Metal back-end."],
    "mlx-no-cuda-fft": ["RuntimeError: FFT has no CUDA implementation."],
    "thread-stream": ["RuntimeError: There is no Stream(gpu, 0) in current thread."],
    "mlx-audio-too-old": ["TypeError: ModelConfig.__init__() missing 11 required arguments"],
    "portaudio-missing": ["OSError: PortAudio library not found"],
    "voice-ref-mediator-missing": ["ModuleNotFoundError: No module named 'voice_ref_mediator'"],
    "module-missing": ["ModuleNotFoundError: No module named 'miniaudio'"],
    "model-not-cached": [
        "huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot"
    ],
    "model-download-incomplete": ["huggingface_hub.errors.IncompleteSnapshotError: 3 files"],
    "model-file-truncated": ["RuntimeError: Perhaps an incomplete download or corrupt file?"],
    "model-file-damaged": ["RuntimeError: [load_safetensors] Invalid json header length"],
    "model-tensor-missing": ["ValueError: Missing 2 parameters: talker.model.norm.weight"],
    "model-shape-mismatch": ["ValueError: Expected shape (64, 16) but received shape (64, 8)"],
    "network-needed": ["requests.exceptions.ConnectionError: HTTPSConnectionPool(host='h')"],
}


def test_every_pattern_has_an_example():
    assert {each.code for each in failures.known().values() if each.pattern} == set(STDERR)


@pytest.mark.parametrize(
    ("expected", "text"), [(code, text) for code, texts in STDERR.items() for text in texts]
)
def test_a_known_failure_is_recognised_in_the_standard_error(expected, text):
    assert code(Outcome(stage="load", returncode=-signal.SIGABRT, stderr=text)) == expected
    raised = {"ok": False, "code": "", "exception": "RuntimeError", "message": text}
    assert code(Outcome(stage="load", result=raised, returncode=1)) == expected


def test_a_harmless_warning_never_decides():
    lines = [
        "The tokenizer you are loading from 'x' with an incorrect regex pattern: out of memory",
        "[transformers] You are using a model of type `qwen3_tts`: No Metal device available",
    ]
    outcome = Outcome(stage="load", returncode=-signal.SIGSEGV, stderr="\r".join(lines))
    assert code(outcome) == "probe-crashed"
    assert harmless.sort(outcome.stderr).harmless == {"tokenizer-regex": 1, "model-type": 1}


def test_what_mlx_audio_only_prints_is_suspicious():
    text = "Warning: Could not load speech tokenizer: no file\nLoaded speech tokenizer from x\n"
    found = harmless.sort(text)
    assert found.suspicious == ("Warning: Could not load speech tokenizer: no file",)
    assert (found.harmless, found.rest) == ({}, ())


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(supervisor, "GRACE", 0.3)


def test_a_hang_that_ignores_sigterm_is_killed(tmp_path, impatient):
    limits = {**LIMITS, "load": 0.3}
    body = LOADING + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)"
    outcome = run(tmp_path, body, limits)
    cause = cause_of(outcome, limits)
    assert (cause.code, cause.stage) == ("probe-timeout", "load")
    assert "0.3 s" in cause.message
    assert failures.known()[cause.code].verdict is Verdict.INCONCLUSIVE


def test_signs_of_life_do_not_extend_a_stage(tmp_path, impatient):
    body = LOADING + 'while True: say(ev="alive", stage="load"); time.sleep(0.02)'
    assert run(tmp_path, body, {**LIMITS, "load": 0.4}).timed_out == "load"


def test_all_stages_together_have_a_limit(tmp_path, impatient):
    body = HELLO + 'for i in range(10**6): say(ev="stage", name="load"); time.sleep(0.02)'
    limits = {**LIMITS, "total": 0.4}
    assert (
        cause_of(run(tmp_path, body, limits), limits).message == "the probe took longer than 0.4 s"
    )


def test_a_worker_that_does_not_end_after_its_result_is_ended(tmp_path, impatient, monkeypatch):
    monkeypatch.setattr(supervisor, "_AFTER_RESULT", 0.3)
    body = LOADING + 'say(ev="result", ok=True, code="", message="")\ntime.sleep(60)'
    assert code(run(tmp_path, body)) == ""


def test_children_of_the_worker_are_ended_too(tmp_path, impatient):
    """They hold the pipe open, and do not keep the probe waiting."""
    body = LOADING + (
        "import subprocess\n"
        'subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])\n'
        'say(ev="result", ok=True, code="", message="")\n'
    )
    assert code(run(tmp_path, body)) == ""


def test_an_interrupt_ends_the_worker(tmp_path, impatient):
    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, LOADING + "time.sleep(60)", progress=interrupt)


def test_the_worker_dies_with_its_parent(tmp_path):
    """The parent is killed for good, while the worker hangs inside mlx."""
    environment = fake_mlx(tmp_path, "import time\ntime.sleep(60)")
    program = textwrap.dedent(f"""
        import json, os, subprocess, sys
        open("request.json", "w").write(json.dumps({{"parent": os.getpid(), "require_gpu": False}}))
        worker = subprocess.Popen([sys.executable, {str(WORKER)!r}, "request.json"],
                                  start_new_session=True, stdout=subprocess.PIPE)
        for line in worker.stdout:
            if b"import-mlx" in line:
                print(worker.pid, flush=True)
                sys.stdin.read()
    """)
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    worker = int(parent.stdout.readline())
    assert living(worker, "pid")
    parent.kill()
    parent.communicate()
    try:
        assert soon(lambda: not living(worker, "pid"))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


MLX = {
    "mlx-missing": ("raise ModuleNotFoundError('No module named mlx', name='mlx')", "import-mlx"),
    "metal-no-device": (
        "raise RuntimeError('[metal::load_device] No Metal device available')",
        "import-mlx",
    ),
    "module-missing": ("import not_installed_anywhere", "import-mlx"),
    "probe-crashed": ("import os\nos.kill(os.getpid(), 11)", "import-mlx"),
    "out-of-memory": ("raise MemoryError", "import-mlx"),
    "probe-cpu-only": (
        "default_device = lambda: 'Device(cpu, 0)'\nclass metal: is_available = lambda: False",
        "import-mlx",
    ),
}


@pytest.mark.parametrize("expected", MLX)
def test_the_real_worker_and_an_mlx_that_fails(tmp_path, expected):
    body, stage = MLX[expected]
    (tmp_path / "request.json").write_text(f'{{"parent": {os.getpid()}}}')
    outcome = supervise(
        [str(PYTHON), str(WORKER), str(tmp_path / "request.json")],
        environment=worker_environment(fake_mlx(tmp_path, body)),
        folder=tmp_path,
        limits=LIMITS,
    )
    cause = cause_of(outcome, LIMITS)
    assert (cause.code, cause.stage) == (expected, stage)
    assert outcome.facts["versions"]["python"]


def test_a_module_beside_the_worker_or_in_its_folder_shadows_nothing(tmp_path):
    """The worker runs in a folder of ours; a file there is no package."""
    (tmp_path / "mlx.py").write_text("raise SystemExit('shadowed')")
    (tmp_path / "request.json").write_text(f'{{"parent": {os.getpid()}}}')
    outcome = supervise(
        [str(PYTHON), str(WORKER), str(tmp_path / "request.json")],
        environment=worker_environment(fake_mlx(tmp_path, "raise RuntimeError('the fake')")),
        folder=tmp_path,
        limits=LIMITS,
    )
    assert outcome.result["message"] == "the fake"
