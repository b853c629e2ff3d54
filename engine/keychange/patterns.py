"""Patterns: the paths under a folder that a pattern of targets stands for."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from glob import has_magic
from typing import Final

from keychange.settings import STATE_DIRECTORY


def fits(path: str, pattern: str) -> bool:
    """Whether a pattern of targets stands for a path; ``*`` does not cross a slash."""
    names, parts = path.split("/"), pattern.split("/")
    if "**" in parts:
        return fnmatchcase(path, pattern)
    return len(names) == len(parts) and all(map(fnmatchcase, names, parts))


def stays_below(path: str) -> bool:
    """Whether a path from the root names something below it; links are another matter."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:  # no file can have such a name
        return False
    return "\0" not in path and {"", ".", ".."}.isdisjoint(path.split("/"))


CLOSED: Final = frozenset((".git", STATE_DIRECTORY))
"""Folders in which no target lies."""


class Expansion:
    """What ``glob`` finds, recursive and hidden files included; ``**`` leads into no closed folder.

    Nor does ``**`` follow a link to where it already is, or a second one to the same folder: the
    files are there under another path, and links that lead to each other would never end.

    ``found`` has the paths from the root, with the inode of what is surely a regular file that no
    link leads to, else 0.
    ``unread`` are the folders on the way that may not be read: what fits in there is not known.
    """

    def __init__(self, root: str, pattern: str) -> None:
        self.found: dict[str, int] = {}
        self.unread: list[str] = []
        self._root = root
        self._followed: set[tuple[int, int, int]] = set()
        self._walk("", pattern.split("/"), plain=True)
        self.found.pop("", None)

    def _walk(self, folder: str, parts: list[str], *, plain: bool) -> None:
        """Follow the parts of a pattern from a folder; its name ends with a slash or is empty."""
        part, rest = parts[0], parts[1:]
        if part == "**":
            self._walk_all(folder, rest, plain=plain)
        elif not has_magic(part):
            path = f"{folder}{part}"
            full = f"{self._root}/{path}"
            mode, inode = _looked_at(full)
            if mode and not rest:
                self.found.setdefault(path, inode if plain and stat.S_ISREG(mode) else 0)
            elif stat.S_ISDIR(mode):
                self._walk(f"{path}/", rest, plain=plain)
            elif stat.S_ISLNK(mode) and os.path.isdir(full):  # noqa: PTH112 - is_dir raises without access
                self._walk(f"{path}/", rest, plain=False)
        else:
            matches = _matcher(part)
            for entry in self._entries(folder):
                if not matches(entry.name):
                    continue
                if not rest:
                    self._take(f"{folder}{entry.name}", entry, plain=plain)
                elif _is_folder(entry):
                    inside = plain and not entry.is_symlink()
                    self._walk(f"{folder}{entry.name}/", rest, plain=inside)

    def _walk_all(self, folder: str, rest: list[str], *, plain: bool) -> None:
        """What ``**`` stands for in a folder: any number of folders, and without more parts all."""
        last = rest[0] if len(rest) == 1 and rest[0] != "**" and has_magic(rest[0]) else None
        if rest and last is None:
            self._walk(folder, rest, plain=plain)
        matches = _matcher(last or "*")
        for entry in self._entries(folder):
            if (last or not rest) and matches(entry.name):
                self._take(f"{folder}{entry.name}", entry, plain=plain)
            if entry.name not in CLOSED and _is_folder(entry):
                linked = entry.is_symlink()
                if not linked or self._leads_on(folder, entry, rest):
                    self._walk_all(f"{folder}{entry.name}/", rest, plain=plain and not linked)

    def _leads_on(self, folder: str, link: os.DirEntry[str], rest: list[str]) -> bool:
        """Whether a link leads where no link led before, and not to a folder on the way to it."""
        place = _identity(link.path)
        known = (len(rest), *place) in self._followed
        self._followed.add((len(rest), *place))
        parts = folder.split("/")
        way = (f"{self._root}/{'/'.join(parts[:count])}" for count in range(len(parts)))
        return not known and all(_identity(each) != place for each in way)

    def _take(self, path: str, entry: os.DirEntry[str], *, plain: bool) -> None:
        self.found[path] = entry.inode() if plain and entry.is_file(follow_symlinks=False) else 0

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(f"{self._root}/{folder}") as entries:
                return list(entries)
        except PermissionError:
            self.unread.append(folder.rstrip("/"))
        except OSError:
            pass  # it is gone by now, or leads round and round
        return []


@lru_cache(maxsize=64)
def _matcher(part: str) -> Callable[[str], object]:
    return re.compile(translate(part)).match


def _looked_at(path: str) -> tuple[int, int]:
    """What a name stands for, a link for itself, and its inode; 0 where there is nothing."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return 0, 0
    return status.st_mode, status.st_ino


def _identity(path: str) -> tuple[int, int]:
    """What a folder is known by, whatever leads to it; 0 where there is nothing."""
    try:
        status = os.stat(path)  # noqa: PTH116 - as _looked_at
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether a name leads to a folder; one that leads round and round does not."""
    try:
        return entry.is_dir()
    except OSError:
        return False
