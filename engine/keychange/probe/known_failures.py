"""The table of known failures, in the order in which their patterns are tried."""

from __future__ import annotations

from typing import Final

from keychange.probe.failures import Failure
from keychange.probe.verdict import Verdict

_DOWNLOAD: Final = "hf download {model}"
_AGAIN: Final = "Download the model again; what is there already is kept."
_SNAPSHOT: Final = "Delete the model's folder in the hub cache and download the whole snapshot."
_TOO_OLD: Final = "Upgrade mlx-audio in the project's MLX environment to 0.6.2 or newer."

_SESSION: Final = (
    Failure(
        code="metal-no-device",
        title="Metal shows no GPU to this session",
        cause="The process runs in a restricted sandbox, over ssh, in CI or in a virtual machine, "
        "where the Metal device is not available. mlx before 0.31.2 aborts with NSRangeException.",
        fix="Run it again from a normal macOS Terminal session of the logged-in user, unsandboxed.",
        verdict=Verdict.INCONCLUSIVE,
        pattern=r"NSRangeException|__NSArray0 objectAtIndex|\[metal::load_device\]"
        r"|No Metal device available",
        source="guide, section 8; mlx #2691, #3148, #3428",
    ),
    Failure(
        code="metal-library-mismatch",
        title="The mlx wheel was built for another macOS",
        cause="The Metal library inside the wheel needs a newer macOS than this one.",
        fix="Reinstall mlx and mlx-metal for this macOS, or update macOS.",
        pattern=r"Failed to load the default metallib|language version \d|Unable to load kernel"
        r"|deployment target",
        source="mlx #4389; vmlx #120",
    ),
    Failure(
        code="python-not-native",
        title="The interpreter runs under Rosetta",
        cause="An x86_64 Python on an Apple silicon Mac cannot use Metal through MLX.",
        fix="Make the MLX environment with a native arm64 Python.",
        source="mlx-examples #1306",
    ),
    Failure(
        code="gpu-watchdog",
        title="macOS stopped the GPU command because it took too long",
        cause="The GPU watchdog ends work that blocks the display; display sleep provokes it.",
        fix="Close other programs that use the GPU, keep the display on, and run it again.",
        verdict=Verdict.INCONCLUSIVE,
        pattern=r"kIOGPUCommandBufferCallbackErrorImpactingInteractivity|Impacting Interactivity"
        r"|kIOGPUCommandBufferCallbackErrorTimeout",
        source="mlx #3267",
    ),
    Failure(
        code="out-of-memory",
        title="Memory ran out",
        cause="The GPU or the machine had too little free memory for the model.",
        fix="Close other programs; the 1.7B model at 8 bits needs about 6 GB free.",
        verdict=Verdict.INCONCLUSIVE,
        pattern=r"kIOGPUCommandBufferCallbackErrorOutOfMemory|Insufficient Memory"
        r"|\[metal::malloc\]|maximum allowed buffer size|cudaMalloc|out of memory|std::bad_alloc"
        r"|MemoryError",
        source="omlx #354; mlx-serve #321",
    ),
    Failure(
        code="gpu-error",
        title="The GPU reported an error",
        cause="A GPU command failed in the driver; the standard error holds its words.",
        fix="Run it again; if it stays, restart the machine.",
        verdict=Verdict.INCONCLUSIVE,
        pattern=r"kIOGPUCommandBufferCallbackError\w+|\[METAL\] Command buffer execution failed"
        r"|MTLReportFailure|failed assertion|CUDA error|cudaError",
        source="mlx #3267",
    ),
)

