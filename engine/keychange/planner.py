"""Planner: (history, snapshot, ledger) in, an immutable plan out; nothing is read or written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from keychange import operations
from keychange.activity import activity
from keychange.closest import asked
from keychange.diagnostics import Diagnostic, Location, Related, error, errors_in, note, warning
from keychange.edits import Edit, apply_edits
from keychange.errors import UsageProblem
from keychange.ledger import Entry, FileRecord, Ledger
from keychange.model import (
    Context,
    Direction,
    FileChange,
    Finding,
    Json,
    Migration,
    Missing,
    OnForeign,
    Operation,
    Plan,
    Recorded,
    Site,
    Source,
    State,
    Step,
    Value,
)
from keychange.schemas import SchemaLookup
from keychange.secrets import looks_secret
from keychange.snapshot import Snapshot, sha256, target_place
from keychange.spans import LineIndex
from keychange.spreading import spread
from keychange.templates import Templates
from keychange.yaml_data import escape


@dataclass(slots=True, eq=False, repr=False)
class _Draft:
    """One file while its step is being planned: the bytes so far, and what was done to them."""

    path: str
    before: bytes | None
    data: bytes | None
    passes: list[tuple[Edit, ...]] = field(default_factory=list)
    proofs: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)

    def take(self, finding: Finding) -> None:
        if finding.edits:
            self.data = apply_edits(self.data or b"", finding.edits)
            self.passes.append(finding.edits)
            if finding.proof:
                self.proofs.append(finding.proof)
            self.summary.extend(finding.summary)

    def change(self) -> FileChange:
        return FileChange(
            path=self.path,
            before=self.before,
            after=self.data,
            passes=tuple(self.passes),
            proofs=tuple(self.proofs),
            summary=tuple(self.summary),
        )


def plan_up(
    *,
    migrations: tuple[Migration, ...],
    history: tuple[Migration, ...],
    templates: Mapping[str, Templates],
    snapshot: Snapshot,
    ledger: Ledger,
    schema: SchemaLookup,
) -> Plan:
    """The plan toward head: one step for each migration.

    Args:
        migrations: those to apply, in order.
        history: all of them; a site that a later one has finished is done.
        templates: by revision.
        snapshot: the files, as they are now.
        ledger: what was applied here before.
        schema: a parsed JSON Schema by the name that a migration uses.
    """
    later = _Later(history, templates, snapshot)
    files = dict(snapshot.files)
    diagnostics = list(snapshot.diagnostics)
    steps: list[Step] = []
    broken: set[str] = set()
    for migration in migrations:
        entry = ledger.get(migration.revision)
        recorded = _recorded(entry)
        drafts: dict[str, _Draft] = {}
        sites: list[Site] = []
        origins: list[Operation] = []
        for operation in migration.operations:
            examine = partial(_examined, operation)
            jobs: list[tuple[Source, Context]] = []
            for path in _paths(operation, templates[migration.revision], snapshot):
                # What follows from an error is not worth reading; what was searched holds nothing.
                if path in broken or path in snapshot.searched.files:
                    continue
                draft = drafts.setdefault(path, _Draft(path, files.get(path), files.get(path)))
                if draft.data is None and operation.missing is not Missing.CREATE:
                    place = _naming(migration, operation, templates[migration.revision], path)
                    near = snapshot.nearest.get(path, "")
                    diagnostics.append(_missing(operation, path, place, near))
                    continue
                left = later.in_file(migration.revision, path)
                context = Context(
                    revision=migration.revision,
                    expand=_expander(templates[migration.revision], path),
                    recorded=recorded.get(path, {}),
                    later=left.by_address,
                    later_values=left.values,
                    schema=partial(_schema_at, schema, migration, operation),
                )
                jobs.append((Source(path, draft.data), context))
            sizes = [len(source.data or b"") for source, _ in jobs]
            with activity("planning", len(jobs)) as under_way:
                found = spread(examine, jobs, sizes, told=under_way.step)
            for (source, _), finding in zip(jobs, found, strict=True):
                diagnostics.extend(finding.diagnostics)
                sites.extend(_placed(finding.sites, source.data, operation))
                origins.extend([operation] * len(finding.sites))
                drafts[source.path].take(finding)
                if errors_in(finding.diagnostics):
                    broken.add(source.path)
        diagnostics.extend(_overlaps(migration, zip(sites, origins, strict=True)))
        diagnostics.extend(_unmatched(migration, templates[migration.revision], snapshot))
        diagnostics.extend(_found_done(migration, sites, entry))
        files.update({path: draft.data for path, draft in drafts.items()})
        steps.append(
            Step(
                revision=migration.revision,
                title=migration.title,
                direction=Direction.UP,
                files=tuple(draft.change() for draft in drafts.values()),
                sites=tuple(sites),
                recorded=entry is not None,
                migration=migration,
            )
        )
    return Plan(
        direction=Direction.UP,
        steps=tuple(steps),
        diagnostics=tuple(dict.fromkeys(diagnostics)),  # a bad schema is said once, not per file
        reads=snapshot.reads,
        searched=snapshot.searched,
    )


def plan_down(
    entries: Iterable[Entry], snapshot: Snapshot, ledger: Ledger, schema: SchemaLookup
) -> Plan:
    """The plan toward base: one step for each entry, the last first, from the ledger alone.

    ``entries`` are in the ledger's order. A file that is as it was left comes back byte for
    byte; in one that was edited since, the recorded sites are put back and the rest stays. A site
    that is as an earlier entry found it, as after a change of the branch, is back already.
    """
    below = _Below(ledger)
    files = dict(snapshot.files)
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
        drafts: dict[str, _Draft] = {}
        sites: list[Site] = []
        for record in (file for batch in reversed(entry.batches) for file in reversed(batch)):
            path = next(iter(snapshot.matches.get(record.path, ())), record.path)
            draft = drafts.setdefault(path, _Draft(path, files.get(path), files.get(path)))
            context = Context(
                revision=entry.revision,
                expand=lambda value: value,
                later=below.in_file(entry.revision, record.path),
                schema=schema,
            )
            for finding in _taken_back(record, draft, context):
                diagnostics.extend(finding.diagnostics)
                sites.extend(finding.sites)
        files.update({path: draft.data for path, draft in drafts.items()})
        steps.append(
            Step(
                revision=entry.revision,
                title=entry.title,
                direction=Direction.DOWN,
                files=tuple(draft.change() for draft in drafts.values()),
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


def _taken_back(record: FileRecord, draft: _Draft, context: Context) -> Iterable[Finding]:
    """Undo one run in one file: exactly where its bytes are as they were left, else by site."""
    place = Location(record.path)
    if sha256(draft.data) == record.after:
        yield Finding(sites=tuple(_undone(record)))
        for edits in record.undo:
            draft.take(Finding(edits=edits))
        draft.data = None if record.before is None else draft.data or b""
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


# ---------------------------------------------------------------- parts of plan_up


def _paths(operation: Operation, templates: Templates, snapshot: Snapshot) -> tuple[str, ...]:
    targets = (templates.text(each) for each in operation.targets)
    return tuple(dict.fromkeys(path for each in targets for path in snapshot.matches[each]))


def _placed(sites: Iterable[Site], data: bytes | None, operation: Operation) -> Iterable[Site]:
    """The sites of an operation, each with its line and column unless it is done."""
    keeps = operation.on_foreign is OnForeign.KEEP
    index: LineIndex | None = None
    for site in sites:
        line, column = site.line, site.column
        if site.span is not None and site.state is not State.DONE and data is not None:
            index = index or LineIndex(data)
            line, column = index.position(site.span.start)
        kept = keeps and site.state is State.FOREIGN
        pointer = operation.pointer
        yield site._replace(line=line, column=column, kept=kept, pointer=pointer)


def _schema_at(schema: SchemaLookup, migration: Migration, operation: Operation, name: str) -> Json:
    try:
        return schema(name)
    except UsageProblem as problem:
        pointer = f"{operation.pointer}/schema"
        sides = (f"{pointer}/{each}" for each in ("after", "before"))
        named = (each for each in sides if name in migration.locate(each).text)
        place = migration.locate(next(named, pointer))
        located = (each._replace(location=place) for each in problem.diagnostics)
        raise UsageProblem(*located) from problem


def _expander(templates: Templates, path: str) -> Callable[[Json], Json]:
    return partial(templates.expand, file=path)


def _examined(operation: Operation, job: tuple[Source, Context]) -> Finding:
    return operations.kind(operation.kind).examine(operation, *job)


def _recorded(entry: Entry | None) -> dict[str, dict[str, Recorded]]:
    """What the ledger knows of a migration, by path and address."""
    result: dict[str, dict[str, Recorded]] = {}
    for (path, address), each in (entry.recorded() if entry else {}).items():
        result.setdefault(path, {})[address] = each
    return result


def _naming(
    migration: Migration, operation: Operation, templates: Templates, path: str
) -> Location:
    """Where an operation names a file."""
    targets = [templates.text(each) for each in operation.targets]
    return target_place(migration, operation, targets.index(path) if path in targets else 0)


def _missing(operation: Operation, path: str, place: Location, near: str) -> Diagnostic:
    if operation.missing is Missing.SKIP:
        return note("missing-target", f"`{path}` is not there and is skipped", Location(path))
    advice = "mend the path, or say `missing: skip` if some projects have no such file"
    hint = " ".join(part for part in (asked(near), advice) if part)
    found = error("missing-target", f"the target `{path}` is not there", place, hint=hint)
    return found._replace(about=path)


def _unmatched(
    migration: Migration, templates: Templates, snapshot: Snapshot
) -> Iterable[Diagnostic]:
    for operation in migration.operations:
        for index, target in enumerate(operation.targets):
            if not snapshot.matches[templates.text(target)] and any(c in target for c in "*?["):
                place = target_place(migration, operation, index)
                hint = asked(snapshot.nearest.get(templates.text(target)))
                yield note("no-match", f"`{target}` matches no file", place, hint=hint)


def _found_done(
    migration: Migration, sites: Iterable[Site], entry: Entry | None
) -> Iterable[Diagnostic]:
    """Say what ``down`` will not be able to do, before it is recorded."""
    done = sum(each.state is State.DONE for each in sites)
    if done and entry is None:
        held = "1 site holds its value" if done == 1 else f"{done} sites hold their values"
        message = f"{held} already; what was there before is not known, and `down` leaves it"
        yield note("found-done", message, migration.locate("/id"))


def _overlaps(
    migration: Migration, sites: Iterable[tuple[Site, Operation]]
) -> Iterable[Diagnostic]:
    """Two operations that both write one site; the later would undo the earlier."""
    seen: dict[tuple[str, str], Operation] = {}
    for site, operation in sites:
        if not site.changes:
            continue
        first = seen.setdefault((site.path, site.address), operation)
        if first is not operation:
            message = f"two operations change `{site.address}` of `{site.path}`"
            hint = "let one operation name the final value"
            place = migration.locate(_changing(operation, site))
            other = Related(migration.locate(_changing(first, site)), "it is changed first here")
            yield error("overlapping-operations", message, place, hint=hint, related=(other,))


def _changing(operation: Operation, site: Site) -> str:
    """The pointer of what an operation says of a site, if it names it as it stands."""
    return f"{operation.pointer}/set/{escape(site.address)}"


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


class _Later:
    """What later migrations leave in a file, so that an earlier one takes it for done."""

    def __init__(
        self,
        history: tuple[Migration, ...],
        templates: Mapping[str, Templates],
        snapshot: Snapshot,
    ) -> None:
        self._operations: dict[str, list[tuple[str, Operation]]] = {}
        self._templates = templates
        self._left: dict[str, list[_Left]] = {}
        for migration in history[1:]:
            for operation in migration.operations:
                here = templates[migration.revision]
                for path in _paths(operation, here, snapshot):
                    listed = self._operations.setdefault(path, [])
                    listed.append((migration.revision, operation))

    def in_file(self, revision: str, path: str) -> _Left:
        """What those above a revision leave."""
        if path not in self._left:
            self._left[path] = self._gather(path)
        above = (each for each in self._left[path] if each.lowest > revision)
        return next(above, _Left())

    def _gather(self, path: str) -> list[_Left]:
        """By the lowest revision that counts, in order: each is the next with one more added."""
        gathered = [_Left()]
        for revision, operation in reversed(self._operations.get(path, ())):
            last = gathered[-1]
            context = Context(revision=revision, expand=_expander(self._templates[revision], path))
            kind = operations.kind(operation.kind)
            by_address = dict(last.by_address)
            for address, value in kind.outcomes(operation, context).items():
                by_address[address] = (value, *by_address.get(address, ()))
            values = last.values | kind.new_values(operation, context)
            gathered.append(_Left(revision, by_address, values))
        return gathered[:0:-1]


class _Left(NamedTuple):
    """What the migrations from ``lowest`` on leave in a file: by address, and anywhere."""

    lowest: str = ""
    by_address: Mapping[str, tuple[Value, ...]] = MappingProxyType({})
    values: frozenset[str] = frozenset()


def old_values(
    migrations: Iterable[Migration], templates: Mapping[str, Templates]
) -> frozenset[str]:
    """Every string that the migrations declare as old and none of them leaves as new.

    They are what is looked for in the files that no operation governs. What is no text, a lone
    surrogate, stands in a file only in some escape, and is not looked for.
    """
    old: set[str] = set()
    new: set[str] = set()
    for migration in migrations:
        here = templates[migration.revision]
        context = Context(revision=migration.revision, expand=_expander(here, ""))
        old.update(here.text(each) for each in migration.left_behind)
        for operation in migration.operations:
            kind = operations.kind(operation.kind)
            old |= kind.old_values(operation, context)
            new |= kind.new_values(operation, context)
    return frozenset(each for each in old - new if each == each.encode(errors="ignore").decode())
