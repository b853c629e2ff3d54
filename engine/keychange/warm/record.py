"""Record: keep the answer of ``check`` with the seals of all that it was made from.

One file for each way of asking, ``.keychange/cache/check-*``: safe to delete, replaced whole, read
by ``keychange.warm.replay`` alone and never by a command that writes. It holds

* ``base``: the settings, migrations, schemas and ledger, by path; ``folders``: those whose names
  decide what a pattern stands for;
* ``files``: every file that was examined. Of many that git tracks and in which only plain values
  are looked for, those without a site are left out: the search finds one once it holds a value;
* ``values`` and ``candidates``: the old values, and what git's search for them found;
* ``said``: what was printed, with the exit code.

A file is sealed by its ``stat`` where that was older than the run, else by its bytes, as git does
for its index.
"""

from __future__ import annotations

import contextlib
import glob
import marshal
import os
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keychange import git, operations
from keychange.diagnostics import Diagnostic
from keychange.errors import KeychangeError
from keychange.ledger import PATH as LEDGER
from keychange.model import Json
from keychange.patterns import CLOSED
from keychange.project import Project
from keychange.reading import from_root
from keychange.regular import read_regular, settled
from keychange.resources import bundled_schema
from keychange.settings import migration_files
from keychange.standing import Report
from keychange.transaction.stages import JOURNAL
from keychange.transaction.state import ensure_state_dir
from keychange.warm import seals
from keychange.warm.replay import Asked
from keychange.warm.saving import save

if TYPE_CHECKING:
    from keychange.warm.seals import Seal

_FEW: Final = 1000
"""Files that are sealed one by one in less time than git takes to start."""


class _UnsettledError(Exception):
    """Something that cannot be sealed changed while the check ran."""


def record(
    wanted: Asked, project: Project, report: Report, said: tuple[str, str, int], started: int
) -> None:
    """Keep an answer; where nothing can be written, or something still changes, keep none.

    Args:
        wanted: the command line.
        project: what the report was made from.
        report: the answer.
        said: what was printed on standard output and standard error, and the exit code.
        started: the time in nanoseconds before anything was read.
    """
    if any(each.about for each in report.plan.diagnostics):
        return  # what git ignores had a say
    with contextlib.suppress(_UnsettledError, OSError, KeychangeError):
        ensure_state_dir(project.root)  # first, for it changes the root that is to be sealed
        facts, more = _contents(wanted, project, report, said, started)
        first = marshal.dumps(facts)
        body = len(first).to_bytes(8, "big") + first + marshal.dumps(more)
        save(project.root, wanted.file, body)


def _contents(
    wanted: Asked, project: Project, report: Report, said: tuple[str, str, int], started: int
) -> tuple[dict[str, object], dict[str, object]]:
    root = str(project.root)
    sealer = _Sealer(root, started)
    patterns = dict(_patterns(project))
    searched = _found_by_search(project, report, patterns)
    files = {
        path: sealer.seal(path, None if digest is None else bytes.fromhex(digest))
        for path, digest in report.plan.reads.items()
        if path not in searched
    }
    for path in report.plan.searched.files.keys() - searched:
        files[path] = sealer.seal_as_it_is(path)
    base, folders = _base(project, wanted, sealer)
    for pattern in patterns:
        if glob.has_magic(pattern):
            folders.extend(_folders(root, "", pattern.split("/")))
        elif pattern not in report.plan.reads:  # a link to what was read under another name
            folders.append(posixpath.dirname(pattern))
    facts: dict[str, object] = {
        "key": wanted.key,
        "base": base,
        "files": files,
        "marked": tuple(report.marked),
        "clean": not [each for each in report.problems if _is_general(each, report)],
        "patterns": tuple(each for each, searchable in patterns.items() if not searchable),
        "values": tuple(value.encode() for value in report.values),
        "index": _index(project.root) if wanted.staged else None,
    }
    candidates = report.candidates or ()
    more: dict[str, object] = {
        "folders": [sealer.folder(each) for each in dict.fromkeys(folders)],
        "search": report.candidates is not None,
        "candidates": {path: sealer.seal_as_it_is(path) for path in candidates},
        "said": None if wanted.names else said,
    }
    return facts, more


def _is_general(each: Diagnostic, report: Report) -> bool:
    """Whether a problem is none of single files."""
    return each.location is None or each.location.path not in report.plan.reads


