"""Downloads one model into the hub cache; the *target's* Python runs this file.

It imports nothing but huggingface_hub and speaks JSON lines on a channel of its own: ``plan`` (what
is missing), ``bytes`` (what has come), and one of ``done`` and ``failed``.
"""

import errno
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple  # noqa: UP035 (the target may be older)

MARK = "keychange-fetch "
SPARE = 64 << 20  # bytes to leave free
TICK = 0.5  # seconds between two looks at the disk
STALL = 180.0  # seconds without one byte

File = Tuple[str, int, str]  # noqa: UP006 (name, size, blob)


class Refused(Exception):
    """The download cannot go on; ``code`` is one of keychange's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Channel:
    """Our own standard output; everything that prints goes to standard error instead."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def send(self, event: str, **values: Any) -> None:  # noqa: ANN401 (JSON)
        """One line; a parent that is gone ends us."""
        with self._lock:
            try:
                self._file.write(MARK + json.dumps({"ev": event, **values}) + "\n")
                self._file.flush()
            except OSError:
                os._exit(1)


class Download:
    """One download: what the hub has, what is here, and how it goes on."""

    def __init__(self, model: str, folder: Path, channel: Channel) -> None:
        self.model, self.folder, self.channel = model, folder, channel
        self.blobs = folder / "blobs"
        self.total = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        """List, check the disk, download, tidy up."""
        from huggingface_hub import HfApi, snapshot_download

        info = HfApi().model_info(self.model, files_metadata=True)
        missing = [each for each in files_of(info) if not self._is_whole(each)]
        self.total = sum(size for _, size, _ in missing)
        here = self._partial()
        self.channel.send(
            "plan", files=len(info.siblings or []), missing=len(missing), bytes=self.total
        )
        self._require_room(self.total - min(here, self.total))
        watcher = threading.Thread(target=self._watch, args=(missing,), daemon=True)
        watcher.start()
        snapshot = snapshot_download(self.model)
        self.stopped.set()
        self._tidy()
        self.channel.send("done", snapshot=str(snapshot), bytes=self.total)

    def _require_room(self, needed: int) -> None:
        place = self.folder
        while not place.exists():
            place = place.parent
        free = shutil.disk_usage(str(place)).free
        if needed + SPARE > free:
            raise Refused(
                "download-disk-full",
                "%.1f GB are missing, and the disk of %s has %.1f GB free"  # noqa: UP031 (old style reads well)
                % (needed / 1e9, place, free / 1e9),
            )

    def _is_whole(self, file: File) -> bool:
        """Whether the blob is here; one of another size is removed, or it would stay for good."""
        _, size, blob = file
        path = self.blobs / blob
        if not path.exists():
            return False
        if size and path.stat().st_size != size:
            path.unlink()
            return False
        return True

    def _partial(self) -> int:
        return sum(sizes(self.blobs.glob("*.incomplete")))

    def _here(self, missing: List[File]) -> int:  # noqa: UP006
        whole = sum(sizes(self.blobs / blob for _, _, blob in missing))
        return min(self.total, whole + self._partial())

    def _watch(self, missing: List[File]) -> None:  # noqa: UP006
        """Say how many bytes are here; end with our parent, and where nothing comes any more."""
        parent, last, since = os.getppid(), -1, time.monotonic()
        while not self.stopped.wait(TICK):
            if os.getppid() != parent:
                os._exit(1)
            now = self._here(missing)
            if now != last:
                last, since = now, time.monotonic()
            self.channel.send("bytes", bytes=now, total=self.total)
            if time.monotonic() - since > STALL:
                message = f"no byte has come for {STALL:.0f} s"
                self.channel.send("failed", code="download-stalled", message=message)
                os._exit(1)

    def _tidy(self) -> None:
        """Remove what an interrupted download left of blobs that are whole now."""
        for each in self.blobs.glob("*.incomplete"):
            if (self.blobs / each.name.split(".")[0]).exists():
                each.unlink()


def files_of(info: Any) -> List[File]:  # noqa: ANN401, UP006 (huggingface_hub's own type)
    """Name, size and blob of every file that the hub has."""
    found = []
    for each in info.siblings or []:
        lfs = getattr(each, "lfs", None)
        digest = getattr(lfs, "sha256", None) or (lfs or {}).get("sha256") if lfs else None
        size = (getattr(lfs, "size", None) or 0) if lfs else 0
        found.append((each.rfilename, each.size or size or 0, digest or each.blob_id or ""))
    return [each for each in found if each[2]]


def sizes(paths: Any) -> List[int]:  # noqa: ANN401, UP006 (paths)
    """The sizes of those that are there."""
    found = []
    for path in paths:
        try:
            found.append(path.stat().st_size)
        except OSError:
            continue
    return found


def named(problem: BaseException) -> List[str]:  # noqa: UP006
    """The names of all classes of an exception and of what caused it."""
    names: List[str] = []  # noqa: UP006
    current: Optional[BaseException] = problem  # noqa: UP045
    while current is not None:
        names += [each.__name__ for each in type(current).__mro__]
        current = current.__cause__ or current.__context__
    return names


CODES: Dict[str, str] = {  # noqa: UP006 (in this order)
    "GatedRepoError": "download-gated",
    "RepositoryNotFoundError": "download-not-found",
    "RevisionNotFoundError": "download-not-found",
    "HFValidationError": "download-not-found",
    "OfflineModeIsEnabled": "download-offline",
    "ConnectError": "download-no-network",
    "ConnectionError": "download-no-network",
    "NewConnectionError": "download-no-network",
    "ConnectTimeout": "download-no-network",
    "ProxyError": "download-no-network",
    "RemoteProtocolError": "download-interrupted",
    "IncompleteRead": "download-interrupted",
    "ChunkedEncodingError": "download-interrupted",
    "ReadError": "download-interrupted",
    "ReadTimeout": "download-interrupted",
    "TimeoutException": "download-interrupted",
}


def code_of(problem: BaseException) -> str:
    """The code of what huggingface_hub raised; by names, which its versions share."""
    if isinstance(problem, Refused):
        return problem.code
    current: Optional[BaseException] = problem  # noqa: UP045
    while current is not None:
        if isinstance(current, OSError) and current.errno in (errno.ENOSPC, errno.EDQUOT):
            return "download-disk-full"
        current = current.__cause__ or current.__context__
    names = named(problem)
    for name, code in CODES.items():
        if name in names:
            return code
    response = getattr(problem, "response", None)
    if getattr(response, "status_code", None) in (401, 403):
        return "download-gated"
    if "Consistency check failed" in str(problem):
        return "download-interrupted"
    return "download-failed"


def main(model: str, folder: str) -> int:
    """Download a model; the exit status is 0 even where it failed, and was said."""
    channel = Channel()
    try:
        import huggingface_hub
    except ImportError as problem:
        channel.send("failed", code="hub-missing", message=str(problem))
        return 0
    channel.send("hello", version=huggingface_hub.__version__)
    try:
        Download(model, Path(folder), channel).run()
    except Exception as problem:  # noqa: BLE001 (whatever it is, it is the answer)
        first = (str(problem).strip() or type(problem).__name__).splitlines()[0]
        message = f"{type(problem).__name__}: {first[:300]}"
        channel.send("failed", code=code_of(problem), message=message)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
