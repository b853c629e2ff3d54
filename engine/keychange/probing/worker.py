"""The probe's worker: loads the model, clones the reference voice, measures what comes out.

It is one file and longer than our others on purpose: the *target project's* interpreter runs it,
by its path, in a process of its own, and keychange is not installed there. It needs Python 3.10
or newer, mlx and mlx-audio (numpy comes with them), and imports nothing else.

It measures and does not judge: limits and verdicts are the client's (``judgement.py``).

Protocol, version 1. The request is a JSON file, named by the only argument. Answers are JSON lines
on the original standard output; file descriptor 1 then becomes standard error, because mlx-audio
prints there. Every line has ``v``, ``t`` (seconds since the start) and ``ev``:

    stage   name, state: start | end       where the worker is; the last one names a crash site
    alive   stage, tokens, audio           every two seconds, while the parent lives, and twice a
                                           second while it speaks: codec frames, and their seconds
    facts   section, values                measurements, sent at once, so that a crash keeps them
    result  ok, code, message, exception   exactly one, always last; none means that it crashed

``facts`` of the section ``attempts`` are appended, those of other sections are merged.
"""

from __future__ import annotations

import ctypes
import faulthandler
import hashlib
import json
import math
import os
import platform
import signal
import struct
import sys
import threading
import time
import traceback
import wave
import zlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

try:
    np: Any = import_module("numpy")
except ModuleNotFoundError:  # then mlx-audio is not there either, and its stage says so
    np = None

PROTOCOL = 1
HEARTBEAT = 2.0  # seconds between two signs of life
ORPHAN_CHECK = 0.5  # seconds between two looks at the parent
FRAMES_PER_SECOND = 12.5  # codec frames of Qwen3-TTS 12Hz: QwenLM/Qwen3-TTS, README
Array = Any  # of numpy or mlx; the docstrings say the shape
Loaded = Any  # a module or an object of the target's packages, whatever their version
PACKAGES = ("mlx", "mlx-audio", "mlx-metal", "transformers", "huggingface-hub", "numpy")


class Stop(Exception):
    """The probe cannot go on; ``code`` is one of ``keychange.probing.known_failures``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


# ------------------------------------------------------------------------------- the channel


def jsonable(value: object) -> Loaded:
    """A value as JSON can hold it: no NaN, no infinity, no types of numpy or mlx."""
    if isinstance(value, dict):
        return {str(key): jsonable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(each) for each in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    try:
        number = float(value)  # type: ignore[arg-type]  # numbers of numpy and mlx have __float__
    except (TypeError, ValueError):
        return str(value)
    return round(number, 6) if math.isfinite(number) else None


class Channel:
    """JSON lines to the parent, on a descriptor that nobody else writes to."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.stage = "start"
        self.tokens = 0  # codec frames so far, in this stage
        self._lock = threading.Lock()
        self._file = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def send(self, event: str, **values: object) -> None:
        """Send one line; a parent that no longer listens ends this process, and its GPU work."""
        elapsed = round(time.perf_counter() - self.started, 3)
        line = {"v": PROTOCOL, "t": elapsed, "ev": event, **jsonable(values)}
        with self._lock:
            try:
                self._file.write(json.dumps(line, allow_nan=False) + "\n")
                self._file.flush()
            except BrokenPipeError:
                os._exit(141)

    def facts(self, section: str, **values: object) -> None:
        """Send measurements of one section."""
        self.send("facts", section=section, values=values)

    def enter(self, stage: str) -> None:
        """Say that a stage begins; the one before it has ended."""
        self.stage, self.tokens = stage, 0
        self.send("stage", name=stage)

    def alive(self) -> None:
        """Say where the worker is, and how much it has spoken."""
        audio = self.tokens / FRAMES_PER_SECOND
        self.send("alive", stage=self.stage, tokens=self.tokens, audio=audio)


