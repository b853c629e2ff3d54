"""How long the speech of a text may be, and how many tokens it may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

FRAMES_PER_SECOND: Final = 12.5  # codec frames of Qwen3-TTS 12Hz: QwenLM/Qwen3-TTS, README
_SPARE_FRAMES: Final = 8
_SHORTEST: Final = 0.3  # seconds; no word is shorter


@dataclass(frozen=True, slots=True)
class Expected:
    """Seconds of speech for a text, and the tokens at which it has run away."""

    shortest: float
    typical: float
    longest: float
    max_tokens: int


def expect(text: str, thresholds: Mapping[str, float]) -> Expected:
    """From the number of characters and the speaking rate; limits of ``thresholds``."""
    typical = len(text) / thresholds["characters_per_second"]
    shortest = max(_SHORTEST, thresholds["shortest_share"] * typical)
    longest = thresholds["longest_share"] * typical + thresholds["longest_extra"]
    tokens = ceil(FRAMES_PER_SECOND * longest) + _SPARE_FRAMES
    return Expected(shortest, typical, longest, tokens)
