"""Evidence: what is known of one migration on this machine, gathered for a report; reads only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from keychange import ledger as ledgers
from keychange import standing
from keychange.decoding import ensure, exactly
from keychange.diagnostics import Location, error
from keychange.errors import RefusedError
from keychange.ledger import Entry, FileRecord, Last
from keychange.model import Direction, FileChange, Json, Migration, Site, State, Step
from keychange.planning.down import paths_of, secret
from keychange.preconditions import hidden_values
from keychange.probing.request import TEXT
from keychange.project import Project
from keychange.regular import read_regular
from keychange.resources import bundled_schema
from keychange.settings import STATE_DIRECTORY
from keychange.snapshot import sha256, take_snapshot
from keychange.standing import Row

REPORTS = f"{STATE_DIRECTORY}/reports"
LARGEST_RECORDING = 4 * 1024 * 1024
"""Bytes of a recording that a report takes in: about a minute and a half of speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a probe kept.

    ``sound`` is a WAV file, ``picture`` an SVG; each None where it is not there or too large, and
    ``size`` is that of the WAV in bytes. ``folder`` is where they are, from the root; ``text`` the
    sentence that was to be spoken.
    """

    folder: str
    sound: bytes | None
    picture: bytes | None
    size: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """One check of the past, as the ledger or a kept report has it."""

    data: Mapping[str, Json]
    recording: Recording | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One migration: what it changed here, what its checks said, and where it stands.

    ``step`` has the changed files whose bytes before and after are known for certain, and every
    recorded site with its value before and after. ``unknown`` says by path why other files cannot
    be shown. ``now`` is what the sites hold at present, by path and address. ``entry`` is None
    where the ledger does not have the migration: rolled back, taken back or never applied.
    ``hidden`` are the values that no renderer shows.
    """

    revision: str
    step: Step
    entry: Entry | None
    row: Row | None
    last: Last | None
    unknown: Mapping[str, str] = field(default_factory=dict)
    now: Mapping[tuple[str, str], State] = field(default_factory=dict)
    checks: tuple[Checked, ...] = ()
    baseline: Checked | None = None
    hidden: frozenset[str] = frozenset()


def gather(project: Project, revision: str = "") -> Evidence:
    """The evidence of a revision, by default the last one applied here, else the last one tried.

    Raises:
        UsageProblem: there is no such revision.
        RefusedError: the ledger is damaged, or nothing is known of the revision.
    """
    if project.damage:
        raise RefusedError(project.damage)
    ledger, root = project.ledger, project.root
    revision = _chosen(project, revision)
    entry, migration = ledger.get(revision), project.history.get(revision)
    document = entry.document if entry else migration.document if migration else {}
    last = ledger.last if ledger.last and ledger.last.revision == revision else None
    said = entry.evidence.get("checks", []) if entry else last.checks if last else ()
    recorded = cast("Sequence[Mapping[str, Json]]", said)
    before = cast("Mapping[str, Json] | None", entry.evidence.get("baseline")) if entry else None
    if not all(map(_is_check, [*recorded, *([before] if before else [])])):
        message = f"the ledger is damaged: what it holds of a check of `{revision}` is none"
        hint = "run the checks again: that is recorded anew"
        command = "migrate verify --again" if entry else "migrate up"
        place = Location(ledgers.PATH)
        raise RefusedError(error("unreadable-ledger", message, place, hint=hint, command=command))
    checks = tuple(_recorded(root, recorded, document))
    # Where the ledger has the migration, what a probe left may be of a run before that one.
    if entry is None and not checks and (kept := _kept(root, revision, migration)):
        checks = (kept,)
    if entry is None and not checks:
        what = f"`{revision}`" if revision else "a migration"
        message = f"there is nothing to report: {what} has not been applied or checked here"
        hint = "a report shows what `up` changed and what the checks said"
        raise RefusedError(error("nothing-to-report", message, hint=hint, command="migrate up"))
    files, unknown = _changes(project, entry) if entry else ((), {})
    found = standing.report(project, search=False)
    held = [site for step in found.plan.steps if step.revision == revision for site in step.sites]
    return Evidence(
        revision=revision,
        step=Step(
            revision=revision,
            title=entry.title if entry else migration.title if migration else "",
            direction=Direction.UP,
            files=files,
            sites=tuple(_sites(entry, held)) if entry else (),
            recorded=entry is not None,
            migration=migration,
        ),
        entry=entry,
        row=next((each for each in found.rows if each.revision == revision), None),
        last=ledger.last,
        unknown=unknown,
        now={(each.path, each.address): each.state for each in held},
        checks=checks,
        baseline=Checked(before) if before else None,
        hidden=hidden_values(root, migration, project.templates[revision])
        if migration
        else frozenset(),
    )


def _chosen(project: Project, revision: str) -> str:
    ledger = project.ledger
    if revision:
        return project.history.resolve(revision, also=ledger.revisions)
    if ledger.entries:
        return max(ledger.entries, key=lambda each: (each.applied_at, each.revision)).revision
    return ledger.last.revision if ledger.last else ""


# ------------------------------------------------------------------------- what was changed


