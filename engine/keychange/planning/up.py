"""Up: the plan toward head, one step for each migration; nothing is read or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from keychange import operations
from keychange.activity import activity
from keychange.closest_name import asked
from keychange.diagnostics import Diagnostic, Location, Related, error, errors_in, note
from keychange.errors import UsageProblem
from keychange.ledger import Entry, Ledger
from keychange.model import (
    Context,
    Direction,
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
)
from keychange.planning.file import Drafts
from keychange.planning.later import Later
from keychange.schemas import SchemaLookup
from keychange.snapshot import Snapshot, target_place
from keychange.spans import LineIndex
from keychange.spreading import spread
from keychange.templates import Templates
from keychange.yaml_data import escape


def toward_head(
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
    later = Later(history, templates, snapshot)
    drafts = Drafts(snapshot.files)
    diagnostics = list(snapshot.diagnostics)
    steps: list[Step] = []
    broken: set[str] = set()
    for migration in migrations:
        entry = ledger.get(migration.revision)
        recorded = _recorded(entry)
        sites: list[Site] = []
        origins: list[Operation] = []
        for operation in migration.operations:
            examine = partial(_examined, operation)
            jobs: list[tuple[Source, Context]] = []
            for path in snapshot.paths(operation, templates[migration.revision]):
                # What follows from an error is not worth reading; what was searched holds nothing.
                if path in broken or path in snapshot.searched.files:
                    continue
                draft = drafts.of(path)
                if draft.data is None and operation.missing is not Missing.CREATE:
                    place = _naming(migration, operation, templates[migration.revision], path)
                    near = snapshot.nearest.get(path, "")
                    diagnostics.append(_missing(operation, path, place, near))
                    continue
                left = later.in_file(migration.revision, path)
                context = Context(
                    revision=migration.revision,
                    expand=partial(templates[migration.revision].expand, file=path),
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
                drafts.of(source.path).take(finding)
                if errors_in(finding.diagnostics):
                    broken.add(source.path)
        diagnostics.extend(_overlaps(migration, zip(sites, origins, strict=True)))
        diagnostics.extend(_unmatched(migration, templates[migration.revision], snapshot))
        diagnostics.extend(_found_done(migration, sites, entry))
        steps.append(
            Step(
                revision=migration.revision,
                title=migration.title,
                direction=Direction.UP,
                files=drafts.end_step(),
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
