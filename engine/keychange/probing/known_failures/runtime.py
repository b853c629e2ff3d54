"""Failures of the interpreter and its packages."""

from __future__ import annotations

from typing import Final

from keychange.probing.known_failures.failure import Failure
from keychange.probing.known_failures.fixes import UPGRADE

RUNTIME: Final = (
    Failure(
        code="python-missing",
        title="The interpreter cannot be started",
        cause="The path of the MLX interpreter does not name an executable Python.",
        fix="Make the MLX environment, or correct the path in the migration or in .env.",
        source="guide, section 1",
        example="error[python-missing]: models/mlx_env312/bin/python is not an executable",
    ),
    Failure(
        code="mlx-missing",
        title="The interpreter has no mlx",
        cause="mlx is not installed in this environment, or cannot be imported.",
        fix="Install mlx into the project's MLX environment (on Linux: mlx[cuda13] or mlx[cpu]).",
        source="guide, section 2",
        example="error[mlx-missing]: models/mlx_env312/bin/python has no mlx",
    ),
    Failure(
        code="mlx-audio-missing",
        title="The interpreter has no mlx-audio",
        cause="mlx-audio is not installed in this environment, or cannot be imported.",
        fix="Install mlx-audio into the project's MLX environment.",
        source="guide, section 3",
        example="error[mlx-audio-missing]: models/mlx_env312/bin/python has no mlx-audio",
    ),
    Failure(
        code="probe-cpu-only",
        title="MLX runs on the CPU",
        cause="mx.default_device() is not the GPU: a Linux wheel without CUDA, or an interpreter "
        "that is not native.",
        fix="Install mlx for the GPU (a native arm64 Python on a Mac, mlx[cuda13] on Linux).",
        source="guide, section 2; voicebox #699",
        example="error[probe-cpu-only]: mlx's default device is Device(cpu, 0), not the GPU",
    ),
    Failure(
        code="kernel-wrong",
        title="The GPU computes 8-bit products wrongly",
        cause="A quantised matrix product differs from the CPU's by more than rounding.",
        fix="Reinstall mlx; if it stays, update the system and report it to mlx.",
        example="error[kernel-wrong]: The GPU computes 8-bit products wrongly: 0.31, expected <= "
        "0.01",
    ),
    Failure(
        code="mlx-too-old",
        title="mlx is older than this model needs",
        cause="Quantised speech models are known to load and to run with mlx 0.32.0 and newer.",
        fix="Upgrade mlx and mlx-audio together in the project's MLX environment.",
        source="mlx #3650, #3243",
        example="error[mlx-too-old]: mlx is 0.29.3, older than 0.32.0",
    ),
    Failure(
        code="mlx-too-old-for-cuda",
        title="This mlx cannot import mlx-audio's codecs on CUDA",
        cause="mlx before 0.32.0 refuses Metal kernels at import where there is no Metal.",
        fix="Upgrade to mlx[cuda13] 0.32.0 or newer.",
        pattern=r"No Metal back-end",
        source="mlx #3650",
        example="ValueError: [metal_kernel] No Metal back-end.",
    ),
    Failure(
        code="mlx-no-cuda-fft",
        title="This mlx has no FFT on CUDA",
        cause="mlx before 0.31.2 has no Fourier transform on CUDA; the speaker encoder needs it.",
        fix="Upgrade to mlx[cuda13] 0.32.0 or newer.",
        pattern=r"FFT.*(no|not).*(CUDA|implement)|has no CUDA implementation",
        source="mlx #3243",
        example="RuntimeError: FFT has no CUDA implementation.",
    ),
    Failure(
        code="thread-stream",
        title="mlx-audio used a GPU stream of another thread",
        cause="Streams of mlx 0.31.2 and newer belong to one thread; this mlx-audio is older.",
        fix="Upgrade mlx-audio to the release that matches this mlx.",
        pattern=r"There is no Stream\(gpu",
        source="mlx-audio #744, #787",
        example="RuntimeError: There is no Stream(gpu, 1) in current thread.",
    ),
    Failure(
        code="mlx-audio-too-old",
        title="mlx-audio is older than this model needs",
        cause="Voice cloning needs mlx-audio 0.4.0; speech that stops early was fixed after 0.5.0.",
        fix=UPGRADE,
        pattern=r"ModelConfig\.__init__\(\) missing \d+",
        source="mlx-audio #461, #882, #470",
        example="TypeError: ModelConfig.__init__() missing 11 required positional arguments",
    ),
    Failure(
        code="portaudio-missing",
        title="The PortAudio library is missing",
        cause="mlx_audio.tts.generate imports sounddevice, which needs PortAudio on Linux.",
        fix="Install the system package libportaudio2; keychange's own probe does not need it.",
        pattern=r"PortAudio library not found",
        example="OSError: PortAudio library not found",
    ),
    Failure(
        code="voice-ref-mediator-missing",
        title="The script does not find its module voice_ref_mediator",
        cause="prepare_qwen_voice.py runs from a context where scripts/ is not on PYTHONPATH.",
        fix="Run it from the root of the Flaming Horse repository, by the path scripts/...",
        pattern=r"No module named '?voice_ref_mediator|ModuleNotFoundError: voice_ref_mediator",
        source="guide, section 8",
        example="ModuleNotFoundError: No module named 'voice_ref_mediator'",
    ),
    Failure(
        code="module-missing",
        title="A Python package is missing",
        cause="Something that mlx-audio imports is not installed in this environment.",
        fix="Install the package that the message names into the project's MLX environment.",
        pattern=r"ModuleNotFoundError|Missing dependency while loading",
        example="ModuleNotFoundError: No module named 'soundfile'",
    ),
)
