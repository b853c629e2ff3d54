"""The ledger: this machine's record of what was applied, enough to take it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, cast

from keychange.edits import Edit, apply_edits, inverse
from keychange.history import number
from keychange.model import FileChange, Json, Migration, Recorded, Site, Step
from keychange.settings import STATE_DIRECTORY
from keychange.snapshot import sha256

PATH = f"{STATE_DIRECTORY}/ledger.json"


class Status(StrEnum):
    """How far an applied migration has been confirmed.

    ``interrupted``: applied, unverified, because its checks never came to an end. ``stamped``:
    a user said so.
    """

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    INTERRUPTED = "interrupted"
    STAMPED = "stamped"


class FileRecord(NamedTuple):
    """What one run did to one file.

    ``before`` and ``after`` are SHA-256 of the whole file, None where it was absent. ``undo``
    holds the passes that turn the one into the other, in the order in which they are applied to
    the file as it was left; ``sites`` what each place held.
    """

    path: str
    before: str | None
    after: str | None
    undo: tuple[tuple[Edit, ...], ...] = ()
    sites: tuple[Recorded, ...] = ()
    proofs: tuple[str, ...] = ()

    @classmethod
    def of(cls, change: FileChange, sites: Iterable[Site]) -> FileRecord:
        """The record of a planned change; ``sites`` are those of its file."""
        data, undo = change.before or b"", []
        for edits in change.passes:
            undo.append(inverse(data, edits))
            data = apply_edits(data, edits)
        return cls(
            path=change.path,
            before=sha256(change.before),
            after=sha256(change.after),
            undo=tuple(reversed(undo)),
            sites=tuple(_recorded(each) for each in sites if each.changes),
            proofs=change.proofs,
        )

    def undone(self, data: bytes | None) -> bytes | None:
        """The file before the run, made of its bytes after it.

        Raises:
            ValueError: the record leads to something else than it says.
        """
        for edits in self.undo:
            data = apply_edits(data or b"", edits)
        if self.before is None and not data:
            return None
        if sha256(data or b"") != self.before:
            raise ValueError(self.path)
        return data or b""


def _recorded(site: Site) -> Recorded:
    return Recorded(
        site.path, site.kind, site.address, site.before, site.after, site.undo, site.note
    )


class Settled(NamedTuple):
    """What an entry was before a run whose checks have not ended: its status, and its batches."""

    status: Status
    batches: int


class Entry(NamedTuple):
    """One applied migration.

    ``document`` is the migration as it was when applied, so that the entry needs no file.
    ``batches`` are the runs that changed something, oldest first: the first ``up``, and later
    ones that brought new files along. While it is interrupted, ``settled`` is what rolling the
    run back leads to; None where the migration was not applied before.
    """

    revision: str
    title: str
    checksum: str
    status: Status
    applied_at: str
    document: Mapping[str, Json] = MappingProxyType({})
    batches: tuple[tuple[FileRecord, ...], ...] = ()
    evidence: Mapping[str, Json] = MappingProxyType({})
    settled: Settled | None = None

    @property
    def before_run(self) -> Entry | None:
        """The entry before the run that was interrupted; None where there was none."""
        if self.settled is None:
            return None
        kept = self.batches[: self.settled.batches]
        return self._replace(status=self.settled.status, batches=kept, settled=None)

    @property
    def unsettled(self) -> Entry:
        """The entry with only what the interrupted run did, to be taken back."""
        return self._replace(batches=self.batches[self.settled.batches if self.settled else 0 :])

    def recorded(self) -> dict[tuple[str, str], Recorded]:
        """By (path, address): the value before the first run and after the last."""
        known: dict[tuple[str, str], Recorded] = {}
        for site in (each for batch in self.batches for file in batch for each in file.sites):
            key = (site.path, site.address)
            known[key] = site._replace(before=known[key].before) if key in known else site
        return known

    @property
    def irreversible(self) -> str:
        """Why it cannot be taken back; empty if it can."""
        declared = cast("list[dict[str, Json]]", self.document.get("operations", []))
        return next((str(each["irreversible"]) for each in declared if "irreversible" in each), "")


class Last(NamedTuple):
    """The last run that wrote: its verb, how it ended, for which revision, and when.

    ``checks`` are what made it roll back: there is no entry to hold them.
    """

    verb: str
    ending: str
    revision: str
    at: str
    checks: tuple[Json, ...] = ()


class Ledger(NamedTuple):
    """All entries by number; of two with one number, the one applied later comes later.

    ``serial`` counts the writes, so that no two states of a ledger are the same: a saved plan
    fits one of them, also after everything was taken back.
    """

    entries: tuple[Entry, ...] = ()
    serial: int = 0
    last: Last | None = None

    @property
    def revisions(self) -> tuple[str, ...]:
        """The applied revisions, in order."""
        return tuple(each.revision for each in self.entries)

    def get(self, revision: str) -> Entry | None:
        """The entry of a revision."""
        return next((each for each in self.entries if each.revision == revision), None)

    def written(self, by: Last) -> Ledger:
        """The ledger as this run writes it."""
        return self._replace(serial=self.serial + 1, last=by)

    def with_step(self, step: Step, migration: Migration, status: Status, now: str) -> Ledger:
        """The ledger after a step toward head; a step that changed nothing adopts what is there."""
        sites: dict[str, list[Site]] = {}
        for site in step.sites:
            sites.setdefault(site.path, []).append(site)
        batch = tuple(FileRecord.of(each, sites.get(each.path, ())) for each in step.changes)
        earlier = self.get(step.revision)
        waiting = status is Status.INTERRUPTED
        entry = Entry(
            revision=step.revision,
            title=migration.title,
            checksum=migration.checksum,
            status=status,
            applied_at=now,
            document=migration.document,
            batches=(*(earlier.batches if earlier else ()), *((batch,) if batch else ())),
            evidence=earlier.evidence if earlier else {},
            settled=_settled(earlier) if waiting and earlier else None,
        )
        return self.with_entry(entry)

    def with_entry(self, entry: Entry) -> Ledger:
        """The ledger with an entry added or replaced."""
        entries = {each.revision: each for each in self.entries}
        entries[entry.revision] = entry
        ordered = sorted(entries.values(), key=lambda each: number(each.revision))
        return self._replace(entries=tuple(ordered))

    def without(self, revision: str) -> Ledger:
        """The ledger after a step toward base."""
        kept = (each for each in self.entries if each.revision != revision)
        return self._replace(entries=tuple(kept))


def _settled(earlier: Entry) -> Settled | None:
    """What a run on top of an entry can be rolled back to; a second cut keeps the first."""
    if earlier.status is Status.INTERRUPTED:
        return earlier.settled
    return Settled(earlier.status, len(earlier.batches))
