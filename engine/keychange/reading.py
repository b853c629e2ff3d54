"""Reading: the files that targets stand for, each read once, and none outside of the root."""

from __future__ import annotations

import glob
import itertools
import os
import posixpath
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from keychange.activity import Activity
from keychange.closest_path import nearest
from keychange.diagnostics import Diagnostic, Location, Related, error, warning
from keychange.patterns import CLOSED, Expansion, fits
from keychange.regular import read_regular
from keychange.settings import TEMP_PREFIX


class Reader:
    """One reading of the files below a root; all it has seen lies in its attributes.

    ``matches``, ``files`` and ``diagnostics`` are those of a snapshot. ``searched`` maps the paths
    that were not read to their inodes. ``instead`` holds bytes to take for files that a transaction
    under way has in hand.
    """

    def __init__(
        self,
        root: Path,
        under_way: Activity,
        instead: Mapping[str, bytes | None] = MappingProxyType({}),
    ) -> None:
        self._under_way = under_way
        self._instead = instead
        self._root = os.path.realpath(root)
        self.matches: dict[str, tuple[str, ...]] = {}
        self._lacking: list[str] = []
        self.files: dict[str, bytes | None] = {}
        self.diagnostics: list[Diagnostic] = []
        self.searched: dict[str, int] = {}
        self._real: dict[str, dict[str, str]] = {}
        self._folders = {"": self._root}

    def expand(
        self,
        target: str,
        place: Location,
        *,
        needed: bool = True,
        without: Callable[[Collection[str]], Collection[str]] | None = None,
    ) -> None:
        """Read what a target stands for.

        Args:
            target: a path or a pattern from the root.
            place: where it is declared.
            needed: where nothing is there, look for what was meant.
            without: says which of some regular files need not be read.
        """
        if target in self.matches:
            return
        self._expand(target, place, without)
        found = self.matches[target]
        lacking = not found or (found == (target,) and self.files.get(target, b"") is None)
        if needed and lacking:
            self._lacking.append(target)

    @cached_property
    def nearest(self) -> dict[str, str]:
        """When all is read: what was meant, by each needed target that stands for nothing."""
        return nearest(Path(self._root), self._lacking)

    def _expand(
        self,
        target: str,
        place: Location,
        without: Callable[[Collection[str]], Collection[str]] | None,
    ) -> None:
        pattern = from_root(target, self._root)
        parts = pattern.split("/")
        self.matches[target] = ()
        outside = pattern.startswith(("/", "~")) or ".." in parts
        if outside or _is_closed(pattern):
            where = "not under the root" if outside else "inside .git or .keychange"
            message = f"the target `{target}` is {where}"
            hint = "name it by its path from the root, without `..`"
            self.diagnostics.append(error("target-outside-root", message, place, hint=hint))
            return
        if not glob.has_magic(pattern):
            self.matches[target] = self.read(pattern, place)
            return
        expansion = Expansion(self._root, pattern)
        for each in expansion.unread:
            self._unreadable_folder(each, pattern, place)
        found = expansion.found
        found.update((each, 0) for each in self._instead if fits(each, pattern))
        names = [each for each in sorted(found) if _is_open(each)]
        if without:
            plain = [each for each in names if found[each] and each not in self.files]
            self.searched |= {each: found[each] for each in without(plain)}
        self._under_way.total += sum(each not in self.searched for each in names)
        # A name that was just seen to be a file, with no link on its way, is opened at once.
        known = {"", "."}.isdisjoint(parts)
        kept = (
            (each,)
            if each in self.searched
            else self._file(each, place, known=known and bool(found[each]))
            for each in names
        )
        self.matches[target] = tuple(dict.fromkeys(itertools.chain.from_iterable(kept)))

    def _unreadable_folder(self, folder: str, pattern: str, place: Location) -> None:
        """An error where the pattern names it; one that fits by chance may well be another's."""
        name = folder or "."
        message = f"the folder `{name}` may not be read: what fits `{pattern}` is not known"
        hint = "make it readable, and all that leads to it"
        say = error if not folder or pattern.startswith(f"{folder}/") else warning
        found = say("unreadable-target", message, Location(name), hint=hint)
        related = (Related(place, "it is a target here"),) if place.line else ()
        self.diagnostics.append(found._replace(related=related))

    def _file(self, path: str, place: Location, *, known: bool) -> tuple[str, ...]:
        read = self.read(path, place, folders=False, known=known)
        return tuple(each for each in read if self.files[each] is not None)

    def _real_path(self, path: str) -> str:
        """``os.path.realpath`` below the root; folders are looked at once, not for every file."""
        if any(part in ("", ".", "..") for part in path.split("/")):
            return os.path.realpath(os.path.join(self._root, path))  # noqa: PTH118 (10,000 files)
        folder, _, name = path.rpartition("/")
        parent = self._folders.get(folder)
        if parent is None:
            parent = self._folders[folder] = self._real_path(folder)
        full = f"{parent}/{name}"
        return os.path.realpath(full) if os.path.islink(full) else full  # noqa: PTH114 (same)

    def _read_before(self, real: str, path: str) -> str:
        """The name under which a file was read, through a link or in another case of letters.

        The path itself where it was not.
        """
        alike = self._real.setdefault(real.casefold(), {})
        if real not in alike:
            alike[real] = next((alike[each] for each in alike if _is_same(each, real)), path)
        return alike[real]

    def read(
        self, path: str, place: Location, *, folders: bool = True, known: bool = False
    ) -> tuple[str, ...]:
        """Take one file into what was seen; the name to plan it under, if it may be planned for.

        Not with ``folders``, a folder is nothing to speak of: a pattern fits it by chance. One
        that is ``known`` is a regular file below the root, and no link leads to it.
        """
        self._under_way.step()
        if path in self.files:
            return (path,)
        if known:
            real = f"{self._root}/{path}"
        else:
            real = self._real_path(path)
            inside = real.startswith(self._root + os.sep)
            if not inside or _is_closed(real[len(self._root) + 1 :]):
                where = "into .git or .keychange" if inside else "out of the root"
                message = f"`{path}` leads {where} through a link"
                hint = "nothing there is read or written; make it a file of the project"
                self.diagnostics.append(
                    error("target-outside-root", message, Location(path), hint=hint)
                )
                return ()
        first = self._read_before(real, path)
        if first in self.files:
            return (first,)
        if first != path:
            return ()  # it could not be read, and that has been said
        if path in self._instead:
            self.files[path] = self._instead[path]
            return (path,)
        try:
            self.files[path] = read_regular(real, follow=False, known=known)
        except FileNotFoundError:
            self.files[path] = None
        except OSError as problem:
            if isinstance(problem, IsADirectoryError) and not folders:
                return ()
            reason = problem.strerror or str(problem)
            at = Location(path)
            message = f"cannot read the target: {reason.lower()}"
            hint = "make it a regular file that you may read, or take it out of the targets"
            related = (Related(place, "it is a target here"),) if place.line else ()
            self.diagnostics.append(
                error("unreadable-target", message, at, hint=hint, related=related)
            )
            return ()
        return (path,)


def _is_same(path: str, other: str) -> bool:
    try:
        return Path(path).samefile(other)
    except OSError:
        return False


def from_root(target: str, root: str) -> str:
    """A target by its path or pattern from the root, whose real path is given."""
    return target.removeprefix(f"{root}/").removeprefix("./")


def _is_open(path: str) -> bool:
    staged = TEMP_PREFIX in path and posixpath.basename(path).startswith(TEMP_PREFIX)
    return not staged and not _is_closed(path)


def _is_closed(path: str) -> bool:
    """Whether a path goes through a folder that is a program's own, in whatever case of letters."""
    if "/." not in path and not path.startswith("."):
        return False
    return not CLOSED.isdisjoint(path.casefold().split("/"))
