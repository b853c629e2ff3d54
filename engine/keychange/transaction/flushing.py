"""Room of flushing: files and folders are handed to the disk while the work on others goes on."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Self

from keychange.transaction import files
from keychange.transaction.files import GONE, Tree, split

_OPEN: Final = 64
"""Files held open at a time: far below the 256 that macOS allows a process."""


class Flushing:
    """Flushes open files and folders, several at once; none counts before the block has ended.

    Raises:
        OSError: at the next ``add`` or the end of the block, the first that failed; its
            ``filename`` is the name that was given.
    """

    def __init__(self) -> None:
        self._waiting: SimpleQueue[tuple[str, int] | None] = SimpleQueue()
        self._room = threading.Semaphore(_OPEN)
        self._helpers: list[threading.Thread] = []
        self._problems: list[BaseException] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for _ in self._helpers:
            self._waiting.put(None)
        for helper in self._helpers:
            helper.join()
        if value is None and self._problems:
            raise self._problems[0]

    def add(self, name: str, descriptor: int) -> None:
        """Flush a file or folder, now or soon, and close it."""
        if self._problems:
            os.close(descriptor)
            raise self._problems[0]
        if len(self._helpers) < files.system.flushers:
            helper = threading.Thread(target=self._help)
            with contextlib.suppress(RuntimeError):  # the system's limit: fewer do it too
                helper.start()
                self._helpers.append(helper)
        if self._helpers:
            self._room.acquire()
            self._waiting.put((name, descriptor))
        else:
            self._flush(name, descriptor)

    def _help(self) -> None:
        while (each := self._waiting.get()) is not None:
            self._flush(*each)
            self._room.release()

    def _flush(self, name: str, descriptor: int) -> None:
        try:
            if not self._problems:
                files.system.flush(descriptor)
        except OSError as problem:
            self._problems.append(OSError(problem.errno, problem.strerror, name))
        except BaseException as problem:  # noqa: BLE001 - a thread must tell: not flushed
            self._problems.append(problem)
        finally:
            os.close(descriptor)


def flush_folders(tree: Tree, paths: Iterable[str]) -> None:
    """Flush each folder that holds one of the paths, once; then make the disk write it.

    Raises:
        OSError: as ``Flushing``.
    """
    with tree.walk() as walk:
        with Flushing() as flushing:
            for folder in dict.fromkeys(split(path)[0] for path in paths):
                with contextlib.suppress(*GONE):
                    flushing.add(folder, os.dup(walk.to(folder)))
        files.system.barrier(walk.to(""))
