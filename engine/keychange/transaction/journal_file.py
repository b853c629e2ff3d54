"""Room of the journal's file: what it takes to undo a transaction, as bytes and back.

The file is, in this order: one line of JSON (format, size and digest of what follows, size of the
manifest), the manifest as JSON, and the bytes of the files, one after the other. Anybody can have
edited it: whatever is read names no place but one that a transaction can have had in hand.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Self

from keychange.decoding import ensure, exactly
from keychange.patterns import stays_below
from keychange.settings import TEMP_PREFIX
from keychange.transaction.resolving import is_protected
from keychange.transaction.state import STATE

FORMAT: Final = 1
_IDENTIFIER: Final = re.compile("[0-9a-f]+")


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
        with _decoding():
            header = json.loads(head)
            version = exactly(int, header["format"])
        if version > FORMAT:
            raise NewerFormatError
        with _decoding():
            expected, size = header["sha256"], exactly(int, header["manifest"])
        if expected != hashlib.sha256(body).hexdigest():
            raise ValueError("the digest does not match")
        with _decoding():
            return cls._read(json.loads(body[:size]), _Pack(memoryview(body)[size:]))

    @classmethod
    def _read(cls, manifest: dict[str, Any], pack: _Pack) -> Self:
        identifier = exactly(str, manifest["identifier"])
        ensure(_IDENTIFIER.fullmatch(identifier) is not None)
        entries = [_entry(each, identifier, pack) for each in exactly(list, manifest["entries"])]
        pack.ensure_empty()
        folders = tuple(map(_place, exactly(list, manifest["folders"])))
        return cls(identifier, exactly(str, manifest["since"]), folders, tuple(entries))


class NewerFormatError(Exception):
    """A newer keychange wrote the file."""


@contextlib.contextmanager
def _decoding() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, RecursionError) as problem:
        raise ValueError("it is not a journal") from problem


class _Pack:
    """The bytes of the files, which are taken one after the other: none is left out or twice."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._taken = 0

    def take(self, place: object) -> bytes | None:
        """The bytes at a place, None for none.

        Raises:
            TypeError, ValueError: they do not come next.
        """
        if place is None:
            return None
        start, size = (exactly(int, each) for each in exactly(list, place))
        ensure(start == self._taken and size >= 0)
        self._taken += size
        return bytes(self._data[start : start + size])

    def ensure_empty(self) -> None:
        """Make sure that all was taken, and no more than there is."""
        ensure(self._taken == len(self._data))


def _entry(record: dict[str, Any], identifier: str, pack: _Pack) -> Entry:
    """An entry, which may name no place but one that a transaction can have had in hand."""
    temp, after, attributes = exactly(str, record["temp"]), record["after"], record["attributes"]
    before, overwrite = pack.take(record["before"]), pack.take(record["overwrite"])
    start = temp_name(identifier, "")
    ensure(temp.startswith(start) and temp.removeprefix(start).isdecimal())
    ensure((before is None) == (attributes is None) and not (before is None and after is None))
    ensure(overwrite is None or hashlib.sha256(overwrite).hexdigest() == after)
    ensure(overwrite is None or before is not None)
    path = exactly(str, record["path"])
    ensure(stays_below(path))
    return Entry(
        path=path,
        target=_place(record["target"]),
        temp=temp,
        before=before,
        after=None if after is None else exactly(str, after),
        overwrite=overwrite,
        attributes=None if attributes is None else _attributes(attributes),
    )


def _place(value: object) -> str:
    path = exactly(str, value)
    ensure(stays_below(path) and not is_protected(path))
    return path


def _attributes(value: object) -> Attributes:
    found = Attributes(*(exactly(int, each) for each in exactly(list, value)))
    ensure(0 <= found.mode <= 0o7777 and -(2**63) <= found.modified_ns < 2**63)
    ensure(all(0 <= each < 2**32 for each in (found.user, found.group)))
    return found


def temp_name(identifier: str, number: int | str) -> str:
    """The name of a staged file: short, whatever its target is called."""
    return f"{TEMP_PREFIX}{identifier}-{number}"