_RUNTIME: Final = (
    Failure(
        code="python-missing",
        title="The interpreter cannot be started",
        cause="The path of the MLX interpreter does not name an executable Python.",
        fix="Make the MLX environment, or correct the path in the migration or in .env.",
        source="guide, section 1",
    ),
    Failure(
        code="mlx-missing",
        title="The interpreter has no mlx",
        cause="mlx is not installed in this environment, or cannot be imported.",
        fix="Install mlx into the project's MLX environment (on Linux: mlx[cuda13] or mlx[cpu]).",
        source="guide, section 2",
    ),
    Failure(
        code="mlx-audio-missing",
        title="The interpreter has no mlx-audio",
        cause="mlx-audio is not installed in this environment, or cannot be imported.",
        fix="Install mlx-audio into the project's MLX environment.",
        source="guide, section 3",
    ),
    Failure(
        code="probe-cpu-only",
        title="MLX runs on the CPU",
        cause="mx.default_device() is not the GPU: a Linux wheel without CUDA, or an interpreter "
        "that is not native.",
        fix="Install mlx for the GPU (a native arm64 Python on a Mac, mlx[cuda13] on Linux).",
        source="guide, section 2; voicebox #699",
    ),
    Failure(
        code="kernel-wrong",
        title="The GPU computes 8-bit products wrongly",
        cause="A quantised matrix product differs from the CPU's by more than rounding.",
        fix="Reinstall mlx; if it stays, update the system and report it to mlx.",
    ),
    Failure(
        code="mlx-too-old-for-cuda",
        title="This mlx cannot import mlx-audio's codecs on CUDA",
        cause="mlx before 0.32.0 refuses Metal kernels at import where there is no Metal.",
        fix="Upgrade to mlx[cuda13] 0.32.0 or newer.",
        pattern=r"No Metal back-end",
        source="mlx #3650",
    ),
    Failure(
        code="mlx-no-cuda-fft",
        title="This mlx has no FFT on CUDA",
        cause="mlx before 0.31.2 has no Fourier transform on CUDA; the speaker encoder needs it.",
        fix="Upgrade to mlx[cuda13] 0.32.0 or newer.",
        pattern=r"FFT.*(no|not).*(CUDA|implement)|has no CUDA implementation",
        source="mlx #3243",
    ),
    Failure(
        code="thread-stream",
        title="mlx-audio used a GPU stream of another thread",
        cause="Streams of mlx 0.31.2 and newer belong to one thread; this mlx-audio is older.",
        fix="Upgrade mlx-audio to the release that matches this mlx.",
        pattern=r"There is no Stream\(gpu",
        source="mlx-audio #744, #787",
    ),
    Failure(
        code="mlx-audio-too-old",
        title="mlx-audio is older than this model needs",
        cause="Voice cloning needs mlx-audio 0.4.0; speech that stops early was fixed after 0.5.0.",
        fix=_TOO_OLD,
        pattern=r"ModelConfig\.__init__\(\) missing \d+",
        source="mlx-audio #461, #882, #470",
    ),
    Failure(
        code="portaudio-missing",
        title="The PortAudio library is missing",
        cause="mlx_audio.tts.generate imports sounddevice, which needs PortAudio on Linux.",
        fix="Install the system package libportaudio2; keychange's own probe does not need it.",
        pattern=r"PortAudio library not found",
    ),
    Failure(
        code="voice-ref-mediator-missing",
        title="ModuleNotFoundError: voice_ref_mediator",
        cause="prepare_qwen_voice.py runs from a context where scripts/ is not on PYTHONPATH.",
        fix="Run it from the root of the Flaming Horse repository, by the path scripts/...",
        pattern=r"No module named '?voice_ref_mediator",
        source="guide, section 8",
    ),
    Failure(
        code="module-missing",
        title="A Python package is missing",
        cause="Something that mlx-audio imports is not installed in this environment.",
        fix="Install the package that the message names into the project's MLX environment.",
        pattern=r"ModuleNotFoundError|Missing dependency while loading",
    ),
)

