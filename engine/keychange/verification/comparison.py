"""The tensors that a configuration implies against those that the files hold: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from keychange.verification.model.safetensors import StoredTensor
from keychange.verification.model.tensors import Role, Tensor

FLOATS: Final = frozenset({"BF16", "F16", "F32"})
PACKED_BITS: Final = frozenset({2, 3, 4, 5, 6, 8})  # what mlx.core.quantize knows
_EITHER_LAYOUT: Final = frozenset({Role.CONV, Role.CONV_TRANSPOSED})  # mlx-audio transposes these


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs, by tensor name, and how the files are quantised.

    ``quantisation`` holds each pair (bits, group size) that occurs; ``plain`` the Linear layers
    that are stored unquantised, ``quantised`` counts the others and every packed embedding.
    """

    missing: tuple[str, ...]
    mismatched: tuple[str, ...]
    plain: tuple[str, ...]
    quantised: int
    quantisation: frozenset[tuple[int, int]]


def compare(implied: Iterable[Tensor], stored: Mapping[str, StoredTensor]) -> Comparison:
    """Compare names, shapes and types; bits and group size are derived from the shapes.

    Convolutions may be stored in either layout, as mlx-audio accepts both.
    """
    missing: list[str] = []
    mismatched: list[str] = []
    plain: list[str] = []
    pairs: list[tuple[int, int]] = []
    for tensor in implied:
        found = stored.get(tensor.name)
        if found is None:
            if not tensor.optional:
                missing.append(tensor.name)
            continue
        if f"{_base(tensor)}.scales" in stored:
            pair = _quantisation(tensor, stored)
            if pair is None:
                mismatched.append(tensor.name)
            else:
                pairs.append(pair)
        elif not _fits(tensor, found):
            mismatched.append(tensor.name)
        elif tensor.role is Role.LINEAR:
            plain.append(tensor.name)
    return Comparison(tuple(missing), tuple(mismatched), tuple(plain), len(pairs), frozenset(pairs))


def _base(tensor: Tensor) -> str:
    return tensor.name.removesuffix(".weight")


def _fits(tensor: Tensor, found: StoredTensor) -> bool:
    same = found.shape == tensor.shape or (
        tensor.role in _EITHER_LAYOUT and sorted(found.shape) == sorted(tensor.shape)
    )
    return same and found.dtype in FLOATS


def _quantisation(tensor: Tensor, stored: Mapping[str, StoredTensor]) -> tuple[int, int] | None:
    """Bits and group size of a packed tensor; None where its parts do not fit together."""
    weight, scales = stored[tensor.name], stored[f"{_base(tensor)}.scales"]
    biases = stored.get(f"{_base(tensor)}.biases")
    if len(tensor.shape) != 2 or len(weight.shape) != 2 or len(scales.shape) != 2:
        return None
    rows, columns = tensor.shape
    bits, odd_bits = divmod(32 * weight.shape[1], columns)
    group, odd_group = divmod(columns, max(1, scales.shape[1]))
    whole = not odd_bits and not odd_group and bits in PACKED_BITS
    aligned = weight.shape[0] == scales.shape[0] == rows
    typed = weight.dtype == "U32" and scales.dtype in FLOATS
    paired = biases is None or biases == scales
    return (bits, group) if whole and aligned and typed and paired else None
