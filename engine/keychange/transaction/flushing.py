"""Room of flushing: files and folders are handed to the disk many at a time."""

from __future__ import annotations

import contextlib
import os
from _thread import start_new_thread
from collections.abc import Iterable
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Self

from keychange.transaction import files
from keychange.transaction.files import GONE, Tree, split

_OPEN: Final = 128
"""Files held open at a time: below the 256 that macOS allows a process."""


class Flushing:
    """Flushes open files and folders, several at once; none counts before the block has ended.

    A disk takes many flushes together for little more than one, so they are collected first.

    Raises:
        OSError: at the end of the block, or as soon as enough were collected, the first that
            failed; its ``filename`` is the name that was given.
    """

    def __init__(self) -> None:
        self._collected: list[tuple[str, int]] = []
        self._problems: list[BaseException] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if value is None:
            self._flush()
        for _, descriptor in self._collected:
            os.close(descriptor)

    def add(self, name: str, descriptor: int) -> None:
        """Flush a file or folder before the block ends, and close it."""
        self._collected.append((name, descriptor))
        if len(self._collected) == _OPEN:
            self._flush()

    def _flush(self) -> None:
        waiting, self._collected = self._collected, []
        ended: SimpleQueue[None] = SimpleQueue()
        at_work = 1
        with contextlib.suppress(RuntimeError):  # the system's limit of threads: fewer do it all
            while at_work < min(files.system.flushers, len(waiting)):
                # A Thread of threading is not started until it runs, for which this one would wait.
                start_new_thread(self._hand_over, (waiting, ended))
                at_work += 1
        self._hand_over(waiting, ended)
        for _ in range(at_work):
            ended.get()
        if self._problems:
            raise self._problems[0]

    def _hand_over(self, waiting: list[tuple[str, int]], ended: SimpleQueue[None]) -> None:
        while True:
            try:
                name, descriptor = waiting.pop(0)
            except IndexError:
                break
            try:
                if not self._problems:
                    files.system.flush(descriptor)
            except OSError as problem:
                self._problems.append(OSError(problem.errno, problem.strerror, name))
            except BaseException as problem:  # noqa: BLE001 - a thread must tell: not flushed
                self._problems.append(problem)
            finally:
                os.close(descriptor)
        ended.put(None)


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


def flush_way(tree: Tree, path: str) -> None:
    """Flush every folder on the way to a path, so that its name lasts as long as its bytes.

    Raises:
        OSError: as ``Flushing``.
    """
    parts = path.split("/")
    flush_folders(tree, ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1)))
