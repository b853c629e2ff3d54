"""The static inspector: is the snapshot of a model in the hub cache whole, and what it claims?

Nothing is loaded: only links, sizes, configurations and safetensors headers are read, about 20 ms
for a model of 3 GB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from keychange.diagnostics import Diagnostic
from keychange.probing import failures
from keychange.verification.model import hub
from keychange.verification.model.inspection import Checkpoint, Inspection
from keychange.verification.model.snapshot_checks import check_snapshot

__all__ = ["Checkpoint", "Inspection", "inspect_model"]


def inspect_model(
    model_id: str,
    environment: Mapping[str, str],
    expect: Mapping[str, Any] | None = None,
) -> Inspection:
    """Inspect the snapshot that an offline load of this model would take.

    Args:
        model_id: ``OWNER/NAME`` of the hub, or the path of a folder.
        environment: the whole environment of the process that will load it; of it HF_HUB_CACHE,
            HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME and HOME decide where the cache is.
        expect: what the checkpoint must have: ``bits``, ``group_size``, ``quantised_layers``,
            ``parameters``. Where ``bits`` is not given, an id that ends in, say, ``8bit`` says so.

    Returns:
        The findings, with the code, the cause and the fix of ``keychange.probing.failures``, in the
        order in which they should be mended. Never raises for what is, or is not, on the disk.
    """
    local = hub.local_folder(model_id, environment)
    folder = local or hub.model_folder(model_id, environment)
    snapshot = local or hub.snapshot_folder(folder)
    leftovers = tuple(_interrupted(folder, model_id))
    if snapshot is None:
        reason = "has no snapshot for refs/main" if folder.is_dir() else "does not exist"
        absent = failures.diagnostic(
            "model-not-cached", f"{model_id} is not cached: {folder} {reason}", model=model_id
        )
        return Inspection(model=model_id, folder=folder, diagnostics=(*leftovers, absent))
    found, checkpoint = check_snapshot(model_id, snapshot, expect or {})
    return Inspection(
        model=model_id,
        folder=folder,
        snapshot=snapshot,
        diagnostics=(*leftovers, *found),
        checkpoint=checkpoint,
    )


def _interrupted(folder: Path, model_id: str) -> Iterator[Diagnostic]:
    """Blobs that a download left unfinished: a file may be missing that no check knows of.

    huggingface_hub 2 leaves ``BLOB.RANDOM.incomplete`` when it is killed, and starts another one:
    where the blob is there by now, nothing is unfinished.
    """
    blobs = folder / "blobs"
    found = sorted(blobs.glob("*.incomplete"))
    partial = [each for each in found if not (blobs / each.name.partition(".")[0]).exists()]
    if partial:
        more = f" and {len(partial) - 1} more" if len(partial) > 1 else ""
        yield failures.diagnostic(
            "model-download-incomplete",
            f"the download of {model_id} was interrupted: {partial[0]}{more}",
            model=model_id,
        )
