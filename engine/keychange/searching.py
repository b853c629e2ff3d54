"""Searching: which of many Python files hold a value, asked of git instead of read one by one.

git searches the files that it tracks faster than they can be read here. Its answer is taken only
for files that it reads from the disk as they are; what it cannot exclude is looked at again here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from keychange import git
from keychange.formats.python.prefilter import line_patterns, may_contain
from keychange.model import Searched
from keychange.regular import read_regular

FEW: Final = 300
"""So many files are read before git has started."""

_MOST_VALUES: Final = 12
"""With more of them the search takes longer than to read the files."""

_RANKS: Final = 2
_MOST_NAMED: Final = 1000
"""So many paths fit on a command line."""


class Search:
    """A search for values in the files below a root; git is asked once, and only if it pays."""

    def __init__(self, root: Path, values: frozenset[str], ending: str = "") -> None:
        self.values = values
        self._root = root
        self._ending = ending
        self._pays = 0 < len(values) <= _MOST_VALUES
        self._excluded: frozenset[str] | None = None

    def without(self, paths: Collection[str]) -> frozenset[str]:
        """Those of the files that surely hold none of the values, however it is spelled.

        ``paths`` are regular files, each reached through no link. What is not in the answer has
        to be read: it may hold a value, or git cannot say.
        """
        if not self._pays or len(paths) < FEW:
            return frozenset()
        if self._excluded is None:
            found = self._found()
            self._excluded = frozenset()
            if found is not None:
                self._excluded = git.read_from_disk(self._root) - found
        return self._excluded.intersection(paths)

    def _found(self) -> frozenset[str] | None:
        """The files in which git finds something; None where it cannot say.

        Most of those that fit by chance are ruled out by looking from another character on.
        """
        found: frozenset[str] | None = None
        for rank in range(_RANKS):
            patterns = line_patterns(self.values, rank)
            if not patterns or (found is not None and not 0 < len(found) < _MOST_NAMED):
                break
            where = [f":(glob)**/*{self._ending}"]
            if found is not None:
                where = [f":(literal){path}" for path in found]
            found = git.fitting(self._root, patterns, where)
        return found

    def may_hold(self, path: str) -> bool:
        """Whether a file holds a value, or cannot be read; one that is gone holds none."""
        try:
            return may_contain(read_regular(self._root / path, follow=False), self.values)
        except FileNotFoundError:
            return False
        except OSError:
            return True


def holding_now(root: Path, searched: Searched) -> tuple[str, ...]:
    """The files that held none of the values when they were searched, and may hold one now."""
    if not searched.files:
        return ()
    search = Search(root, searched.values, common_ending(searched.files))
    left = searched.files - search.without(searched.files)
    return tuple(path for path in sorted(left) if search.may_hold(path))


def common_ending(names: Iterable[str]) -> str:
    """The ending that all names have, from the dot on, so that git need not search others."""
    endings = {name.rpartition(".")[2] for name in names}
    ending = endings.pop() if len(endings) == 1 else ""
    return f".{ending}" if ending.isalnum() else ""
