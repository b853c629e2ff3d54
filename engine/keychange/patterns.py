"""Patterns: the paths under a folder that a pattern of targets stands for."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from glob import has_magic
from pathlib import Path
from typing import Final

from keychange.settings import STATE_DIRECTORY


def fits(path: str, pattern: str) -> bool:
    """Whether a pattern of targets stands for a path; ``*`` does not cross a slash."""
    names, parts = path.split("/"), pattern.split("/")
    if "**" in parts:
        return fnmatchcase(path, pattern)
    return len(names) == len(parts) and all(map(fnmatchcase, names, parts))


CLOSED: Final = frozenset((".git", STATE_DIRECTORY))
"""Folders in which no target lies."""


def expanded(root: str, pattern: str) -> dict[str, bool]:
    """What ``glob`` finds, recursive and hidden files included; ``**`` leads into no closed folder.

    By path from the root, with whether it is surely a regular file that no link leads to.
    """
    found: dict[str, bool] = {}
    _walk(root, "", pattern.split("/"), found, plain=True)
    found.pop("", None)
    return found


def _walk(root: str, folder: str, parts: list[str], found: dict[str, bool], *, plain: bool) -> None:
    """Follow the parts of a pattern from a folder, whose name ends with a slash or is empty."""
    part, rest = parts[0], parts[1:]
    if part == "**":
        _walk_all(root, folder, rest, found, plain=plain)
    elif not has_magic(part):
        path = f"{folder}{part}"
        mode = _mode(f"{root}/{path}")
        if mode and not rest:
            found.setdefault(path, plain and stat.S_ISREG(mode))
        elif stat.S_ISDIR(mode):
            _walk(root, f"{path}/", rest, found, plain=plain)
        elif stat.S_ISLNK(mode) and Path(root, path).is_dir():
            _walk(root, f"{path}/", rest, found, plain=False)
    else:
        matches = _matcher(part)
        for entry in _entries(root, folder):
            if not matches(entry.name):
                continue
            if not rest:
                _take(f"{folder}{entry.name}", entry, found, plain=plain)
            elif _is_folder(entry):
                inside = plain and not entry.is_symlink()
                _walk(root, f"{folder}{entry.name}/", rest, found, plain=inside)


def _walk_all(
    root: str, folder: str, rest: list[str], found: dict[str, bool], *, plain: bool
) -> None:
    """What ``**`` stands for in a folder: any number of folders, and without more parts all."""
    last = rest[0] if len(rest) == 1 and rest[0] != "**" and has_magic(rest[0]) else None
    if rest and last is None:
        _walk(root, folder, rest, found, plain=plain)
    matches = _matcher(last or "*")
    for entry in _entries(root, folder):
        if (last or not rest) and matches(entry.name):
            _take(f"{folder}{entry.name}", entry, found, plain=plain)
        if entry.name not in CLOSED and _is_folder(entry):
            inside = plain and not entry.is_symlink()
            _walk_all(root, f"{folder}{entry.name}/", rest, found, plain=inside)


@lru_cache(maxsize=64)
def _matcher(part: str) -> Callable[[str], object]:
    return re.compile(translate(part)).match


def _take(path: str, entry: os.DirEntry[str], found: dict[str, bool], *, plain: bool) -> None:
    found[path] = plain and entry.is_file(follow_symlinks=False)


def _mode(path: str) -> int:
    """What a name stands for, a link for itself; 0 where there is nothing."""
    try:
        return os.lstat(path).st_mode
    except (OSError, ValueError):
        return 0


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether a name leads to a folder; one that leads round and round does not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _entries(root: str, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            return list(entries)
    except OSError:
        return []