def follow_parent(channel: Channel, parent: int) -> None:
    """Send signs of life, and end this process when its parent has died."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: works in the middle of C

    def watch() -> None:
        last, tokens = time.monotonic(), 0
        while True:
            time.sleep(ORPHAN_CHECK)
            if os.getppid() != parent:
                os._exit(142)
            if time.monotonic() - last >= HEARTBEAT or channel.tokens not in (0, tokens):
                last, tokens = time.monotonic(), channel.tokens
                channel.alive()

    threading.Thread(target=watch, daemon=True).start()


# ------------------------------------------------------------------------ the stages, in order


class Worker:
    """One probe; every method is one stage, and leaves what the next ones need."""

    def __init__(self, request: dict[str, Any], channel: Channel) -> None:
        self.request = request
        self.channel = channel
        self.mx: Loaded = None
        self.model: Loaded = None
        self.reference_audio: Array = None
        self.audio: Array = None
        self.rate = 0

    def run(self) -> None:
        """Every stage, in order.

        Raises:
            Stop: the probe cannot go on.
            Exception: whatever mlx and mlx-audio raise.
        """
        stages = (
            ("preflight", self.preflight),
            ("import-mlx", self.import_mlx),
            ("kernel", self.kernel),
            ("import-mlx-audio", self.import_mlx_audio),
            ("load", self.load),
            ("reference", self.reference),
            ("synthesis", self.synthesis),
            ("repeat", self.repeat),
            ("measure", self.measure),
            ("evidence", self.evidence),
            ("voice", self.voice),
            ("words", self.words),
        )
        for name, stage in stages:
            self.channel.enter(name)
            started = time.perf_counter()
            stage()
            self.channel.facts("timings", **{name: time.perf_counter() - started})

    def preflight(self) -> None:
        """What can be known before mlx is imported."""
        self.channel.facts(
            "versions", python=platform.python_version(), **installed_versions(PACKAGES)
        )
        self.channel.facts(
            "machine", platform=platform.platform(), machine=platform.machine(), pid=os.getpid()
        )
        if sys.platform == "darwin" and self.request.get("require_gpu", True):
            look_for_metal_device()

    def import_mlx(self) -> None:
        """Import mlx and ask for its default device."""
        try:
            self.mx = import_module("mlx.core")
        except ModuleNotFoundError as problem:
            if (problem.name or "").split(".")[0] != "mlx":
                raise
            raise Stop("mlx-missing", str(problem)) from None
        device = str(self.mx.default_device())
        self.channel.facts(
            "device", default=device, backend=backend(self.mx), info=device_info(self.mx)
        )
        if self.request.get("require_gpu", True) and "gpu" not in device:
            raise Stop("probe-cpu-only", f"mx.default_device() is {device}, not Device(gpu, 0)")

    def kernel(self) -> None:
        """A quantised matrix product on the default device against the same on the CPU.

        Relative error |y - r| / |r| in fp32: the CPU back end sums bf16 in bf16 and is off by 5 %.
        """
        mx = self.mx
        mx.random.seed(0)
        left, right = mx.random.normal((64, 512)), mx.random.normal((256, 512))
        weight, scales, biases = mx.quantize(right, group_size=64, bits=8)
        packed = {"group_size": 64, "bits": 8}
        product = mx.quantized_matmul(left, weight, scales, biases, transpose=True, **packed)
        plain = mx.dequantize(weight, scales, biases, stream=mx.cpu, **packed)
        expected = mx.matmul(left, plain.T, stream=mx.cpu)
        difference = mx.linalg.norm(product - expected, stream=mx.cpu)
        error = float(difference / mx.linalg.norm(expected, stream=mx.cpu))
        self.channel.facts("device", kernel_error=error)

    def import_mlx_audio(self) -> None:
        """Import mlx-audio, as far as loading a speech model needs it."""
        try:
            import_module("mlx_audio.tts.utils")
        except ModuleNotFoundError as problem:
            if (problem.name or "").split(".")[0] != "mlx_audio":
                raise
            raise Stop("mlx-audio-missing", str(problem)) from None

    def load(self) -> None:
        """Load the model by its id, offline, and look at what has been loaded."""
        utils = import_module("mlx_audio.tts.utils")
        self.model = utils.load_model(self.request["model"])
        self.channel.facts(
            "model",
            kind=getattr(self.model.config, "tts_model_type", "base"),
            sample_rate=self.model.sample_rate,
            active_bytes=memory(self.mx, "active"),
            **quantisation(self.model),
            **self.tokenizers(),
        )
        if getattr(self.model, "tokenizer", None) is None:
            raise Stop("tokenizer-missing", "load_model() returned without a text tokenizer")
        if getattr(self.model, "speech_tokenizer", None) is None:
            raise Stop("speech-tokenizer-missing", "load_model() returned no speech tokenizer")
        if not getattr(self.model.speech_tokenizer, "has_encoder", False):
            raise Stop("speech-encoder-missing", "the speech tokenizer has no encoder")

    def tokenizers(self) -> dict[str, Any]:
        """Whether they are there, and whether the text tokenizer knows the chat template.

        mlx-audio cuts 3 tokens from the front and 5 from the end without looking at them; with
        another tokenizer the process dies of SIGFPE, so this one stops before.
        """
        tokenizer = getattr(self.model, "tokenizer", None)
        speech = getattr(self.model, "speech_tokenizer", None)
        found = {
            "text_tokenizer": tokenizer is not None,
            "speech_tokenizer": speech is not None,
            "speech_encoder": bool(getattr(speech, "has_encoder", False)),
        }
        if tokenizer is None:
            return found
        prefix, suffix = "<|im_start|>assistant\n", "<|im_end|>\n<|im_start|>assistant\n"
        first, last = tokenizer.encode(prefix), tokenizer.encode(suffix)
        whole = list(tokenizer.encode(prefix + self.request["text"] + suffix))
        start = getattr(self.model.config, "im_start_token_id", first[0] if first else None)
        sane = (
            (len(first), len(last)) == (3, 5)
            and first[0] == start
            and (whole[:3], whole[-5:]) == (list(first), list(last))
            and len(whole) > 8
        )
        if not sane:
            raise Stop(
                "tokenizer-broken",
                f"the chat template is {len(first)} + {len(last)} tokens instead of 3 + 5",
            )
        return {**found, "text_tokens": len(whole) - 8}

    def reference(self) -> None:
        """Read the reference recording at the model's sample rate, and measure it."""
        path, rate = self.request["ref_audio"], self.model.sample_rate
        try:
            self.reference_audio = read_audio(path, rate)
        except Exception as problem:
            raise Stop(
                "reference-unreadable", f"{path}: {type(problem).__name__}: {problem}"
            ) from problem
        if len(self.reference_audio) < rate // 10:
            raise Stop("reference-unreadable", f"{path} is shorter than 0.1 s")
        seconds = len(self.reference_audio) / rate
        self.channel.facts(
            "reference",
            characters_per_second=len(self.request["ref_text"]) / seconds,
            **audio_metrics(self.reference_audio, rate),
        )

    def synthesis(self) -> None:
        """Speak the text; where it never ends, or says nothing, once more with the next seed."""
        for seed in self.request["seeds"]:
            attempt = self.speak(seed)
            self.channel.facts("attempts", **attempt)
            if attempt["tokens"] and not attempt["runaway"]:
                return

    def repeat(self) -> None:
        """The same seed once more: how fast a warm run is, and whether it says the same."""
        if not self.request.get("repeat") or not len(self.audio):
            return
        kept, rate = self.audio, self.rate
        seed = self.last_seed
        self.channel.facts("repeat", **self.speak(seed))
        self.audio, self.rate = kept, rate

    def speak(self, seed: int) -> dict[str, Any]:
        """One synthesis; ``tokens`` are codec frames, ``seconds`` the time until it is computed."""
        mx, limit = self.mx, int(self.request["max_tokens"])
        mx.random.seed(seed)
        memory(mx, "reset_peak")
        started = time.perf_counter()
        with counting(self.model, self.channel):
            parts = list(
                self.model.generate(
                    text=self.request["text"],
                    ref_audio=mx.array(self.reference_audio),
                    ref_text=self.request["ref_text"],
                    lang_code=self.request["language"],
                    max_tokens=limit,
                    verbose=False,
                )
            )
        pieces = [np.asarray(each.audio, dtype=np.float32).reshape(-1) for each in parts]
        self.audio = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        seconds = time.perf_counter() - started
        self.rate = int(parts[0].sample_rate) if parts else int(self.model.sample_rate)
        self.last_seed = seed
        tokens = sum(int(each.token_count) for each in parts)
        return {
            "seed": seed,
            "tokens": tokens,
            "seconds": seconds,
            "speed": tokens / FRAMES_PER_SECOND / seconds,
            "runaway": tokens >= limit,
            "peak_bytes": memory(mx, "peak"),
            "sha256": hashlib.sha256(self.audio.tobytes()).hexdigest(),
        }

    def measure(self) -> None:
        """Measure the audio."""
        if not len(self.audio):
            raise Stop("probe-empty", "the model ended at once, without audio")
        self.channel.facts("audio", **audio_metrics(self.audio, self.rate))

    def evidence(self) -> None:
        """Keep the audio and its picture."""
        if self.request.get("output"):
            folder = Path(self.request["output"])
            write_wave(str(folder / "audio.wav"), self.audio, self.rate)
            (folder / "audio.svg").write_text(draw(self.audio, self.rate), "utf-8")

    def voice(self) -> None:
        """Cosine of the speaker embeddings (ECAPA-TDNN) of the audio and of the reference.

        The two halves of the reference among themselves say how much a cosine varies in one voice.
        """
        mx, second = self.mx, self.rate
        if getattr(self.model, "speaker_encoder", None) is None or len(self.audio) < second:
            return

        def embedding(sound: Array) -> Array:
            found = self.model.extract_speaker_embedding(mx.array(sound))
            vector = np.asarray(found.astype(mx.float32)).reshape(-1)
            return vector / (np.linalg.norm(vector) + 1e-9)

        reference = self.reference_audio
        match = float(embedding(self.audio) @ embedding(reference))
        self.channel.facts("voice", match=match)
        if len(reference) > 2 * second:
            half = len(reference) // 2
            halves = float(embedding(reference[:half]) @ embedding(reference[half:]))
            self.channel.facts("voice", reference_halves=halves)

    def words(self) -> None:
        """What a speech recogniser hears, where the request names one that is cached."""
        name = self.request.get("recogniser")
        if not name:
            return
        try:
            recogniser = import_module("mlx_audio.stt.utils").load_model(name)
            heard = recogniser.generate(str(Path(self.request["output"], "audio.wav")))
            self.channel.facts("words", recogniser=name, heard=str(heard.text).strip())
        except Exception as problem:  # noqa: BLE001 - an aid that fails must not decide
            self.channel.facts("words", recogniser=name, error=f"{problem}"[:500])


