"""The words of the program as frozen values: migration, operation, site, finding, step, plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias, cast

from keychange.diagnostics import Diagnostic, Location
from keychange.edits import Edit
from keychange.spans import Span

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"


class Absence(Enum):
    """The value of a site that is not there; JSON's ``null`` is a value, this is none."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absence.ABSENT
Value: TypeAlias = "Json | Absence"


class State(StrEnum):
    """What a site holds: the old value, the new one, something else, or nothing."""

    PENDING = "pending"
    DONE = "done"
    FOREIGN = "foreign"
    ABSENT = "absent"


class Missing(StrEnum):
    """What to do when a target is not there. A pattern that matches nothing is never an error."""

    ERROR = "error"
    SKIP = "skip"
    CREATE = "create"


class OnForeign(StrEnum):
    """What to do with a value that is neither old nor new."""

    FAIL = "fail"
    KEEP = "keep"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One declared change of one kind. Each kind subclasses it in its own module.

    Strings may hold ``${...}``; a kind expands them with ``Context.expand``, per file.
    ``pointer`` is the JSON pointer of the operation in its migration file.
    """

    kind: str
    targets: tuple[str, ...]
    missing: Missing = Missing.ERROR
    on_foreign: OnForeign = OnForeign.FAIL
    irreversible: str = ""
    pointer: str = ""


class Site(NamedTuple):
    """One place in one file that an operation governs.

    ``address`` is stable and line-independent: an env key, a JSON pointer, a Python address.
    ``before`` is what is there, ``after`` what the operation wants there; for a site that is done
    both are the same. ``undo`` is the kind's own record of how to put the place back when the
    file has changed elsewhere since (JSON, opaque to everyone else). ``kept`` is a foreign value
    that stays, because the operation says so. ``pointer`` is that of the operation in its
    migration; empty where the ledger is the only reason.
    """

    path: str
    kind: str
    address: str
    state: State
    before: Value
    after: Value
    span: Span | None = None
    line: int = 0
    column: int = 0
    secret: bool = False
    note: str = ""
    undo: Json = None
    kept: bool = False
    pointer: str = ""

    @property
    def changes(self) -> bool:
        """Whether applying the plan writes here."""
        return self.state is State.PENDING


class Source(NamedTuple):
    """The bytes of one target file; ``data`` is None where there is no such file."""

    path: str
    data: bytes | None


class Recorded(NamedTuple):
    """What the ledger knows of one site: the value before and after, and the kind's ``undo``."""

    path: str
    kind: str
    address: str
    before: Value
    after: Value
    undo: Json = None
    note: str = ""


class Context(NamedTuple):
    """What a kind may know about the file it examines, beside its bytes.

    ``expand`` resolves ``${...}`` in every string of a value, for this file. ``recorded`` holds
    what the ledger remembers of this migration in this file, by address. ``later`` holds the
    values that later steps leave at an address of this file, toward head or base; ``later_values``
    those that migrations leave anywhere in it. A site that holds one of them is done: it has been
    superseded.
    ``schema`` returns the parsed JSON Schema of a name, see ``keychange.resources``.
    """

    revision: str
    expand: Callable[[Json], Json]
    recorded: Mapping[str, Recorded] = MappingProxyType({})
    later: Mapping[str, tuple[Value, ...]] = MappingProxyType({})
    later_values: frozenset[str] = frozenset()
    schema: Callable[[str], Json] = lambda name: {}

    def supersedes(self, address: str, value: Value) -> bool:
        """Whether a later step leaves this value at the address."""
        return any(same(value, each) for each in self.later.get(address, ()))


