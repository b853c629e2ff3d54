"""What the static inspector of a model cache reports: values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from keychange.diagnostics import Diagnostic, errors_in

MARK: Final = "keychange"  # the safetensors metadata key under which a made-up checkpoint says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What was measured in a snapshot; None where it could not be.

    ``bits`` and ``group_size`` come from the shapes of the tensors, not from a configuration, and
    are None where layers differ. ``quantised_layers`` counts those whose weights are packed in the
    main file, ``parameters`` its parameters before they were, ``speech_parameters`` the
    speech tokenizer, ``weights`` the bytes of both, ``size`` the bytes of the whole snapshot.
    """

    bits: int | None = None
    group_size: int | None = None
    quantised_layers: int | None = None
    parameters: int | None = None
    speech_parameters: int | None = None
    weights: int = 0
    size: int = 0
    made_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the inspector found: ``folder`` is the model's, ``snapshot`` the one that would load."""

    model: str
    folder: Path
    snapshot: Path | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    checkpoint: Checkpoint = field(default_factory=Checkpoint)

    @property
    def ok(self) -> bool:
        """Whether nothing was found that keeps the model from working."""
        return not errors_in(self.diagnostics)
