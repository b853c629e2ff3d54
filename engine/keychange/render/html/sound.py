"""Sound: what a probe recorded, to be heard and seen: a player, the waveform, the spectrogram."""

from __future__ import annotations

import array
import base64
import io
import re
import sys
import wave
from itertools import pairwise

from keychange.evidence import LARGEST_RECORDING, Recording
from keychange.render.html.page import Child, Markup, embedded, tag
from keychange.render.masking import line

_COLUMNS, _HEIGHT = 480, 96
_PICTURE = re.compile(rb'<image [^>]*href="data:image/png;base64,([A-Za-z0-9+/=]+)"')
"""Where the probe's picture holds its spectrogram: 0 to 8 kHz, the highest row first."""


def figure(recording: Recording, hidden: frozenset[str]) -> Child:
    """A recording in a page; what is not there, or is too large, is said."""
    samples = _samples(recording.sound) if recording.sound else None
    found = _PICTURE.search(recording.picture or b"")
    seconds = samples[1] if samples else 0.0
    player: Child
    if recording.sound is not None:
        label = "What the model said, a recording"
        player = embedded(
            "audio", "audio/wav", recording.sound, controls=True, preload="auto", aria_label=label
        )
    elif recording.size > LARGEST_RECORDING:
        size, most = recording.size / 1e6, LARGEST_RECORDING / 1e6
        words = f"The recording is left out: it has {size:.1f} MB, and {most:.1f} MB is the most."
        player = tag("p", words, class_="callout")
    else:
        player = tag("p", "The recording is not here any more.", class_="callout")
    rows: list[Child] = []
    if samples:
        rows += (tag("span", class_="axis"), _waveform(samples[0], seconds))
    if found:
        rows += (_kilohertz(), _spectrogram(base64.b64decode(found[1]), seconds))
    if rows and seconds:
        ticks = [tag("span", f"{seconds * part / 4:.1f} s") for part in range(5)]
        rows += (tag("span"), tag("div", ticks, class_="time", aria_hidden="true"))
    return tag(
        "figure",
        tag("blockquote", tag("p", line(recording.text, hidden))) if recording.text else None,
        player,
        tag("div", rows, class_="sound") if rows else None,
        tag(
            "figcaption",
            "Recorded by the probe; waveform above, spectrogram below. The files are in ",
            tag("code", recording.folder),
            ".",
        ),
    )


def _samples(sound: bytes) -> tuple[array.array[int], float] | None:
    """The samples of a mono WAV of 16 bits and its length in seconds; None of another file."""
    try:
        with wave.open(io.BytesIO(sound)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2) or not file.getframerate():
                return None
            samples = array.array("h", file.readframes(file.getnframes()))
            if sys.byteorder == "big":
                samples.byteswap()
            return (samples, len(samples) / file.getframerate()) if samples else None
    except (wave.Error, EOFError, ValueError):
        return None


def _waveform(samples: array.array[int], seconds: float) -> Markup:
    """The envelope: the highest and the lowest sample of every column."""
    columns = min(_COLUMNS, len(samples))
    edges = [len(samples) * at // columns for at in range(columns + 1)]
    parts = [samples[a:b] for a, b in pairwise(edges)]
    middle, scale = _HEIGHT / 2, _HEIGHT / 2 / 32768
    upper = [f"{at} {middle - max(each) * scale:.1f}" for at, each in enumerate(parts)]
    lower = [f"{at} {middle + 0.5 - min(each) * scale:.1f}" for at, each in enumerate(parts)]
    path = tag("path", d=f"M{'L'.join([*upper, *reversed(lower)])}Z")
    peak = max(*map(max, parts), -min(map(min, parts))) / 32768
    label = f"Waveform of {seconds:.1f} seconds; the loudest sample is at {peak:.0%} of full scale"
    return tag(
        "svg",
        path,
        viewBox=f"0 0 {columns} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_="wave",
    )


def _spectrogram(picture: bytes, seconds: float) -> Markup:
    length = f" of {seconds:.1f} seconds" if seconds else ""
    words = f"Spectrogram{length}, from 0 to 8 kHz; the brighter, the louder, over 70 dB"
    return embedded("img", "image/png", picture, alt=words, class_="spectrum")


def _kilohertz() -> Markup:
    ticks = [tag("span", f"{each} kHz") for each in (8, 6, 4, 2, 0)]
    return tag("div", ticks, class_="axis", aria_hidden="true")
