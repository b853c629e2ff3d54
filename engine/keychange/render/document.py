"""Documents: every verb's result as one JSON document with a format version."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from keychange.diagnostics import Diagnostic
from keychange.model import ABSENT, FileChange, Json, Migration, Plan, Site, Step
from keychange.outcome import CheckOutcome, Outcome
from keychange.render.diagnostics import data as diagnostic
from keychange.render.diff import unified
from keychange.render.masking import Masks, hidden_below, line

if TYPE_CHECKING:
    from keychange.standing import Report

FORMAT_VERSION = 1


def document(
    verb: str, exit_code: int, diagnostics: Iterable[Diagnostic] = (), **parts: Json
) -> dict[str, Json]:
    """The envelope of every result; ``parts`` are its members beside the verdict."""
    return {
        "format_version": FORMAT_VERSION,
        "verb": verb,
        "exit_code": exit_code,
        "diagnostics": [diagnostic(each) for each in diagnostics],
        **parts,
    }


def plan(made: Plan) -> Json:
    """A plan: steps, files with their diffs, sites with masked values."""
    masks = Masks(site for step in made.steps for site in step.sites)
    return {
        "direction": made.direction.value,
        "changes": made.changes,
        "steps": [_step(step, masks) for step in made.todo],
    }


def _step(step: Step, masks: Masks) -> Json:
    return {
        "revision": step.revision,
        "title": step.title,
        "recorded": step.recorded,
        "files": [_file(change, step, masks) for change in step.changes],
        "sites": [_site(site, masks, step.migration) for site in step.sites],
        "runs": [list(map(line, words)) for words in step.runs],
    }


def _file(change: FileChange, step: Step, masks: Masks) -> Json:
    how = "create" if change.before is None else "delete" if change.after is None else "change"
    return {
        "path": change.path,
        "action": how,
        "diff": "\n".join(unified(change, masks, step.revision)),
        "proofs": list(change.proofs),
        "summary": list(change.summary),
    }


def _site(site: Site, masks: Masks, migration: Migration | None) -> Json:
    result: dict[str, Json] = {
        "path": site.path,
        "kind": site.kind,
        "address": site.address,
        "state": site.state.value,
    }
    if site.line:
        result["line"] = site.line
    if site.before is not ABSENT:
        result["before"] = masks.value(site, site.before)
    if site.after is not ABSENT:
        result["after"] = masks.value(site, site.after)
    if site.secret:
        result["secret"] = True
    if migration is not None and site.pointer:
        place = migration.declares(site)
        result["declared"] = {"path": place.path, "line": place.line, "column": place.column}
    return result


def outcome(done: Outcome) -> dict[str, Json]:
    """How a run ended, with what its checks measured."""
    result: dict[str, Json] = {
        "ending": done.ending.value,
        "done": list(done.done),
        "checks": {
            revision: [check(each) for each in results] for revision, results in done.checks.items()
        },
    }
    result["verdict"] = done.verdict.value if done.verdict else None
    if done.baselines:
        result["baselines"] = {name: check(each) for name, each in done.baselines.items()}
    if done.unverified:
        result["unverified"] = list(done.unverified)
    if done.undone:
        result["undone"] = done.undone
    if done.recovery is not None:
        result["recovered"] = done.recovery.ending.value
    return result


def check(done: CheckOutcome) -> Json:
    """One check: verdict, headline and what was measured, with secrets masked."""
    printed = cast("list[str]", done.details.get("output") or [])
    return _masked(done.data(), done.hidden | hidden_below("\n".join(printed)))


def _masked(value: Json, hidden: frozenset[str]) -> Json:
    if isinstance(value, str):
        return line(value, hidden)
    if isinstance(value, list):
        return [_masked(each, hidden) for each in value]
    if isinstance(value, dict):
        return {name: _masked(each, hidden) for name, each in value.items()}
    return value


def standing(found: Report) -> Json:
    """Where every migration stands."""
    return [
        {
            "revision": row.revision,
            "title": row.title,
            "standing": row.standing.value,
            "recorded": row.recorded.value if row.recorded else None,
            "done": row.done,
            "pending": [{"path": s.path, "address": s.address} for s in row.pending],
            "foreign": [{"path": s.path, "address": s.address} for s in row.foreign],
            "absent": list(row.absent),
        }
        for row in found.rows
    ]
