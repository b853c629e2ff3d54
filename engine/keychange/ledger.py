"""The ledger: this machine's record of what was applied, enough to take it back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from keychange.diagnostics import Location, error
from keychange.edits import Edit, apply_edits, inverse
from keychange.errors import RefusedError
from keychange.history import number
from keychange.model import ABSENT, FileChange, Json, Migration, Recorded, Site, Step, Value
from keychange.settings import STATE_DIRECTORY
from keychange.snapshot import sha256
from keychange.spans import Span

FORMAT = 1
PATH = f"{STATE_DIRECTORY}/ledger.json"


class UnreadableLedgerError(RefusedError):
    """The ledger's file is damaged: what it held is not known, and what the files hold is."""


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

    def to_bytes(self) -> bytes:
        """The file: JSON, one document with a format version, one line for each file record."""
        last = json.dumps(self.last._asdict() if self.last else None)
        head = f'{{"format": {FORMAT}, "serial": {self.serial}, "last": {last}, "entries": [\n'
        entries = ",\n".join(map(_entry_text, self.entries))
        return f"{head}{entries}\n]}}\n".encode()


def parse_ledger(data: bytes | None) -> Ledger:
    """The ledger of a file's bytes; empty where there is no file.

    Raises:
        RefusedError: it was written by a newer keychange.
        UnreadableLedgerError: it is not a ledger.
    """
    if data is None:
        return Ledger()
    try:
        document = json.loads(data)
        version = int(document["format"])
        if version > FORMAT:
            message = f"the ledger has format {version}; this keychange knows up to {FORMAT}"
            hint = "a newer keychange wrote it: upgrade keychange"
            raise RefusedError(error("newer-ledger", message, Location(PATH), hint=hint))
        last = document.get("last")
        return Ledger(
            tuple(_entry_in(each) for each in document["entries"]),
            int(document.get("serial", 0)),
            _last_in(last) if last else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        place = _place_of(problem)
        message = "the ledger is damaged: what was applied here is not known"
        hint = (
            "`migrate up` keeps it aside and records what it finds done; or say what is applied"
            " with `migrate stamp REV`. `down` can then not restore what this ledger held"
        )
        problems = (error("unreadable-ledger", message, place, hint=hint, command="migrate up"),)
        raise UnreadableLedgerError(*problems) from None


def _last_in(node: dict[str, Any]) -> Last:
    named = {name: str(node[name]) for name in ("verb", "ending", "revision", "at")}
    return Last(**named, checks=tuple(node.get("checks", ())))


def _place_of(problem: Exception) -> Location:
    if isinstance(problem, json.JSONDecodeError):
        return Location(PATH, problem.lineno, problem.colno)
    return Location(PATH)


def _settled(earlier: Entry) -> Settled | None:
    """What a run on top of an entry can be rolled back to; a second cut keeps the first."""
    if earlier.status is Status.INTERRUPTED:
        return earlier.settled
    return Settled(earlier.status, len(earlier.batches))


def _text_out(data: bytes) -> Json:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        from base64 import b64encode

        return {"base64": b64encode(data).decode("ascii")}


def _text_in(value: Any) -> bytes:  # noqa: ANN401 (JSON)
    if isinstance(value, str):
        return value.encode("utf-8")
    from base64 import b64decode

    return b64decode(value["base64"], validate=True)


def _site_out(site: Recorded) -> dict[str, Json]:
    result: dict[str, Json] = {"kind": site.kind, "address": site.address}
    if site.before is not ABSENT:
        result["before"] = site.before
    if site.after is not ABSENT:
        result["after"] = site.after
    if site.undo is not None:
        result["undo"] = site.undo
    if site.note:
        result["note"] = site.note
    return result


def _site_in(path: str, node: dict[str, Any]) -> Recorded:
    before: Value = node.get("before", ABSENT)
    after: Value = node.get("after", ABSENT)
    kind, address, said = str(node["kind"]), str(node["address"]), str(node.get("note", ""))
    return Recorded(path, kind, address, before, after, node.get("undo"), said)


def _file_out(file: FileRecord) -> dict[str, Json]:
    return {
        "path": file.path,
        "before": file.before,
        "after": file.after,
        "undo": [
            [[each.span.start, each.span.end, _text_out(each.replacement)] for each in edits]
            for edits in file.undo
        ],
        "sites": [_site_out(each) for each in file.sites],
        "proofs": list(file.proofs),
    }


def _file_in(node: dict[str, Any]) -> FileRecord:
    path = str(node["path"])
    return FileRecord(
        path=path,
        before=node["before"],
        after=node["after"],
        undo=tuple(
            tuple(Edit(Span(start, end), _text_in(text)) for start, end, text in edits)
            for edits in node["undo"]
        ),
        sites=tuple(_site_in(path, each) for each in node["sites"]),
        proofs=tuple(node["proofs"]),
    )


def _entry_text(entry: Entry) -> str:
    # Not json.dumps with an indent: that is written in Python, and takes five times as long.
    batches = ("[\n" + ",\n".join(_encode(_file_out(e)) for e in b) + "\n]" for b in entry.batches)
    return f'{_encode(_entry_out(entry))[:-1]}, "batches": [{", ".join(batches)}]}}'


_encode = json.JSONEncoder().encode


def _entry_out(entry: Entry) -> dict[str, Json]:
    """An entry but for its batches."""
    return {
        "revision": entry.revision,
        "title": entry.title,
        "checksum": entry.checksum,
        "status": entry.status.value,
        "applied_at": entry.applied_at,
        "document": dict(entry.document),
        "evidence": dict(entry.evidence),
        "settled": entry.settled._asdict() if entry.settled else None,
    }


def _entry_in(node: dict[str, Any]) -> Entry:
    settled = node.get("settled")
    number(str(node["revision"]))  # without one it has no place in the order
    return Entry(
        revision=str(node["revision"]),
        title=str(node["title"]),
        checksum=str(node["checksum"]),
        status=Status(node["status"]),
        applied_at=str(node["applied_at"]),
        document=dict(node["document"]),
        batches=tuple(tuple(_file_in(each) for each in batch) for batch in node["batches"]),
        evidence=dict(node["evidence"]),
        settled=Settled(Status(settled["status"]), int(settled["batches"])) if settled else None,
    )
