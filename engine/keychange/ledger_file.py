"""Ledger file: the ledger as the JSON document of its file, and back; anybody can have edited it.

Whatever ``parse_ledger`` returns has the types that it declares, and paths that stay below the
root. What a kind needs to put a site back is the kind's own, and read where it is used.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

from keychange.decoding import ensure, exactly
from keychange.diagnostics import Location, error
from keychange.edits import Edit
from keychange.errors import RefusedError
from keychange.history import BASE, number
from keychange.ledger import PATH, Entry, FileRecord, Last, Ledger, Settled, Status
from keychange.model import ABSENT, Json, Recorded
from keychange.patterns import stays_below
from keychange.spans import Span

FORMAT = 1
_REVISION = re.compile(r"[0-9]{4}_[a-z0-9][a-z0-9_]*").fullmatch
_CHECKSUM = re.compile(r"v1:sha256:[0-9a-f]{64}").fullmatch
_DIGEST = re.compile(r"[0-9a-f]{64}").fullmatch


class UnreadableLedgerError(RefusedError):
    """The ledger's file is damaged: what it held is not known, and what the files hold is."""


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
        version = exactly(int, document["format"])
        if version > FORMAT:
            message = f"the ledger has format {version}; this keychange knows up to {FORMAT}"
            hint = "a newer keychange wrote it: upgrade keychange"
            raise RefusedError(error("newer-ledger", message, Location(PATH), hint=hint))
        return _ledger_in(document)
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        place = _place_of(problem)
        message = "the ledger is damaged: what was applied here is not known"
        hint = (
            "`migrate up` keeps it aside and records what it finds done; or say what is applied"
            " with `migrate stamp REV`. `down` can then not restore what this ledger held"
        )
        problems = (error("unreadable-ledger", message, place, hint=hint, command="migrate up"),)
        raise UnreadableLedgerError(*problems) from None


def ledger_bytes(ledger: Ledger) -> bytes:
    """The file: JSON, one document with a format version, one line for each file record."""
    last = json.dumps(ledger.last._asdict() if ledger.last else None)
    head = f'{{"format": {FORMAT}, "serial": {ledger.serial}, "last": {last}, "entries": [\n'
    entries = ",\n".join(map(_entry_text, ledger.entries))
    return f"{head}{entries}\n]}}\n".encode()


def _place_of(problem: Exception) -> Location:
    if isinstance(problem, json.JSONDecodeError):
        return Location(PATH, problem.lineno, problem.colno)
    return Location(PATH)


# ------------------------------------------------------------------------- what is read


def _ledger_in(node: dict[str, Any]) -> Ledger:
    entries = tuple(map(_entry_in, exactly(list, node["entries"])))
    numbers = [number(each.revision) for each in entries]
    ensure(all(one <= next_ for one, next_ in pairwise(numbers)))
    ensure(len({each.revision for each in entries}) == len(entries))
    serial, last = exactly(int, node["serial"]), node["last"]
    ensure(serial >= 0)
    return Ledger(entries, serial, None if last is None else _last_in(last))


def _last_in(node: dict[str, Any]) -> Last:
    verb, ending, at = (exactly(str, node[name]) for name in ("verb", "ending", "at"))
    revision = node["revision"] if node["revision"] == BASE else _revision_in(node["revision"])
    return Last(verb, ending, revision, at, _objects_in(node["checks"]))


def _revision_in(value: object) -> str:
    revision = exactly(str, value)
    ensure(_REVISION(revision) is not None)
    return revision


def _objects_in(value: object) -> tuple[dict[str, Json], ...]:
    return tuple(exactly(dict, each) for each in exactly(list, value))


def _entry_in(node: dict[str, Any]) -> Entry:
    batches = tuple(
        tuple(map(_file_in, exactly(list, each))) for each in exactly(list, node["batches"])
    )
    settled, document, evidence = node["settled"], node["document"], node["evidence"]
    checksum = exactly(str, node["checksum"])
    ensure(not checksum or _CHECKSUM(checksum) is not None)
    for section in ("operations", "verify"):
        _objects_in(exactly(dict, document).get(section, []))
    _objects_in(exactly(dict, evidence).get("checks", []))
    exactly(dict, evidence.get("baseline", {}))
    return Entry(
        revision=_revision_in(node["revision"]),
        title=exactly(str, node["title"]),
        checksum=checksum,
        status=Status(exactly(str, node["status"])),
        applied_at=exactly(str, node["applied_at"]),
        document=document,
        batches=batches,
        evidence=evidence,
        settled=None if settled is None else _settled_in(settled, len(batches)),
    )


def _settled_in(node: dict[str, Any], batches: int) -> Settled:
    kept = exactly(int, node["batches"])
    ensure(0 <= kept <= batches)
    return Settled(Status(exactly(str, node["status"])), kept)


def _file_in(node: dict[str, Any]) -> FileRecord:
    path = exactly(str, node["path"])
    ensure(stays_below(path))
    return FileRecord(
        path=path,
        before=_digest_in(node["before"]),
        after=_digest_in(node["after"]),
        undo=tuple(
            tuple(map(_edit_in, exactly(list, edits))) for edits in exactly(list, node["undo"])
        ),
        sites=tuple(_site_in(path, each) for each in exactly(list, node["sites"])),
        proofs=tuple(exactly(str, each) for each in exactly(list, node["proofs"])),
    )


def _digest_in(value: object) -> str | None:
    if value is None:
        return None
    digest = exactly(str, value)
    ensure(_DIGEST(digest) is not None)
    return digest


def _edit_in(node: object) -> Edit:
    start, end, text = exactly(list, node)
    return Edit(Span(exactly(int, start), exactly(int, end)), _text_in(text))


def _text_in(value: Any) -> bytes:  # noqa: ANN401 (JSON)
    if isinstance(value, str):
        return value.encode("utf-8")
    from base64 import b64decode

    return b64decode(value["base64"], validate=True)


def _site_in(path: str, node: dict[str, Any]) -> Recorded:
    kind, address, said = (
        exactly(str, node["kind"]),
        exactly(str, node["address"]),
        node.get("note", ""),
    )
    before, after = node.get("before", ABSENT), node.get("after", ABSENT)
    return Recorded(path, kind, address, before, after, node.get("undo"), exactly(str, said))


# ------------------------------------------------------------------------- what is written


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


def _text_out(data: bytes) -> Json:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        from base64 import b64encode

        return {"base64": b64encode(data).decode("ascii")}


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
