"""Left behind: old values in files that git tracks and no operation governs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from keychange import git, operations
from keychange.activity import activity, counted
from keychange.diagnostics import Diagnostic, Location, note
from keychange.model import Context, Plan
from keychange.project import Project
from keychange.regular import read_regular
from keychange.settings import STATE_DIRECTORY
from keychange.spans import LineIndex, Span

_LONGEST = 64 * 1024 * 1024
"""Of a file in which an old value is looked for; it is read whole."""
SKIPPED = frozenset((".git", STATE_DIRECTORY, "node_modules", "__pycache__", ".venv", "venv"))
"""Folders that tools keep for themselves."""

_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def old_values(project: Project) -> tuple[str, ...]:
    """Every string that the migrations declare as old and none of them leaves as new.

    They are what is looked for in the files that no operation governs. What is no text, a lone
    surrogate, stands in a file only in some escape, and is not looked for.
    """
    old: set[str] = set()
    new: set[str] = set()
    for migration, here in project.templates_in_order:
        context = Context(revision=migration.revision, expand=partial(here.expand, file=""))
        old.update(here.text(each) for each in migration.left_behind)
        for operation in migration.operations:
            kind = operations.kind(operation.kind)
            old |= kind.old_values(operation, context)
            new |= kind.new_values(operation, context)
    is_text = (each for each in old - new if each == each.encode(errors="ignore").decode())
    return tuple(sorted(each for each in is_text if each))


def left_behind(
    project: Project,
    plan: Plan,
    candidates: Iterable[str] | None = None,
    *,
    exhaustive: bool = False,
    named: bool = False,
) -> tuple[Diagnostic, ...]:
    """Old values in files that no operation governs, as things stand after the plan.

    Args:
        project: what the plan was made from.
        plan: the plan.
        candidates: the files to read; by default those that git tracks, else all.
        exhaustive: also look behind escapes and concatenation in Python sources.
        named: the candidates are files that somebody named, not those that git has found.
    """
    wanted = old_values(project)
    if candidates is None:
        with activity("searching what git tracks"):
            candidates = git.search(project.root, wanted) if wanted else ()
    by_git = candidates is not None and not named
    if candidates is None:
        candidates = all_files(project.root)
    planned = {change.path: change.after for step in plan.steps for change in step.changes}
    instead = {**project.instead, **planned}
    skipped = f"{project.settings.shown(project.settings.migrations)}/"
    found = list(_plain(project.root, wanted, candidates, instead, skipped, by_git=by_git))
    if exhaustive:
        read = {path for path in plan.reads if path.endswith(".py")}
        governed = read | plan.searched.files.keys()
        sources = {each for each in git.tracked(project.root) if each.endswith(".py")}
        found += _hidden(project.root, wanted, sources - governed, instead, skipped)
    return tuple(_not_told(found, plan))


def _not_told(found: Iterable[Diagnostic], plan: Plan) -> Iterable[Diagnostic]:
    """What the search found, but for lines of which an operation says why they stay."""
    told = Counter(
        (each.location.path, each.location.line)
        for each in plan.diagnostics
        if each.code in ("left-behind", "implicit-concatenation") and each.location
    )
    for each in found:
        at = (each.location.path, each.location.line) if each.location else ("", 0)
        told[at] -= 1
        if told[at] < 0:
            yield each


def _plain(
    root: Path,
    values: Sequence[str],
    candidates: Iterable[str],
    instead: Mapping[str, bytes | None],
    skipped: str,
    *,
    by_git: bool,
) -> Iterator[Diagnostic]:
    """A note for every place where a file still holds an old value.

    Args:
        root: the folder to search.
        values: the old values; one that is part of a longer word does not count.
        candidates: the files to read, from the root.
        instead: files as the plan leaves them, read as well and instead of those on disk.
        skipped: the prefix of paths not to search.
        by_git: each of the candidates is a text that holds a value; one that is too large to be
            read is named.
    """
    paths = sorted({*candidates, *instead} if values else ())
    for path in counted(paths, "searching", len(paths)):
        if path.startswith((skipped, f"{STATE_DIRECTORY}/")):
            continue
        data = instead[path] if path in instead else _read(root, path)
        if data and b"\0" not in data[:8192]:
            yield from _occurrences(path, data, values)
        elif by_git and path not in instead and _is_long(root / path):
            message = "holds an old value; the file is too large to say where"
            yield note("left-behind", message, Location(path))


def _hidden(
    root: Path,
    values: Sequence[str],
    sources: Iterable[str],
    instead: Mapping[str, bytes | None],
    skipped: str,
) -> Iterator[Diagnostic]:
    r"""A note for every literal that holds an old value which a plain search does not see.

    Such are ``"gp\x74-4"`` and ``"gpt" "-4"``. A source that is no Python is passed over.
    """
    from keychange.formats.python.address import literals
    from keychange.formats.python.encoding import InvalidPython
    from keychange.formats.python.prefilter import may_contain
    from keychange.formats.python.source import parse

    paths = sorted(sources)
    for path in counted(paths, "searching behind escapes", len(paths)):
        data = instead[path] if path in instead else _read(root, path)
        if not data or path.startswith(skipped) or not may_contain(data, values):
            continue
        try:
            source = parse(data)
            spans = [(each.value, source.span(each.start, each.end)) for each in literals(source)]
        except InvalidPython:
            continue
        index = LineIndex(data)
        for text, span in spans:
            piece = data[span.start : span.end]
            for value in values:
                if value in text and value.encode() not in piece:
                    place = Location.at(path, data, span, index)
                    message = f"spells the old value `{value}` in another way"
                    yield note("left-behind", message, place)


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


def all_files(root: Path) -> Iterator[str]:
    """Every file under a folder that is no checkout, without what tools keep for themselves."""
    top = f"{root}".rstrip("/") + "/"
    for folder, names, files in os.walk(top):
        names[:] = sorted(name for name in names if name not in SKIPPED)
        inside = f"{folder}/".removeprefix(top).lstrip("/")
        for name in sorted(files):
            yield f"{inside}{name}"


def _read(root: Path, path: str) -> bytes:
    """The bytes of a file; nothing for a large one, a link or one that is gone."""
    try:
        return read_regular(f"{root}/{path}", limit=_LONGEST, follow=False)
    except OSError:
        return b""


def _is_long(path: Path) -> bool:
    return not path.is_symlink() and path.is_file() and path.stat().st_size > _LONGEST
