"""Replay: give the last answer of ``check`` again, if all that it was made from is unchanged.

It runs before the rest of keychange is imported and needs ``os``, ``sys``, ``marshal`` and
``zlib`` alone. Whatever it is not sure of it leaves to the full check, by answering None. What it
reads was written by ``keychange.warm.record``, which says what is kept.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib

from keychange.regular import read_regular
from keychange.warm import store
from keychange.warm.checkout import Git, Index, holding
from keychange.warm.seals import matches, same_listing, unchanged

TYPE_CHECKING = False  # importing typing would cost a tenth of the run
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

VALUED: Final = ("-C", "--root", "--migrations", "--format", "--color", "--left-behind")
NEVER: Final = ("--exhaustive", "--fix", "--debug", "-h", "--help", "--version")
ENVIRONMENT: Final = (
    *("HOME", "NO_COLOR", "FORCE_COLOR", "TERM", "CI", "COLUMNS"),
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"),
    *("KEYCHANGE_ROOT", "KEYCHANGE_MIGRATIONS"),
)
"""What a check may heed beside its arguments and the files."""


class Asked:
    """What a command line asks of ``check``: ``options`` as typed, and ``names`` of files.

    ``key`` tells apart whatever may be answered differently for the same files.
    """

    def __init__(self, options: tuple[str, ...], names: tuple[str, ...], root: str | None) -> None:
        self.options = options
        self.names = names
        self.root = root
        self.staged = "--index" in options
        self.quiet = "-q" in options or "--quiet" in options
        self.plain = not any(each.startswith("--format") for each in options)
        self.key = (options, bool(names), os.getcwd(), _surroundings())

    @property
    def file(self) -> str:
        """The name of the file that holds the answer."""
        return f"check-{zlib.crc32(repr(self.key).encode()):08x}"


def asked(arguments: Sequence[str]) -> Asked | None:
    """What the arguments ask, if it is a check that can be answered so."""
    options: list[str] = []
    names: list[str] = []
    root = os.environ.get("KEYCHANGE_ROOT") or None
    seen = False
    words = iter(arguments)
    for word in words:
        if word in NEVER or word == "--":
            return None
        if word == "check" and not seen:
            seen = True
        elif word in VALUED:
            value = next(words, None)
            if value is None:
                return None
            options += (word, value)
            root = value if word in ("-C", "--root") else root
        elif word.startswith("-"):
            if word.startswith(("-C", "--root=")):
                return None  # a way of writing it that is not worth the reading
            options.append(word)
        elif seen:
            names.append(word)
        else:
            return None
    return Asked(tuple(options), tuple(names), root) if seen else None


def replay(arguments: Sequence[str]) -> int | None:
    """The exit code of the last answer, after printing it again; None: it has to be found anew."""
    try:
        wanted = asked(arguments)
        kept = _kept(wanted) if wanted else None
        if wanted is None or kept is None:
            return None
        root, facts, more = kept
        with Git(root) as git:
            if wanted.names:
                return _of_names(wanted, root, facts)
            return _of_all(wanted, root, facts, marshal.loads(more), git)  # noqa: S302 (our own, with a checksum)
    except Exception:  # noqa: BLE001 (the full check will find the reason and say it)
        return None


def clean_names(count: int) -> str:
    """The last line of a check of named files that found nothing."""
    return f"Check: clean; {count} named file{'' if count == 1 else 's'}."


def _kept(wanted: Asked) -> tuple[str, Mapping[str, Any], bytes] | None:
    folder = os.path.realpath(wanted.root) if wanted.root else os.getcwd()
    while not os.path.isdir(f"{folder}/{store.FOLDER}"):
        parent = os.path.dirname(folder)
        if wanted.root or parent == folder:
            return None
        folder = parent
    body = store.load(folder, wanted.file)
    size = int.from_bytes(body[:8], "big")
    facts = marshal.loads(body[8 : 8 + size])  # noqa: S302 (our own, with a checksum)
    return (folder, facts, body[8 + size :]) if facts["key"] == wanted.key else None


def _of_all(
    wanted: Asked, root: str, facts: Mapping[str, Any], more: Mapping[str, Any], git: Git
) -> int | None:
    if more["said"] is None:
        return None
    if more["search"]:
        git.start(holding(os.fsdecode(each) for each in facts["values"]))
    if wanted.staged:
        git.start(("diff-files", "--name-only", "-z", "--relative", "--ignore-submodules"))
    seals = [*facts["base"].items(), *facts["files"].items()]
    if not all(unchanged(root, path, seal) for path, seal in seals):
        return None
    if not all(same_listing(root, *each) for each in more["folders"]):
        return None
    if more["search"]:
        found = git.finish((0, 1))
        if found != more["candidates"].keys():
            return None
        if not all(unchanged(root, path, seal) for path, seal in more["candidates"].items()):
            return None
    if wanted.staged and git.finish((0,)):
        return None  # something is staged otherwise than it is on disk
    out, err, code = more["said"]
    sys.stdout.write(out)
    sys.stdout.flush()
    sys.stderr.write(err)
    return int(code)


def _of_names(wanted: Asked, root: str, facts: Mapping[str, Any]) -> int | None:
    """Named files: those that operations govern must be unchanged, the rest hold no old value."""
    if not (facts["clean"] and wanted.plain):
        return None
    if not all(unchanged(root, path, seal) for path, seal in facts["base"].items()):
        return None
    index = Index(*facts["index"]) if wanted.staged else None
    for name in wanted.names:
        path = os.path.join(os.getcwd(), name)
        if os.path.normpath(path) != path:
            return None
        if not path.startswith(root + "/") or not os.path.isfile(path):
            return None  # a folder, another project's, one that a link leads to, or none
        if not _is_clean(path[len(root) + 1 :], root, facts, index):
            return None
    if not wanted.quiet:
        sys.stderr.write(clean_names(len(wanted.names)) + "\n")
    return 0


def _is_clean(path: str, root: str, facts: Mapping[str, Any], index: Index | None) -> bool:
    if index is not None and not index.holds(root, path):
        return False
    if path in facts["files"]:
        return path not in facts["marked"] and unchanged(root, path, facts["files"][path])
    if any(matches(path, each) for each in facts["patterns"]):
        return False
    return not _holds(f"{root}/{path}", facts["values"])


def _holds(path: str, values: Sequence[bytes]) -> bool:
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    data = read_regular(path)
    return any(value in data for value in values)


def _surroundings() -> tuple[object, ...]:
    terminals = tuple(os.isatty(each) for each in (1, 2))
    width = os.get_terminal_size(1).columns if terminals[0] else 0
    return (*(os.environ.get(name) for name in ENVIRONMENT), *terminals, width)
