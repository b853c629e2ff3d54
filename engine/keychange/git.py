"""Git: what a checkout tracks, what is staged, and which of its files hold a value."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path


def git(root: Path, *arguments: str, given: bytes | None = None) -> bytes | None:
    """What a git command prints in a folder; None where it fails: no git, or no checkout."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, input=given, capture_output=True, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def paths(output: bytes | None) -> tuple[str, ...]:
    """The paths that a git command printed with ``-z``."""
    return tuple(os.fsdecode(each) for each in (output or b"").split(b"\0") if each)


def tracked(root: Path) -> frozenset[str]:
    """The files under a folder that git tracks, by path from there."""
    return frozenset(paths(git(root, "ls-files", "-z")))


def holding(values: Iterable[str]) -> tuple[str, ...]:
    """The arguments of the search for text files that git tracks and that hold one of the values.

    It searches the working tree and is the fastest there is: git knows which files there are.
    """
    patterns = [word for value in values for word in ("-e", value)]
    return ("grep", "-l", "-z", "-I", "-F", "--no-color", *patterns, "--", ".")


def search(root: Path, values: Iterable[str]) -> tuple[str, ...] | None:
    """The tracked text files that hold one of the values; None where git cannot say."""
    try:
        done = subprocess.run(["git", *holding(values)], cwd=root, capture_output=True, check=False)
    except OSError:
        return None
    return paths(done.stdout) if done.returncode in (0, 1) else None


def staged(root: Path) -> dict[str, bytes]:
    """The staged bytes of every tracked file that differs on disk, by path from the root.

    Links and submodules are left out: no operation writes to them.
    """
    listed = git(root, "diff-files", "--name-only", "-z", "--relative", "--ignore-submodules")
    names = paths(listed)
    if not names:
        return {}
    objects = {}
    for record in (git(root, "ls-files", "-z", "--stage", "--", *names) or b"").split(b"\0"):
        about, _, name = record.partition(b"\t")
        mode, _, rest = about.partition(b" ")
        if mode.startswith(b"100"):
            objects[os.fsdecode(name)] = rest.partition(b" ")[0]
    given = b"".join(b"%s\n" % each for each in objects.values())
    blobs = git(root, "cat-file", "--batch", given=given) or b""
    result, at = {}, 0
    for path in objects if blobs else ():
        head = blobs.index(b"\n", at)
        size = int(blobs[at:head].rsplit(b" ", 1)[1])
        result[path] = blobs[head + 1 : head + 1 + size]
        at = head + size + 2
    return result
