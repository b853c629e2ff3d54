"""How a checkpoint is quantised and how large it is, against what was promised: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from keychange.diagnostics import Severity
from keychange.verification.model.inspection import Checkpoint
from keychange.verification.model.snapshot_files import Findings
from keychange.verification.model.tensors import Tensor, is_quantised

# An id names a round number of parameters: "1.7B" has 1.93e9 of them, "0.6B" about 0.91e9.
_NOMINAL_RANGE: Final = (0.7, 1.9)
_DEFAULT_GROUP: Final = 64  # mlx.core.quantize


def check_quantisation(
    config: Mapping[str, Any],
    checkpoint: Checkpoint,
    implied: tuple[Tensor, ...],
    expect: Mapping[str, Any],
    findings: Findings,
) -> None:
    """The declared bits, group size and layers against those that the tensors show.

    Bits that ``expect`` does not give are taken from the model's id (``...-8bit``), and from
    config.json where the id is silent. More quantised layers are fine, as a converter may pack the
    embeddings too; fewer than today's converter would make are an error only where ``expect``
    counts them.
    """
    declared = config.get("quantization") or config.get("quantization_config")
    declared = declared if isinstance(declared, dict) else {}
    model, found = findings.model_id, checkpoint.quantised_layers
    bits = expect.get("bits") or _promised_bits(model) or declared.get("bits")
    if not found:
        if bits:
            findings.add("model-not-quantised", f"no layer of {model} is quantised")
        return
    group = expect.get("group_size") or declared.get("group_size", _DEFAULT_GROUP)
    usual = sum(is_quantised(each, group) for each in implied)
    layers = expect.get("quantised_layers", found)
    expected = (
        ("bits", bits, checkpoint.bits),
        ("bits in config.json", checkpoint.bits, declared.get("bits")),
        ("group size", group, checkpoint.group_size),
        ("quantised layers", layers, min(layers, found)),
    )
    for name, wanted, measured in expected:
        if measured != wanted:
            message = f"{model}: {name}: {wanted} expected, {measured or 'several'} found"
            findings.add("model-wrong-quantisation", message)
            return
    if found < usual:
        message = f"{model}: only {found} of {usual} layers are quantised"
        findings.add("model-wrong-quantisation", message, Severity.WARNING)


def check_size(checkpoint: Checkpoint, expect: Mapping[str, Any], findings: Findings) -> None:
    """The parameters against those declared and, for weights that are not made up, the id's."""
    found = checkpoint.parameters or 0
    wanted = expect.get("parameters")
    if wanted is not None and wanted != found:
        message = f"{findings.model_id} has {found:,} parameters, expected are {wanted:,}"
        findings.add("model-wrong-size", message)
        return
    nominal = re.search(r"(\d+(?:\.\d+)?)B\b", findings.model_id)
    if nominal and not checkpoint.made_up:
        share = found / (float(nominal[1]) * 1e9)
        if not _NOMINAL_RANGE[0] <= share <= _NOMINAL_RANGE[1]:
            message = f"{findings.model_id} has {found:,} parameters: that is no {nominal[0]}"
            findings.add("model-wrong-size", message)


def _promised_bits(model_id: str) -> int | None:
    """The bits that an id names, as in ``...-8bit``."""
    match = re.search(r"(\d)[-_]?bit\b", model_id, re.IGNORECASE)
    return int(match[1]) if match else None
