"""Renumbering: a history put in order after a merge, the same by whoever does it.

Migrations keep the order in which they came to the branch that the team shares, by its first
parents; those that are not there yet follow, by number and then by name. They are numbered from
the lowest number on, without a gap. A history that is in order is left alone. Neither the ledger
nor who runs it has a say, so two people who fetched the same branch make the same files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from keychange import git
from keychange.closest_name import did_you_mean
from keychange.diagnostics import error
from keychange.edits import Edit, apply_edits
from keychange.errors import RefusedError, UsageProblem
from keychange.history import number
from keychange.ledger import Entry, Ledger
from keychange.loader import checksum, parse_migration
from keychange.model import FileChange, Migration
from keychange.planning.integrity import moved_to
from keychange.project import Project
from keychange.regular import read_regular
from keychange.spans import Span


class Renumbering(NamedTuple):
    """What a rebase does: new revisions by old, the files, and the ledger that follows.

    ``branch`` is the one whose order counts, None where there is none. ``modes`` are the
    permission bits of the files that are made.
    """

    branch: str | None
    renames: Mapping[str, str]
    followed: Mapping[str, str]
    changes: tuple[FileChange, ...]
    modes: Mapping[str, int]
    ledger: Ledger


def plan_rebase(project: Project, onto: str | None = None) -> Renumbering:
    """Number the migrations anew where two have one number, or one is missing.

    Args:
        project: its history and ledger.
        onto: the shared branch; None for the remote's default one, else main or master.

    Raises:
        UsageProblem: there is no such branch.
        RefusedError: the ledger is damaged, or the migrations are not under the root.
    """
    if project.damage:
        raise RefusedError(project.damage)
    folder = project.settings.migrations
    branch = onto or git.shared_branch(folder)
    order = git.landed(folder, branch) if branch else ()
    if order is None:
        message = f"`{branch}` is not a branch or commit of this checkout"
        hint = did_you_mean(str(branch), git.branches(folder)) or "`git branch -a` lists them"
        raise UsageProblem(error("no-such-branch", message, hint=hint, command="git branch -a"))
    renames = _renames(project, [name.removesuffix(".yaml") for name in order])
    files: dict[str, list[bytes | None]] = {}
    modes: dict[str, int] = {}
    for old, new in renames.items():
        migration = project.history.get(old)
        if migration is None:
            continue
        path = project.settings.owned(folder / f"{old}.yaml")
        target = project.settings.owned(folder / f"{new}.yaml")
        data = project.instead.get(path) or read_regular(project.root / path)
        files.setdefault(path, [None, None])[0] = data
        files.setdefault(target, [None, None])[1] = with_id(data, migration, new)
        modes[target] = _mode(project.root / path)
    changes = [FileChange(path=path, before=b, after=a) for path, (b, a) in files.items()]
    followed = _followed(project, renames)
    return Renumbering(
        branch=branch,
        renames=renames,
        followed=followed,
        # What is made comes first: at no moment is the folder without migrations.
        changes=tuple(sorted(changes, key=lambda each: each.after is None)),
        modes=modes,
        ledger=_following(project.ledger, followed),
    )


def _renames(project: Project, landed: list[str]) -> dict[str, str]:
    if not project.history.problems:
        return {}
    place = {revision: index for index, revision in enumerate(landed)}
    ordered = sorted(
        project.history.revisions,
        key=lambda each: (place.get(each, len(place)), number(each), each),
    )
    first = min(map(number, ordered))
    numbered = {old: f"{first + index:04d}{old[4:]}" for index, old in enumerate(ordered)}
    return {old: new for old, new in numbered.items() if old != new}


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:  # an interrupted rebase has it in hand; what is planned is not done
        return 0o644


def with_id(data: bytes, migration: Migration, new: str) -> bytes:
    """A migration file with another id and not one other byte changed.

    Raises:
        UsageProblem: the id is written in a way that cannot be replaced on its own.
    """
    from ruamel.yaml import YAML

    text = data.decode("utf-8-sig")
    shift = len(data) - len(text.encode())
    root = YAML(typ="safe", pure=True).compose(text)
    value = next(value for key, value in root.value if key.value == "id")
    start, end = (
        shift + len(text[: mark.index].encode()) for mark in (value.start_mark, value.end_mark)
    )
    raw, old = data[start:end], migration.revision.encode()
    replacement = raw.replace(old, new.encode(), 1) if old in raw else new.encode()
    result = apply_edits(data, [Edit(Span(start, end), replacement)])
    place = migration.locate("/id")
    if parse_migration(result, migration.path).document != {**migration.document, "id": new}:
        hint = f"write `id: {new}`, and rename the file"
        raise UsageProblem(error("unusual-id", "the id cannot be replaced", place, hint=hint))
    return result


def _followed(project: Project, renames: Mapping[str, str]) -> dict[str, str]:
    """What the ledger calls by an old revision: renamed here, or by somebody else before."""
    found: dict[str, str] = {}
    for entry in project.ledger.entries:
        moved = moved_to(project, entry)
        if moved is not None:
            found[entry.revision] = renames.get(moved.revision, moved.revision)
        elif entry.revision in renames and project.history.get(entry.revision):
            found[entry.revision] = renames[entry.revision]
    return found


def _following(ledger: Ledger, followed: Mapping[str, str]) -> Ledger:
    entries = [_renamed(each, followed.get(each.revision)) for each in ledger.entries]
    ordered = sorted(entries, key=lambda each: number(each.revision))
    if len({each.revision for each in ordered}) < len(ordered):
        message = "two applied migrations would have one revision"
        hint = "take the one whose file is gone back first"
        raise RefusedError(error("duplicate-revision", message, hint=hint, command="migrate check"))
    return ledger._replace(entries=tuple(ordered))


def _renamed(entry: Entry, revision: str | None) -> Entry:
    if revision is None:
        return entry
    document = {**entry.document, "id": revision}
    return entry._replace(revision=revision, document=document, checksum=checksum(document))
