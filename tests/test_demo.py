"""The main job for real: MLX synthesises speech, and the verdict decides about the files."""

import json
import shlex
import shutil
import sys

import mlx.core as mx
import pytest

from keychange.probing.checkpoint import make_checkpoint
from keychange.resources import data_dir
from support.workspace import changed, files, migrate

MODEL = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "flaming-horse"
    shutil.copytree(data_dir("sample"), root)
    interpreter = root / "models/qwen3-tts-local/mlx_env312/bin/python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    interpreter.chmod(0o755)
    return root


def up(root, *options):
    environment = {"HF_HOME": str(root.parent / "hf"), "MLX_DISABLE_COMPILE": "1"}
    words = ["up", "--yes", "--format", "json", *options]
    done = migrate(root, *words, migrations=data_dir("migrations"), environment=environment)
    return done.returncode, json.loads(done.stdout)


def test_a_silent_model_is_rolled_back_byte_for_byte(root):
    make_checkpoint(root.parent / "hf/hub", MODEL, audio="silent")
    before = files(root)
    code, said = up(root, "--allow-cpu")
    assert (code, said["ending"], said["undone"]) == (3, "rolled-back", "0001_qwen3_tts_1_7b_8bit")
    assert [each["code"] for each in said["diagnostics"] if each["severity"] == "error"] == [
        "probe-silent"
    ]
    assert changed(before, files(root)) == set()


def test_a_cpu_where_a_gpu_is_required_is_refused_before_anything_is_written(root):
    make_checkpoint(root.parent / "hf/hub", MODEL)
    before = files(root)
    code, said = up(root)
    if mx.default_device() == mx.Device(mx.gpu):  # on such a machine the requirement is met
        assert (code, said["ending"]) == (0, "applied")
    else:
        assert (code, said["ending"]) == (1, "refused")
        assert changed(before, files(root)) == set()


def test_a_missing_model_is_refused_before_anything_is_written(root):
    before = files(root)
    code, said = up(root, "--allow-cpu")
    assert (code, said["ending"]) == (1, "refused")
    assert changed(before, files(root)) == set()