class Finding(NamedTuple):
    """What a kind found in one file and would do to it: pure, nothing is written.

    ``edits`` are against the examined bytes (an absent file counts as empty). ``proof`` is one
    line that says what was shown to stay the same, ``summary`` the change in words of the
    document.
    """

    sites: tuple[Site, ...] = ()
    edits: tuple[Edit, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    proof: str = ""
    summary: tuple[str, ...] = ()


class Requirement(NamedTuple):
    """Something that must hold before any file is written.

    ``kind`` is ``path``, ``runtime`` or ``model``; ``subject`` the path, runtime or model id;
    ``options`` the other keys as written. The two that only verify needs are ``runtime`` and
    ``model``.
    """

    kind: str
    subject: str
    options: Mapping[str, Json]
    pointer: str


class Check(NamedTuple):
    """One entry of ``verify``: a probe by name, or a command with its expected signals."""

    kind: str
    options: Mapping[str, Json]
    pointer: str

    @property
    def on_request(self) -> bool:
        """Whether it runs only when it is asked for by name."""
        return self.options.get("only") == "request"


class Migration(NamedTuple):
    """One versioned migration file, parsed and validated, with ``${...}`` not yet expanded.

    ``document`` is the file as plain data, the source of its checksum. ``positions`` maps JSON
    pointers into the file to (line, column).
    """

    revision: str
    title: str
    path: str
    variables: Mapping[str, str]
    requirements: tuple[Requirement, ...]
    operations: tuple[Operation, ...]
    checks: tuple[Check, ...]
    description: str = ""
    left_behind: tuple[str, ...] = ()
    document: Mapping[str, Json] = MappingProxyType({})
    checksum: str = ""
    positions: Mapping[str, tuple[int, int]] = MappingProxyType({})
    lines: tuple[str, ...] = ()

    def locate(self, pointer: str, length: int = 0) -> Location:
        """The place of a JSON pointer in the migration file, or of its nearest parent."""
        return Location.of_pointer(self.path, pointer, self.positions, self.lines, length)

    def declares(self, site: Site) -> Location:
        """Why a site is one: the entry that names its address, else the operation."""
        declared = cast("list[dict[str, Json]]", self.document.get("operations", []))
        index = site.pointer.rpartition("/")[2]
        address = site.address.replace("~", "~0").replace("/", "~1")
        for verb, body in declared[int(index)].items() if index else ():
            if f"{site.pointer}/{verb}/{address}" in self.positions:
                return self.locate(f"{site.pointer}/{verb}/{address}")
            for number, entry in enumerate(body if isinstance(body, list) else ()):
                named = entry.get("at") if isinstance(entry, dict) else entry
                if named == site.address or (verb == "strings" and body == [entry]):
                    return self.locate(f"{site.pointer}/{verb}/{number}")
        return self.locate(f"{site.pointer}/{site.kind}")


class Direction(StrEnum):
    """Toward head, or toward base."""

    UP = "up"
    DOWN = "down"


class FileChange(NamedTuple):
    """One file of one step: its bytes before and after; None where it is not there.

    ``passes`` are the edits, one tuple per operation, each against the bytes that the one before
    it left.
    """

    path: str
    before: bytes | None
    after: bytes | None
    passes: tuple[tuple[Edit, ...], ...] = ()
    proofs: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether the bytes differ."""
        return self.before != self.after


class Step(NamedTuple):
    """One migration in one direction: all its files are committed, or none.

    ``recorded`` says that the ledger has the migration. ``migration`` is None toward base, where
    the ledger alone decides. ``runs`` are the programs that applying it starts, as their words.
    """

    revision: str
    title: str
    direction: Direction
    files: tuple[FileChange, ...]
    sites: tuple[Site, ...]
    recorded: bool = False
    migration: Migration | None = None
    runs: tuple[tuple[str, ...], ...] = ()

    @property
    def changes(self) -> tuple[FileChange, ...]:
        """The files whose bytes differ."""
        return tuple(each for each in self.files if each.changes)


class Searched(NamedTuple):
    """Files that were searched instead of read: they hold none of the values in any spelling.

    ``files`` maps each to its inode; ``since`` is when the search began, in nanoseconds.
    """

    values: frozenset[str] = frozenset()
    files: Mapping[str, int] = MappingProxyType({})
    since: int = 0


class Plan(NamedTuple):
    """The immutable result of planning.

    ``steps`` has one step for each migration that was looked at, also where nothing is to do.
    ``reads`` maps the path of every file read to the SHA-256 of its bytes, None where absent.
    ``searched`` are the files that were not read, because nothing is to be done in them.
    """

    direction: Direction
    steps: tuple[Step, ...]
    diagnostics: tuple[Diagnostic, ...]
    reads: Mapping[str, str | None]
    searched: Searched = Searched()

    @property
    def todo(self) -> tuple[Step, ...]:
        """The steps that write files, or that the ledger does not know yet."""
        toward_base = self.direction is Direction.DOWN
        return tuple(s for s in self.steps if s.changes or not s.recorded or toward_base)

    @property
    def changes(self) -> bool:
        """Whether applying it writes to any file of the project."""
        return any(step.changes for step in self.steps)


def same(first: Value, second: Value) -> bool:
    """Equality of JSON values: 1 and true differ, 1 and 1.0 differ, key order does not matter."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and first == second