class _Sealer:
    def __init__(self, root: str, started: int) -> None:
        self._root = root
        self._started = started

    def seal(self, path: str, digest: bytes | None) -> Seal:
        """The seal of a file that was read during the run; None is one that was absent."""
        if digest is None:
            return None
        try:
            status = os.stat(os.path.join(self._root, path))
        except FileNotFoundError:
            return (None, digest)
        settled = self._settled(status.st_ctime_ns)
        signature = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        return (signature if settled else None, digest)

    def seal_as_it_is(self, path: str) -> Seal:
        """The seal of a file of which only the name is known; it must not have changed since."""
        full = os.path.join(self._root, path)
        try:
            changed = os.stat(full).st_ctime_ns
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not self._settled(changed):
            raise _UnsettledError(path)
        return self.seal(path, seals.sha256(read_regular(full)))

    def folder(self, path: str) -> tuple[str, int, int]:
        """A folder from the root, when it was changed, and its names; -1 where there is none."""
        full = os.path.join(self._root, path)
        try:
            changed = os.stat(full).st_ctime_ns
        except (FileNotFoundError, NotADirectoryError):
            return path, -1, -1
        if not self._settled(changed):
            raise _UnsettledError(path)
        return path, changed, seals.listing(full)

    def _settled(self, changed: int) -> bool:
        return settled(changed, self._started)


def _patterns(project: Project) -> Iterator[tuple[str, bool]]:
    """Every pattern from the root, with whether a search for plain values finds what it governs."""
    searchable: dict[str, bool] = {}
    for migration, templates in project.templates_in_order:
        for operation in migration.operations:
            found = operations.kind(operation.kind).found_by_value(operation)
            for target in operation.targets:
                path = from_root(templates.text(target), str(project.root))
                searchable[path] = searchable.get(path, True) and found
    yield from searchable.items()


def _found_by_search(project: Project, report: Report, patterns: dict[str, bool]) -> frozenset[str]:
    """The files that need no seal: tracked, without a site, and governed by plain values alone.

    A few are sealed all the same: that costs little, and sees also values that are spelled
    in another way than git's search looks for.
    """
    if report.candidates is None:
        return frozenset()
    examined = [each for each, searchable in patterns.items() if not searchable]
    known = {site.path for step in report.plan.steps for site in step.sites}
    known |= {path for entry in project.ledger.entries for path, _ in entry.recorded()}
    known |= report.marked
    left = frozenset(report.plan.searched.files).union(report.plan.reads) - known
    if len(left) <= _FEW:
        return frozenset()
    left &= git.read_from_disk(project.root)
    left -= git.of_own_kind(project.root, left)
    return frozenset(
        path for path in left if not any(seals.matches(path, each) for each in examined)
    )


def _base(project: Project, wanted: Asked, sealer: _Sealer) -> tuple[dict[str, Seal], list[str]]:
    settings = project.settings
    files = [LEDGER, *map(str, migration_files(settings.migrations)), *_schemas(project)]
    folders = [str(settings.migrations), JOURNAL]
    here = Path.cwd()
    for each in (project.root,) if wanted.root else (here, *here.parents):
        files.append(str(each / "pyproject.toml"))
        folders.append(str(each / "migrations"))
    base = {path: sealer.seal_as_it_is(path) for path in dict.fromkeys(files)}
    return base, folders


def _schemas(project: Project) -> Iterator[str]:
    """The schemas that are files of the project."""
    for migration in project.history.migrations:
        for name in _named("schema", dict(migration.document)):
            if bundled_schema(name) is None:
                yield name


def _named(key: str, node: Json) -> Iterator[str]:
    """Every string below a key, at any depth."""
    if isinstance(node, dict):
        for name, each in node.items():
            yield from _strings(each) if name == key else _named(key, each)
    elif isinstance(node, list):
        for each in node:
            yield from _named(key, each)


def _strings(node: Json) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for each in node.values():
            yield from _strings(each)


def _folders(root: str, folder: str, parts: list[str]) -> Iterator[str]:
    """The folders in which a pattern looks, from the root."""
    first, rest = parts[0], parts[1:]
    if first != "**" and not glob.has_magic(first):
        below = f"{folder}/{first}".lstrip("/")
        if rest and os.path.isdir(f"{root}/{below}"):
            yield from _folders(root, below, rest)
        else:
            yield folder
        return
    yield folder
    for below in _subfolders(root, folder) if rest else ():
        if first == "**":
            yield from _folders(root, below, parts)
        elif seals.matches(posixpath.basename(below), first):
            yield from _folders(root, below, rest)
    if first == "**" and rest:
        yield from _folders(root, folder, rest)


def _subfolders(root: str, folder: str) -> Iterator[str]:
    with contextlib.suppress(OSError), os.scandir(f"{root}/{folder}") as entries:
        for entry in entries:
            if entry.name not in CLOSED and entry.is_dir():
                if entry.is_symlink():
                    raise _UnsettledError(entry.path)  # it may lead round to where we are
                yield f"{folder}/{entry.name}".lstrip("/")


def _index(root: Path) -> tuple[str, str]:
    """The file of git's index, and the path of the root from the top of the checkout."""
    path = git.git(root, "rev-parse", "--path-format=absolute", "--git-path", "index")
    prefix = git.git(root, "rev-parse", "--show-prefix")
    if path is None or prefix is None:
        raise _UnsettledError(str(root))
    return os.fsdecode(path.rstrip(b"\n")), os.fsdecode(prefix.rstrip(b"\n"))
