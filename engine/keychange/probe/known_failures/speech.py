"""Failures of the reference voice and of what the model speaks."""

from __future__ import annotations

from typing import Final

from keychange.probe.known_failures.failure import Failure
from keychange.probe.known_failures.fixes import DOWNLOAD, SNAPSHOT, UPGRADE
from keychange.probe.verdict import Verdict

REFERENCE: Final = (
    Failure(
        code="reference-missing",
        title="The reference recording or its transcript is missing",
        cause="ref_audio or ref_text name a file that is not there.",
        fix="Put the reference voice in place, or correct ref_audio and ref_text.",
        verdict=Verdict.INCONCLUSIVE,
        source="guide, section 1",
    ),
    Failure(
        code="reference-unreadable",
        title="The reference recording cannot be read",
        cause="It is no audio file that mlx-audio can decode, or it is empty.",
        fix="Convert it to a mono WAV of 24 kHz, 3 to 15 seconds long.",
        verdict=Verdict.INCONCLUSIVE,
    ),
    Failure(
        code="reference-silent",
        title="The reference recording is silent",
        cause="There is no voice in it to clone.",
        fix="Record the reference again.",
        verdict=Verdict.INCONCLUSIVE,
    ),
    Failure(
        code="reference-text-mismatch",
        title="The transcript does not fit the length of the reference recording",
        cause="The transcript covers more or less than the recording; the model then runs on or "
        "stops early.",
        fix="Write down every word of the recording in ref_text.",
        source="mlx-audio #921",
    ),
)

SPEECH: Final = (
    Failure(
        code="probe-runaway",
        title="The speech never ended",
        cause="Every attempt produced as many tokens as it may: the transcript does not fit the "
        "reference, or the model or mlx-audio is broken. One attempt in 200 does so by chance.",
        fix="Check that ref_text is the exact transcript of ref_audio, and run it again.",
        source="Qwen3-TTS #118; mlx-audio #921",
    ),
    Failure(
        code="probe-empty",
        title="The model produced no audio",
        cause="It ended at once, in every attempt.",
        fix=UPGRADE,
        source="tts-serve #35",
    ),
    Failure(
        code="probe-wrong-rate",
        title="The audio has another sample rate than the model",
        cause="mlx-audio and the model do not match.",
        fix=UPGRADE,
        source="qwen3-tts-rs #2",
    ),
    Failure(
        code="probe-not-finite",
        title="The audio holds values that are not numbers",
        cause="Weights are damaged, or the GPU computes wrongly.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
    ),
    Failure(
        code="probe-silent",
        title="The audio is silent",
        cause="The vocoder has no or wrong weights, or mlx-audio does not match the model.",
        fix=UPGRADE,
        source="mlx-audio #405, #395",
    ),
    Failure(
        code="probe-too-short",
        title="The audio is too short for its text",
        cause="The speech stopped early; mlx-audio up to 0.5.0 does so with this model.",
        fix=UPGRADE,
        source="mlx-audio #882",
    ),
    Failure(
        code="probe-clipped",
        title="The audio is clipped",
        cause="The vocoder overdrives: wrong weights, or mlx-audio does not match the model.",
        fix=UPGRADE,
    ),
    Failure(
        code="probe-noise",
        title="The audio is noise",
        cause="The spectrum is flat and nothing in it is voiced: the weights are wrong.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
    ),
    Failure(
        code="probe-unmodulated",
        title="The audio has no rhythm of speech",
        cause="Its level hardly changes, as in noise or a drone.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
    ),
    Failure(
        code="probe-unvoiced",
        title="Nothing in the audio is voiced",
        cause="No frame has a pitch between 60 and 400 Hz, as every spoken sentence has.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
    ),
    Failure(
        code="probe-tone",
        title="The audio is one constant sound",
        cause="The model repeats one token, often because the transcript does not fit.",
        fix="Check that ref_text is the exact transcript of ref_audio, and run it again.",
        source="mlx-audio #921",
    ),
    Failure(
        code="probe-gap",
        title="There is a long silence inside the sentence",
        cause="The model paused far longer than a speaker does.",
        fix="Listen to the recording that the report names.",
    ),
    Failure(
        code="probe-slow",
        title="Speech is made slower than it is spoken",
        cause="The machine is busy, or the model runs in part on the CPU.",
        fix="Close other programs that use the GPU, and run it again.",
    ),
    Failure(
        code="probe-other-voice",
        title="The voice is not that of the reference",
        cause="The speaker embedding of the audio is far from the reference's.",
        fix="Listen to the recording; check that ref_text is the exact transcript.",
    ),
    Failure(
        code="probe-not-repeatable",
        title="The same seed made other audio",
        cause="The back end does not compute in a fixed order.",
        fix="Nothing to do; it is reported for comparison.",
    ),
    Failure(
        code="probe-wrong-words",
        title="Speech recognition hears other words",
        cause="The audio does not say the text.",
        fix="Listen to the recording; check that ref_text is the exact transcript.",
    ),
)
