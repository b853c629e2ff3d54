"""The checks of one snapshot: files, configuration, tensors, quantisation, size."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from keychange.diagnostics import Diagnostic, Severity
from keychange.verification.comparison import Comparison, compare
from keychange.verification.model import qwen3_speech, qwen3_tts
from keychange.verification.model.inspection import MARK, Checkpoint
from keychange.verification.model.quantisation import check_quantisation, check_size
from keychange.verification.model.safetensors import Header
from keychange.verification.model.snapshot_files import (
    Findings,
    check_links,
    merged,
    read_json,
    read_weights,
)
from keychange.verification.model.tensors import Config, Tensor, parameters

Manifest: TypeAlias = Callable[[Config], tuple[Tensor, ...]]


def check_snapshot(
    model_id: str, snapshot: Path, expect: Mapping[str, Any]
) -> tuple[tuple[Diagnostic, ...], Checkpoint]:
    """Every finding about a snapshot, in the order to mend them, and what was measured."""
    findings = Findings(model_id)
    check_links(snapshot, findings)
    config = read_json(snapshot, "config.json", findings)
    main = read_weights(snapshot, "", findings)
    checkpoint = Checkpoint(
        size=sum(each.stat().st_size for each in snapshot.rglob("*") if each.is_file()),
        weights=sum(each.size for each in main),
        made_up=any(MARK in each.metadata for each in main),
    )
    if checkpoint.made_up:
        findings.add("model-made-up", f"the weights of {model_id} are made up", Severity.NOTE)
    if config is not None and _is_qwen3(config, findings):
        _check_text_tokenizer(snapshot, findings)
        checkpoint = _check_speech_tokenizer(snapshot, checkpoint, findings)
        if main:
            checkpoint = _check_main(config, main, expect, checkpoint, findings)
        else:
            findings.add("model-file-missing", f"{snapshot} has no *.safetensors that can be read")
    return tuple(findings), checkpoint


def _is_qwen3(config: Mapping[str, Any], findings: Findings) -> bool:
    kind, model = config.get("model_type"), findings.model_id
    if kind != qwen3_tts.MODEL_TYPE:
        if "qwen3-tts" in model.lower():
            findings.add("model-wrong-type", f"{model} holds a model of type {kind!r}")
        else:
            message = f"{model} is of type {kind!r}: its tensors are not compared"
            findings.add("model-architecture-unknown", message, Severity.NOTE)
        return False
    if (variant := config.get("tts_model_type", "base")) != "base":
        findings.add("model-wrong-type", f"{model} is a {variant} model, not a Base model")
    return True


def _check_text_tokenizer(snapshot: Path, findings: Findings) -> None:
    """Its configuration with the special tokens, and a vocabulary in one of two forms."""
    whole = (snapshot / "tokenizer.json").exists()
    vocabulary = ("tokenizer.json",) if whole else ("vocab.json", "merges.txt")
    missing = [n for n in ("tokenizer_config.json", *vocabulary) if not (snapshot / n).exists()]
    if missing:
        findings.add("tokenizer-missing", f"{' and '.join(missing)} missing in {snapshot}")
        return
    for name in ("tokenizer_config.json", vocabulary[0]):
        try:
            if not json.loads((snapshot / name).read_text("utf-8")):
                findings.add("tokenizer-broken", f"{name} is empty")
        except (OSError, ValueError) as problem:
            findings.add("tokenizer-broken", f"{name} cannot be read: {problem}")


def _check_speech_tokenizer(
    snapshot: Path, checkpoint: Checkpoint, findings: Findings
) -> Checkpoint:
    folder = snapshot / "speech_tokenizer"
    if not any(folder.glob("*.safetensors")):
        what = "has no weights" if folder.is_dir() else "is missing"
        findings.add("speech-tokenizer-missing", f"speech_tokenizer/ {what} in {snapshot}")
        return checkpoint
    config = read_json(snapshot, "speech_tokenizer/config.json", findings)
    headers = read_weights(snapshot, "speech_tokenizer", findings)
    weights = checkpoint.weights + sum(each.size for each in headers)
    if config is None or not headers:
        return replace(checkpoint, weights=weights)
    if not config.get("encoder_config"):
        message = "speech_tokenizer/config.json describes no encoder"
        findings.add("speech-encoder-missing", message)
    name, manifest = "speech_tokenizer/config.json", qwen3_speech.speech_tokenizer_tensors
    implied = _implied(name, config, manifest, findings)
    _compared("speech_tokenizer/", implied, headers, findings)
    return replace(checkpoint, weights=weights, speech_parameters=parameters(implied))


def _check_main(
    config: Mapping[str, Any],
    headers: list[Header],
    expect: Mapping[str, Any],
    checkpoint: Checkpoint,
    findings: Findings,
) -> Checkpoint:
    implied = _implied("config.json", config, qwen3_tts.main_tensors, findings)
    if not implied:
        return checkpoint
    comparison = _compared("the main file", implied, headers, findings)
    pairs = comparison.quantisation
    bits, group = next(iter(pairs)) if len(pairs) == 1 else (None, None)
    checkpoint = replace(
        checkpoint,
        bits=bits,
        group_size=group,
        quantised_layers=comparison.quantised,
        parameters=parameters(implied),
    )
    check_quantisation(config, checkpoint, implied, expect, findings)
    check_size(checkpoint, expect, findings)
    return checkpoint


def _implied(
    name: str, config: Config, manifest: Manifest, findings: Findings
) -> tuple[Tensor, ...]:
    """The tensors that a configuration implies; none, and reported, where it makes no sense."""
    try:
        return manifest(config)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as problem:
        findings.add("model-config-invalid", f"{name} implies no tensors: {problem!r}")
        return ()


def _compared(
    place: str, implied: tuple[Tensor, ...], headers: list[Header], findings: Findings
) -> Comparison:
    stored = merged(headers)
    comparison = compare(implied, stored)
    if comparison.missing:
        count, first = len(comparison.missing), comparison.missing[0]
        message = f"{count} of {len(implied)} tensors are missing in {place}, first {first}"
        findings.add("model-tensor-missing", message)
    if comparison.mismatched:
        count, first = len(comparison.mismatched), comparison.mismatched[0]
        wanted = next(each.shape for each in implied if each.name == first)
        found = f"{stored[first].dtype} {stored[first].shape} for {wanted}"
        message = f"{count} tensors of {place} do not fit its configuration, first {first}: {found}"
        findings.add("model-shape-mismatch", message)
    return comparison
