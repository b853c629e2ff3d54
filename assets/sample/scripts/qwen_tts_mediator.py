"""The one place that starts the speech service, in the MLX interpreter."""

import json
import os
import subprocess
import sys
from pathlib import Path

DEFAULT_MLX_PYTHON = "/opt/qwen3-tts-local/mlx_env312/bin/python"
DEFAULT_MLX_MODEL_ID = 'mlx-community/Qwen3-TTS-12Hz-0.6B-Base-4bit'

SERVICE = Path(__file__).resolve().parent.parent / "flaming_horse_voice" / "mlx_tts_service.py"


def backend():
    """The backend that the environment asks for: qwen (torch, not in this sample) or mlx."""
    return os.environ.get("FLAMING_HORSE_TTS_BACKEND", "qwen").strip()


def speak(segments, model_id, voice, output_dir):
    """Speak segments (dicts with id and text) into a folder; the service's list of results.

    Raises:
        SystemExit: the backend is not mlx, or the service failed.
    """
    if backend() != "mlx":
        raise SystemExit(f"ERROR: FLAMING_HORSE_TTS_BACKEND is {backend()!r}; this sample has mlx only")
    audio, text = voice
    command = [
        os.environ.get("FLAMING_HORSE_MLX_PYTHON", DEFAULT_MLX_PYTHON),
        str(SERVICE),
        json.dumps(segments),
        model_id or DEFAULT_MLX_MODEL_ID,
    ]
    environment = {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        **os.environ,
        "SAMPLE_REF_AUDIO": str(audio),
        "SAMPLE_REF_TEXT": str(text),
        "SAMPLE_OUTPUT_DIR": str(output_dir),
    }
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"ERROR: the speech service ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit("imported by prepare_qwen_voice.py and precache_voiceovers_qwen.py")
