"""Closest path: the path, or the pattern, that somebody may have meant who named one not there.

Only names are read; where a name lies elsewhere is asked of a bounded number of them.
"""

from __future__ import annotations

import glob
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import islice
from pathlib import Path

from keychange.closest_name import closest
from keychange.patterns import Expansion

_FOLDERS = 50
"""In how many folders a part of a pattern is looked for."""
_NAMES = 5_000
"""How many names are read at most when a file is looked for everywhere."""
_SKIPPED = {".git", ".hg", ".keychange", ".venv", "venv", "node_modules", "__pycache__"}


def nearest(root: Path, targets: Iterable[str]) -> dict[str, str]:
    """What is there and most like each path or pattern under the root; none where nothing is.

    Part by part, the first one that nothing fits is replaced by the likeliest name beside it. Else
    it is the one file of the same name elsewhere in the project.
    """
    matches, elsewhere = cache(partial(_matches, root)), cache(partial(_elsewhere, root))
    found = {each: _nearest(root, each, matches, elsewhere) for each in targets}
    return {target: near for target, near in found.items() if near}


def _nearest(
    root: Path,
    target: str,
    matches: Callable[[str], list[str]],
    elsewhere: Callable[[str], str],
) -> str:
    parts = target.split("/")
    if target.startswith(("/", "~")) or ".." in parts:
        return ""
    for at in range(len(parts)):
        if matches("/".join(parts[: at + 1])):
            continue
        folders = matches("/".join(parts[:at])) if at else ["."]
        names = dict.fromkeys(islice(_inside(root, folders), _NAMES))
        for name in _like(parts[at], names):
            found = "/".join([*parts[:at], name, *parts[at + 1 :]])
            if matches(found):
                return found
        break
    else:
        return ""
    return "" if glob.has_magic(parts[-1]) else elsewhere(parts[-1])


def _like(part: str, names: Iterable[str]) -> Iterator[str]:
    """What may have been meant by a part; by one with wildcards, the same with another ending."""
    if not glob.has_magic(part):
        yield from closest(part, names, 3)
        return
    stem, dot, ending = part.rpartition(".")
    if dot and not glob.has_magic(ending):
        endings = dict.fromkeys(each.rpartition(".")[2] for each in names)
        yield from (f"{stem}.{each}" for each in closest(ending, endings, 3))


def _matches(root: Path, pattern: str) -> list[str]:
    """The first paths that fit a pattern."""
    if not glob.has_magic(pattern):
        return [pattern] if os.path.lexists(root / pattern) else []
    return list(islice(Expansion(str(root), pattern).found, _FOLDERS))


def _inside(root: Path, folders: Iterable[str]) -> Iterator[str]:
    """The names in the folders."""
    for folder in folders:
        try:
            yield from sorted(os.listdir(root / folder))  # noqa: PTH208 (names alone)
        except OSError:
            continue


def _elsewhere(root: Path, name: str) -> str:
    """The one file of a name in the project; empty where there are several."""
    found: list[str] = []
    seen = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(each for each in folders if each not in _SKIPPED)
        seen += len(folders) + len(files)
        if name in files:
            found.append(posixpath.normpath(os.path.relpath(f"{folder}/{name}", root)))
        if seen > _NAMES or len(found) > 1:
            break
    return found[0] if len(found) == 1 else ""
