"""The header of a safetensors file: names, types and shapes, without reading a weight.

Format: eight bytes, little endian, give the length of a JSON object; it maps names to dtype, shape
and data_offsets, and ``__metadata__`` to strings; the data follow without holes.
Source: the format section of the safetensors project's README.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Final

MAX_HEADER: Final = 100_000_000  # the limit of the reference implementation
BYTES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("BF16", "F16", "I16", "U16"), 2),
    **dict.fromkeys(("U8", "I8", "BOOL", "F8_E4M3", "F8_E5M2"), 1),
}


class DamagedFileError(Exception):
    """The file is no safetensors file; the message says why."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor as a file holds it."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself; ``expected`` and ``size`` are bytes of the whole file."""

    tensors: Mapping[str, StoredTensor]
    metadata: Mapping[str, str]
    expected: int
    size: int

    @property
    def truncated(self) -> bool:
        """Whether the file ends before its last tensor does."""
        return self.size < self.expected


def read_header(path: Path) -> Header:
    """The header of a file.

    Raises:
        DamagedFileError: the header is not valid.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > MAX_HEADER:
            raise DamagedFileError(f"its first bytes are no safetensors header ({size} bytes)")
        if length > size - 8:
            raise DamagedFileError(f"its header has {length} bytes, the file only {size}")
        raw = file.read(length)
    try:
        entries = json.loads(raw)
        metadata = entries.pop("__metadata__", None) or {}
        spans = {name: tuple(entry["data_offsets"]) for name, entry in entries.items()}
        tensors = {
            name: StoredTensor(str(entry["dtype"]), tuple(map(int, entry["shape"])))
            for name, entry in entries.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise DamagedFileError(f"its header is not valid ({problem!r})") from None
    return Header(tensors, metadata, 8 + length + _data_length(tensors, spans), size)


def _data_length(tensors: Mapping[str, StoredTensor], spans: Mapping[str, tuple[int, ...]]) -> int:
    """The bytes of all tensors, which must lie one after another."""
    position = 0
    for name, span in sorted(spans.items(), key=lambda item: item[1]):
        tensor = tensors[name]
        width = BYTES.get(tensor.dtype)
        if width is None:
            raise DamagedFileError(f"{name} has the unknown type {tensor.dtype}")
        if span != (position, position + width * prod(tensor.shape)):
            raise DamagedFileError(f"the place of {name} does not fit its shape")
        position = span[1]
    return position
