"""Restoring: what taking an unconfirmed step back needs, so that no byte is lost with it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from keychange.diagnostics import Diagnostic, Location, error, errors_in, note, shell_word, warning
from keychange.errors import RefusedError, RollbackError
from keychange.ledger import PATH as LEDGER
from keychange.ledger import Ledger
from keychange.model import FileChange, Step
from keychange.planning import plan_down
from keychange.project import Project
from keychange.regular import read_regular
from keychange.snapshot import take_snapshot
from keychange.transaction.files import Tree
from keychange.transaction.flushing import flush_way
from keychange.transaction.state import ensure_own_folder


def undoing(
    project: Project, earlier: Ledger, revision: str, step: Step | None
) -> tuple[list[FileChange], Ledger]:
    """The changes that undo a step, and the ledger without it.

    ``earlier`` is the ledger from before a step that was just committed; without a step, it was
    applied by a run that was cut off, and the ledger knows what that did.

    Raises:
        RollbackError: what the ledger knows cannot be taken back.
    """
    if step is not None:
        changes = [each._replace(before=each.after, after=each.before) for each in step.changes]
        return changes, earlier
    ledger = project.ledger
    entry = ledger.get(revision)
    if entry is None:
        return [], ledger
    plan = plan_down(project, (entry.unsettled,))
    if errors_in(plan.diagnostics):
        raise RollbackError(*plan.diagnostics)
    changes = [each for one in plan.steps for each in one.changes]
    before = entry.before_run
    return changes, ledger.with_entry(before) if before else ledger.without(revision)


def on_disk(root: Path, changes: Sequence[FileChange]) -> Mapping[str, bytes | None]:
    """The bytes of the files as they are on the disk: a check may have left anything there.

    Raises:
        RollbackError: one cannot be read; what it held before is kept aside.
    """
    held, unread = _held(root, changes)
    if unread:
        wanted = {each.path: each.after for each in changes}
        raise RollbackError(*(_not_readable(root, each, wanted) for each in unread))
    return held


def _held(
    root: Path, changes: Sequence[FileChange]
) -> tuple[Mapping[str, bytes | None], tuple[Diagnostic, ...]]:
    """The bytes of the files by path, and what is wrong with those that cannot be read."""
    paths = [each.path for each in changes]
    seen = take_snapshot(root, (), paths)
    held = {path: seen.files.get(name) for path in paths for name in seen.matches.get(path, ())}
    return held, seen.diagnostics


def _not_readable(root: Path, found: Diagnostic, wanted: Mapping[str, bytes | None]) -> Diagnostic:
    """What is there is not what was written: the ledger cannot make the old bytes of it."""
    path = found.location.path if found.location else ""
    kept, _ = _kept(root, path, wanted.get(path))
    message = f"it cannot be restored: {found.message}; {kept}"
    hint = "put them back, then take the migration back"
    command = "migrate up --interrupted roll-back"
    return error("restore-failed", message, found.location, hint=hint, command=command)


def changed_meanwhile(root: Path, changes: Sequence[FileChange]) -> list[Diagnostic]:
    """A warning for each file that is not any more what was written when the checks began."""
    held, _ = _held(root, changes)
    return [
        warning(
            "changed-during-checks",
            f"{each.path} changed while the checks ran; it is not what was written",
            Location(each.path),
            hint="a check, or somebody else, wrote it; see whether its values still hold",
            command="migrate check",
        )
        for each in changes
        if held.get(each.path) != each.after
    ]


def rescue(root: Path, path: str, data: bytes | None) -> Diagnostic:
    """Keep bytes that appeared while the checks ran and that the rollback replaces.

    Raises:
        RollbackError: they cannot be kept.
    """
    message = "the file changed while the checks ran; it was put back as it was before `up`"
    if data is None:
        return note("changed-during-checks", message, Location(path))
    try:
        kept = keep_aside(root, path, data)
    except (OSError, RefusedError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        said = f"{path} changed while the checks ran and cannot be kept: {reason}"
        raise RollbackError(error("restore-failed", said, Location(path))) from problem
    return warning(
        "changed-during-checks", message, Location(path), hint=f"what it held is kept in {kept}"
    )


def _kept(root: Path, path: str, data: bytes | None) -> tuple[str, str]:
    """Words that say where the bytes from before a run are kept, and that place, if any."""
    if data is None:
        return "it did not exist before", ""
    try:
        place = keep_aside(root, path, data)
    except (OSError, RefusedError) as problem:
        return f"its bytes from before cannot be kept: {problem}", ""
    return f"its bytes from before are in {place}", place


def ledger_is_there(project: Project) -> bool:
    """Whether the ledger is the one that this run wrote: a check may have left anything."""
    try:
        return read_regular(project.root / LEDGER) == project.ledger_bytes
    except OSError:
        return False


def not_restored(root: Path, change: FileChange, revision: str, *, recorded: bool) -> Diagnostic:
    """What is said of a file where the rollback itself was refused.

    ``recorded`` says that the ledger holds its bytes from before; if not, they are kept aside.
    """
    if recorded:
        kept = "its bytes from before are in the ledger"
        hint = "remove the cause, then take the migration back"
        command = "migrate up --interrupted roll-back"
    else:
        kept, place = _kept(root, change.path, change.after)
        hint = "the ledger has gone, or somebody changed it: put the file back yourself"
        words = f"cp -- {shell_word(place)} {shell_word(change.path)}"
        command = words if place else ""
    message = f"{change.path} holds what `{revision}` set; {kept}"
    return error("restore-failed", message, Location(change.path), hint=hint, command=command)


def changed_again(change: FileChange) -> Diagnostic:
    """What is said of a file that does not read as it was put back."""
    message = f"{change.path} was put back, and reads differently"
    hint = "somebody else wrote it, or the disk does not keep what it is given: look at the file"
    return error("restore-unconfirmed", message, Location(change.path), hint=hint)


def keep_aside(root: Path, path: str, data: bytes) -> str:
    """Keep some bytes of a file, readable by their owner alone.

    Returns:
        Where they are, from the root. Nothing that was kept before is overwritten.

    Raises:
        OSError, RefusedError: they cannot be written.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    folder = ensure_own_folder(root, "rescued")
    for attempt in range(1, 1000):
        kept = folder / (stamp if attempt == 1 else f"{stamp}-{attempt}") / path
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        place = kept.relative_to(root).as_posix()
        flush_way(Tree(root), place)
        return place
    raise FileExistsError(f"{folder}/{stamp}")
