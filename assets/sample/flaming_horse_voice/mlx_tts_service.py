"""Speak texts with MLX: ``mlx_tts_service.py '[{"id": ..., "text": ...}]' [MODEL_ID]``.

Runs in the MLX interpreter. The last line of its output is a JSON list with ``id``, ``path`` and
``duration`` (seconds) of every text.
"""

import json
import os
import sys
import wave
from pathlib import Path

import numpy as np
from mlx_audio.tts.utils import load_model
from mlx_audio.utils import load_audio

MODEL_ID = os.environ.get(
    "SAMPLE_MODEL_ID",
    sys.argv[2] if len(sys.argv) > 2 else "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-4bit",
)
OUTPUT_DIR = Path(os.environ.get("SAMPLE_OUTPUT_DIR", "media"))


def speak(model, text, ref_audio, ref_text):
    """Samples of one text in the voice of the reference, as floats at the model's rate."""
    pieces = model.generate(
        text=text,
        ref_audio=ref_audio,
        ref_text=ref_text,
        lang_code="english",
        max_tokens=40 + len(text) * 3,
    )
    return np.concatenate([np.array(piece.audio, dtype=np.float32) for piece in pieces])


def write_wav(path, samples, rate):
    """Write mono 16-bit PCM."""
    with wave.open(str(path), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(rate)
        target.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def main():
    segments = json.loads(sys.argv[1])
    voice = Path(os.environ["SAMPLE_REF_AUDIO"])
    words = Path(os.environ["SAMPLE_REF_TEXT"]).read_text(encoding="utf-8").strip()
    OUTPUT_DIR.mkdir(parents=True, exist_ok=True)
    model = load_model(MODEL_ID)
    rate = int(model.sample_rate)
    reference = load_audio(str(voice), sample_rate=rate)
    spoken = []
    for segment in segments:
        samples = speak(model, segment["text"], reference, words)
        path = OUTPUT_DIR / f"{segment['id']}.wav"
        write_wav(path, samples, rate)
        spoken.append({"id": segment["id"], "path": str(path), "duration": len(samples) / rate})
    print(json.dumps(spoken))


if __name__ == "__main__":
    main()
