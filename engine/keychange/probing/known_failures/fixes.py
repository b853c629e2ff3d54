"""What several failures have in common: the fix, and the command."""

from __future__ import annotations

from typing import Final

DOWNLOAD: Final = "migrate model fetch {model}"
AGAIN: Final = "Download the model again; what is there already is kept."
SNAPSHOT: Final = "Delete the model's folder in the hub cache and download the whole snapshot."
UPGRADE: Final = "Upgrade mlx-audio in the project's MLX environment to 0.6.2 or newer."