def _changes(project: Project, entry: Entry) -> tuple[tuple[FileChange, ...], dict[str, str]]:
    """The files that an entry changed with their bytes, and by path why others have none.

    A file's bytes before are made from those that are there now and the recorded edits, the last
    one first, also those of other migrations; each must fit the digest that was recorded.
    """
    own = {id(file) for batch in entry.batches for file in batch}
    chains: dict[str, list[FileRecord]] = {}
    for each in project.ledger.entries:
        for file in (file for batch in each.batches for file in batch):
            chains.setdefault(file.path, []).append(file)
    paths = paths_of((entry,))
    files = take_snapshot(project.root, (), paths, project.instead).files
    shown: list[FileChange] = []
    unknown: dict[str, str] = {}
    for path in paths:
        data, rest = files.get(path), list(chains[path])
        found: list[FileChange] = []
        while record := next((r for r in reversed(rest) if r.after == sha256(data)), None):
            try:
                before = record.undone(data)
            except ValueError:  # the record was edited
                break
            rest.remove(record)
            if id(record) in own:
                change = FileChange(path=path, before=before, after=data, proofs=record.proofs)
                found.insert(0, change)
            data = before
        shown.extend(found)
        if any(id(each) in own for each in rest):
            gone = files.get(path) is None
            unknown[path] = "it is not here any more" if gone else "it was edited since"
    return tuple(shown), unknown


def _sites(entry: Entry, held: Iterable[Site]) -> Iterator[Site]:
    """The recorded sites; which operation made each one is known of those that are there still."""
    known = {(each.path, each.address): each for each in held}
    for (path, address), each in entry.recorded().items():
        now = known.get((path, address))
        yield Site(
            path=path,
            kind=each.kind,
            address=address,
            state=State.DONE,
            before=each.before,
            after=each.after,
            secret=secret(each) or bool(now and now.secret),
            note=each.note,
            pointer=now.pointer if now else "",
        )


# ------------------------------------------------------------------------- what was checked


def _is_check(said: Mapping[str, Any]) -> bool:
    """Whether it has what a report shows of a check, each of its type: the ledger can be edited."""
    try:
        for name in ("name", "verdict", "headline"):
            exactly(str, said[name])
        words = [*exactly(list, said.get("command", [])), *exactly(list, said.get("output", []))]
        ensure(all(type(each) is str for each in words))
        ensure(all(type(e) is int for e in exactly(dict, said.get("warnings", {})).values()))
        ensure(type(said.get("seconds", 0)) in (int, float))
    except (KeyError, TypeError, ValueError):
        return False
    return "report" not in said or _is_report(said["report"])


def _is_report(document: Json) -> bool:
    """Whether what is there of a probe's report is as the schema says; it may be an older one."""
    from keychange.json_schema.violations import satisfied

    return satisfied(document, _without(bundled_schema("probe_report"), "required"))


def _without(schema: Json, word: str) -> Json:
    """A schema without a keyword."""
    if isinstance(schema, dict):
        return {name: _without(each, word) for name, each in schema.items() if name != word}
    return schema


def _recorded(
    root: Path, checks: Iterable[Mapping[str, Json]], document: Mapping[str, Json]
) -> Iterator[Checked]:
    """The checks in the ledger, each with the recording that its probe kept."""
    for each in checks:
        found = cast("dict[str, Any]", each.get("report") or {})
        kept = [Path(str(path)).parent.name for path in found.get("artifacts", ())]
        spoken = _spoken(document)
        yield Checked(each, _recording(root, kept[0], spoken) if kept else None)


def _kept(root: Path, revision: str, migration: Migration | None) -> Checked | None:
    """The newest report that a probe of the revision left, where the ledger has none."""
    names = [path.parent.name for path in root.glob(f"{REPORTS}/*-{revision}/report.json")]
    if not names:
        return None
    folder = max(names)
    try:
        found = json.loads(read_regular(root / REPORTS / folder / "report.json"))
    except (OSError, ValueError, RecursionError):
        return None
    if not (_is_report(found) and {"verdict", "headline"} <= found.keys()):
        return None
    data = {"name": "probe", "verdict": found["verdict"], "headline": found["headline"]}
    spoken = _spoken(migration.document) if migration else ""
    return Checked({**data, "report": found}, _recording(root, folder, spoken))


def _recording(root: Path, name: str, spoken: str) -> Recording | None:
    folder = root / REPORTS / name
    if name in ("", ".", "..") or not folder.is_dir():
        return None
    sound = folder / "audio.wav"
    size = sound.stat().st_size if sound.is_file() else 0
    return Recording(
        folder=f"{REPORTS}/{name}",
        sound=_bytes(sound),
        picture=_bytes(folder / "audio.svg"),
        size=size,
        text=spoken,
    )


def _bytes(path: Path) -> bytes | None:
    try:
        return read_regular(path, limit=LARGEST_RECORDING, follow=False)
    except OSError:
        return None


def _spoken(document: Mapping[str, Json]) -> str:
    """The sentence that the probe of a migration lets the model say."""
    declared = cast("list[dict[str, Json]]", document.get("verify", []))
    probes = [each for each in declared if "probe" in each]
    return str(probes[0].get("text", TEXT)) if probes else ""
