"""Failures of the model's files."""

from __future__ import annotations

from typing import Final

from keychange.probing.known_failures.failure import Failure
from keychange.probing.known_failures.fixes import AGAIN, DOWNLOAD, SNAPSHOT, UPGRADE

MODEL: Final = (
    Failure(
        code="model-not-cached",
        title="The model is not in the local hub cache",
        cause="It was never downloaded, or HF_HOME or HF_HUB_CACHE point somewhere else.",
        fix="Download the model, or correct HF_HOME; the probe itself never downloads.",
        command=DOWNLOAD,
        pattern=r"LocalEntryNotFoundError|Cannot find an appropriate cached snapshot"
        r"|Local path not found|RepositoryNotFound",
        source="guide, section 3; voicemode #495",
        example="error[model-not-cached]: mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit is not "
        "cached: "
        "~/.cache/huggingface/hub/models--mlx-community--Qwen3-TTS-12Hz-1.7B-Base-8bit "
        "does not exist",
    ),
    Failure(
        code="model-download-incomplete",
        title="The download of the model was interrupted",
        cause="A blob in the hub cache still ends in .incomplete; mlx-audio would load the rest.",
        fix="Run the download again; where it does not go away, delete the .incomplete file.",
        command=DOWNLOAD,
        pattern=r"IncompleteSnapshotError",
        source="optimum #2470; mlxcel #604",
        example="error[model-download-incomplete]: the download of "
        "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit was interrupted: "
        "blobs/3f1c.incomplete",
    ),
    Failure(
        code="model-link-dangling",
        title="A file of the snapshot points to a blob that is gone",
        cause="The hub cache was cleaned or copied without its blobs.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        example="error[model-link-dangling]: model.safetensors points to a blob that is gone",
    ),
    Failure(
        code="model-file-truncated",
        title="A file of the model is shorter than its header says",
        cause="The download or a copy was cut off.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        pattern=r"incomplete download or corrupt file|MetadataIncompleteBuffer",
        example="error[model-file-truncated]: model.safetensors has 1048576 of 2417321488 bytes",
    ),
    Failure(
        code="model-file-damaged",
        title="A file of the model cannot be read as safetensors",
        cause="Its header is not valid: the file was damaged, or is a pointer to a large file.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        pattern=r"Invalid json header|invalid data offsets|HeaderTooLarge",
        example="error[model-file-damaged]: model.safetensors is damaged: its header is not JSON",
    ),
    Failure(
        code="model-file-missing",
        title="A file of the model is missing",
        cause="The download was interrupted or left files out.",
        fix=AGAIN,
        command=DOWNLOAD,
        example="error[model-file-missing]: config.json is missing in snapshots/4c1d",
    ),
    Failure(
        code="model-config-invalid",
        title="The model's configuration cannot be read",
        cause="A config.json of the snapshot is damaged or has values of another shape.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        example="error[model-config-invalid]: config.json cannot be read: Expecting value: line "
        "1 column 1 (char 0)",
    ),
    Failure(
        code="model-wrong-type",
        title="The snapshot is another kind of model",
        cause="It is no Qwen3-TTS Base model: only Base clones a voice from a reference.",
        fix="Set the model id to the Base model.",
        source="mlx-audio #557",
        example="error[model-wrong-type]: mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit is a "
        "custom_voice model, not a Base model",
    ),
    Failure(
        code="model-wrong-size",
        title="The snapshot has another number of parameters than its id says",
        cause="Another model lies under this id.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        example="error[model-wrong-size]: mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit has 0.6e9 "
        "parameters, its id says 1.7B",
    ),
    Failure(
        code="model-not-quantised",
        title="The model is not quantised",
        cause="The weights are stored in full precision, though the id promises fewer bits.",
        fix="Use the quantised model of mlx-community whose id ends in the number of bits.",
        example="error[model-not-quantised]: no layer of "
        "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit is quantised",
    ),
    Failure(
        code="model-wrong-quantisation",
        title="The model is quantised otherwise than its id or the migration says",
        cause="Another model lies under this id, or the conversion was made with other settings.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        source="mlx-audio #412",
        example="error[model-wrong-quantisation]: mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit "
        "has 4 bits, not 8",
    ),
    Failure(
        code="model-tensor-missing",
        title="Weights of the model are missing",
        cause="The files do not hold every tensor that the configuration implies; mlx-audio would "
        "leave random numbers in the speech tokenizer without an error.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        pattern=r"Missing \d+ parameters|parameters not in model",
        example="error[model-tensor-missing]: 12 of 496 tensors are missing in "
        "speech_tokenizer/, first encoder.downsample.conv.weight",
    ),
    Failure(
        code="model-shape-mismatch",
        title="Weights of the model have another shape than its configuration implies",
        cause="The configuration and the weights are of different models.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        pattern=r"Expected shape",
        example="ValueError: Expected shape (2048, 512) but received shape (1024, 256) for "
        "parameter talker.model.layers.0.self_attn.q_proj.weight",
    ),
    Failure(
        code="tokenizer-missing",
        title="The model has no text tokenizer",
        cause="Its configuration or vocabulary is missing; mlx-audio only prints a warning.",
        fix=AGAIN,
        command=DOWNLOAD,
        example="Warning: Could not load tokenizer: vocab.json not found",
    ),
    Failure(
        code="tokenizer-broken",
        title="The text tokenizer does not know the model's chat template",
        cause="The vocabulary is missing or damaged; transformers then builds an empty tokenizer.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        example="error[tokenizer-broken]: the chat template is 0 + 0 tokens instead of 3 + 5",
    ),
    Failure(
        code="speech-tokenizer-missing",
        title="The model has no speech tokenizer",
        cause="speech_tokenizer/ or its weights are missing; mlx-audio prints a warning, or runs "
        "with random weights.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        source="omlx #598",
        example="Warning: Could not load speech tokenizer: speech_tokenizer/config.json not found",
    ),
    Failure(
        code="speech-encoder-missing",
        title="The speech tokenizer has no encoder",
        cause="The snapshot lacks it, or mlx-audio before 0.4.0 does not load it: the transcript "
        "of the reference would be ignored.",
        fix=UPGRADE,
        source="mlx-audio #435, #461",
        example="error[speech-encoder-missing]: the speech tokenizer has no encoder",
    ),
    Failure(
        code="model-made-up",
        title="The weights are made up",
        cause="keychange made this checkpoint with random numbers, for tests and demonstrations.",
        fix="Delete its folder in the hub cache and download the real model.",
        command=DOWNLOAD,
        example="note[model-made-up]: the weights of mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit "
        "are made up",
    ),
    Failure(
        code="model-architecture-unknown",
        title="keychange does not know this architecture",
        cause="Only Qwen3-TTS is compared tensor by tensor; of others, the files are checked.",
        fix="Nothing to do; rely on the probe.",
        example="note[model-architecture-unknown]: org/model-8bit is of type 'kokoro': its "
        "tensors are not compared",
    ),
    Failure(
        code="weights-not-resident",
        title="Less memory is in use than the weights need",
        cause="The model was loaded only in part.",
        fix=SNAPSHOT,
        command=DOWNLOAD,
        example="error[weights-not-resident]: Less memory is in use than the weights need: 1.2 "
        "GB, expected >= 2.9",
    ),
    Failure(
        code="network-needed",
        title="Something wanted to download while the probe is offline",
        cause="A file that the model needs is not in the hub cache.",
        fix=AGAIN,
        command=DOWNLOAD,
        pattern=r"ConnectionError|Temporary failure in name resolution|NameResolutionError"
        r"|MaxRetryError|OfflineModeIsEnabled",
        example="huggingface_hub.errors.OfflineModeIsEnabled: Cannot reach "
        "https://huggingface.co: offline mode is enabled.",
    ),
)
