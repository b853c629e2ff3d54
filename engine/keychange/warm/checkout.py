"""Checkout: git's commands and its index, without ``subprocess``, whose import costs too much."""

from __future__ import annotations

import os

from keychange.regular import read_regular

TYPE_CHECKING = False  # see keychange.warm.replay
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

_PATHSPECS = tuple(f"GIT_{each}_PATHSPECS" for each in ("LITERAL", "GLOB", "NOGLOB", "ICASE"))


def environment(root: str) -> dict[str, str]:
    """What git is run with in the root, so that the caller's variables mean there what they say.

    A hook in a linked worktree has ``GIT_DIR`` alone: then git takes the folder it is run in for
    the top of the files, and means the one that we were started in. How paths are to be read is
    ours to say. Nothing is fetched that a partial clone lacks, nor for a file under LFS.
    """
    found = {name: value for name, value in os.environ.items() if name not in _PATHSPECS}
    if "GIT_DIR" in found and os.getcwd() != root:
        found["GIT_DIR"] = os.path.abspath(found["GIT_DIR"])
        found["GIT_WORK_TREE"] = os.path.abspath(found.get("GIT_WORK_TREE", "."))
    found["GIT_NO_LAZY_FETCH"] = found["GIT_LFS_SKIP_SMUDGE"] = "1"
    return found


def holding(values: Iterable[str]) -> tuple[str, ...]:
    """The arguments of the search for text files that git tracks and that hold one of the values.

    It searches the working tree and is the fastest there is: git knows which files there are.
    """
    patterns = [word for value in values for word in ("-e", value)]
    settled = ("--no-color", "--no-full-name", "--no-recurse-submodules")  # whatever a config says
    return ("grep", "-l", "-z", "-I", "-F", *settled, *patterns, "--", ".")


class Git:
    """Commands of git, started at once and read one after the other; none outlives the block."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._running: list[tuple[int, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process, pipe in self._running:
            os.kill(process, 9)
            os.waitpid(process, 0)
            os.close(pipe)

    def start(self, arguments: Sequence[str]) -> None:
        """Start one in the root.

        Raises:
            OSError: there is no git.
        """
        read, write = os.pipe()
        actions = [
            (os.POSIX_SPAWN_DUP2, write, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        command = ["git", "-C", self._root, *arguments]
        try:
            process = os.posix_spawnp("git", command, environment(self._root), file_actions=actions)
        except OSError:
            os.close(read)
            raise
        finally:
            os.close(write)
        self._running.append((process, read))

    def finish(self, expected: tuple[int, ...]) -> set[str]:
        """The paths that the first one of those still running prints, ended by NUL.

        Raises:
            OSError: it ended with another exit status.
        """
        process, pipe = self._running.pop(0)
        chunks = []
        while chunk := os.read(pipe, 1 << 16):
            chunks.append(chunk)
        os.close(pipe)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if code not in expected:
            raise OSError(code, "git failed")
        return {os.fsdecode(each) for each in b"".join(chunks).split(b"\0") if each}


class Index:
    """The index of git, read for single paths: whether the file on disk is what is staged.

    Format: gitformat-index, versions 2 and 3, SHA-1. An entry that is not found so counts as no.
    """

    def __init__(self, path: str, prefix: str) -> None:
        self._prefix = prefix
        self._written = os.stat(path).st_mtime_ns
        self._data = read_regular(path)
        self._readable = self._data[:8] in (b"DIRC\0\0\0\2", b"DIRC\0\0\0\3")

    def holds(self, root: str, path: str) -> bool:
        """Whether what is staged of a path from the root is what is on the disk."""
        name = os.fsencode(self._prefix + path)
        try:
            status = os.stat(f"{root}/{path}", follow_symlinks=False)
        except FileNotFoundError:
            return False
        if not self._readable or status.st_mtime_ns >= self._written:
            return False
        at = self._data.find(len(name).to_bytes(2, "big") + name + b"\0")
        if at < 72:
            return False
        entry = self._data[at - 60 : at - 20]
        words = [int.from_bytes(entry[each : each + 4], "big") for each in range(0, 40, 4)]
        found = (
            *divmod(status.st_ctime_ns, 1_000_000_000),
            *divmod(status.st_mtime_ns, 1_000_000_000),
        )
        whole = 0xFFFFFFFF
        return (*words[:4], words[5], words[9]) == (
            *(each & whole for each in found),
            status.st_ino & whole,
            status.st_size & whole,
        )
