"""The ledger: this machine's record of what was applied, enough to take it back."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, cast

from keychange.diagnostics import Location, error
from keychange.edits import Edit, apply_edits, inverse
from keychange.errors import RefusedError
from keychange.model import ABSENT, FileChange, Json, Migration, Recorded, Site, Step, Value
from keychange.settings import STATE_DIRECTORY
from keychange.snapshot import sha256
from keychange.spans import Span

FORMAT = 1
PATH = f"{STATE_DIRECTORY}/ledger.json"


class Status(StrEnum):
    """How far an applied migration has been confirmed."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    INTERRUPTED = "interrupted"
    STAMPED = "stamped"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One applied migration.

    ``document`` is the migration as it was when applied, so that the entry needs no file.
    ``batches`` are the runs that changed something, oldest first: the first ``up``, and later
    ones that brought new files along.
    """

    revision: str
    title: str
    checksum: str
    status: Status
    applied_at: str
    document: Mapping[str, Json] = field(default_factory=dict)
    batches: tuple[tuple[FileRecord, ...], ...] = ()
    evidence: Mapping[str, Json] = field(default_factory=dict)

    def recorded(self) -> dict[tuple[str, str], Recorded]:
        """By (path, address): the value before the first run and after the last."""
        known: dict[tuple[str, str], Recorded] = {}
        for site in (each for batch in self.batches for file in batch for each in file.sites):
            key = (site.path, site.address)
            known[key] = replace(site, before=known[key].before) if key in known else site
        return known

    @property
    def irreversible(self) -> str:
        """Why it cannot be taken back; empty if it can."""
        declared = cast("list[dict[str, Json]]", self.document.get("operations", []))
        return next((str(each["irreversible"]) for each in declared if "irreversible" in each), "")


@dataclass(frozen=True, slots=True)
class Ledger:
    """All entries, in the order of their revisions."""

    entries: tuple[Entry, ...] = ()

    @property
    def revisions(self) -> tuple[str, ...]:
        """The applied revisions, in order."""
        return tuple(each.revision for each in self.entries)

    def get(self, revision: str) -> Entry | None:
        """The entry of a revision."""
        return next((each for each in self.entries if each.revision == revision), None)

    def with_step(self, step: Step, migration: Migration, status: Status, now: str) -> Ledger:
        """The ledger after a step toward head; a step that changed nothing adopts what is there."""
        sites: dict[str, list[Site]] = {}
        for site in step.sites:
            sites.setdefault(site.path, []).append(site)
        batch = tuple(FileRecord.of(each, sites.get(each.path, ())) for each in step.changes)
        earlier = self.get(step.revision)
        entry = Entry(
            revision=step.revision,
            title=migration.title,
            checksum=migration.checksum,
            status=status,
            applied_at=now,
            document=migration.document,
            batches=(*(earlier.batches if earlier else ()), *((batch,) if batch else ())),
            evidence=earlier.evidence if earlier else {},
        )
        return self.with_entry(entry)

    def with_entry(self, entry: Entry) -> Ledger:
        """The ledger with an entry added or replaced."""
        others = [each for each in self.entries if each.revision != entry.revision]
        return Ledger(tuple(sorted((*others, entry), key=lambda each: each.revision)))

    def without(self, revision: str) -> Ledger:
        """The ledger after a step toward base."""
        return Ledger(tuple(each for each in self.entries if each.revision != revision))

    def to_bytes(self) -> bytes:
        """The file: JSON, one document with a format version, one line for each file record."""
        entries = ",\n".join(map(_entry_text, self.entries))
        return f'{{"format": {FORMAT}, "entries": [\n{entries}\n]}}\n'.encode()


def parse_ledger(data: bytes | None) -> Ledger:
    """The ledger of a file's bytes; empty where there is no file.

    Raises:
        RefusedError: it was written by a newer keychange, or is not a ledger.
    """
    if data is None:
        return Ledger()
    try:
        document = json.loads(data)
        version = document["format"]
        if not isinstance(version, int) or version > FORMAT:
            message = f"the ledger has format {version}; this keychange knows up to {FORMAT}"
            hint = "a newer keychange wrote it: upgrade keychange"
            raise RefusedError(error("newer-ledger", message, Location(PATH), hint=hint))
        return Ledger(tuple(_entry_in(each) for each in document["entries"]))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        message = f"the ledger cannot be read: {type(problem).__name__}"
        hint = (
            "move it away; `migrate up` then records what it finds done,"
            " but `down` can no longer restore what that ledger held"
        )
        raise RefusedError(error("unreadable-ledger", message, Location(PATH), hint=hint)) from None


def _text_out(data: bytes) -> Json:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _text_in(value: Any) -> bytes:  # noqa: ANN401 (JSON)
    if isinstance(value, str):
        return value.encode("utf-8")
    return base64.b64decode(value["base64"], validate=True)


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
    }


def _entry_in(node: dict[str, Any]) -> Entry:
    return Entry(
        revision=str(node["revision"]),
        title=str(node["title"]),
        checksum=str(node["checksum"]),
        status=Status(node["status"]),
        applied_at=str(node["applied_at"]),
        document=dict(node["document"]),
        batches=tuple(tuple(_file_in(each) for each in batch) for batch in node["batches"]),
        evidence=dict(node["evidence"]),
    )
