"""Down: the plan toward base, from the ledger alone; nothing is read or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from keychange import operations
from keychange.diagnostics import Diagnostic, Location, error, note, warning
from keychange.history import BASE
from keychange.ledger import PATH, Entry, FileRecord, Ledger
from keychange.model import (
    Context,
    Direction,
    Finding,
    Plan,
    Recorded,
    Site,
    Source,
    State,
    Step,
    Value,
)
from keychange.planning.file import Drafts, FileDraft
from keychange.schemas import SchemaLookup
from keychange.secrets import looks_secret
from keychange.snapshot import Snapshot, sha256


def toward_base(
    entries: Iterable[Entry], snapshot: Snapshot, ledger: Ledger, schema: SchemaLookup
) -> Plan:
    """The plan toward base: one step for each entry, the last first, from the ledger alone.

    ``entries`` are in the ledger's order. A file that is as it was left comes back byte for
    byte; in one that was edited since, the recorded sites are put back and the rest stays. A site
    that is as an earlier entry found it, as after a change of the branch, is back already.
    """
    below = _Below(ledger)
    drafts = Drafts(snapshot.files)
    diagnostics = list(snapshot.diagnostics)
    steps: list[Step] = []
    for above, entry in enumerate(reversed(tuple(entries))):
        if not entry.batches:
            message = f"what `{entry.revision}` replaced is not recorded here; no file changes"
            hint = "it was stamped or found done: put its old values back by hand"
            diagnostics.append(warning("nothing-recorded", message, hint=hint))
        if entry.irreversible:
            message = f"`{entry.revision}` cannot be taken back: {entry.irreversible}"
            hint = "a new migration can change what it left"
            command = f"migrate down --to {entry.revision}" if above else ""
            if above:
                hint = "what was applied after it can be taken back"
            diagnostics.append(error("irreversible-step", message, hint=hint, command=command))
        sites: list[Site] = []
        for record in (file for batch in reversed(entry.batches) for file in reversed(batch)):
            path = next(iter(snapshot.matches.get(record.path, ())), record.path)
            draft = drafts.of(path)
            context = Context(
                revision=entry.revision,
                expand=lambda value: value,
                later=below.in_file(entry.revision, record.path),
                schema=schema,
            )
            try:
                for finding in _taken_back(record, draft, context):
                    diagnostics.extend(finding.diagnostics)
                    sites.extend(finding.sites)
            except _UNFIT:
                diagnostics.append(_unfit(record, entry, ledger))
        steps.append(
            Step(
                revision=entry.revision,
                title=entry.title,
                direction=Direction.DOWN,
                files=drafts.end_step(),
                sites=tuple(sites),
                recorded=True,
            )
        )
    return Plan(
        direction=Direction.DOWN,
        steps=tuple(steps),
        diagnostics=tuple(dict.fromkeys(diagnostics)),  # that a file was edited is said once
        reads=snapshot.reads,
    )


_UNFIT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What comes of a record that no run has left: anybody can edit the ledger."""


def _unfit(record: FileRecord, entry: Entry, ledger: Ledger) -> Diagnostic:
    message = (
        f"the ledger is damaged: what it holds of `{record.path}` does not lead back to what"
        f" `{entry.revision}` found there"
    )
    hint = "put the file's old values back by hand, then let the ledger forget the migration"
    below = ledger.revisions[: ledger.revisions.index(entry.revision)]
    command = f"migrate stamp {below[-1] if below else BASE}"
    return error("unreadable-ledger", message, Location(PATH), hint=hint, command=command)


def _taken_back(record: FileRecord, draft: FileDraft, context: Context) -> Iterable[Finding]:
    """Undo one run in one file: exactly where its bytes are as they were left, else by site.

    Raises:
        what is in ``_UNFIT``: the record is none that a run has left.
    """
    place = Location(record.path)
    if sha256(draft.data) == record.after:
        before = record.undone(draft.data)
        yield Finding(sites=tuple(_undone(record)))
        for edits in record.undo:
            draft.take(Finding(edits=edits))
        draft.data = before
    elif draft.data is None:
        message = f"`{record.path}` is not there any more; its old values are not put back"
        yield Finding(diagnostics=(warning("missing-target", message, place),))
    elif sha256(draft.data) != record.before:
        message = f"`{record.path}` was edited since; its sites are put back, the rest stays"
        yield Finding(diagnostics=(note("edited-since", message, place),))
        for name in dict.fromkeys(reversed([each.kind for each in record.sites])):
            records = [each for each in record.sites if each.kind == name]
            source = Source(record.path, draft.data)
            finding = operations.kind(name).revert(records, source, context)
            draft.take(finding)
            yield finding


def _undone(record: FileRecord) -> Iterable[Site]:
    for site in record.sites:
        yield Site(
            path=site.path,
            kind=site.kind,
            address=site.address,
            state=State.PENDING,
            before=site.after,
            after=site.before,
            secret=secret(site),
            note=f"undo: {site.note}" if site.note else "",
        )


def secret(site: Recorded) -> bool:
    """Whether what is recorded of a site is to be masked."""
    name = site.address.rpartition("/")[2]
    in_env = site.kind == "env"
    return any(looks_secret(name, value, in_env=in_env) for value in (site.before, site.after))


def paths_of(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Every file that the entries' runs touched."""
    records = (file for entry in entries for batch in entry.batches for file in batch)
    return tuple(dict.fromkeys(record.path for record in records))


class _Below:
    """What the entries of a ledger found at each site: what taking them back leaves there."""

    def __init__(self, ledger: Ledger) -> None:
        self._numbers = {each: number for number, each in enumerate(ledger.revisions)}
        self._sites: dict[str, list[tuple[int, Recorded]]] = {}
        for number, entry in enumerate(ledger.entries):
            for site in (s for batch in entry.batches for file in batch for s in file.sites):
                self._sites.setdefault(site.path, []).append((number, site))

    def in_file(self, revision: str, path: str) -> Mapping[str, tuple[Value, ...]]:
        """By address, what the entries below a revision found in a file."""
        found: dict[str, tuple[Value, ...]] = {}
        for number, site in self._sites.get(path, ()):
            if number < self._numbers[revision]:
                found[site.address] = (*found.get(site.address, ()), site.before)
        return found
