"""Searching: which of many Python files hold a value, asked of git instead of read one by one.

git searches files faster than they can be read here, tracked or not, with a checkout or without.
Its answer is taken for the files that it names as those that it has read and found nothing in;
all others are looked at here.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Final

from keychange import git
from keychange.activity import activity
from keychange.formats.python.prefilter import line_patterns, may_contain
from keychange.model import Searched
from keychange.regular import read_regular, settled
from keychange.spreading import spread

FEW: Final = 300
"""So many files are read before git has started."""

_MOST_VALUES: Final = 12
"""With more of them git takes longer than to read the files."""

_SIZE: Final = 16 * 1024
"""The bytes of a source, as a guess."""


class Search:
    """A search for values in the files below a root; git is asked once, and only if it pays.

    ``patterns`` are those by which the files are found, from the root.
    """

    def __init__(self, root: Path, values: frozenset[str], patterns: Iterable[str] = ()) -> None:
        self.values = values
        self.since = time.time_ns()
        self._root = root
        self._patterns = tuple(patterns)
        self._excluded: frozenset[str] | None = None

    def without(self, paths: Collection[str]) -> frozenset[str]:
        """Those of the files that surely hold none of the values, however it is spelled.

        ``paths`` are regular files, each reached through no link. What is not in the answer has
        to be read: it may hold a value.
        """
        if not self.values or len(paths) < FEW:
            return frozenset()
        if self._excluded is None:
            self._excluded = self._by_git()
        excluded = self._excluded.intersection(paths)
        left = sorted(set(paths) - excluded)
        return excluded.union(set(left).difference(_holding(self._root, left, self.values)))

    def _by_git(self) -> frozenset[str]:
        """The files in which git finds nothing; none where it cannot say."""
        patterns = line_patterns(self.values) if len(self.values) <= _MOST_VALUES else ()
        where = [f":(glob){each}" for each in self._patterns if ".." not in each.split("/")]
        if not patterns or not where:
            return frozenset()
        return git.unfit(self._root, patterns, where)


def holding_now(root: Path, searched: Searched) -> tuple[str, ...]:
    """The files that held none of the values when they were searched, and may hold one now.

    Only those are read that were written or replaced since.
    """
    changed = [
        path for path, inode in searched.files.items() if not _is_same(root, path, inode, searched)
    ]
    return tuple(_holding(root, sorted(changed), searched.values))


def _is_same(root: Path, path: str, inode: int, searched: Searched) -> bool:
    """Whether a file is the one that was searched, and was not written since."""
    try:
        status = os.stat(f"{root}/{path}", follow_symlinks=False)  # noqa: PTH116 (10,000 files)
    except OSError:
        return False
    return (
        status.st_ino == inode
        and stat.S_ISREG(status.st_mode)
        and settled(status.st_ctime_ns, searched.since)
    )


def _holding(root: Path, paths: Collection[str], values: frozenset[str]) -> Iterable[str]:
    """Those of the files that may hold a value, in their order."""
    with activity("searching", len(paths)) as under_way:
        job = partial(_may_hold, root, values)
        found = spread(job, list(paths), [_SIZE] * len(paths), told=under_way.step)
    return (path for path, holds in zip(paths, found, strict=True) if holds)


def _may_hold(root: Path, values: frozenset[str], path: str) -> bool:
    """Whether a file holds a value, or cannot be read; one that is gone holds none."""
    try:
        return may_contain(read_regular(f"{root}/{path}", follow=False), values)
    except FileNotFoundError:
        return False
    except OSError:
        return True
