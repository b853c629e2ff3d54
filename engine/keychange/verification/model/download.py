"""The download of a model: by the target's own huggingface_hub, in a process of its own."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keychange.diagnostics import Diagnostic
from keychange.probing import failures
from keychange.verification.model import hub
from keychange.verification.model.cache import Inspection, inspect_model
from keychange.verification.model.downloader import MARK
from keychange.verification.process import Line, run_process

LIMIT: Final = 12 * 3600.0  # seconds; the downloader itself ends where nothing comes any more
FETCHABLE: Final = frozenset(
    {
        "model-not-cached",
        "model-download-incomplete",
        "model-link-dangling",
        "model-file-truncated",
        "model-file-missing",
        "tokenizer-missing",
        "speech-tokenizer-missing",
    }
)
"""What a download mends; all else says that another model lies under the id, or that disk or
memory are too small."""
_BAR: Final = 24  # characters
_TRUE: Final = frozenset({"1", "on", "yes", "true"})  # as huggingface_hub reads its switches


@dataclass(frozen=True, slots=True)
class Transfer:
    """How far a download is: bytes that have come, all that were missing, and its seconds."""

    done: int
    total: int
    seconds: float

    def __str__(self) -> str:
        share = min(1.0, self.done / self.total) if self.total else 1.0
        filled = int(share * _BAR)
        rate = self.done / self.seconds if self.seconds else 0.0
        left = f", {(self.total - self.done) / rate:.0f} s left" if rate else ""
        bar = f"[{'#' * filled}{'.' * (_BAR - filled)}]"
        amounts = f"{size_in_words(self.done)} of {size_in_words(self.total)}"
        return f"{bar} {share:4.0%}  {amounts}, {size_in_words(int(rate))}/s{left}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a download came to: ``files`` and ``size`` (bytes) are what was missing before it.

    ``seconds`` is how long it took.

    ``problem`` says why it did not come to its end; ``inspection`` is that of the snapshot as it
    is now.
    """

    inspection: Inspection
    files: int = 0
    size: int = 0
    seconds: float = 0.0
    problem: Diagnostic | None = None

    @property
    def ok(self) -> bool:
        """Whether the model is in the cache, whole."""
        return self.problem is None and self.inspection.ok


def is_offline(environment: Mapping[str, str]) -> str:
    """The variable that forbids a download, as huggingface_hub reads it; empty where none does."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    return next((n for n in names if environment.get(n, "").lower() in _TRUE), "")


def fetch_model(
    model: str,
    python: Path,
    environment: Mapping[str, str],
    *,
    stage: Callable[[str], None] = lambda words: None,
    live: Callable[[Transfer], None] = lambda transfer: None,
) -> Fetched:
    """Bring a model into the hub cache, unless it is there and whole.

    What earlier attempts left whole is kept. Nothing of the process is left when this returns or
    raises.

    Args:
        model: ``OWNER/NAME`` of the hub; the path of a folder is only inspected.
        python: the target's interpreter; its huggingface_hub downloads.
        environment: its whole environment; it decides where the cache is, and whether a download
            is allowed.
        stage: told one line for every stage.
        live: told the state of the transfer about twice a second.

    Raises:
        KeyboardInterrupt: after the download was ended; it can be resumed.
    """
    before = inspect_model(model, environment)
    if before.ok or hub.local_folder(model, environment):
        return Fetched(inspection=before)
    if variable := is_offline(environment):
        message = f"{variable} is set, so {model} is not downloaded"
        return _failed(before, "download-offline", message)
    if not python.is_file() or not os.access(python, os.X_OK):
        return _failed(before, "python-missing", f"{python} is not an executable")
    cache, source = hub.hub_cache(environment), hub.cache_source(environment)
    stage(f"downloading {model} into {cache} ({source})")
    run = _Run(stage, live)
    try:
        run.start(model, before.folder, python, environment)
    except OSError as problem:
        reason = f"{python} cannot be started: {problem.strerror}"
        return _failed(before, "python-missing", reason)
    if run.failed:
        return _failed(before, run.failed["code"], run.failed["message"], run)
    if not run.done:
        last = next((each for each in reversed(run.rest) if each.strip()), "it said nothing")
        message = f"the download ended with {run.status}: {last.strip()[:300]}"
        return _failed(before, "download-interrupted", message, run)
    after = inspect_model(model, environment)
    return Fetched(inspection=after, files=run.files, size=run.size, seconds=run.seconds)


class _Run:
    """One run of the downloader."""

    def __init__(self, stage: Callable[[str], None], live: Callable[[Transfer], None]) -> None:
        self.stage, self.live = stage, live
        self.files = self.size = self.status = 0
        self.seconds = 0.0
        self.done = False
        self.failed: dict[str, Any] = {}
        self.rest: list[str] = []
        self.started = 0.0

    def start(self, model: str, folder: Path, python: Path, environment: Mapping[str, str]) -> None:
        program = Path(__file__).with_name("downloader.py").read_text("utf-8")
        quiet = {
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "PYTHONUNBUFFERED": "1",
            "PYTHONNOUSERSITE": "1",
        }
        self.started = time.monotonic()
        # An empty folder: with -c, Python looks there first, and a project may hold its own names.
        with tempfile.TemporaryDirectory(prefix="keychange-") as empty:
            ending = run_process(
                [str(python), "-c", program, model, str(folder)],
                cwd=Path(empty),
                environment={**environment, **quiet},
                limit=LIMIT,
                on_line=self.take,
            )
        self.status, self.seconds = ending.status, ending.seconds

    def take(self, line: Line) -> None:
        """One line of the downloader; what is none of its protocol is kept as its last words."""
        if not line.text.startswith(MARK):
            self.rest = [*self.rest[-20:], line.text]
            return
        event = json.loads(line.text.removeprefix(MARK))
        match event["ev"]:
            case "plan":
                self.files, self.size = event["missing"], event["bytes"]
                amount = size_in_words(self.size)
                self.stage(f"{self.files} of {event['files']} files are missing, {amount}")
            case "bytes":
                seconds = time.monotonic() - self.started
                self.live(Transfer(event["bytes"], event["total"], seconds))
            case "done":
                self.done = True
                self.stage(f"downloaded in {time.monotonic() - self.started:.0f} s")
            case "failed":
                self.failed = event


def _failed(before: Inspection, code: str, message: str, run: _Run | None = None) -> Fetched:
    problem = failures.diagnostic(code, message, model=before.model)
    if run is None:
        return Fetched(inspection=before, problem=problem)
    return Fetched(
        inspection=before, files=run.files, size=run.size, seconds=run.seconds, problem=problem
    )


def size_in_words(count: int) -> str:
    """Bytes as a person reads them, in powers of ten, as disks and the hub count."""
    size, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 999.5 or unit == "TB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.1f} {unit}"
