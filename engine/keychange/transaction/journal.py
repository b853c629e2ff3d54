"""Room of the journal: one file that says how to undo a transaction; its name says how far it is.

The file is, in this order: one line of JSON (format, size and digest of what follows, size of the
manifest), the manifest as JSON, and the bytes of the files, one after the other. It is written
under the name ``writing``; once it is on the disk it becomes ``prepared``, and from then on the
transaction is undone unless it becomes ``committed``. Then it is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from json import JSONDecodeError
from typing import Final, NamedTuple, Self

from keychange.diagnostics import Location, error
from keychange.errors import RefusedError, RollbackError
from keychange.settings import TEMP_PREFIX
from keychange.transaction import files
from keychange.transaction.files import Tree
from keychange.transaction.flushing import Flushing
from keychange.transaction.stages import COMMITTED, JOURNAL, PREPARED, WRITING
from keychange.transaction.state import STATE, ensure_folder

FORMAT: Final = 1


class Attributes(NamedTuple):
    """What a replaced file keeps: permission bits, ids of user and group.

    The time, in nanoseconds since 1970, is for the undo.
    """

    mode: int
    user: int
    group: int
    modified_ns: int


class Entry(NamedTuple):
    """One file of a transaction.

    ``path`` is as planned, ``target`` where it leads with every link followed. ``before`` are its
    bytes, None where it did not exist; ``after`` is the SHA-256 of its new bytes, None where it
    is to go. ``overwrite`` holds the new bytes of a file that is written in place, and is None
    for every other. ``temp`` is the name that its new bytes, or a removed file, have beside it.
    """

    path: str
    target: str
    temp: str
    before: bytes | None
    after: str | None
    overwrite: bytes | None
    attributes: Attributes | None


class Journal(NamedTuple):
    """Everything that it takes to undo one transaction, or to finish it once committed.

    ``folders`` are those that the transaction makes, outermost first. ``since`` is when it began,
    ISO 8601 in UTC.
    """

    identifier: str
    since: str
    folders: tuple[str, ...]
    entries: tuple[Entry, ...]

    @classmethod
    def new(cls, identifier: str, folders: Sequence[str], entries: Sequence[Entry]) -> Self:
        """A journal that begins now."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(identifier, now, tuple(folders), tuple(entries))

    @property
    def paths(self) -> tuple[str, ...]:
        """The files as they were planned, keychange's own left out."""
        return tuple(e.path for e in self.entries if not e.target.startswith(f"{STATE}/"))

    def encode(self) -> bytes:
        """The file's bytes."""
        pack: list[bytes] = []
        position = 0

        def packed(data: bytes | None) -> list[int] | None:
            nonlocal position
            if data is None:
                return None
            pack.append(data)
            position += len(data)
            return [position - len(data), len(data)]

        manifest = {
            "identifier": self.identifier,
            "since": self.since,
            "folders": self.folders,
            "entries": [
                {
                    "path": entry.path,
                    "target": entry.target,
                    "temp": entry.temp,
                    "before": packed(entry.before),
                    "after": entry.after,
                    "overwrite": packed(entry.overwrite),
                    "attributes": entry.attributes
                    and [
                        entry.attributes.mode,
                        entry.attributes.user,
                        entry.attributes.group,
                        entry.attributes.modified_ns,
                    ],
                }
                for entry in self.entries
            ],
        }
        encoded = json.dumps(manifest).encode()
        body = b"".join((encoded, *pack))
        head = {
            "format": FORMAT,
            "sha256": hashlib.sha256(body).hexdigest(),
            "manifest": len(encoded),
        }
        return json.dumps(head).encode() + b"\n" + body

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The journal in a file's bytes.

        Raises:
            NewerFormatError: a newer keychange wrote it.
            ValueError: it is damaged.
        """
        head, _, body = data.partition(b"\n")
        try:
            header = json.loads(head)
            if header["format"] > FORMAT:
                raise NewerFormatError
            if header["sha256"] != hashlib.sha256(body).hexdigest():
                raise ValueError("the digest does not match")
            manifest = json.loads(body[: header["manifest"]])
            pack = memoryview(body)[header["manifest"] :]
            return cls(
                manifest["identifier"],
                manifest["since"],
                tuple(manifest["folders"]),
                tuple(_entry(record, pack) for record in manifest["entries"]),
            )
        except (KeyError, TypeError, UnicodeError, RecursionError, JSONDecodeError) as problem:
            raise ValueError("it is not a journal") from problem


class NewerFormatError(Exception):
    """A newer keychange wrote the file."""


def _entry(record: Mapping[str, object], pack: memoryview) -> Entry:
    def unpacked(place: object) -> bytes | None:
        if not isinstance(place, list):
            return None
        start, size = place
        return bytes(pack[start : start + size])

    attributes = record["attributes"]
    after = record["after"]
    return Entry(
        path=str(record["path"]),
        target=str(record["target"]),
        temp=str(record["temp"]),
        before=unpacked(record["before"]),
        after=after if isinstance(after, str) else None,
        overwrite=unpacked(record["overwrite"]),
        attributes=Attributes(*attributes) if isinstance(attributes, list) else None,
    )


def temp_name(identifier: str, number: int) -> str:
    """The name of a staged file: short, whatever its target is called."""
    return f"{TEMP_PREFIX}{identifier}-{number}"


def load(tree: Tree, stage: str) -> Journal | None:
    """The journal that is at a stage, None where there is none.

    Raises:
        RefusedError: a newer keychange wrote it.
        RollbackError: it cannot be read, so that nothing can be restored from it.
    """
    path = f"{JOURNAL}/{stage}"
    try:
        found = tree.read(path)
        return Journal.decode(found.data) if found else None
    except NewerFormatError:
        raise RefusedError(
            error(
                "newer-state",
                "a newer keychange was interrupted here and left a journal of a newer format",
                Location(path),
                hint="run that newer version once: it finishes or undoes what it began",
            )
        ) from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise RollbackError(
            error(
                "damaged-journal",
                f"the journal of an interrupted run cannot be read: {reason}",
                Location(path),
                hint="compare the files with what you have of them elsewhere, then remove it",
            )
        ) from problem


def prepare(tree: Tree, journal: Journal) -> None:
    """Put the journal on the disk; from here on the transaction will be finished or undone.

    Raises:
        OSError: it could not be written; what was written of it is gone or will be undone.
    """
    with tree.folder(STATE) as state:
        made = ensure_folder("journal", state)
        # Who made the folders may have been killed; where a ledger is, somebody has flushed them.
        flushed = not made and files.identity("ledger.json", state) is not None
    with tree.folder(JOURNAL) as folder:
        try:
            forget(WRITING, folder)
            _write(tree, journal, also=() if flushed else ("", STATE))
            # A name must not get to the disk before its bytes: the journal would count as damaged.
            files.system.barrier(folder)
            files.system.replace(WRITING, PREPARED, folder)
            files.system.flush(folder)
            files.system.barrier(folder)
        except OSError:
            for name in (WRITING, PREPARED):
                with contextlib.suppress(OSError):
                    forget(name, folder)
            raise


def _write(tree: Tree, journal: Journal, *, also: Iterable[str]) -> None:
    """Write it and flush it, and these folders with it."""
    with Flushing() as flushing, tree.walk() as walk:
        for path in also:
            flushing.add(path, os.dup(walk.to(path)))
        descriptor = files.create(WRITING, walk.to(JOURNAL), journal.encode())
        flushing.add(WRITING, descriptor)


def confirm(tree: Tree, stage: str) -> None:
    """Make sure that the disk has the stage too: who set it may have been killed.

    Raises:
        OSError: it could not be written.
    """
    with tree.folder(JOURNAL) as folder:
        if stage == PREPARED:  # a power cut can leave the name that it had or was to have
            forget(COMMITTED, folder)
        files.system.flush(folder)
        files.system.barrier(folder)


def discard_unfinished(tree: Tree) -> None:
    """Remove what was cut short before it became a journal: no file had been touched."""
    with contextlib.suppress(OSError), tree.folder(JOURNAL) as folder:
        files.system.unlink(WRITING, folder)
        files.system.flush(folder)


def mark_committed(tree: Tree) -> None:
    """The one step that makes a transaction final."""
    with tree.folder(JOURNAL) as folder:
        files.system.replace(PREPARED, COMMITTED, folder)
        files.system.flush(folder)
        files.system.barrier(folder)


def unmark(tree: Tree) -> None:
    """Take the mark back, so that the transaction can be undone.

    Raises:
        OSError: it could not be taken back, so the mark is there.
    """
    with tree.folder(JOURNAL) as folder:
        files.system.replace(COMMITTED, PREPARED, folder)
        try:
            files.system.flush(folder)
            files.system.barrier(folder)
        except OSError:
            files.system.replace(PREPARED, COMMITTED, folder)
            raise


def remove(tree: Tree, stage: str) -> None:
    """Remove the journal and the before-images in it: there is nothing left to do."""
    with tree.folder(JOURNAL) as folder:
        files.system.unlink(stage, folder)
        files.system.flush(folder)
        if stage == PREPARED:  # were it to come back, it would undo what the user does next
            files.system.barrier(folder)


def forget(name: str, folder: int) -> None:
    """Remove a name that may not be there."""
    with contextlib.suppress(FileNotFoundError):
        files.system.unlink(name, folder)
