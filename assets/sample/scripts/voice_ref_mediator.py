"""Where the reference voice of a project is: FLAMING_HORSE_VOICE_REF_DIR, else its config."""

import os
from pathlib import Path


def voice_reference(project, config):
    """Paths of the recording and of its transcript.

    Raises:
        SystemExit: one of them is not there.
    """
    folder = os.environ.get("FLAMING_HORSE_VOICE_REF_DIR", "").strip()
    if folder:
        audio, text = Path(folder) / "ref.wav", Path(folder) / "ref.txt"
    else:
        audio, text = Path(project) / config["ref_audio"], Path(project) / config["ref_text"]
    for path in (audio, text):
        if not path.is_file():
            raise SystemExit(f"ERROR: no voice reference at {path}")
    return audio.resolve(), text.resolve()
