"""Look up narration that was spoken before, by the index in a project's voiceover folder."""

import json
from pathlib import Path


class CachedNarration:
    """The audio files of one project by narration key."""

    MODEL_ID = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-4bit"
    INDEX = "media/voiceovers/qwen/cache.json"

    def __init__(self, project):
        self.index = Path(project) / self.INDEX
        self.entries = json.loads(self.index.read_text(encoding="utf-8"))

    def audio_of(self, key):
        """Path of the audio of a narration key, or None. Whichever model spoke it is not asked."""
        for entry in self.entries:
            if entry.get("narration_key") == key:
                return self.index.parent / entry["audio_file"]
        return None
