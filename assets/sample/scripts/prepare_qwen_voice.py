"""Load the model and speak one word, so that a build does not fail an hour later."""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from qwen_tts_mediator import backend, speak
from voice_ref_mediator import voice_reference


def model_of(config):
    """The model of the environment, else of the project, else the default."""
    chosen = os.environ.get("FLAMING_HORSE_MLX_MODEL_ID", "").strip() or config.get("model_id", "")
    if chosen.startswith("mlx-community/"):
        return chosen
    return "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-4bit"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project-dir", required=True)
    parser.add_argument("--force", action="store_true", help="the sample always prepares anew")
    options = parser.parse_args()

    project = Path(options.project_dir)
    config = json.loads((project / "voice_clone_config.json").read_text(encoding="utf-8"))
    model = model_of(config)

    print(f"→ Preparing voice backend: {backend()}")
    print(f"  Model: {model}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        voice = voice_reference(project, config)
        (spoken,) = speak([{"id": "warmup", "text": "Warming up."}], model, voice, scratch)
    print(f"  Spoke {spoken['duration']:.2f} s in {time.monotonic() - started:.1f} s")
    print(f"✓ Voice backend prepared ({backend()})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