@contextmanager
def counting(model: Loaded, channel: Channel) -> Iterator[None]:
    """Count on the channel what is spoken in the block: the talker is called once for a token.

    Only to show it: the model's own count is what is measured. A model without a talker counts
    nothing.
    """
    kind: Loaded = type(getattr(model, "talker", None))
    call = kind.__dict__.get("__call__")
    channel.tokens = 0
    if call is None:
        yield
        return

    def counted(*arguments: Loaded, **options: Loaded) -> Loaded:
        channel.tokens += 1
        return call(*arguments, **options)

    kind.__call__ = counted  # Python looks this name up in the class alone
    try:
        yield
    finally:
        kind.__call__ = call


# ------------------------------------------------------------------------------- the runtime


def installed_versions(packages: tuple[str, ...]) -> dict[str, str]:
    """The versions of those packages that are installed here, by name."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def look_for_metal_device() -> None:
    """Ask Metal for its devices without mlx, which before 0.31.2 aborts where there are none.

    Source: Apple's ``MTLCopyAllDevices``, an NSArray; its ``count`` is asked through the
    Objective-C runtime. Where the question itself fails, mlx has to answer it.

    Raises:
        Stop: there is none.
    """
    if platform.machine() != "arm64":
        raise Stop("python-not-native", f"this Python runs as {platform.machine()}, not as arm64")
    try:
        runtime = ctypes.CDLL("/usr/lib/libobjc.A.dylib")
        metal = ctypes.CDLL("/System/Library/Frameworks/Metal.framework/Metal")
        metal.MTLCopyAllDevices.restype = ctypes.c_void_p
        runtime.sel_registerName.restype = ctypes.c_void_p
        runtime.sel_registerName.argtypes = [ctypes.c_char_p]
        prototype = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p)
        count = prototype(("objc_msgSend", runtime))
        devices = metal.MTLCopyAllDevices()
        number = count(devices, runtime.sel_registerName(b"count")) if devices else 0
    except (OSError, AttributeError):
        return
    if not number:
        raise Stop("metal-no-device", "Metal lists no GPU in this session")


def backend(mx: Loaded) -> str:
    """``metal``, ``cuda`` or ``cpu``; that one is available does not say that it is used."""
    if mx.metal.is_available():
        return "metal"
    cuda = getattr(mx, "cuda", None)
    return "cuda" if cuda is not None and cuda.is_available() else "cpu"


def device_info(mx: Loaded) -> dict[str, Any]:
    """What mlx says of the default device; nothing where it does not know."""
    ask = getattr(mx, "device_info", None) or getattr(mx.metal, "device_info", None)
    try:
        return dict(ask()) if ask else {}
    except Exception as problem:  # noqa: BLE001 - information only, and mlx raises several types
        return {"error": str(problem)}


def memory(mx: Loaded, what: str) -> int:
    """``active`` or ``peak`` memory in bytes, or ``reset_peak``; older mlx has them under metal."""
    name = "reset_peak_memory" if what == "reset_peak" else f"get_{what}_memory"
    function = getattr(mx, name, None) or getattr(mx.metal, name, None)
    return int(function() or 0) if function else 0


def quantisation(model: Loaded) -> dict[str, Any]:
    """The quantised layers as they were loaded, and the parameters of talker and speaker encoder.

    A packed weight holds 32 / bits parameters in each of its numbers; scales and biases are none.
    """
    packed = [
        (name, layer)
        for name, layer in model.named_modules()
        if hasattr(layer, "bits") and hasattr(layer, "group_size") and "scales" in layer
    ]
    helpers = {f"{name}.{part}" for name, _ in packed for part in ("scales", "biases")}
    weights = {f"{name}.weight": 32 // layer.bits for name, layer in packed}
    flatten = import_module("mlx.utils").tree_flatten
    count = sum(
        array.size * weights.get(name, 1)
        for name, array in flatten(model.parameters())
        if name not in helpers and name.startswith(("talker.", "speaker_encoder."))
    )
    return {
        "quantised_layers": len(packed),
        "bits": sorted({layer.bits for _, layer in packed}),
        "group_sizes": sorted({layer.group_size for _, layer in packed}),
        "parameters": count,
    }


# ------------------------------------------------------------------------------------- audio


def read_audio(path: str, rate: int) -> Array:
    """A recording as mono float32 at ``rate``, shape [samples].

    Of an mlx-audio that cannot read files yet, only WAV of 16 bits.
    """
    try:
        load_audio = import_module("mlx_audio.utils").load_audio
        return np.asarray(load_audio(path, sample_rate=rate), dtype=np.float32).reshape(-1)
    except (ImportError, AttributeError):
        return read_wave(path, rate)


def read_wave(path: str, rate: int) -> Array:
    """A WAV of 16 bits as mono float32 at ``rate`` (Hz), resampled linearly, shape [samples].

    Raises:
        ValueError: its samples have another width.
    """
    with wave.open(path, "rb") as file:
        channels, width, own = file.getnchannels(), file.getsampwidth(), file.getframerate()
        raw = file.readframes(file.getnframes())
    if width != 2:
        raise ValueError(f"{8 * width} bits a sample; only 16 are read")
    samples = np.frombuffer(raw, "<i2").reshape(-1, channels).mean(1) / 32768
    if own != rate:
        times = np.arange(int(len(samples) * rate / own)) * (own / rate)
        samples = np.interp(times, np.arange(len(samples)), samples)
    return samples.astype(np.float32)


def write_wave(path: str, audio: Array, rate: int) -> None:
    """Write float32 samples as mono WAV of 16 bits; NaN becomes silence."""
    samples = np.clip(np.nan_to_num(audio), -1, 1) * 32767
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def audio_metrics(audio: Array, rate: int) -> dict[str, Any]:
    """Every measurement of a recording, shape [samples] at ``rate`` Hz; units in the names' docs.

    Of a recording with NaN, or shorter than 0.1 s, only length and finiteness are measured.
    """
    samples = np.asarray(audio, np.float64).reshape(-1)
    finite = bool(np.isfinite(samples).all())
    found: dict[str, Any] = {
        "seconds": len(samples) / rate,
        "sample_rate": rate,
        "finite": finite,
    }
    if not finite or len(samples) < rate // 10:
        return found
    frames, hop = cut_frames(samples, rate)
    levels = decibels(np.sqrt((frames**2).mean(1)))
    active = active_frames(levels)
    found["level_dbfs"] = float(decibels(np.sqrt((samples**2).mean())))
    found["peak"] = float(np.abs(samples).max())
    found["clipped_share"] = float((np.abs(samples) >= 0.999).mean())
    found["active_share"] = float(active.mean())
    found["inner_silence"] = longest_inner_silence(active) * hop / rate
    if active.any():
        speech = frames[active]
        power = power_spectra(speech)
        found["flatness"] = spectral_flatness(power, rate)
        found["modulation_db"] = modulation(levels[active])
        found["voiced_share"] = voiced_share(speech, rate)
        found["self_similarity"] = self_similarity(power, rate, hop)
    return found


def cut_frames(samples: Array, rate: int) -> tuple[Array, int]:
    """Frames of about 43 ms, half overlapping, shape [frames, length]; and the hop in samples."""
    length = 1024 if rate >= 22050 else 512
    windows = np.lib.stride_tricks.sliding_window_view(samples, length)
    return windows[:: length // 2], length // 2


def decibels(amplitude: Array) -> Array:
    """20 log10 of an amplitude, in dB of full scale (dBFS); silence is -180."""
    return 20 * np.log10(np.maximum(amplitude, 1e-9))


def active_frames(levels: Array) -> Array:
    """Which frames are not silent: above -55 dBFS and within 40 dB of the loudest."""
    return levels > max(-55.0, float(levels.max()) - 40)


def longest_inner_silence(active: Array) -> int:
    """The longest run of silent frames between the first and the last active one, in frames."""
    places = np.flatnonzero(active)
    return int(np.diff(places).max() - 1) if len(places) > 1 else 0


def power_spectra(frames: Array) -> Array:
    """|FFT|^2 of the frames under a Hann window, shape [frames, length / 2 + 1]."""
    return np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]))) ** 2 + 1e-12


def speech_band(power: Array, rate: int) -> Array:
    """The columns of a spectrum from 80 to 8000 Hz, shape [frames, bins]."""
    frequencies = np.linspace(0, rate / 2, power.shape[1])
    return power[:, (frequencies >= 80) & (frequencies <= 8000)]


def spectral_flatness(power: Array, rate: int) -> float:
    """Geometric over arithmetic mean of the power, 80 to 8000 Hz, median over frames; 0 to 1.

    White noise comes near 1, a voice near 0. Source: Johnston 1988, as the "Wiener entropy".
    """
    band = speech_band(power, rate)
    return float(np.median(np.exp(np.log(band).mean(1)) / band.mean(1)))


def modulation(levels: Array) -> float:
    """95th less 10th percentile of the level of active frames, in dB: syllables rise and fall."""
    return float(np.percentile(levels, 95) - np.percentile(levels, 10))


def voiced_share(frames: Array, rate: int) -> float:
    """Share of frames whose autocorrelation has a peak above 0.6 at a lag of 60 to 400 Hz.

    The autocorrelation is divided by its value at lag 0 and by the part of the frame that
    overlaps, as in Boersma 1993 (his eq. 9, with a rectangular window).
    """
    length = frames.shape[1]
    centred = frames - frames.mean(1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred, 2 * length)) ** 2
    lags = np.fft.irfft(spectrum)[:, :length] / (1 - np.arange(length) / length)
    lowest, highest = int(rate / 400), min(int(rate / 60), length - 1)
    peaks = lags[:, lowest:highest].max(1) / np.maximum(lags[:, 0], 1e-12)
    return float((peaks > 0.6).mean())


def self_similarity(power: Array, rate: int, hop: int) -> float:
    """Mean cosine of the log spectra of frames 160 ms apart, each less its mean; -1 to 1.

    160 ms are two codec frames: a token that repeats gives 1, speech about 0.4.
    """
    shapes = np.log(speech_band(power, rate) + 1e-6)
    shapes = shapes - shapes.mean(1, keepdims=True)
    shapes = shapes / (np.linalg.norm(shapes, axis=1, keepdims=True) + 1e-9)
    distance = max(1, int(0.16 * rate / hop))
    if len(shapes) <= distance:
        return 1.0
    return float((shapes[:-distance] * shapes[distance:]).sum(1).mean())


# ----------------------------------------------------------------------------------- picture

WIDTH, WAVE_HEIGHT, SPECTRUM_HEIGHT, MARGIN = 960, 130, 260, 56
INK, PAPER, GRID, LINE = "#c9d1d9", "#0d1117", "#30363d", "#58a6ff"
SHADES = 40
COLOURS = (
    (13, 17, 23),
    (46, 25, 92),
    (128, 37, 115),
    (212, 72, 66),
    (251, 159, 58),
    (252, 253, 191),
)


def draw(audio: Array, rate: int) -> str:
    """An SVG of the waveform above the spectrogram, with axes in seconds and kHz."""
    samples = np.nan_to_num(np.asarray(audio, np.float64).reshape(-1))
    seconds = len(samples) / rate
    top = WAVE_HEIGHT + MARGIN
    height = top + SPECTRUM_HEIGHT + MARGIN
    image = b64encode(png(spectrogram(samples, rate))).decode()
    place = f'x="{MARGIN}" y="{top}" width="{WIDTH}" height="{SPECTRUM_HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 2 * MARGIN} {height}">',
        f"<style>text {{ font: 12px ui-monospace, monospace; fill: {INK} }}</style>",
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        f'<text x="{MARGIN}" y="22">{seconds:.2f} s at {rate} Hz</text>',
        f'<image {place} preserveAspectRatio="none" href="data:image/png;base64,{image}"/>',
    ]
    step = next((each for each in (0.1, 0.2, 0.5, 1, 2, 5, 10) if seconds / each <= 12), 30)
    for tick in range(int(seconds / step) + 1):
        x = MARGIN + WIDTH * tick * step / max(seconds, step)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="36" y2="{top - 8}" stroke="{GRID}"/>')
        label = f"{tick * step:g} s"
        parts.append(f'<text x="{x:.1f}" y="{height - 30}" text-anchor="middle">{label}</text>')
    parts.append(f'<path d="{waveform(samples)}" fill="{LINE}"/>')
    for kilohertz in range(0, 9, 2):
        y = top + SPECTRUM_HEIGHT * (1 - kilohertz / 8) + 4
        parts.append(f'<text x="{MARGIN - 8}" y="{y:.0f}" text-anchor="end">{kilohertz} kHz</text>')
    return "\n".join((*parts, "</svg>\n"))


def waveform(samples: Array) -> str:
    """The path of the envelope: the highest and lowest sample of every pixel."""
    columns = np.array_split(samples, min(WIDTH, max(1, len(samples))))
    middle, scale = 36 + WAVE_HEIGHT / 2, WAVE_HEIGHT / 2
    width = WIDTH / len(columns)
    points = [
        (MARGIN + index * width, middle - scale * float(each.max(initial=0)))
        for index, each in enumerate(columns)
    ] + [
        (MARGIN + index * width, middle + 0.5 - scale * float(each.min(initial=0)))
        for index, each in reversed(list(enumerate(columns)))
    ]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z"


def spectrogram(samples: Array, rate: int) -> Array:
    """Levels of 0 to 8000 Hz as 0 to 1, over a range of 70 dB; the first row is the highest.

    The loudest is 1, but for what is next to silence: that stays dark.
    """
    padded = np.concatenate([samples, np.zeros(max(0, 2048 - len(samples)))])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 1024)
    power = power_spectra(windows[:: max(1, -(-len(windows) // WIDTH))])
    levels = 10 * np.log10(power[:, : int(8000 / rate * 1024)].T[::-1])
    return np.clip((levels - max(levels.max(), -20.0) + 70) / 70, 0, 1)


def png(values: Array) -> bytes:
    """A picture of a matrix of 0 to 1, shape [height, width], in SHADES colours; RFC 2083."""
    height, width = values.shape
    places = np.linspace(0, len(COLOURS) - 1, SHADES)
    channels = [np.interp(places, range(len(COLOURS)), each) for each in zip(*COLOURS, strict=True)]
    palette = np.stack(channels, -1).astype(np.uint8)
    rows = np.zeros((height, width + 1), np.uint8)  # the first column: no filter
    rows[:, 1:] = np.rint(values * (SHADES - 1))

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 9)
    parts = ((b"IHDR", header), (b"PLTE", palette.tobytes()), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


# -------------------------------------------------------------------------------------- main


def main() -> int:
    """Run the probe that the request file describes; 0 where it came to its end."""
    channel = Channel()
    faulthandler.enable(all_threads=True)
    here = Path(__file__).resolve().parent
    sys.path[:] = [each for each in sys.path if Path(each).resolve() != here]
    try:
        request = json.loads(Path(sys.argv[1]).read_text("utf-8"))
        follow_parent(channel, request["parent"])
        Worker(request, channel).run()
    except Stop as stop:
        channel.send("result", ok=False, code=stop.code, message=str(stop))
        return 1
    except BaseException as problem:  # noqa: BLE001 - whatever it is, the parent has to know
        traceback.print_exc()
        name = type(problem).__name__
        channel.send("result", ok=False, code="", message=str(problem)[:2000], exception=name)
        return 1
    channel.send("result", ok=True, code="", message="")
    return 0


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # without the interpreter's teardown: destructors of Metal have crashed there
