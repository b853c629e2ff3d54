"""Survey: the strings that a project's env files, configs and sources hold, and at which sites."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from keychange.activity import counted
from keychange.diagnostics import Diagnostic, Location, note
from keychange.left_behind import SKIPPED
from keychange.model import ABSENT, Json, Value
from keychange.spans import LineIndex

if TYPE_CHECKING:
    from keychange.formats.json.text import Document

_ENV = re.compile(r"\.env(?:\.[\w.-]+)?|[\w.-]+\.env")
_KINDS = {".py": "python", ".json": "json", ".jsonc": "json"}
_CACHES = SKIPPED | {".cache", ".hypothesis", ".mypy_cache", ".nox", ".ruff_cache", ".tox"}
_WEIGHTS = (".safetensors", ".gguf", ".npz")
_SOURCE_BYTES = 4 * 1024 * 1024
_CONFIG_BYTES = 64 * 1024
"""A larger file is data, in which nobody names a model; a value to be replaced is looked for."""
_NAME = re.compile(r"[\w./:@+-]{2,200}")
_LOCKS = frozenset(("package-lock.json", "composer.lock", "Pipfile.lock"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One string in one file, at a site that an operation can govern.

    ``place`` says what a literal of Python is for, where it does not give a value; ``part`` that
    it is a piece of an f-string. ``syntax`` is ``jsonc`` where the config has comments.
    """

    path: str
    kind: str
    address: str
    value: str
    line: int
    place: str = ""
    part: bool = False
    syntax: str = "json"

    @property
    def name(self) -> str:
        """The last name of the address: the key, member or variable that holds the value."""
        plain = re.sub(r"#\d+$|/else$", "", self.address)
        words = re.findall(r"[A-Za-z_][\w-]*", plain)
        return words[-1] if words else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found: files by path with their kind, strings in order, and files not understood.

    ``read`` gives the bytes of a file as the survey saw them.
    """

    files: Mapping[str, str]
    held: tuple[Held, ...]
    unread: tuple[Diagnostic, ...] = ()
    read: Callable[[str], bytes] = field(default=lambda path: b"", repr=False)

    def document(self, path: str) -> Value:
        """What a config holds; ABSENT where it could not be read."""
        data = self.read(path)
        try:
            return _document(data)[0].value if data else ABSENT
        except ValueError:
            return ABSENT


def kind_of(path: str) -> str | None:
    """The kind of operation that fits a file, by its name."""
    name = path.rpartition("/")[2]
    if _ENV.fullmatch(name):
        return "env"
    return None if name in _LOCKS else _KINDS.get(os.path.splitext(name)[1])  # noqa: PTH122 (many)


def config_files(root: Path, skipped: Iterable[str] = ()) -> dict[str, str]:
    """Every file of a kind that keychange can change, tracked or not, by path from the root.

    Left out are links, what tools keep for themselves, environments, other checkouts inside this
    one, and folders that hold the weights of a model: their configs belong to the model.
    """
    found: dict[str, str] = {}
    apart = tuple(f"{each}/" for each in skipped)
    for folder, names, files in counted(os.walk(root), "looking for files", noun="folders"):
        inner = os.path.relpath(folder, root).replace(os.sep, "/")
        foreign = "pyvenv.cfg" in files or any(each.endswith(_WEIGHTS) for each in files)
        if inner != "." and (foreign or ".git" in names or ".git" in files):
            names.clear()
            continue
        names[:] = sorted(each for each in names if each not in _CACHES)
        for name in sorted(files):
            path = name if inner == "." else f"{inner}/{name}"
            kind = kind_of(path)
            if kind and not path.startswith(apart) and not os.path.islink(f"{folder}/{name}"):  # noqa: PTH114 (many)
                found[path] = kind
    return found


def survey(
    root: Path,
    wanted: Iterable[str] = (),
    *,
    instead: Mapping[str, bytes | None] | None = None,
    skipped: Iterable[str] = (),
) -> Survey:
    """Read every config, env file and source of a project that may hold one of some values.

    Args:
        root: the folder to survey.
        wanted: only files that may hold one of these are read; without any, those that may name
            a model, a device or a number type.
        instead: bytes to take for files that a plan would change.
        skipped: folders not to look into, such as that of the migrations.
    """
    from keychange.formats.python.encoding import InvalidPython

    values = frozenset(wanted)
    planned = instead or {}
    limit = _SOURCE_BYTES if values else _CONFIG_BYTES

    def read(path: str) -> bytes:
        return (planned[path] or b"") if path in planned else _read(root / path, limit)

    files = config_files(root, skipped)
    files.update({each: kind for each in planned if (kind := kind_of(each))})
    held: list[Held] = []
    unread: list[Diagnostic] = []
    for path, kind in counted(sorted(files.items()), "searching", len(files)):
        data = read(path)
        if not data or not _may_hold(kind, data, values):
            continue
        try:
            held += _KINDS_OF_STRINGS[kind](path, data, values)
        except (ValueError, InvalidPython) as problem:
            message = f"is no valid {kind} and was not looked into: {problem}"
            unread.append(note("not-surveyed", message, Location(path)))
    return Survey(files=files, held=tuple(held), unread=tuple(unread), read=read)


def value_at(document: Value, pointer: str) -> Value:
    """What a parsed config holds at a JSON pointer."""
    from keychange.formats.json.pointer import lookup, split

    return lookup(document, split(pointer))


_TELLING = re.compile(rb"(?i)model|checkpoint|repo|dtype|device|[\"'=][\w.-]+/[\w.-]+[\"'\r\n]")


def _may_hold(kind: str, data: bytes, values: frozenset[str]) -> bool:
    if not values:
        return _TELLING.search(data) is not None
    if kind == "python":
        from keychange.formats.python.prefilter import may_contain

        return may_contain(data, values)
    return b"\\" in data or any(each.encode() in data for each in values)


def _holds(value: str, values: frozenset[str]) -> bool:
    """Whether a string may hold one of the values; without any, whether it may name something."""
    if not values:
        return _NAME.fullmatch(value) is not None
    return any(each in value for each in values)


def _env(path: str, data: bytes, values: frozenset[str]) -> Iterator[Held]:
    from keychange.formats.dotenv.text import EnvFile

    env = EnvFile(data)
    for key, bindings in env.by_key.items():
        last = bindings[-1]
        if last.value is not None and _holds(last.value, values):
            line = env.line_of(last.key_start)
            yield Held(path=path, kind="env", address=key, value=last.value, line=line)


def _python(path: str, data: bytes, values: frozenset[str]) -> Iterator[Held]:
    from keychange.formats.python.address import Place, literals
    from keychange.formats.python.source import parse

    for each in literals(parse(data)):
        if not _holds(each.value, values):
            continue
        yield Held(
            path=path,
            kind="python",
            address=each.address,
            value=each.value,
            line=each.line,
            place="" if each.place is Place.VALUE else each.place.value,
            part=each.part is not None,
        )


def _json(path: str, data: bytes, values: frozenset[str]) -> Iterator[Held]:
    from keychange.formats.json.pointer import join

    document, syntax = _document(data)
    index = LineIndex(data)
    for tokens, value in _strings(document.value):
        if _holds(value, values):
            entry = document.find(tokens)
            line = index.position(entry.value)[0] if entry else 0
            yield Held(
                path=path, kind="json", address=join(tokens), value=value, line=line, syntax=syntax
            )


def _document(data: bytes) -> tuple[Document, str]:
    """The document of a config and its syntax: what is no JSON may be JSONC.

    Raises:
        ValueError: it is neither.
    """
    from keychange.formats.json.problem import InvalidJsonError
    from keychange.formats.json.text import read

    try:
        return read(data), "json"
    except InvalidJsonError:
        return read(data, jsonc=True), "jsonc"


def _strings(document: Json) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every string with the tokens that lead to it, in the order of the document."""
    stack: list[tuple[tuple[str, ...], Json]] = [((), document)]
    while stack:
        tokens, value = stack.pop()
        if isinstance(value, str):
            yield tokens, value
        elif isinstance(value, dict):
            stack.extend(((*tokens, name), each) for name, each in reversed(value.items()))
        elif isinstance(value, list):
            pairs = list(enumerate(value))
            stack.extend(((*tokens, str(at)), each) for at, each in reversed(pairs))


def _read(path: Path, limit: int) -> bytes:
    from keychange.regular import read_regular

    try:
        return read_regular(path, limit=limit, follow=False)
    except OSError:
        return b""


_KINDS_OF_STRINGS = {"env": _env, "python": _python, "json": _json}