_MODEL: Final = (
    Failure(
        code="model-not-cached",
        title="The model is not in the local hub cache",
        cause="It was never downloaded, or HF_HOME or HF_HUB_CACHE point somewhere else.",
        fix="Download the model, or correct HF_HOME; the probe itself never downloads.",
        command=_DOWNLOAD,
        pattern=r"LocalEntryNotFoundError|Cannot find an appropriate cached snapshot"
        r"|Local path not found|RepositoryNotFound",
        source="guide, section 3; voicemode #495",
    ),
    Failure(
        code="model-download-incomplete",
        title="The download of the model was interrupted",
        cause="A blob in the hub cache still ends in .incomplete; mlx-audio would load the rest.",
        fix="Run the download again; where it does not go away, delete the .incomplete file.",
        command=_DOWNLOAD,
        pattern=r"IncompleteSnapshotError",
        source="optimum #2470; mlxcel #604",
    ),
    Failure(
        code="model-link-dangling",
        title="A file of the snapshot points to a blob that is gone",
        cause="The hub cache was cleaned or copied without its blobs.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
    ),
    Failure(
        code="model-file-truncated",
        title="A file of the model is shorter than its header says",
        cause="The download or a copy was cut off.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
        pattern=r"incomplete download or corrupt file|MetadataIncompleteBuffer",
    ),
    Failure(
        code="model-file-damaged",
        title="A file of the model cannot be read as safetensors",
        cause="Its header is not valid: the file was damaged, or is a pointer to a large file.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
        pattern=r"Invalid json header|invalid data offsets|HeaderTooLarge",
    ),
    Failure(
        code="model-file-missing",
        title="A file of the model is missing",
        cause="The download was interrupted or left files out.",
        fix=_AGAIN,
        command=_DOWNLOAD,
    ),
    Failure(
        code="model-config-invalid",
        title="The model's configuration cannot be read",
        cause="A config.json of the snapshot is damaged or has values of another shape.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
    ),
    Failure(
        code="model-wrong-type",
        title="The snapshot is another kind of model",
        cause="It is no Qwen3-TTS Base model: only Base clones a voice from a reference.",
        fix="Set the model id to the Base model.",
        source="mlx-audio #557",
    ),
    Failure(
        code="model-wrong-size",
        title="The snapshot has another number of parameters than its id says",
        cause="Another model lies under this id.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
    ),
    Failure(
        code="model-not-quantised",
        title="The model is not quantised",
        cause="The weights are stored in full precision, though the id promises fewer bits.",
        fix="Use the quantised model of mlx-community whose id ends in the number of bits.",
    ),
    Failure(
        code="model-wrong-quantisation",
        title="The model is quantised otherwise than its id or the migration says",
        cause="Another model lies under this id, or the conversion was made with other settings.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
        source="mlx-audio #412",
    ),
    Failure(
        code="model-tensor-missing",
        title="Weights of the model are missing",
        cause="The files do not hold every tensor that the configuration implies; mlx-audio would "
        "leave random numbers in the speech tokenizer without an error.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
        pattern=r"Missing \d+ parameters|parameters not in model",
    ),
    Failure(
        code="model-shape-mismatch",
        title="Weights of the model have another shape than its configuration implies",
        cause="The configuration and the weights are of different models.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
        pattern=r"Expected shape",
    ),
    Failure(
        code="tokenizer-missing",
        title="The model has no text tokenizer",
        cause="Its configuration or vocabulary is missing; mlx-audio only prints a warning.",
        fix=_AGAIN,
        command=_DOWNLOAD,
    ),
    Failure(
        code="tokenizer-broken",
        title="The text tokenizer does not know the model's chat template",
        cause="The vocabulary is missing or damaged; transformers then builds an empty tokenizer.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
    ),
    Failure(
        code="speech-tokenizer-missing",
        title="The model has no speech tokenizer",
        cause="speech_tokenizer/ or its weights are missing; mlx-audio prints a warning, or runs "
        "with random weights.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
        source="omlx #598",
    ),
    Failure(
        code="speech-encoder-missing",
        title="The speech tokenizer has no encoder",
        cause="The snapshot lacks it, or mlx-audio before 0.4.0 does not load it: the transcript "
        "of the reference would be ignored.",
        fix=_TOO_OLD,
        source="mlx-audio #435, #461",
    ),
    Failure(
        code="model-made-up",
        title="The weights are made up",
        cause="keychange made this checkpoint with random numbers, for tests and demonstrations.",
        fix="Delete its folder in the hub cache and download the real model.",
        command=_DOWNLOAD,
    ),
    Failure(
        code="model-architecture-unknown",
        title="keychange does not know this architecture",
        cause="Only Qwen3-TTS is compared tensor by tensor; of others, the files are checked.",
        fix="Nothing to do; rely on the probe.",
    ),
    Failure(
        code="weights-not-resident",
        title="Less memory is in use than the weights need",
        cause="The model was loaded only in part.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
    ),
    Failure(
        code="network-needed",
        title="Something wanted to download while the probe is offline",
        cause="A file that the model needs is not in the hub cache.",
        fix=_AGAIN,
        command=_DOWNLOAD,
        pattern=r"ConnectionError|Temporary failure in name resolution|NameResolutionError"
        r"|MaxRetryError|OfflineModeIsEnabled",
    ),
)

_REFERENCE: Final = (
    Failure(
        code="reference-missing",
        title="The reference recording or its transcript is missing",
        cause="ref_audio or ref_text name a file that is not there.",
        fix="Put the reference voice in place, or correct ref_audio and ref_text.",
        verdict=Verdict.INCONCLUSIVE,
        source="guide, section 1",
    ),
    Failure(
        code="reference-unreadable",
        title="The reference recording cannot be read",
        cause="It is no audio file that mlx-audio can decode, or it is empty.",
        fix="Convert it to a mono WAV of 24 kHz, 3 to 15 seconds long.",
        verdict=Verdict.INCONCLUSIVE,
    ),
    Failure(
        code="reference-silent",
        title="The reference recording is silent",
        cause="There is no voice in it to clone.",
        fix="Record the reference again.",
        verdict=Verdict.INCONCLUSIVE,
    ),
    Failure(
        code="reference-text-mismatch",
        title="The transcript does not fit the length of the reference recording",
        cause="The transcript covers more or less than the recording; the model then runs on or "
        "stops early.",
        fix="Write down every word of the recording in ref_text.",
        source="mlx-audio #921",
    ),
)

