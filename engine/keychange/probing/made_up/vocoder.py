"""The speech tokenizer of a made-up checkpoint: a vocoder that speaks two vowels at 100 Hz.

The decoder is a chain of upsampling stages, 1920-fold in all. Two channels carry the strength of
two vowels, a random number for every codec frame, and the stages are programmed in three parts:

    envelope   to 4 or 8 samples a frame: the vowels rise and fall with a syllable
    phases     then a channel for every phase of the pitch
    wave       the last but one stage writes the samples of the vowels, the last one interpolates

Activations and residual blocks are set to let that pass. The encoder is noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from keychange.probing.made_up.storage import Array
from keychange.verification.model.tensors import Role, Tensor

PITCH: Final = 100.0  # Hz
FRAME_RATE: Final = 12.5  # Hz
VOWELS: Final = ((700.0, 1200.0), (300.0, 2100.0))  # the first two formants of each, Hz
SYLLABLE: Final = (0.15, 0.5, 0.9, 1.0, 1.0, 0.85, 0.5, 0.2)
_SYLLABLE_PARTS: Final = 4  # at least; a stage may give more
LOUDNESS: Final = 0.2
_OUTPUT: Final = {"normal": LOUDNESS, "noise": 0.01, "silent": 0.0, "nan": np.nan, "clip": 1e3}
_LINEAR: Final = -10.0  # the logarithm of alpha at which the snake x + sin^2(alpha x) is x
_FOLDING: Final = {"alpha": 6.0, "beta": -3.0}  # of the one that folds any wave into noise

Taps = dict[tuple[int, int, int], float]  # (input channel, output channel, tap): weight


@dataclass(frozen=True, slots=True)
class Stage:
    """One transposed convolution: its weight, and by which factor it upsamples in time."""

    name: str
    factor: int


def stages(decoder: dict[str, Any]) -> list[Stage]:
    """The upsampling stages of a decoder, in their order."""
    found = [
        Stage(f"decoder.upsample.{index}.0.conv.weight", factor)
        for index, factor in enumerate(decoder["upsampling_ratios"])
    ]
    return found + [
        Stage(f"decoder.decoder.{index}.block.1.conv.weight", factor)
        for index, factor in enumerate(decoder["upsample_rates"], start=1)
    ]


def program(decoder: dict[str, Any]) -> dict[str, Taps]:
    """The weights of every stage that are not zero, by its name.

    Channel ``vowel * parts + part`` stands for one vowel in one part: of the frame until the
    envelope, and of a period of the pitch after it.
    """
    *middle, wave, last = stages(decoder)
    found: dict[str, Taps] = {}
    parts, periods, samples = 1, 1, 1
    for stage in middle:
        before, samples = samples, samples * stage.factor
        if before < _SYLLABLE_PARTS <= samples:
            found[stage.name] = _envelope(stage, parts)
            parts, periods = 1, round(PITCH / FRAME_RATE / samples)
        else:
            after = parts * stage.factor // periods
            found[stage.name] = _spread(stage, parts, after)
            parts, periods = after, 1
    found[wave.name] = _wave(wave, parts)
    tent = 1 - np.abs(np.arange(2 * last.factor) + 0.5 - last.factor) / last.factor
    found[last.name] = {(0, 0, tap): float(each) for tap, each in enumerate(tent)}
    return found


def _spread(stage: Stage, parts: int, after: int) -> Taps:
    """Every part becomes ``factor`` parts, counted round ``after`` of them."""
    return {
        (vowel * parts + part, vowel * after + (part * stage.factor + tap) % after, tap): 1.0
        for vowel in range(len(VOWELS))
        for part in range(parts)
        for tap in range(stage.factor)
    }


def _envelope(stage: Stage, parts: int) -> Taps:
    """Each vowel back in one channel, as loud as its part of the syllable."""
    count = parts * stage.factor
    return {
        (vowel * parts + part, vowel, tap): SYLLABLE[
            (part * stage.factor + tap) * len(SYLLABLE) // count
        ]
        for vowel in range(len(VOWELS))
        for part in range(parts)
        for tap in range(stage.factor)
    }


def _wave(stage: Stage, parts: int) -> Taps:
    """The samples of one period of each vowel, all into channel 0."""
    samples = [_period(formants, parts * stage.factor) for formants in VOWELS]
    return {
        (vowel * parts + part, 0, tap): float(samples[vowel][part * stage.factor + tap])
        for vowel in range(len(VOWELS))
        for part in range(parts)
        for tap in range(stage.factor)
    }


def _period(formants: tuple[float, float], samples: int) -> Array:
    """One period of a vowel: harmonics weighted by two resonances, at most 1."""
    random = np.random.default_rng(3)
    times = np.arange(samples) / samples
    wave = np.zeros(samples)
    for harmonic in range(1, min(22, samples // 2)):
        pitch = harmonic * PITCH
        first, second = (1 / (1 + ((pitch - formant) / 140) ** 2) for formant in formants)
        weight = (first + second / 2) / harmonic**0.3
        wave += weight * np.cos(2 * np.pi * (harmonic * times + random.uniform()))
    return np.asarray(wave / np.abs(wave).max(), np.float32)


def tensor_data(
    tensor: Tensor, decoder: dict[str, Any], audio: str, random: np.random.Generator
) -> Array:
    """One tensor of the speech tokenizer.

    ``audio`` says what it speaks: ``normal``, ``noise``, ``silent``, ``nan`` or ``clip``.
    """
    name, shape, role = tensor.name, tensor.shape, tensor.role
    if name.startswith("decoder."):
        programmed = _programmed(tensor, decoder, audio, random)
        if programmed is not None:
            return programmed
    if role in (Role.NORM, Role.USAGE, Role.FLAG):
        return np.ones(shape, np.float32)
    if role is Role.BIAS:
        return np.zeros(shape, np.float32)
    if role is Role.SCALE:
        return np.full(shape, 0.3, np.float32)
    values = random.standard_normal(shape, np.float32)
    if role is Role.CODEBOOK:
        return values
    inputs = shape[0] if role is Role.CONV_TRANSPOSED else np.prod(shape[1:])
    return np.asarray(values / np.sqrt(inputs), np.float32)


def _programmed(
    tensor: Tensor, decoder: dict[str, Any], audio: str, random: np.random.Generator
) -> Array | None:
    """The tensors that let the vowels pass; None for those that may be noise."""
    name, values = tensor.name, np.zeros(tensor.shape, np.float32)
    last = f"decoder.decoder.{len(decoder['upsample_rates']) + 1}"
    output = f"decoder.decoder.{len(decoder['upsample_rates']) + 2}.conv.weight"
    weights = program(decoder).get(name)
    if weights is not None:
        for place, weight in weights.items():
            values[place] = weight
    elif name == "decoder.pre_transformer.output_proj.weight":
        count, inputs = len(VOWELS), tensor.shape[1]
        values[:count] = random.standard_normal((count, inputs)) / np.sqrt(inputs)
    elif name == "decoder.decoder.0.conv.weight":
        values[:, :, -1] = np.eye(tensor.shape[0], tensor.shape[1])
    elif name == output:
        values[0, 0, -1] = _OUTPUT[audio]
    elif audio == "noise" and name.startswith(f"{last}."):
        values[:] = _FOLDING[name.rpartition(".")[2]]
    elif name.endswith(".alpha"):
        values[:] = _LINEAR
    elif not name.endswith((".beta", ".gamma", ".conv1.conv.weight", ".conv2.conv.weight")):
        return None
    return values
