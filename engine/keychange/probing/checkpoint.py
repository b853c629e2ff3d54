"""Maker of checkpoints with made-up weights, laid out as a hub cache, so that a model id loads.

The architecture is the true one of Qwen3-TTS Base; the numbers are random, around a talker that
ends in time and a vocoder that buzzes two vowels (``keychange.probing.made_up``). Every file says
so in its metadata, the inspector and the probe find it there, and no report hides it.

    python -m keychange.probing.checkpoint tiny DIR     1.7 MB; speaks in a second on a CPU
    python -m keychange.probing.checkpoint full DIR     3.1 GB; the dimensions of the 1.7B at 8 bits
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from keychange.verification.model.qwen3_speech import speech_tokenizer_tensors
from keychange.verification.model.qwen3_tts import main_tensors
from keychange.verification.model.tensors import is_quantised, packed, parameters

MODEL_ID: Final = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"
EOS: Final = ("normal", "never", "instant")
AUDIO: Final = ("normal", "noise", "silent", "nan", "clip")

_GENERATION: Final = {
    "do_sample": True,
    "repetition_penalty": 1.05,
    "temperature": 0.9,
    "top_p": 1.0,
    "top_k": 50,
    "subtalker_dosample": True,
    "subtalker_temperature": 0.9,
    "subtalker_top_p": 1.0,
    "subtalker_top_k": 50,
    "max_new_tokens": 8192,
}
_NOTICE: Final = """# Made-up weights

keychange made this checkpoint for tests and demonstrations. It has the architecture of Qwen3-TTS,
random weights, and no voice. Delete this folder and download the real model to use it.
"""


def make_checkpoint(
    hub_cache: Path,
    model_id: str = MODEL_ID,
    size: str = "tiny",
    *,
    eos: str = "normal",
    audio: str = "normal",
) -> Path:
    """Make a checkpoint and return its snapshot folder; needs numpy, and neither mlx nor a network.

    It is the same to the byte with the same version of numpy.

    Args:
        hub_cache: the folder of all cached models, ``HF_HOME/hub`` or ``HF_HUB_CACHE``.
        model_id: the id under which it will load.
        size: ``tiny`` (1.7 MB), ``medium`` (5 MB; with a deeper talker) or ``full``
            (3.1 GB, 1,928,677,440 parameters at 8 bits; makes it in about 20 s with 2 GB).
        eos: how its speech ends: ``normal``, ``never`` or ``instant``.
        audio: what it speaks: ``normal``, ``noise``, ``silent``, ``nan`` or ``clip``.

    Raises:
        FileExistsError: the model's folder is there already; a real model is never touched.
        OSError: the files cannot be written.
    """
    from keychange.probing.made_up.config import model_config, speech_config

    folder = hub_cache / ("models--" + model_id.replace("/", "--"))
    folder.mkdir(parents=True)
    staging = folder / "staging"
    (staging / "speech_tokenizer").mkdir(parents=True)
    config, speech = model_config(size), speech_config(size)
    total = _write_main(staging / "model.safetensors", config, eos)
    _write_speech(staging / "speech_tokenizer" / "model.safetensors", speech, audio)
    for name, text in _documents(config, speech, total).items():
        (staging / name).write_text(text, "utf-8")
    snapshot = _lay_out(staging, folder)
    shutil.rmtree(staging)
    return snapshot


def _write_main(path: Path, config: dict[str, Any], eos: str) -> dict[str, Any]:
    """The index of what was written: its total size, its parameters, and its tensors."""
    import numpy as np

    from keychange.probing.made_up import config as sizes
    from keychange.probing.made_up import storage, talker

    tensors, random = main_tensors(config), np.random.default_rng(0)
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {}
    for tensor in tensors:
        if is_quantised(tensor, sizes.GROUP_SIZE):
            parts = packed(tensor, sizes.BITS, sizes.GROUP_SIZE)
            for name, shape in parts.items():
                shapes[name] = ("U32" if name.endswith(".weight") else "BF16", shape)
        else:
            shapes[tensor.name] = ("BF16", tensor.shape)
    blocks = (
        block for tensor in tensors for block in talker.tensor_data(tensor, config, eos, random)
    )
    storage.write(path, shapes, blocks)
    metadata = {"total_size": path.stat().st_size, "total_parameters": parameters(tensors)}
    return {"metadata": metadata, "weight_map": dict.fromkeys(sorted(shapes), path.name)}


def _write_speech(path: Path, config: dict[str, Any], audio: str) -> None:
    import numpy as np

    from keychange.probing.made_up import storage, vocoder

    tensors, random = speech_tokenizer_tensors(config), np.random.default_rng(1)
    shapes = {each.name: ("F32", each.shape) for each in tensors}
    decoder = config["decoder_config"]
    blocks = (vocoder.tensor_data(each, decoder, audio, random) for each in tensors)
    storage.write(path, shapes, blocks)


def _documents(
    config: dict[str, Any], speech: dict[str, Any], index: dict[str, Any]
) -> dict[str, str]:
    """The text files of a snapshot, by name."""
    from keychange.probing.made_up.tokenizer import tokenizer_files

    documents = {
        "config.json": config,
        "generation_config.json": _GENERATION,
        "model.safetensors.index.json": index,
        "speech_tokenizer/config.json": speech,
    }
    texts = {name: json.dumps(each, indent=2) + "\n" for name, each in documents.items()}
    return {"README.md": _NOTICE, **texts, **tokenizer_files(config)}


def _lay_out(source: Path, folder: Path) -> Path:
    """Move files to blobs, named as the hub names them, and link them into one snapshot."""
    blobs, names = folder / "blobs", {}
    blobs.mkdir()
    for path in sorted(each for each in source.rglob("*") if each.is_file()):
        name = names[path.relative_to(source)] = _blob_name(path)
        path.rename(blobs / name)
    commit = hashlib.sha1("".join(names.values()).encode(), usedforsecurity=False).hexdigest()
    snapshot = folder / "snapshots" / commit
    for relative, name in names.items():
        link = snapshot / relative
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blobs / name, link.parent))
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit, "utf-8")
    return snapshot


def _blob_name(path: Path) -> str:
    """SHA-256 of a large file, git's SHA-1 of a small one: as the hub's own blobs."""
    if path.suffix == ".safetensors":
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    data = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Make a checkpoint from the command line, and say where it is."""
    from keychange.probing.made_up.config import SIZES

    parser = argparse.ArgumentParser(prog="python -m keychange.probing.checkpoint")
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("hub_cache", type=Path, help="the folder of all cached models")
    parser.add_argument("--model", default=MODEL_ID)
    parser.add_argument("--eos", choices=EOS, default="normal")
    parser.add_argument("--audio", choices=AUDIO, default="normal")
    options = parser.parse_args(arguments)
    snapshot = make_checkpoint(
        options.hub_cache, options.model, options.size, eos=options.eos, audio=options.audio
    )
    sys.stdout.write(f"{snapshot}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
