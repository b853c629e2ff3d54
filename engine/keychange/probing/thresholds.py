"""Every limit of the probe in one table: value, unit and where it comes from.

A migration may override each by name, in the options of its probe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from keychange.closest_name import hint_of
from keychange.diagnostics import Location, error
from keychange.errors import UsageProblem


@dataclass(frozen=True, slots=True)
class Threshold:
    """One limit. ``meaning`` says what is compared with it; ``source`` where the value is from."""

    name: str
    value: float
    unit: str
    meaning: str
    source: str


_MEASURED: Final = "12 recordings of real speech, white noise and tones, measured in this project"

TABLE: Final = (
    Threshold(
        "kernel_error",
        0.01,
        "",
        "largest relative error of an 8-bit matrix product in fp32 against the CPU",
        "rounding is about 1e-6; a wrong kernel is off by more than 0.1",
    ),
    Threshold(
        "resident_share",
        0.9,
        "",
        "least share of the weights' bytes that is in use after loading",
        "3.17 GB in use for 3.10 GB of files, measured on an NVIDIA GPU",
    ),
    Threshold(
        "characters_per_second",
        14.5,
        "1/s",
        "speaking rate from which the expected duration of the text is computed",
        "about 14 characters a second with this model: tts-serve #32, #35",
    ),
    Threshold("shortest_share", 0.35, "", "least share of the expected duration", "mlx-audio #882"),
    Threshold(
        "longest_share",
        2.5,
        "",
        "largest multiple of the expected duration; what exceeds it never ended",
        "Qwen3-TTS #118; sglang-omni #1179",
    ),
    Threshold(
        "longest_extra",
        1.5,
        "s",
        "added to the longest duration, for a short text",
        "a single word takes up to a second, and silence around it",
    ),
    Threshold(
        "level_dbfs",
        -45.0,
        "dBFS",
        "least root mean square of the audio",
        f"speech -17 to -28: {_MEASURED}",
    ),
    Threshold("active_share", 0.2, "", "least share of frames that are not silent", _MEASURED),
    Threshold(
        "clipped_share",
        0.01,
        "",
        "largest share of samples at or above 0.999 of full scale",
        f"speech 0, overdriven 20 times 0.30: {_MEASURED}",
    ),
    Threshold(
        "flatness",
        0.25,
        "",
        "largest spectral flatness, 80 to 8000 Hz, median of the active frames",
        f"speech 0.0005 to 0.072, white noise 0.57: {_MEASURED}",
    ),
    Threshold(
        "modulation_db",
        4.0,
        "dB",
        "least distance of the 95th from the 10th percentile of the frames' level",
        f"speech 17 to 27, noise 0.5: {_MEASURED}",
    ),
    Threshold(
        "voiced_share",
        0.1,
        "",
        "least share of active frames with a pitch of 60 to 400 Hz",
        f"speech 0.39 to 0.75, noise 0: {_MEASURED}",
    ),
    Threshold(
        "self_similarity",
        0.95,
        "",
        "largest mean cosine of log spectra 160 ms apart",
        f"speech 0.29 to 0.52, a tone 0.999: {_MEASURED}",
    ),
    Threshold(
        "inner_silence",
        2.5,
        "s",
        "longest silence inside the sentence that passes without a warning",
        f"voicebox #964 takes 2 s; speech reaches 1.86 s: {_MEASURED}",
    ),
    Threshold(
        "speed",
        0.5,
        "x real time",
        "least speed on a GPU, after the first run, that passes without a warning",
        "1.7 to 2.5 on a MacBook Pro M2: tts-serve #32; a CPU makes 0.0005",
    ),
    Threshold(
        "voice_match",
        0.5,
        "",
        "least cosine of the speaker embeddings that passes without a warning",
        "not calibrated with the real weights, so it never decides",
    ),
    Threshold(
        "word_errors",
        0.6,
        "",
        "largest word error rate of a speech recogniser that is cached already",
        "Seed-TTS: 0.0124 for this model in English (QwenLM/Qwen3-TTS, README)",
    ),
    Threshold(
        "reference_dbfs", -50.0, "dBFS", "least root mean square of the reference", "as level_dbfs"
    ),
    Threshold(
        "reference_slowest",
        5.0,
        "1/s",
        "least characters of ref_text a second of ref_audio",
        "mlx-audio #921",
    ),
    Threshold(
        "reference_fastest",
        30.0,
        "1/s",
        "most characters of ref_text a second of ref_audio",
        "mlx-audio #921",
    ),
)

DEFAULTS: Final[Mapping[str, float]] = {each.name: each.value for each in TABLE}


def resolve(overrides: Mapping[str, float], location: Location | None = None) -> dict[str, float]:
    """The table with the overrides of a migration.

    Raises:
        UsageProblem: an override names no threshold; with the nearest name as its hint.
    """
    unknown = [name for name in overrides if name not in DEFAULTS]
    if unknown:
        hint = hint_of(unknown[0], DEFAULTS, "known")
        message = f"the probe has no threshold {unknown[0]!r}"
        raise UsageProblem(error("unknown-threshold", message, location, hint=hint))
    return {**DEFAULTS, **overrides}
