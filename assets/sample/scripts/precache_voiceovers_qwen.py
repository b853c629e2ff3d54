"""Speak what the narration script of a project says and its index of audio lacks."""

import json
import runpy
import sys
from pathlib import Path

from prepare_qwen_voice import model_of
from qwen_tts_mediator import speak
from voice_ref_mediator import voice_reference


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: precache_voiceovers_qwen.py PROJECT_DIR")
    project = Path(sys.argv[1])
    config = json.loads((project / "voice_clone_config.json").read_text(encoding="utf-8"))
    script = runpy.run_path(str(project / "narration_script.py"))["SCRIPT"]
    folder = project / config.get("output_dir", "media/voiceovers/qwen")
    index = folder / "cache.json"
    entries = json.loads(index.read_text(encoding="utf-8")) if index.exists() else []
    cached = {entry["narration_key"]: entry for entry in entries}

    missing = []
    for key, text in script.items():
        entry = cached.get(key)
        if entry and entry["text"] == text and (folder / entry["audio_file"]).exists():
            print(f"✓ Cache hit: {key}")
        else:
            missing.append({"id": key, "text": text})

    if missing:
        model = model_of(config)
        for spoken in speak(missing, model, voice_reference(project, config), folder):
            key = spoken["id"]
            cached[key] = {
                "narration_key": key,
                "text": script[key],
                "audio_file": Path(spoken["path"]).name,
                "model_id": model,
                "duration_seconds": round(spoken["duration"], 3),
            }
            print(f"✓ Generated {key} ({spoken['duration']:.2f} s)")
        index.write_text(json.dumps(list(cached.values()), indent=2) + "\n", encoding="utf-8")
    print(f"✓ Updated cache index: {index}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
