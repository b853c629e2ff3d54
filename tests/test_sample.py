"""The sample workspace: what it must show, and that its own scripts run."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from dotenv import dotenv_values
from jsonschema import Draft202012Validator

from keychange.resources import bundled_schema, data_dir

SAMPLE = data_dir("sample")
OLD = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-4bit"
NEW = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"
SECRETS = ("XAI_API_KEY", "ELEVENLABS_API_KEY", "HF_TOKEN")
SOURCES = {
    "scripts/qwen_tts_mediator.py": ast.Assign,
    "flaming_horse_voice/mlx_cached.py": ast.ClassDef,
    "scripts/prepare_qwen_voice.py": ast.Return,
    "flaming_horse_voice/mlx_tts_service.py": ast.IfExp,
}
FAKE_SERVICE = """\
#!{python}
import json, os, sys, wave
spoken = []
for segment in json.loads(sys.argv[2]):
    path = os.path.join(os.environ["SAMPLE_OUTPUT_DIR"], segment["id"] + ".wav")
    with wave.open(path, "wb") as target:
        target.setparams((1, 2, 24000, 0, "NONE", ""))
        target.writeframes(bytes(48000))
    spoken.append({{"id": segment["id"], "path": path, "duration": 1.0}})
print("noise of a library", json.dumps(sys.argv[3]))
print(json.dumps(spoken))
"""


@pytest.fixture
def workspace(tmp_path):
    """A copy of the sample with an interpreter that stands in for MLX."""
    root = tmp_path / "sample"
    shutil.copytree(SAMPLE, root)
    service = tmp_path / "mlx_python"
    service.write_text(FAKE_SERVICE.format(python=sys.executable))
    service.chmod(0o755)
    return root


def run(root, *arguments, **environment):
    """Run a script of the sample as a shell that sourced the migrated .env would."""
    given = {
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "FLAMING_HORSE_TTS_BACKEND": "mlx",
        "FLAMING_HORSE_MLX_PYTHON": str(root.parent / "mlx_python"),
        "FLAMING_HORSE_MLX_MODEL_ID": NEW,
        "FLAMING_HORSE_VOICE_REF_DIR": str(root / "assets" / "voice_ref_2"),
        **environment,
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )


def configs():
    return sorted(SAMPLE.glob("generated/*/voice_clone_config.json"))


def caches():
    return sorted(SAMPLE.glob("generated/*/media/voiceovers/qwen/cache.json"))


def test_every_file_of_the_sample_is_tracked_and_none_is_ignored():
    tracked = subprocess.run(
        ["git", "-C", SAMPLE, "ls-files", "--cached", "."],
        capture_output=True,
        text=True,
        check=False,
    )
    if tracked.returncode:
        assert (SAMPLE / ".env").is_file()  # an installed copy, not a checkout
        return
    names = {str(path.relative_to(SAMPLE)) for path in SAMPLE.rglob("*") if path.is_file()}
    assert set(tracked.stdout.splitlines()) == names


def test_the_secrets_are_visibly_fake():
    values = dotenv_values(SAMPLE / ".env", interpolate=False)
    assert all("fake" in values[key] for key in SECRETS)
    secret_looking = {key for key in values if re.search("(KEY|TOKEN|SECRET|PASSWORD)$", key)}
    assert secret_looking == set(SECRETS)


def test_bash_and_python_read_the_env_file_alike():
    script = f"set -a; . '{SAMPLE}/.env'; exec env -0"
    bash = subprocess.run(["bash", "-c", script], env={}, capture_output=True, check=True).stdout
    seen = dict(entry.split("=", 1) for entry in bash.decode().split("\0") if "=" in entry)
    for key, value in dotenv_values(SAMPLE / ".env", interpolate=False).items():
        assert seen[key] == value


def test_the_env_file_has_what_a_migration_must_not_break():
    text = (SAMPLE / ".env").read_text()
    assert re.search(r"^export FLAMING_HORSE_TTS_BACKEND=qwen$", text, re.MULTILINE)
    assert re.search(rf"^FLAMING_HORSE_MLX_MODEL_ID={OLD}  #", text, re.MULTILINE)
    assert "FLAMING_HORSE_MLX_PYTHON" not in text
    assert re.search("^# export FLAMING_HORSE_VOICE_REF_DIR", text, re.MULTILINE)


@pytest.mark.parametrize(("path", "shape"), SOURCES.items())
def test_the_four_shapes_of_default(path, shape):
    tree = ast.parse((SAMPLE / path).read_text(encoding="utf-8"))
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, shape)
        and any(isinstance(each, ast.Constant) and each.value == OLD for each in ast.walk(node))
    ]
    constants = [
        node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == OLD
    ]
    assert len(found) == len(constants) == 1


def test_the_configs_differ_in_layout_and_satisfy_the_first_schema():
    layouts = Counter()
    before = Draft202012Validator(bundled_schema("voice_clone_config.v1"))
    after = Draft202012Validator(bundled_schema("voice_clone_config.v2"))
    for path in configs():
        data = path.read_bytes()
        layouts[re.search(rb'\n([ \t]+)"', data)[1], b"\r\n" in data, data.endswith(b"\n")] += 1
        document = json.loads(data)
        assert before.is_valid(document)
        moved = {**document, "model_id": NEW}
        assert after.is_valid(moved)
    assert set(layouts) == {(b"  ", False, True), (b"    ", True, True), (b"\t", False, False)}


def test_the_caches_hold_entries_of_old_models_of_the_new_one_and_of_none():
    models = Counter(
        entry.get("model_id") for path in caches() for entry in json.loads(path.read_bytes())
    )
    assert set(models) == {OLD, "Qwen/Qwen3-TTS-12Hz-1.7B-Base", NEW, None}


def test_a_shell_script_is_left_behind():
    script = SAMPLE / "scripts" / "new_project.sh"
    assert OLD in script.read_text()
    assert os.access(script, os.X_OK)


def test_the_reference_voice_is_speech_of_the_right_format_and_length():
    with wave.open(str(SAMPLE / "assets" / "voice_ref_2" / "ref.wav")) as source:
        assert (source.getnchannels(), source.getsampwidth(), source.getframerate()) == (
            1,
            2,
            24000,
        )
        samples = np.frombuffer(source.readframes(source.getnframes()), "<i2") / 32768
    seconds = len(samples) / 24000
    words = (SAMPLE / "assets" / "voice_ref_2" / "ref.txt").read_text().strip()
    assert 4 <= seconds <= 7
    assert 5 <= len(words) / seconds <= 30  # characters a second, as the probe warns
    assert -23 <= 20 * np.log10(np.sqrt(np.mean(samples**2))) <= -17
    assert np.abs(samples).max() < 0.999
    edge = 2400  # a tenth of a second of silence at most
    assert min(np.abs(samples[:edge]).max(), np.abs(samples[-edge:]).max()) > 0.01


def test_prepare_runs_and_gives_the_signals_of_the_guide(workspace):
    project = "generated/standing-waves"
    done = run(workspace, "scripts/prepare_qwen_voice.py", "--project-dir", project, "--force")
    assert done.returncode == 0, done.stderr
    for signal in ("Preparing voice backend: mlx", f"Model: {NEW}", "Voice backend prepared (mlx)"):
        assert signal in done.stdout
    assert not list((workspace / project).rglob("ready.json"))  # the demo compares every byte


def test_precache_serves_what_is_cached_and_speaks_what_is_not(workspace):
    index = workspace / "generated/standing-waves/media/voiceovers/qwen/cache.json"
    before = index.read_bytes()
    arguments = ("scripts/precache_voiceovers_qwen.py", "generated/standing-waves")
    done = run(workspace, *arguments)
    assert (done.returncode, index.read_bytes()) == (0, before)
    assert "Cache hit: scene_01_intro" in done.stdout
    index.write_text("[]")
    done = run(workspace, *arguments)
    assert "Generated scene_01_intro" in done.stdout
    assert [entry["model_id"] for entry in json.loads(index.read_bytes())] == [NEW]


def test_a_stale_entry_is_served_unless_it_is_removed(workspace):
    folder = workspace / "generated/fourier-epicycles"
    (folder / "narration_script.py").write_text(
        'SCRIPT = {"scene_01_intro": "Every closed drawing is a sum of circles."}'
    )
    (folder / "media/voiceovers/qwen/scene_01_intro.wav").touch()
    done = run(workspace, "scripts/precache_voiceovers_qwen.py", "generated/fourier-epicycles")
    assert "Cache hit: scene_01_intro" in done.stdout


def test_without_the_upgrade_the_scripts_refuse(workspace):
    arguments = ("scripts/prepare_qwen_voice.py", "--project-dir", "generated/standing-waves")
    done = run(workspace, *arguments, FLAMING_HORSE_TTS_BACKEND="qwen")
    assert done.returncode == 1
    done = run(workspace, *arguments, FLAMING_HORSE_VOICE_REF_DIR=str(workspace / "nowhere"))
    assert "no voice reference" in done.stderr


def test_the_licences_name_every_recording():
    checkout = Path(SAMPLE).parent / "LICENSES.md"
    if checkout.is_file():
        text = checkout.read_text()
        for path in SAMPLE.rglob("*.wav"):
            assert f"sample/{path.relative_to(SAMPLE).as_posix()}" in text
