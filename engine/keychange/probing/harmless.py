"""Warnings that are known to be harmless, by name; and lines that never are."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Harmless:
    """One harmless warning: ``pattern`` is its part that stays the same between versions."""

    name: str
    pattern: str
    reason: str
    example: str


KNOWN: Final = (
    Harmless(
        "tokenizer-regex",
        r"incorrect regex pattern",
        "Transformers takes the tokenizer for a Mistral one; upstream calls it a false positive "
        "(guide, section 7; transformers #42591, mlx-audio #330)",
        "The tokenizer you are loading from 'PATH' with an incorrect regex pattern: https://...",
    ),
    Harmless(
        "model-type",
        r"You are using a model of type|This may be expected if you are loading a checkpoint",
        "Transformers does not know the type qwen3_tts, which only its tokenizer part is used for "
        "(guide, section 7)",
        "You are using a model of type `qwen3_tts` to instantiate a model of type ``.",
    ),
    Harmless(
        "no-torch",
        r"PyTorch was not found|None of PyTorch",
        "Transformers looks for PyTorch, which MLX does not need",
        "None of PyTorch, TensorFlow >= 2.0, or Flax have been found.",
    ),
    Harmless(
        "no-hub-token",
        r"unauthenticated requests to the HF Hub",
        "the model is public, and the probe is offline",
        "You are sending unauthenticated requests to the HF Hub.",
    ),
    Harmless(
        "torch-dtype",
        r"torch_dtype.{0,2} is deprecated",
        "an old name in a configuration",
        "`torch_dtype` is deprecated! Use `dtype` instead!",
    ),
    Harmless(
        "mlx-deprecated",
        r"mx\.metal\.\w+ is deprecated",
        "an old name in mlx-audio, still served",
        "mx.metal.device_info is deprecated and will be removed in a future version.",
    ),
    Harmless(
        "semaphores",
        r"resource_tracker",
        "Python's multiprocessing tidies up after a process that ended at once",
        "resource_tracker: There appear to be 1 leaked semaphore objects to clean up at shutdown",
    ),
)
# Ordinary output of a good run; it is neither counted nor shown.
_CHATTER: Final = re.compile(
    r"^\s*$|Initialized encoder codebooks|Loaded speech tokenizer from|^Fetching \d+ files"
    r"|ICL Generation|^\s*\d+%\|"
)
# mlx-audio prints these instead of raising: always shown.
_SUSPICIOUS: Final = re.compile(r"^Warning: Could not load (speech )?tokenizer")


@dataclass(frozen=True, slots=True)
class Sorted:
    """A standard error, sorted: harmless warnings counted by name, and the lines that remain."""

    harmless: dict[str, int]
    suspicious: tuple[str, ...]
    rest: tuple[str, ...]


def sort(text: str) -> Sorted:
    """Sort the lines of a standard error; a progress bar's carriage returns end lines too."""
    counts: Counter[str] = Counter()
    suspicious: list[str] = []
    rest: list[str] = []
    for line in re.split(r"[\r\n]+", text):
        if name := _name(line):
            counts[name] += 1
        elif _SUSPICIOUS.search(line):
            suspicious.append(line.strip())
        elif not _CHATTER.search(line):
            rest.append(line.rstrip())
    return Sorted(dict(counts), tuple(suspicious), tuple(rest))


def _name(line: str) -> str:
    return next((each.name for each in KNOWN if re.search(each.pattern, line)), "")
