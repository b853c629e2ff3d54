"""Does the audio say the text? With a speech recogniser, where one is cached already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from keychange.verification.model import hub

# Recognisers that mlx-audio loads by id and that transcribe a WAV; the smallest first.
_FAMILIES: Final = ("whisper-tiny", "whisper-base", "whisper-small", "parakeet", "whisper")


def cached_recogniser(environment: Mapping[str, str]) -> str:
    """The id of a recogniser in the hub cache; empty where there is none. Nothing is downloaded."""
    folders = sorted(hub.hub_cache(environment).glob("models--*"))
    for family in _FAMILIES:
        for folder in folders:
            model = folder.name.removeprefix("models--").replace("--", "/", 1)
            if family in model.lower() and hub.snapshot_folder(folder) is not None:
                return model
    return ""


def word_error_rate(expected: str, heard: str) -> float:
    """Edits (insert, remove, replace a word) per expected word; case and punctuation do not count.

    Source: the usual definition, Levenshtein 1966 over words.
    """
    wanted, found = _words(expected), _words(heard)
    row = list(range(len(found) + 1))
    for index, word in enumerate(wanted, start=1):
        previous, row[0] = row[0], index
        for place, other in enumerate(found, start=1):
            cost = min(row[place] + 1, row[place - 1] + 1, previous + (word != other))
            previous, row[place] = row[place], cost
    return row[-1] / max(1, len(wanted))


def _words(text: str) -> list[str]:
    kept = (each if each.isalnum() else " " for each in text.lower() if each not in "'\u2019")
    return "".join(kept).split()
