"""What a probe is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

TEXT: Final = "The voice upgrade is live and working on this machine."

# Seconds. The first synthesis on CUDA compiles its kernels for two minutes (measured: 111 s).
STAGE_LIMITS: Final[Mapping[str, float]] = {
    "start": 60,
    "preflight": 20,
    "import-mlx": 60,
    "kernel": 120,
    "import-mlx-audio": 120,
    "load": 300,
    "reference": 60,
    "synthesis": 300,
    "repeat": 300,
    "measure": 60,
    "evidence": 60,
    "voice": 120,
    "words": 300,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRequest:
    """One probe of one model in one interpreter.

    ``model`` is a hub id (or a folder), ``python`` the interpreter that the target project runs
    MLX with. ``ref_audio`` is the voice to clone and ``ref_text`` its exact transcript, or the
    ``Path`` of a text file that holds it. ``environment`` is laid over this process's own: what
    ``.env`` exports, say. ``expect`` holds what the checkpoint must have, see
    ``keychange.verification.model.cache.inspect_model``. ``thresholds`` override those of
    ``keychange.probing.thresholds``; ``limits`` are seconds by stage and override STAGE_LIMITS,
    ``total`` limits all of it. A second seed is tried before speech that never ends counts.
    With ``repeat``, the first good run is repeated warm, with the same seed. ``output`` is the
    folder for ``audio.wav``, ``audio.svg``, ``report.md`` (a table to paste) and ``report.json``;
    None keeps nothing.
    """

    model: str
    python: Path
    ref_audio: Path
    ref_text: str | Path
    text: str = TEXT
    language: str = "english"
    require_gpu: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    total: float = 900
    seeds: tuple[int, ...] = (0, 1)
    repeat: bool = True
    output: Path | None = None
