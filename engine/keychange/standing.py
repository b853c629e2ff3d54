"""Standing: where every migration stands, judged by the files; ``check`` and ``status`` say it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from keychange import git
from keychange.activity import activity
from keychange.carriers import disagreements
from keychange.diagnostics import (
    Diagnostic,
    Location,
    Severity,
    error,
    errors_in,
    note,
    shell_word,
    warning,
)
from keychange.ledger import PATH as LEDGER
from keychange.ledger import Status
from keychange.left_behind import all_files, left_behind, old_values
from keychange.model import Plan, Recorded, Site, State, Step
from keychange.planning import plan_up
from keychange.project import Project
from keychange.spans import LineIndex
from keychange.transaction.lock import owner
from keychange.transaction.stages import pending_recovery

_OF_UP = ("unreadable-ledger", "found-done")
"""What a plan says about going on; the standing says it in its own way."""


class Standing(StrEnum):
    """Where a migration stands; the ledger only adds who wrote it."""

    PENDING = "pending"
    PARTLY = "partly applied"
    APPLIED = "applied"
    DRIFTED = "drifted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One migration: what it finds done, pending and foreign; ``recorded`` is the ledger's word.

    ``absent`` are files that it would make and that are not here.
    """

    revision: str
    title: str
    standing: Standing
    recorded: Status | None
    done: int
    pending: tuple[Site, ...]
    foreign: tuple[Site, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All rows, the problems that make the answer no, and what is only worth knowing.

    ``values`` are the old values that were searched for, ``candidates`` the tracked files that
    hold one; None where nothing was searched, or without git. ``marked`` are the files with a
    problem or a note, also those outside the names to which the answer is confined.
    ``everywhere`` says that every file was searched, for git does not say what it tracks.
    """

    rows: tuple[Row, ...]
    problems: tuple[Diagnostic, ...]
    notes: tuple[Diagnostic, ...]
    plan: Plan
    values: tuple[str, ...] = ()
    candidates: tuple[str, ...] | None = None
    marked: frozenset[str] = frozenset()
    everywhere: bool = False

    @property
    def clean(self) -> bool:
        """Whether nothing has drifted and nothing is pending."""
        return not self.problems


def report(
    project: Project,
    *,
    search: bool = True,
    names: frozenset[str] | None = None,
    exhaustive: bool = False,
) -> Report:
    """Judge the files against every migration; reads only.

    A file that an operation would make and that is not there, such as ``.env`` in CI, is noted
    and not judged.

    Args:
        project: what to judge.
        search: whether old values that are left behind are noted too.
        names: files and folders, from the root, to which the answer is confined.
        exhaustive: search also where an old value is spelled in another way.
    """
    plan = plan_up(project)
    absent = {path for path, digest in plan.reads.items() if digest is None}
    rows = tuple(_row(step, project, absent) for step in plan.steps)
    elsewhere = _elsewhere(project, plan)
    lacking = {each.about for each in errors_in(plan.diagnostics) if _missing(each)}
    absent = (absent - lacking) | elsewhere | _not_here(project, names or ())
    problems = [each for each in errors_in(plan.diagnostics) if _missing(each) not in elsewhere]
    if project.damage:
        problems.insert(0, project.damage)
    if pending_recovery(project.root) and owner(project.root) is None:
        message = "an interrupted run has to be undone or finished first"
        problems.append(error("interrupted-run", message, command="migrate recover"))
    # Where `up` would refuse, what it refuses says what to do; it is no advice.
    command = "" if errors_in(plan.diagnostics) else "migrate up"
    unstaged = _unstaged(project, rows)
    for row, step in zip(rows, plan.steps, strict=True):
        entry = project.ledger.get(row.revision)
        recorded = entry.recorded() if entry else {}
        problems.extend(_pending_sites(row, step, recorded, unstaged, command))
    values = old_values(project)
    with activity("searching what git tracks"):
        candidates = git.search(project.root, values) if search and names is None else None
    everywhere = search and names is None and candidates is None
    untold = git.trouble(project.root, "which files it tracks") if everywhere else None
    notes = [
        *([untold._replace(severity=Severity.WARNING)] if untold else []),
        *(each for each in plan.diagnostics if not each.is_error and not _said_here(each, absent)),
        *(_unverified(row) for row in rows if row.recorded is Status.INTERRUPTED),
        *(
            note("not-here", f"`{each}` is not here and is not judged", Location(each))
            for each in sorted(absent)
        ),
    ]
    for step in plan.steps:
        notes.extend(disagreements(step, project.templates[step.revision]))
    if search:
        looked = candidates if names is None else _below(project, names - absent, values)
        named = names is not None
        notes.extend(left_behind(project, plan, looked, exhaustive=exhaustive, named=named))
    return Report(
        rows=rows,
        problems=_within(names, problems, plan),
        notes=_within(names, notes, plan),
        plan=plan,
        values=values,
        candidates=candidates,
        marked=frozenset(each.location.path for each in (*problems, *notes) if each.location),
        everywhere=everywhere,
    )


def _within(
    names: frozenset[str] | None, found: Iterable[Diagnostic], plan: Plan
) -> tuple[Diagnostic, ...]:
    """What concerns the named files, and the migrations and the ledger, which concern all."""
    if names is None:
        return tuple(found)
    return tuple(
        each
        for each in found
        if each.location is None
        or _is_named(each.location.path, names)
        or (each.location.path not in plan.reads and each.code != "left-behind")
    )


def _is_named(path: str, names: frozenset[str]) -> bool:
    """Whether a file, or a folder above it, is among the names."""
    parts = path.split("/")
    return any("/".join(parts[:end]) in names for end in range(len(parts), 0, -1))


def _not_here(project: Project, names: Iterable[str]) -> set[str]:
    """The names that are neither on the disk nor staged."""
    here = (os.path.lexists(project.root / each) for each in names)
    return {
        each
        for each, found in zip(names, here, strict=True)
        if not found and project.instead.get(each) is None
    }


def _below(project: Project, names: frozenset[str], values: tuple[str, ...]) -> list[str]:
    """The named files, and those in the named folders that may hold a value."""
    folders = frozenset(each for each in names if (project.root / each).is_dir())
    found = git.search(project.root, values) if folders else ()
    inside = all_files(project.root) if found is None else found
    return [*(names - folders), *(each for each in inside if _is_named(each, folders))]


def _unstaged(project: Project, rows: Iterable[Row]) -> dict[tuple[str, str, str], str]:
    """The sites that are pending in what is staged and done on the disk; how to stage each."""
    pending = {
        (row.revision, each.path, each.address)
        for row in rows
        for each in row.pending
        if each.path in project.instead
    }
    if not pending or LEDGER in project.instead:  # a run has the files in hand
        return {}
    on_disk = plan_up(project._replace(instead={}))
    done = {
        (step.revision, each.path, each.address)
        for step in on_disk.steps
        for each in step.sites
        if each.state is State.DONE or each.kept
    }
    seen = git.read_from_disk(project.root)
    commands = {}
    for each in pending & done:
        path = shell_word(each[1])
        commands[each] = f"git add -- {path}"
        if each[1] not in seen:
            for told in ("--no-skip-worktree", "--no-assume-unchanged"):
                commands[each] = f"git update-index {told} -- {path} && {commands[each]}"
    return commands


def _elsewhere(project: Project, plan: Plan) -> set[str]:
    """Targets that have to be here and are not, but that git ignores: they are on other machines.

    In CI that is ``.env``: the tracked half is judged without it.
    """
    missing = {_missing(each) for each in plan.diagnostics} - {""}
    return set(git.ignored(project.root, sorted(missing))) if missing else set()


def _said_here(found: Diagnostic, absent: set[str]) -> bool:
    """Whether the standing says in its own way what the plan says."""
    path = found.location.path if found.location else ""
    return found.code in _OF_UP or (found.code == "missing-target" and path in absent)


def _missing(found: Diagnostic) -> str:
    """The target that an error says is missing, else nothing."""
    return found.about if found.code == "missing-target" and found.is_error else ""


def _unverified(row: Row) -> Diagnostic:
    message = f"`{row.revision}` is applied, unverified: its checks were interrupted"
    return warning("unverified", message, command="migrate up")


def _row(step: Step, project: Project, nowhere: set[str]) -> Row:
    entry = project.ledger.get(step.revision)
    absent = tuple(each.path for each in step.files if each.path in nowhere)
    sites = [each for each in step.sites if each.path not in absent]
    pending = tuple(each for each in sites if each.state is State.PENDING)
    foreign = tuple(each for each in sites if each.state is State.FOREIGN and not each.kept)
    done = sum(each.state is State.DONE or each.kept for each in sites)
    if not pending and not foreign:
        standing = Standing.APPLIED if done or entry else Standing.PENDING
    elif entry is not None:
        standing = Standing.DRIFTED
    else:
        standing = Standing.PARTLY if done else Standing.PENDING
    return Row(
        revision=step.revision,
        title=step.title,
        standing=standing,
        recorded=entry.status if entry else None,
        done=done,
        pending=pending,
        foreign=foreign,
        absent=absent,
    )


def _pending_sites(
    row: Row,
    step: Step,
    recorded: Mapping[tuple[str, str], Recorded],
    unstaged: Mapping[tuple[str, str, str], str],
    command: str,
) -> Iterator[Diagnostic]:
    places = _Places(step)
    code = "drift" if row.standing is Standing.DRIFTED else "pending"
    for site in row.pending:
        known = (site.path, site.address) in recorded
        said = "holds the old value again, not" if known else "does not hold"
        message = f"`{site.address}` {said} what {row.revision} sets"
        hint, next_step = "", command
        if (row.revision, site.path, site.address) in unstaged:
            hint = "the file on the disk is as it should be; what is staged of it is not"
            next_step = unstaged[row.revision, site.path, site.address]
        yield error(code, message, places.of(site), hint=hint, command=next_step)


class _Places:
    """Where sites stand, with the text of their lines as it is on the disk."""

    def __init__(self, step: Step) -> None:
        self._files = {each.path: each.before for each in step.files}
        self._indexes: dict[str, LineIndex] = {}

    def of(self, site: Site) -> Location:
        """The place of a site; of a ``.env`` file the text ends before the value."""
        bare = Location(site.path, site.line, site.column)
        data = self._files.get(site.path)
        if data is None or site.span is None or site.span.end > len(data):
            return bare
        index = self._indexes.get(site.path) or self._indexes.setdefault(site.path, LineIndex(data))
        place = Location.at(site.path, data, site.span, index)
        if (place.line, place.column) != (site.line, site.column):
            return bare  # an operation before this one moves it
        return place._replace(text=place.text[: place.column - 1]) if site.kind == "env" else place
