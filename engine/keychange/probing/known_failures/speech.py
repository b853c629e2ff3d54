"""Failures of the reference voice and of what the model speaks."""

from __future__ import annotations

from typing import Final

from keychange.probing.known_failures.failure import Failure
from keychange.probing.known_failures.fixes import DOWNLOAD, SNAPSHOT, UPGRADE
from keychange.probing.verdict import Verdict

REFERENCE: Final = (
    Failure(
        code="reference-missing",
        title="The reference recording or its transcript is missing",
        cause="ref_audio or ref_text name a file that is not there.",
        fix="Put the reference voice in place, or correct ref_audio and ref_text.",
        verdict=Verdict.INCONCLUSIVE,
        source="guide, section 1",
        example="error[reference-missing]: [Errno 2] No such file or directory: "
        "'assets/voice_ref_2/ref.wav'",
    ),
    Failure(
        code="reference-unreadable",
        title="The reference recording cannot be read",
        cause="It is no audio file that mlx-audio can decode, or it is empty.",
        fix="Convert it to a mono WAV of 24 kHz, 3 to 15 seconds long.",
        verdict=Verdict.INCONCLUSIVE,
        example="error[reference-unreadable]: assets/voice_ref_2/ref.wav is shorter than 0.1 s",
    ),
    Failure(
        code="reference-silent",
        title="The reference recording is silent",
        cause="There is no voice in it to clone.",
        fix="Record the reference again.",
        verdict=Verdict.INCONCLUSIVE,
        example="error[reference-silent]: The reference recording is silent: -92 dBFS, expected "
        ">= -45",
    ),
    Failure(
        code="reference-text-mismatch",
        title="The transcript does not fit the length of the reference recording",
        cause="The transcript covers more or less than the recording; the model then runs on or "
        "stops early.",
        fix="Write down every word of the recording in ref_text.",
        source="mlx-audio #921",
        example="reference-text: warn, 48 characters/s",
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
        example="error[probe-runaway]: The speech never ended: 141 tokens, expected < 141",
    ),
    Failure(
        code="probe-empty",
        title="The model produced no audio",
        cause="It ended at once, in every attempt.",
        fix=UPGRADE,
        source="tts-serve #35",
        example="error[probe-empty]: the model ended at once, without audio",
    ),
    Failure(
        code="probe-wrong-rate",
        title="The audio has another sample rate than the model",
        cause="mlx-audio and the model do not match.",
        fix=UPGRADE,
        source="qwen3-tts-rs #2",
        example="error[probe-wrong-rate]: The audio has another sample rate than the model: "
        "16000 Hz, expected = 24000",
    ),
    Failure(
        code="probe-not-finite",
        title="The audio holds values that are not numbers",
        cause="Weights are damaged, or the GPU computes wrongly.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        example="error[probe-not-finite]: The audio holds values that are not numbers: False, "
        "expected true",
    ),
    Failure(
        code="probe-silent",
        title="The audio is silent",
        cause="The vocoder has no or wrong weights, or mlx-audio does not match the model.",
        fix=UPGRADE,
        source="mlx-audio #405, #395",
        example="error[probe-silent]: The audio is silent: -68.2 dBFS, expected >= -45",
    ),
    Failure(
        code="probe-too-short",
        title="The audio is too short for its text",
        cause="The speech stopped early; mlx-audio up to 0.5.0 does so with this model.",
        fix=UPGRADE,
        source="mlx-audio #882",
        example="error[probe-too-short]: The audio is too short for its text: 0.4 s, expected "
        "1.38 to 11.4",
    ),
    Failure(
        code="probe-clipped",
        title="The audio is clipped",
        cause="The vocoder overdrives: wrong weights, or mlx-audio does not match the model.",
        fix=UPGRADE,
        example="error[probe-clipped]: The audio is clipped: 0.3, expected <= 0.01",
    ),
    Failure(
        code="probe-noise",
        title="The audio is noise",
        cause="The spectrum is flat and nothing in it is voiced: the weights are wrong.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        example="error[probe-noise]: The audio is noise: 0.57, expected <= 0.25",
    ),
    Failure(
        code="probe-unmodulated",
        title="The audio has no rhythm of speech",
        cause="Its level hardly changes, as in noise or a drone.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        example="error[probe-unmodulated]: The audio has no rhythm of speech: 0.5 dB, expected "
        ">= 4",
    ),
    Failure(
        code="probe-unvoiced",
        title="Nothing in the audio is voiced",
        cause="No frame has a pitch between 60 and 400 Hz, as every spoken sentence has.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        example="error[probe-unvoiced]: Nothing in the audio is voiced: 0.0, expected >= 0.1",
    ),
    Failure(
        code="probe-tone",
        title="The audio is one constant sound",
        cause="The model repeats one token, often because the transcript does not fit.",
        fix="Check that ref_text is the exact transcript of ref_audio, and run it again.",
        source="mlx-audio #921",
        example="error[probe-tone]: The audio is one constant sound: 0.999, expected <= 0.95",
    ),
    Failure(
        code="probe-gap",
        title="There is a long silence inside the sentence",
        cause="The model paused far longer than a speaker does.",
        fix="Listen to the recording that the report names.",
        example="inner-silence: warn, 3.1 s",
    ),
    Failure(
        code="probe-slow",
        title="Speech is made slower than it is spoken",
        cause="The machine is busy, or the model runs in part on the CPU.",
        fix="Close other programs that use the GPU, and run it again.",
        example="speed: warn, 0.4 x real time",
    ),
    Failure(
        code="probe-other-voice",
        title="The voice is not that of the reference",
        cause="The speaker embedding of the audio is far from the reference's.",
        fix="Listen to the recording; check that ref_text is the exact transcript.",
        example="voice-match: warn, 0.21",
    ),
    Failure(
        code="probe-not-repeatable",
        title="The same seed made other audio",
        cause="The back end does not compute in a fixed order.",
        fix="Nothing to do; it is reported for comparison.",
        example="same-seed: warn, False",
    ),
    Failure(
        code="probe-wrong-words",
        title="Speech recognition hears other words",
        cause="The audio does not say the text.",
        fix="Listen to the recording; check that ref_text is the exact transcript.",
        example="error[probe-wrong-words]: Speech recognition hears other words: 0.8, expected "
        "<= 0.6",
    ),
)
