"""The judgement: measurements against limits, as named checks; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from keychange.probing import failures
from keychange.probing.duration import Expected
from keychange.probing.report import CheckResult
from keychange.probing.verdict import CheckVerdict
from keychange.verification.model.inspection import Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """What the measurements are held against."""

    checkpoint: Checkpoint
    thresholds: Mapping[str, float]
    expected: Expected
    require_gpu: bool


Part: TypeAlias = Callable[[Mapping[str, Any], Standard], Iterator[CheckResult]]


def judge(facts: Mapping[str, Any], standard: Standard) -> tuple[CheckResult, ...]:
    """A check for every measurement there is, in the order of the stages.

    Where the reference recording itself is outside a limit of speech (a whisper, a noisy room),
    the same in the audio only warns.
    """
    parts: tuple[tuple[str, Part], ...] = (
        ("import-mlx", _device),
        ("load", _model),
        ("reference", _reference),
        ("synthesis", _attempts),
        ("measure", _audio),
        ("measure", _speech),
        ("repeat", _performance),
        ("voice", _voice),
        ("words", _words),
    )
    return tuple(
        replace(check, stage=stage) for stage, part in parts for check in part(facts, standard)
    )


def _check(
    name: str,
    code: str,
    measured: object,
    limit: str = "",
    unit: str = "",
    *,
    ok: bool,
    warn: bool = False,
) -> CheckResult:
    """A check that passes, or has the verdict of its code; ``warn``: it never decides."""
    value = float(f"{measured:.4g}") if isinstance(measured, float) else measured
    if ok:
        passed = CheckVerdict.PASS
        return CheckResult(name=name, verdict=passed, value=value, limit=limit, unit=unit)
    entry = failures.known()[code]
    words = " ".join(filter(None, (str(value), unit)))
    wanted = f", expected {limit}" if limit else ""
    return CheckResult(
        name=name,
        verdict=CheckVerdict.WARN if warn else CheckVerdict(entry.verdict),
        value=value,
        limit=limit,
        unit=unit,
        code=code,
        message=f"{entry.title}: {words}{wanted}",
    )


def _device(facts: Mapping[str, Any], standard: Standard) -> Iterator[CheckResult]:
    device = facts.get("device", {})
    if "default" in device:
        gpu = "Device(gpu, 0)"
        found, required = device["default"], standard.require_gpu
        limit = gpu if required else ""
        yield _check("device", "probe-cpu-only", found, limit, ok=found == gpu, warn=not required)
        back = device["backend"]
        yield _check("backend", "probe-cpu-only", back, ok=back != "cpu", warn=not required)
    if "kernel_error" in device:
        error, most = device["kernel_error"], standard.thresholds["kernel_error"]
        ok = error is not None and error <= most
        yield _check("8-bit-kernel", "kernel-wrong", error, f"<= {most:g}", ok=ok)


def _model(facts: Mapping[str, Any], standard: Standard) -> Iterator[CheckResult]:
    model, promised = facts.get("model"), standard.checkpoint
    if model is None:
        return
    for name, ok, code in (
        ("base-model", model["kind"] == "base", "model-wrong-type"),
        ("text-tokenizer", model["text_tokenizer"], "tokenizer-missing"),
        ("speech-tokenizer", model["speech_tokenizer"], "speech-tokenizer-missing"),
        ("speech-encoder", model["speech_encoder"], "speech-encoder-missing"),
    ):
        yield _check(name, code, bool(ok), "true", ok=bool(ok))
    layers, code = model["quantised_layers"], "model-wrong-quantisation"
    if promised.quantised_layers is not None:
        wanted = promised.quantised_layers
        yield _check("quantised-layers", code, layers, f"= {wanted}", ok=layers == wanted)
    for name, found, one in (
        ("bits", model["bits"], promised.bits),
        ("group-size", model["group_sizes"], promised.group_size),
    ):
        if one is not None:
            yield _check(name, code, _single(found), f"= {one}", ok=found == [one])
    if promised.parameters is not None:
        found, exact = model["parameters"], promised.parameters
        yield _check("parameters", "model-wrong-size", found, f"= {exact}", ok=found == exact)
    least = standard.thresholds["resident_share"] * promised.weights
    active = model["active_bytes"]
    limit = f">= {least / 1e9:.4g}"
    ok = active >= least
    yield _check("resident-memory", "weights-not-resident", active / 1e9, limit, "GB", ok=ok)


def _single(values: list[int]) -> int | str:
    return values[0] if len(values) == 1 else ", ".join(map(str, values)) or "none"


def _reference(facts: Mapping[str, Any], standard: Standard) -> Iterator[CheckResult]:
    reference, limits = facts.get("reference"), standard.thresholds
    if reference is None:
        return
    level, least = reference.get("level_dbfs", -180.0), limits["reference_dbfs"]
    code = "reference-silent"
    yield _check("reference-level", code, level, f">= {least:g}", "dBFS", ok=level >= least)
    rate = reference["characters_per_second"]
    slowest, fastest = limits["reference_slowest"], limits["reference_fastest"]
    yield _check(
        "reference-text",
        "reference-text-mismatch",
        rate,
        f"{slowest:g} to {fastest:g}",
        "characters/s",
        ok=slowest <= rate <= fastest,
        warn=True,
    )


def _attempts(facts: Mapping[str, Any], standard: Standard) -> Iterator[CheckResult]:
    attempts = facts.get("attempts") or []
    if attempts:
        ended = not attempts[-1]["runaway"]
        tokens, most = attempts[-1]["tokens"], standard.expected.max_tokens
        yield _check("ended-by-itself", "probe-runaway", tokens, f"< {most}", "tokens", ok=ended)


def _audio(facts: Mapping[str, Any], standard: Standard) -> Iterator[CheckResult]:
    """What holds for any recording: rate, numbers, level, length, clipping."""
    audio, limits = facts.get("audio"), standard.thresholds
    if audio is None:
        return
    rate, own = audio["sample_rate"], facts["model"]["sample_rate"]
    yield _check("sample-rate", "probe-wrong-rate", rate, f"= {own}", "Hz", ok=rate == own)
    yield _check("finite", "probe-not-finite", audio["finite"], "true", ok=audio["finite"])
    seconds, shortest = audio["seconds"], standard.expected.shortest
    if "level_dbfs" in audio:
        level, least = audio["level_dbfs"], limits["level_dbfs"]
        yield _check("level", "probe-silent", level, f">= {least:g}", "dBFS", ok=level >= least)
        active, share = audio["active_share"], limits["active_share"]
        yield _check("active-share", "probe-silent", active, f">= {share:g}", ok=active >= share)
    limit = f"{shortest:.2f} to {standard.expected.longest:.2f}"
    yield _check("duration", "probe-too-short", seconds, limit, "s", ok=seconds >= shortest)
    if "clipped_share" in audio:
        clipped, most = audio["clipped_share"], limits["clipped_share"]
        yield _check("clipping", "probe-clipped", clipped, f"<= {most:g}", ok=clipped <= most)


def _speech(facts: Mapping[str, Any], standard: Standard) -> Iterator[CheckResult]:
    """What makes a recording speech."""
    audio, reference = facts.get("audio") or {}, facts.get("reference") or {}
    if "flatness" not in audio:
        return
    for name, key, code, unit, sign in (
        ("flatness", "flatness", "probe-noise", "", -1),
        ("modulation", "modulation_db", "probe-unmodulated", "dB", 1),
        ("voicing", "voiced_share", "probe-unvoiced", "", 1),
        ("stuck-token", "self_similarity", "probe-tone", "", -1),
    ):
        value, limit = audio[key], standard.thresholds[key]
        words = f"{'>=' if sign > 0 else '<='} {limit:g}"
        excused = sign * reference.get(key, limit) < sign * limit
        ok = sign * value >= sign * limit
        yield _check(name, code, value, words, unit, ok=ok, warn=excused)
    gap, most = audio["inner_silence"], standard.thresholds["inner_silence"]
    words = f"<= {most:g}"
    yield _check("inner-silence", "probe-gap", gap, words, "s", ok=gap <= most, warn=True)


def _performance(facts: Mapping[str, Any], standard: Standard) -> Iterator[CheckResult]:
    attempts, repeat = facts.get("attempts") or [], facts.get("repeat")
    if not attempts or "audio" not in facts:
        return
    best = repeat or attempts[-1]
    speed, least = best["speed"], standard.thresholds["speed"]
    if facts["device"]["backend"] != "cpu":
        limit, unit = f">= {least:g}", "x real time"
        yield _check("speed", "probe-slow", speed, limit, unit, ok=speed >= least, warn=True)
    else:
        reason = "a CPU is not held against the limit of a GPU"
        skipped = CheckVerdict.SKIPPED
        value, unit = float(f"{speed:.4g}"), "x real time"
        yield CheckResult(name="speed", verdict=skipped, value=value, unit=unit, message=reason)
    yield _check("peak-memory", "", best["peak_bytes"] / 1e9, unit="GB", ok=True)
    if repeat:
        same = repeat["sha256"] == attempts[-1]["sha256"]
        yield _check("same-seed", "probe-not-repeatable", same, "true", ok=same, warn=True)


def _voice(facts: Mapping[str, Any], standard: Standard) -> Iterator[CheckResult]:
    """Never decides: the embedding is also an input of the model, so it proves little."""
    voice = facts.get("voice")
    if not voice:
        return
    least = standard.thresholds["voice_match"]
    if voice.get("reference_halves") is not None:
        least = min(least, voice["reference_halves"] - 0.25)
    match = 0.0 if voice["match"] is None else voice["match"]
    ok, limit = match >= least, f">= {least:.3g}"
    yield _check("voice-match", "probe-other-voice", match, limit, ok=ok, warn=True)


def _words(facts: Mapping[str, Any], standard: Standard) -> Iterator[CheckResult]:
    if "audio" not in facts:
        return
    words, most = facts.get("words", {}), standard.thresholds["word_errors"]
    if "errors" in words:
        errors = words["errors"]
        limit = f"<= {most:g}"
        yield _check("words", "probe-wrong-words", errors, limit, ok=errors <= most)
    else:
        reason = words.get("error", "no speech recogniser is cached")
        yield CheckResult(name="words", verdict=CheckVerdict.SKIPPED, message=reason)
