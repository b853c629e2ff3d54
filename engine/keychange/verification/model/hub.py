"""Where the Hugging Face hub keeps a model on this machine.

Source: huggingface_hub's ``constants.py`` and its guide "Understand caching":
``models--OWNER--NAME/{blobs,refs,snapshots}``, where ``refs/main`` names the snapshot and the
files of a snapshot are links to blobs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def hub_cache(environment: Mapping[str, str]) -> Path:
    """The folder of all cached models, as huggingface_hub finds it in this environment."""
    for key in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if environment.get(key):
            return _expanded(environment[key], environment)
    if environment.get("HF_HOME"):
        return _expanded(environment["HF_HOME"], environment) / "hub"
    caches = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return _expanded(caches, environment) / "huggingface" / "hub"


def cache_source(environment: Mapping[str, str]) -> str:
    """What decides where the cache is: the name of a variable, or that it is the default."""
    names = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")
    return next((f"from {each}" for each in names if environment.get(each)), "the default")


def model_folder(model_id: str, environment: Mapping[str, str]) -> Path:
    """The folder of one model, ``OWNER/NAME``; it need not exist."""
    return hub_cache(environment) / ("models--" + model_id.replace("/", "--"))


def local_folder(model_id: str, environment: Mapping[str, str]) -> Path | None:
    """The folder that a model id names directly, as mlx-audio allows; None for a hub id."""
    path = _expanded(model_id, environment)
    return path if path.is_dir() else None


def snapshot_folder(folder: Path) -> Path | None:
    """The snapshot that ``refs/main`` names: what an offline load takes; None where there is none.

    huggingface_hub does not fall back to another snapshot, so neither does this.
    """
    try:
        commit = (folder / "refs" / "main").read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    snapshot = folder / "snapshots" / commit
    return snapshot if commit and snapshot.is_dir() else None


def _expanded(value: str, environment: Mapping[str, str]) -> Path:
    """``~`` and ``$NAME`` resolved with the given environment, not with our own."""
    home = environment.get("HOME") or str(Path.home())
    if value == "~" or value.startswith("~/"):
        value = home + value[1:]
    for name in sorted(environment, key=len, reverse=True):
        if "$" not in value:
            break
        value = value.replace(f"${{{name}}}", environment[name])
        value = value.replace(f"${name}", environment[name])
    return Path(os.path.normpath(value))
