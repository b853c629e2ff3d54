"""Writing safetensors files, and MLX's 8-bit numbers.

A file is written tensor by tensor, so that the full size needs little memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keychange.probing.made_up.config import GROUP_SIZE
from keychange.verification.model.inspection import MARK
from keychange.verification.model.safetensors import BYTES

Array = NDArray[np.float32]
Stored = NDArray[np.generic]

MADE_UP: Final = "made-up weights"
_ZERO: Final = 128  # the byte that stands for 0 in a random matrix


def write(
    path: Path, shapes: Mapping[str, tuple[str, tuple[int, ...]]], data: Iterable[Stored]
) -> None:
    """Write a safetensors file: dtype and shape by name, and the data in that order, in blocks."""
    header: dict[str, object] = {"__metadata__": {"format": "mlx", MARK: MADE_UP}}
    position = 0
    for name, (dtype, shape) in shapes.items():
        end = position + BYTES[dtype] * prod(shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [position, end]}
        position = end
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    with path.open("wb") as file:
        file.write(len(raw).to_bytes(8, "little") + raw)
        for block in data:
            file.write(np.ascontiguousarray(block).tobytes())


def bfloat16(values: Array) -> NDArray[np.uint16]:
    """The upper half of a float32, rounded to nearest even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def quantised(values: Array) -> Iterator[Stored]:
    """Packed weight, scales and biases of a matrix; powers of two as scales keep zeros exact.

    Format: ``mlx.core.quantize`` with 8 bits, affine, groups of 64 along a row.
    """
    rows, columns = values.shape
    groups = np.asarray(values, np.float32).reshape(rows, columns // GROUP_SIZE, GROUP_SIZE)
    lowest, highest = np.minimum(groups.min(-1), 0), np.maximum(groups.max(-1), 0)
    scale = np.exp2(np.ceil(np.log2(np.maximum(highest - lowest, 1e-6) / 250)))
    offset = np.floor(lowest / scale)
    steps = np.clip(np.rint(groups / scale[..., None]) - offset[..., None], 0, 255)
    yield steps.astype(np.uint8).reshape(rows, columns).view("<u4")
    yield bfloat16(scale)
    yield bfloat16(offset * scale)


def random_quantised(
    shape: tuple[int, int], random: np.random.Generator, *, rows: int = 0, columns: int = 0
) -> Iterator[Stored]:
    """The same of a random matrix of unit gain, whose first rows or columns are zero.

    The bytes are random themselves, which is fast and needs little memory.
    """
    height, width = shape
    steps = random.integers(0, 256, shape, np.uint8)
    steps[:rows] = _ZERO
    steps[:, :columns] = _ZERO
    scale = np.full((height, width // GROUP_SIZE), 1 / (73.9 * np.sqrt(width)), np.float32)
    exact = bfloat16(scale)
    yield steps.view("<u4")
    yield exact
    yield bfloat16(-_ZERO * (exact.astype(np.uint32) << 16).view(np.float32))