_SPEECH: Final = (
    Failure(
        code="probe-runaway",
        title="The speech never ended",
        cause="Every attempt produced as many tokens as it may: the transcript does not fit the "
        "reference, or the model or mlx-audio is broken. One attempt in 200 does so by chance.",
        fix="Check that ref_text is the exact transcript of ref_audio, and run it again.",
        source="Qwen3-TTS #118; mlx-audio #921",
    ),
    Failure(
        code="probe-empty",
        title="The model produced no audio",
        cause="It ended at once, in every attempt.",
        fix=_TOO_OLD,
        source="tts-serve #35",
    ),
    Failure(
        code="probe-wrong-rate",
        title="The audio has another sample rate than the model",
        cause="mlx-audio and the model do not match.",
        fix=_TOO_OLD,
        source="qwen3-tts-rs #2",
    ),
    Failure(
        code="probe-not-finite",
        title="The audio holds values that are not numbers",
        cause="Weights are damaged, or the GPU computes wrongly.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
    ),
    Failure(
        code="probe-silent",
        title="The audio is silent",
        cause="The vocoder has no or wrong weights, or mlx-audio does not match the model.",
        fix=_TOO_OLD,
        source="mlx-audio #405, #395",
    ),
    Failure(
        code="probe-too-short",
        title="The audio is too short for its text",
        cause="The speech stopped early; mlx-audio up to 0.5.0 does so with this model.",
        fix=_TOO_OLD,
        source="mlx-audio #882",
    ),
    Failure(
        code="probe-clipped",
        title="The audio is clipped",
        cause="The vocoder overdrives: wrong weights, or mlx-audio does not match the model.",
        fix=_TOO_OLD,
    ),
    Failure(
        code="probe-noise",
        title="The audio is noise",
        cause="The spectrum is flat and nothing in it is voiced: the weights are wrong.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
    ),
    Failure(
        code="probe-unmodulated",
        title="The audio has no rhythm of speech",
        cause="Its level hardly changes, as in noise or a drone.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
    ),
    Failure(
        code="probe-unvoiced",
        title="Nothing in the audio is voiced",
        cause="No frame has a pitch between 60 and 400 Hz, as every spoken sentence has.",
        fix=_SNAPSHOT,
        command=_DOWNLOAD,
    ),
    Failure(
        code="probe-tone",
        title="The audio is one constant sound",
        cause="The model repeats one token, often because the transcript does not fit.",
        fix="Check that ref_text is the exact transcript of ref_audio, and run it again.",
        source="mlx-audio #921",
    ),
    Failure(
        code="probe-gap",
        title="There is a long silence inside the sentence",
        cause="The model paused far longer than a speaker does.",
        fix="Listen to the recording that the report names.",
    ),
    Failure(
        code="probe-slow",
        title="Speech is made slower than it is spoken",
        cause="The machine is busy, or the model runs in part on the CPU.",
        fix="Close other programs that use the GPU, and run it again.",
    ),
    Failure(
        code="probe-other-voice",
        title="The voice is not that of the reference",
        cause="The speaker embedding of the audio is far from the reference's.",
        fix="Listen to the recording; check that ref_text is the exact transcript.",
    ),
    Failure(
        code="probe-not-repeatable",
        title="The same seed made other audio",
        cause="The back end does not compute in a fixed order.",
        fix="Nothing to do; it is reported for comparison.",
    ),
    Failure(
        code="probe-wrong-words",
        title="Speech recognition hears other words",
        cause="The audio does not say the text.",
        fix="Listen to the recording; check that ref_text is the exact transcript.",
    ),
)

_PROCESS: Final = (
    Failure(
        code="probe-timeout",
        title="The probe took longer than its limit",
        cause="A stage did not finish in time; its process group was ended.",
        fix="Close other programs and run it again, or raise the limit of the stage.",
        verdict=Verdict.INCONCLUSIVE,
    ),
    Failure(
        code="probe-killed",
        title="Something killed the probe",
        cause="The process was ended from outside; most often the system lacked memory.",
        fix="Close other programs and run it again; the 1.7B model needs about 6 GB free.",
        verdict=Verdict.INCONCLUSIVE,
    ),
    Failure(
        code="probe-crashed",
        title="The interpreter crashed",
        cause="The process died of a signal while MLX was at work.",
        fix="Read the end of the standard error in the report; update mlx and mlx-audio.",
    ),
    Failure(
        code="probe-no-result",
        title="The probe ended without a result",
        cause="The interpreter ended early, or is no Python.",
        fix="Check the path of the interpreter; the report holds the end of its standard error.",
    ),
    Failure(
        code="probe-exception",
        title="mlx-audio raised an error",
        cause="The message holds its words.",
        fix="Upgrade mlx and mlx-audio together; the report holds the traceback.",
    ),
)

FAILURES: Final = (*_SESSION, *_RUNTIME, *_MODEL, *_REFERENCE, *_SPEECH, *_PROCESS)
