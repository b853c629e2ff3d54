"""Search: old values that are left behind in files that git tracks and no operation governs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from keychange.activity import counted
from keychange.diagnostics import Diagnostic, Location, note
from keychange.regular import read_regular
from keychange.settings import STATE_DIRECTORY
from keychange.spans import LineIndex, Span

MAXIMUM_BYTES = 4 * 1024 * 1024
"""Of a file in which a survey looks for settings."""
_LONGEST = 64 * 1024 * 1024
"""Of a file in which an old value is looked for; it is read whole."""
SKIPPED = frozenset((".git", STATE_DIRECTORY, "node_modules", "__pycache__", ".venv", "venv"))
"""Folders that tools keep for themselves."""

_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def left_behind(
    root: Path,
    values: Iterable[str],
    candidates: Iterable[str],
    planned: Mapping[str, bytes | None],
    skipped: Iterable[str] = (),
    *,
    found_by_git: bool = False,
) -> tuple[Diagnostic, ...]:
    """A note for every place where a tracked file still holds an old value.

    Args:
        root: the folder to search.
        values: the old values; one that is part of a longer word does not count.
        candidates: the files to read, from the root.
        planned: files as the plan leaves them, read as well and instead of those on disk.
        skipped: path prefixes not to search, such as the folder of the migrations.
        found_by_git: each of the candidates is a text that holds a value; one that is too large to
            be read is named.
    """
    wanted = sorted(value for value in values if value)
    prefixes = tuple(f"{each}/" for each in skipped)
    found: list[Diagnostic] = []
    paths = sorted({*candidates, *planned} if wanted else ())
    for path in counted(paths, "searching", len(paths)):
        if path.startswith(prefixes):
            continue
        data = planned[path] if path in planned else _read(root, path)
        if data and b"\0" not in data[:8192]:
            found.extend(_occurrences(path, data, wanted))
        elif found_by_git and path not in planned and _is_long(root / path):
            message = "holds an old value; the file is too large to say where"
            found.append(note("left-behind", message, Location(path)))
    return tuple(found)


def hidden(
    root: Path,
    values: Iterable[str],
    sources: Iterable[str],
    planned: Mapping[str, bytes | None],
    skipped: Iterable[str] = (),
) -> tuple[Diagnostic, ...]:
    r"""A note for every literal that holds an old value which a plain search does not see.

    Such are ``"gp\x74-4"`` and ``"gpt" "-4"``. Arguments as for ``left_behind``; a source that
    is no Python is passed over.
    """
    from keychange.formats.python.address import literals
    from keychange.formats.python.encoding import InvalidPython
    from keychange.formats.python.prefilter import may_contain
    from keychange.formats.python.source import parse

    wanted = sorted(values)
    prefixes = tuple(f"{each}/" for each in skipped)
    found: list[Diagnostic] = []
    paths = sorted(sources)
    for path in counted(paths, "searching behind escapes", len(paths)):
        data = planned[path] if path in planned else _read(root, path)
        if not data or path.startswith(prefixes) or not may_contain(data, wanted):
            continue
        try:
            source = parse(data)
            spans = [(each.value, source.span(each.start, each.end)) for each in literals(source)]
        except InvalidPython:
            continue
        index = LineIndex(data)
        for text, span in spans:
            piece = data[span.start : span.end]
            for value in wanted:
                if value in text and value.encode() not in piece:
                    place = Location.at(path, data, span, index)
                    message = f"spells the old value `{value}` in another way"
                    found.append(note("left-behind", message, place))
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
