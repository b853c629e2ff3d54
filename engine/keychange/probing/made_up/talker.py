"""The talker of a made-up checkpoint: noise around a counter that ends the speech in time.

Three dimensions of the residual stream are reserved, whatever the size:

    0  a constant; it dominates the norm, so that every position is scaled alike
    1  +1 unit for a character of text, -1 unit for a frame of speech, the reference included
    2  the mean of dimension 1 over all positions: layer 0 attends uniformly and writes it

The logit of the end token is -60 times dimension 2: it passes all others as soon as there is as
much speech as text, at 15 characters a second, like a healthy model's. All other weights are
random, and neither read nor write these dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from keychange.probing.made_up.storage import (
    Array,
    Stored,
    bfloat16,
    quantised,
    random_quantised,
)
from keychange.probing.made_up.tokenizer import template_tokens
from keychange.verification.model.tensors import Role, Tensor

RESERVED: Final = 3
CONSTANT, BALANCE, MEAN = range(RESERVED)
CHARACTERS_PER_SECOND: Final = 15.0
FRAME: Final = 0.25  # what a frame takes from the balance; times the gain of the projection
CHARACTER: Final = FRAME * 12.5 / CHARACTERS_PER_SECOND
GAIN: Final = 8.0  # of the text projection's first layer: silu(8) is 7.997
CANCEL: Final = GAIN * FRAME  # what undoes one frame
_END_LOGIT: Final = {
    "normal": (MEAN, -60.0),
    "never": (CONSTANT, -40.0),
    "instant": (CONSTANT, 40.0),
}
_BLOCK: Final = 8192  # rows of the text embedding that are made at once

# Of every decoder layer: what would read the reserved dimensions, and what would write them.
_READERS: Final = (
    "q_proj.weight",
    "k_proj.weight",
    "v_proj.weight",
    "gate_proj.weight",
    "up_proj.weight",
)
_WRITERS: Final = ("o_proj.weight", "down_proj.weight")


def tensor_data(
    tensor: Tensor, config: dict[str, Any], eos: str, random: np.random.Generator
) -> Iterator[Stored]:
    """The stored parts of one tensor of the main file, in blocks of rows.

    ``eos`` says how the speech ends: ``normal``, ``never`` or ``instant``.
    """
    name = tensor.name
    if name == "talker.model.text_embedding.weight":
        yield from _text_embedding(tensor, config, random)
    elif tensor.role is Role.LINEAR:
        yield from _linear(tensor, config, eos, random)
    else:
        yield bfloat16(_plain(tensor, config, random))


def _linear(
    tensor: Tensor, config: dict[str, Any], eos: str, random: np.random.Generator
) -> Iterator[Stored]:
    special = _special_matrix(tensor, config, eos, random)
    rows, columns = tensor.shape
    if special is not None:
        yield from quantised(special)
    elif not tensor.name.startswith("talker.model.layers."):
        yield from random_quantised((rows, columns), random)
    elif tensor.name.endswith(_READERS):
        yield from random_quantised((rows, columns), random, columns=RESERVED)
    else:
        yield from random_quantised((rows, columns), random, rows=RESERVED)


def _special_matrix(
    tensor: Tensor, config: dict[str, Any], eos: str, random: np.random.Generator
) -> Array | None:
    """The matrices that count; None for all others."""
    name, shape = tensor.name, tensor.shape
    attention = "talker.model.layers.0.self_attn"
    if name == f"{attention}.q_proj.weight":
        return np.zeros(shape, np.float32)  # equal scores: the mean over all positions
    if name == f"{attention}.v_proj.weight":
        matrix = _noise(shape, 4.0, random)
        matrix[0] = 0
        matrix[0, BALANCE] = 1
        return matrix
    if name == f"{attention}.o_proj.weight":
        return _mean_writer(shape, config, random)
    if name == "talker.text_projection.linear_fc1.weight":
        matrix = _noise(shape, 2.4, random)
        matrix[:RESERVED] = np.eye(RESERVED, shape[1]) * GAIN
        return matrix
    if name == "talker.text_projection.linear_fc2.weight":
        matrix = _noise(shape, 0.8, random)
        matrix[:RESERVED] = 0
        matrix[CONSTANT, :RESERVED] = np.sqrt(shape[0]) / GAIN
        matrix[BALANCE, 0], matrix[BALANCE, 1] = CHARACTER, -FRAME
        return matrix
    if name == "talker.codec_head.weight":
        matrix = _noise(shape, 4.0, random)
        dimension, gain = _END_LOGIT[eos]
        end = config["talker_config"]["codec_eos_token_id"]
        matrix[end] = 0
        matrix[end, dimension] = gain
        return matrix
    return None


def _mean_writer(
    shape: tuple[int, ...], config: dict[str, Any], random: np.random.Generator
) -> Array:
    """Layer 0's output: the first query head carries the mean; others of its group are mute."""
    talker = config["talker_config"]
    head, group = talker["head_dim"], talker["num_attention_heads"] // talker["num_key_value_heads"]
    matrix = _noise(shape, 1.0, random, columns=0)
    matrix[:RESERVED] = 0
    matrix[:, [head * index for index in range(group)]] = 0
    matrix[MEAN, 0] = 40
    return matrix


