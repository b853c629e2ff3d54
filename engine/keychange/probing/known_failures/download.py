"""Failures of a download: none says anything about the migration."""

from __future__ import annotations

from typing import Final

from keychange.probing.known_failures.failure import Failure
from keychange.probing.known_failures.fixes import DOWNLOAD
from keychange.probing.verdict import Verdict

_MODEL: Final = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"

DOWNLOADING: Final = (
    Failure(
        code="download-offline",
        title="Downloads are switched off",
        cause="HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set, in your environment or in .env.",
        fix="Unset it for one command, or copy the model's folder from another hub cache.",
        verdict=Verdict.INCONCLUSIVE,
        command="HF_HUB_OFFLINE=0 TRANSFORMERS_OFFLINE=0 migrate model fetch {model}",
        example=f"error[download-offline]: HF_HUB_OFFLINE is set, so {_MODEL} is not downloaded",
    ),
    Failure(
        code="download-no-network",
        title="The hub cannot be reached",
        cause="There is no network, a proxy or a firewall is in the way, or HF_ENDPOINT is wrong.",
        fix="Connect, or set HTTPS_PROXY, and run it again; what is whole already is kept.",
        verdict=Verdict.INCONCLUSIVE,
        command=DOWNLOAD,
        example="error[download-no-network]: ConnectError: [Errno 111] Connection refused",
    ),
    Failure(
        code="download-not-found",
        title="The hub has no such model",
        cause="The id is misspelt, or the model was renamed, removed or made private.",
        fix="Correct the id in the migration; a private model needs HF_TOKEN.",
        verdict=Verdict.INCONCLUSIVE,
        example="error[download-not-found]: RepositoryNotFoundError: 404 Client Error.",
    ),
    Failure(
        code="download-gated",
        title="The hub does not give you this model",
        cause="Its terms have to be accepted first, or HF_TOKEN is missing, expired or too narrow.",
        fix="Accept the terms on the model's page, log in with `hf auth login`, and run it again.",
        verdict=Verdict.INCONCLUSIVE,
        command=DOWNLOAD,
        example="error[download-gated]: GatedRepoError: 401 Client Error.",
    ),
    Failure(
        code="download-disk-full",
        title="The disk has too little room for the model",
        cause="The files that are missing are larger than what is free where the hub cache lies.",
        fix="Make room, or let HF_HOME name a folder on a larger disk.",
        verdict=Verdict.INCONCLUSIVE,
        command=DOWNLOAD,
        example="error[download-disk-full]: 3.1 GB are missing, and the disk of / has 1.2 GB free",
    ),
    Failure(
        code="download-interrupted",
        title="The download was cut off",
        cause="The connection broke too often, or the process was ended.",
        fix="Run it again: files that are whole are kept.",
        verdict=Verdict.INCONCLUSIVE,
        command=DOWNLOAD,
        example="error[download-interrupted]: RemoteProtocolError: peer closed connection",
    ),
    Failure(
        code="download-stalled",
        title="No more bytes came",
        cause="The connection stays open, but nothing arrives on it.",
        fix="Run it again, perhaps in another network: files that are whole are kept.",
        verdict=Verdict.INCONCLUSIVE,
        command=DOWNLOAD,
        example="error[download-stalled]: no byte has come for 180 s",
    ),
    Failure(
        code="download-failed",
        title="huggingface_hub raised an error",
        cause="The message holds its words.",
        fix="Upgrade huggingface_hub in the project's MLX environment, and run it again.",
        verdict=Verdict.INCONCLUSIVE,
        command=DOWNLOAD,
        example="error[download-failed]: HfHubHTTPError: 500 Server Error",
    ),
    Failure(
        code="hub-missing",
        title="The interpreter has no huggingface_hub",
        cause="It comes with mlx-audio and transformers; this environment has neither.",
        fix="Install mlx-audio into the project's MLX environment.",
        verdict=Verdict.INCONCLUSIVE,
        example="error[hub-missing]: No module named 'huggingface_hub'",
    ),
)
