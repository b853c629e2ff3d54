"""What the entries of a python operation say, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from keychange.model import Operation


class ByValue(NamedTuple):
    """Every literal that holds ``old``, or starts with it: ``anywhere``, or where values stand."""

    old: str
    new: str
    prefix: bool = False
    anywhere: bool = False


class ByAddress(NamedTuple):
    """One literal by its address; without ``old`` it may hold anything."""

    at: str
    new: str
    old: str | None = None


Entry: TypeAlias = ByValue | ByAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonOperation(Operation):
    """Strings to change in Python files."""

    entries: tuple[Entry, ...]
