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
    parser.add_argument("--force", action="store_true", help="even if it was prepared before")
    options = parser.parse_args()

    project = Path(options.project_dir)
    config = json.loads((project / "voice_clone_config.json").read_text(encoding="utf-8"))
    model = model_of(config)
    stamp = project / config.get("output_dir", "media/voiceovers/qwen") / "ready.json"
    if stamp.exists() and not options.force:
        if json.loads(stamp.read_text(encoding="utf-8")).get("model_id") == model:
            print(f"Voice backend was prepared before: {stamp}")
            return 0

    print(f"→ Preparing voice backend: {backend()}")
    print(f"  Model: {model}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        voice = voice_reference(project, config)
        (spoken,) = speak([{"id": "warmup", "text": "Warming up."}], model, voice, scratch)
    seconds = time.monotonic() - started
    stamp.parent.mkdir(parents=True, exist_ok=True)
    ready = {"model_id": model, "audio_seconds": spoken["duration"], "seconds": round(seconds, 2)}
    stamp.write_text(json.dumps(ready, indent=2) + "\n", encoding="utf-8")
    print(f"✓ Voice backend prepared ({backend()}): {stamp}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
