"""Search: old values that are left behind in files that git tracks and no operation governs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from keychange.diagnostics import Diagnostic, Location, note
from keychange.settings import STATE_DIRECTORY
from keychange.spans import LineIndex, Span

MAXIMUM_BYTES = 4 * 1024 * 1024
_SKIPPED = frozenset((".git", STATE_DIRECTORY, "node_modules", "__pycache__", ".venv", "venv"))
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def left_behind(
    root: Path,
    values: Iterable[str],
    planned: Mapping[str, bytes | None],
    skipped: Iterable[str] = (),
) -> tuple[Diagnostic, ...]:
    """A note for every place where a tracked file still holds an old value.

    Args:
        root: the folder to search.
        values: the old values; one that is part of a longer word does not count.
        planned: files as the plan leaves them, searched instead of those on disk.
        skipped: path prefixes not to search, such as the folder of the migrations.
    """
    wanted = sorted(value for value in values if value)
    if not wanted:
        return ()
    prefixes = tuple(f"{each}/" for each in skipped)
    candidates = dict.fromkeys((*_candidates(root, wanted), *planned))
    found: list[Diagnostic] = []
    for path in sorted(candidates):
        if path.startswith(prefixes):
            continue
        data = planned[path] if path in planned else _read(root / path)
        if data:
            found.extend(_occurrences(path, data, wanted))
    return tuple(found)


def _occurrences(path: str, data: bytes, values: Iterable[str]) -> Iterator[Diagnostic]:
    index: LineIndex | None = None
    for value in values:
        needle = value.encode()
        start = data.find(needle)
        while start >= 0:
            end = start + len(needle)
            if not (_joins(data, start - 1, needle[0]) or _joins(data, end, needle[-1])):
                index = index or LineIndex(data)
                location = Location.at(path, data, Span(start, end), index)
                message = f"still holds the old value `{value}`; no operation governs it"
                yield note("left-behind", message, location)
            start = data.find(needle, end)


def _joins(data: bytes, at: int, edge: int) -> bool:
    """Whether the byte at an offset makes one word with the edge of a match."""
    return 0 <= at < len(data) and data[at] in _WORD and edge in _WORD


def _candidates(root: Path, values: list[str]) -> Iterator[str]:
    """Files that may hold one of the values: of those that git tracks, else of all."""
    patterns = [word for value in values for word in ("-e", value)]
    command = ["git", "grep", "-l", "-z", "-I", "-F", "--no-color", *patterns, "--", "."]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    except OSError:
        yield from _walk(root)
        return
    if done.returncode > 1:  # not a checkout
        yield from _walk(root)
        return
    yield from (os.fsdecode(each) for each in done.stdout.split(b"\0") if each)


def _walk(root: Path) -> Iterator[str]:
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in _SKIPPED)
        for name in sorted(files):
            path = os.path.relpath(os.path.join(folder, name), root)  # noqa: PTH118 (many files)
            yield path.replace(os.sep, "/")


def _read(path: Path) -> bytes:
    """The bytes of a text file; nothing for a binary, a large one, a link or one that is gone."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAXIMUM_BYTES:
            return b""
        data = path.read_bytes()
    except OSError:
        return b""
    return b"" if b"\0" in data[:8192] else data