def _noise(
    shape: tuple[int, ...], gain: float, random: np.random.Generator, *, columns: int = RESERVED
) -> Array:
    """Normal numbers, their deviation gain over the root of the width; first columns zero."""
    matrix = random.standard_normal(shape, np.float32) * np.float32(gain / np.sqrt(shape[-1]))
    matrix[:, :columns] = 0
    return matrix


def _text_embedding(
    tensor: Tensor, config: dict[str, Any], random: np.random.Generator
) -> Iterator[Stored]:
    """Rows whose first three say: a character, a pad (a frame follows it), part of the frame."""
    template, pad = template_tokens(config), config["tts_pad_token_id"]
    rows, columns = tensor.shape
    for start in range(0, rows, _BLOCK):
        count = min(_BLOCK, rows - start)
        block = random.standard_normal((count, columns), np.float32) * np.float32(0.2)
        block[:, :RESERVED] = 0
        for row in range(count):
            token = start + row
            block[row, 2 if token in template else 1 if token == pad else 0] = 1
        yield bfloat16(block)


def _plain(tensor: Tensor, config: dict[str, Any], random: np.random.Generator) -> Array:
    """Everything that is not quantised, but the text embedding."""
    name, shape = tensor.name, tensor.shape
    if tensor.role is Role.NORM:
        return np.ones(shape, np.float32)
    if tensor.role is Role.BIAS:
        zeros = np.zeros(shape, np.float32)
        if name == "speaker_encoder.fc.bias":
            zeros[BALANCE] = CANCEL
        return zeros
    if tensor.role is Role.EMBEDDING:
        matrix = random.standard_normal(shape, np.float32) * np.float32(0.08)
        matrix[:, :RESERVED] = 0
        if name == "talker.model.codec_embedding.weight":
            matrix[_uncounted(config["talker_config"]), BALANCE] = CANCEL
        return matrix
    scale = 1 / np.sqrt(np.prod(shape[1:]) / 2)
    matrix = random.standard_normal(shape, np.float32) * np.float32(scale)
    if name == "speaker_encoder.fc.weight":
        matrix *= np.float32(0.05)
        matrix[:RESERVED] = 0
    return matrix


def _uncounted(talker: dict[str, Any]) -> list[int]:
    """Codec tokens that stand over a text pad and yet are no frames."""
    names = ("codec_bos_id", "codec_think_id", "codec_nothink_id", "codec_think_bos_id")
    marks = [talker[name] for name in (*names, "codec_think_eos_id")]
    return [*marks, *talker["codec_language_id"].values()]
