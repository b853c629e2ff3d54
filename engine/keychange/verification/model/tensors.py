"""Tensors by name, shape and role, and how MLX stores them quantised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import Any

Config = Mapping[str, Any]


class Role(StrEnum):
    """What a tensor does; it decides how it is stored and what a made-up one is filled with."""

    LINEAR = "linear"  # the weight of a Linear layer that quantisation packs
    DENSE = "dense"  # the weight of a Linear layer that stays as it is
    EMBEDDING = "embedding"
    CODEBOOK = "codebook"
    USAGE = "usage"  # how often a codebook entry was used; its sum is divided by it
    FLAG = "flag"
    NORM = "norm"
    BIAS = "bias"
    SCALE = "scale"  # the learned factor of a residual branch
    SNAKE = "snake"  # alpha and beta of the vocoder's activation, as logarithms
    CONV = "conv"
    CONV_TRANSPOSED = "conv-transposed"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor that the architecture implies, before quantisation."""

    name: str
    shape: tuple[int, ...]
    role: Role

    @property
    def parameters(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)

    @property
    def optional(self) -> bool:
        """Whether the model works without it: a flag of training that nothing reads."""
        return self.role is Role.FLAG


def is_quantised(tensor: Tensor, group_size: int) -> bool:
    """Whether mlx-audio's converter packs this tensor: Linear layers whose rows are whole groups.

    Source: ``Model.model_quant_predicate`` leaves out embeddings and the speaker encoder.
    """
    return tensor.role is Role.LINEAR and tensor.shape[-1] % group_size == 0


def packed(tensor: Tensor, bits: int, group_size: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a quantised tensor on disk: packed in uint32, a scale and bias a group.

    Source: ``mlx.core.quantize``.
    """
    rows, columns = tensor.shape
    base = tensor.name.removesuffix(".weight")
    groups = columns // group_size
    return {
        f"{base}.weight": (rows, columns * bits // 32),
        f"{base}.scales": (rows, groups),
        f"{base}.biases": (rows, groups),
    }


def parameters(tensors: Iterable[Tensor]) -> int:
    """How many parameters they hold together, quantised or not."""
    return sum(each.parameters for each in tensors)


def filled(given: Config | None, defaults: Config) -> dict[str, Any]:
    """A configuration with what mlx-audio assumes where it is silent; unknown keys are left out.

    Raises:
        TypeError: a value has another type than its default.
    """
    found = {**defaults, **{key: each for key, each in (given or {}).items() if key in defaults}}
    for key, default in defaults.items():
        if found[key] is None:
            found[key] = default
        if type(found[key]) is not type(default) and not isinstance(default, float):
            raise TypeError(f"{key} is {found[key]!r}")
    return found


def linear(name: str, rows: int, columns: int, *, bias: bool = False) -> Iterator[Tensor]:
    """A Linear layer that quantisation packs."""
    yield Tensor(f"{name}.weight", (rows, columns), Role.LINEAR)
    if bias:
        yield Tensor(f"{name}.bias", (rows,), Role.BIAS)


def conv(name: str, shape: tuple[int, int, int], *, bias: bool = True) -> Iterator[Tensor]:
    """A one-dimensional convolution, its weight in the layout of its file."""
    yield Tensor(f"{name}.weight", shape, Role.CONV)
    if bias:
        yield Tensor(f"{name}.bias", shape[:1], Role.BIAS)
