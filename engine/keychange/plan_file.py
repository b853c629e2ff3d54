"""Plan files: a plan saved as digests, to be applied exactly so, once, and in this checkout only.

The file holds no byte of any target: planning is pure, so what was planned is planned again and
compared with it. Digests are keyed with a key that stays in keychange's own folder, since a bare
hash of a short secret could be guessed. The serial in the ledger's digest makes a plan fit once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from keychange import ledger as ledgers
from keychange.decoding import ensure, exactly
from keychange.diagnostics import Diagnostic, Location, error
from keychange.errors import RefusedError, UsageProblem
from keychange.history import BASE
from keychange.model import Direction, Json, Plan
from keychange.outgoing import write_whole
from keychange.planning import plan_down, plan_up
from keychange.project import Project
from keychange.regular import read_regular
from keychange.settings import STATE_DIRECTORY, TEMP_PREFIX
from keychange.snapshot import sha256
from keychange.transaction.state import ensure_state_dir

FORMAT = 1
_KEY = f"{STATE_DIRECTORY}/key"
_IS_KEY = re.compile(rb"[0-9a-f]{64}").fullmatch
_KIND = "keychange plan"


@dataclass(frozen=True, slots=True)
class Saved:
    """A plan file that was read: which way it goes, and how far.

    ``to`` is a revision toward head; toward base ``revisions`` are those taken back.
    """

    path: str
    direction: Direction
    to: str
    revisions: tuple[str, ...]
    document: Mapping[str, Json]


def save_plan(project: Project, plan: Plan, to: str, path: Path) -> None:
    """Write a plan file, readable by its owner alone; an older plan file may be replaced.

    Raises:
        RefusedError: it cannot be written, or something else is in its place.
    """
    try:
        if os.path.lexists(path) and not _is_plan(path):
            message = "there is a file, and it is no plan; it was left as it is"
            hint = "name another file"
            raise RefusedError(error("not-a-plan-file", message, Location(str(path)), hint=hint))
        document = _document(project, plan, to, _made_key(project.root))
        write_whole(path, json.dumps(document, indent=1).encode() + b"\n", 0o600)
    except OSError as problem:
        message = f"the plan cannot be saved: {(problem.strerror or str(problem)).lower()}"
        raise RefusedError(
            error("unwritable-plan", message, Location(str(path)), hint="name another file")
        ) from problem


def read_plan(path: Path) -> Saved:
    """The plan that a file holds.

    Raises:
        UsageProblem: it is not a plan file, or cannot be read.
        RefusedError: a newer keychange wrote it.
    """
    place = Location(str(path))
    hint = "make one with `migrate plan --out FILE`"
    try:
        document = json.loads(read_regular(path))
    except (OSError, ValueError, RecursionError) as problem:
        reason = (problem.strerror or "") if isinstance(problem, OSError) else "it is not JSON"
        message = f"the plan cannot be read: {reason.lower()}"
        raise UsageProblem(error("unreadable-plan", message, place, hint=hint)) from problem
    if not isinstance(document, dict) or document.get("kind") != _KIND:
        raise UsageProblem(error("unreadable-plan", "this is no plan file", place, hint=hint))
    version = document.get("format")
    if type(version) is int and version > FORMAT:
        message = f"the plan has format {version}; this keychange knows up to {FORMAT}"
        hint = "a newer keychange wrote it: upgrade keychange, or plan again"
        raise RefusedError(error("newer-plan", message, place, hint=hint))
    try:
        ensure(exactly(int, version) == FORMAT)
        return Saved(
            str(path),
            Direction(exactly(str, document["direction"])),
            exactly(str, document["to"]),
            tuple(exactly(str, each["revision"]) for each in exactly(list, document["steps"])),
            document,
        )
    except (KeyError, TypeError, ValueError) as problem:
        message = "the plan file is damaged"
        raise UsageProblem(error("unreadable-plan", message, place, hint=hint)) from problem


def plan_again(saved: Saved, project: Project) -> Plan:
    """The plan that the saved one was, made of the files as they are now.

    Raises:
        RefusedError: ``stale-plan``, what it leads to is not there any more.
    """
    if saved.direction is Direction.DOWN:
        entries = tuple(e for e in project.ledger.entries if e.revision in saved.revisions)
        return plan_down(project, entries)
    if saved.to not in (BASE, *project.history.revisions):
        said = f"migration `{saved.to}` is not there any more"
        raise RefusedError(_stale(Location(saved.path), said))
    return plan_up(project, saved.to)


def refuse_stale(saved: Saved, project: Project, plan: Plan) -> None:
    """Compare a saved plan with the same plan made now.

    Raises:
        RefusedError: ``stale-plan``, with everything that is not as it was.
    """
    key = _key(project.root)
    if key is None:
        found = [_stale(Location(saved.path), "it was not made in this checkout")]
    else:
        found = list(_differences(saved, _document(project, plan, saved.to, key)))
    if found:
        raise RefusedError(*found)


def _document(project: Project, plan: Plan, to: str, key: bytes) -> dict[str, Json]:
    def tag(data: str | None) -> str | None:
        if data is None:
            return None
        return hmac.new(key, data.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()

    document: dict[str, Json] = {
        "kind": _KIND,
        "format": FORMAT,
        "direction": plan.direction.value,
        "to": to,
        "root": tag(str(project.root)),
        "ledger": tag(sha256(project.ledger_bytes)),
        "history": {each.revision: each.checksum for each in project.history.migrations},
        "reads": {path: tag(digest) for path, digest in sorted(plan.reads.items())},
        "steps": [
            {
                "revision": step.revision,
                "files": [
                    {
                        "path": each.path,
                        "before": tag(sha256(each.before)),
                        "after": tag(sha256(each.after)),
                    }
                    for each in step.changes
                ],
            }
            for step in plan.todo
        ],
    }
    return {**document, "seal": _seal(document, tag)}


def _seal(document: Mapping[str, Json], tag: Callable[[str], str | None]) -> str:
    """What shows that nobody has edited the file since."""
    meant = {name: each for name, each in document.items() if name != "seal"}
    return tag(json.dumps(meant, sort_keys=True, separators=(",", ":"))) or ""


def _differences(saved: Saved, now: Mapping[str, Json]) -> Iterator[Diagnostic]:
    then = saved.document
    if then == now:
        return
    if then.get("root") != now["root"]:
        yield _stale(Location(saved.path), "it was made in another checkout")
        return
    if then.get("ledger") != now["ledger"]:
        said = "it was applied before, or another run has written since"
        yield _stale(Location(ledgers.PATH), said)
    for name in sorted(_differing(then.get("history"), now["history"])):
        yield _stale(Location(saved.path), f"migration `{name}` is not what it was")
    for path in sorted(_differing(then.get("reads"), now["reads"])):
        yield _stale(Location(path), "the file has changed since the plan was made")
    if all(then.get(name) == now[name] for name in ("ledger", "history", "reads")):
        yield _stale(Location(saved.path), "the plan file was edited, or keychange plans anew")


def _differing(then: Json, now: Json) -> set[str]:
    before, after = (each if isinstance(each, dict) else {} for each in (then, now))
    names = before.keys() | after.keys()
    return {each for each in names if before.get(each, "") != after.get(each, "")}


def _stale(place: Location, said: str) -> Diagnostic:
    hint = "nothing was written; make a new plan and look at it"
    return error("stale-plan", f"stale plan: {said}", place, hint=hint, command="migrate plan")


def _is_plan(path: Path) -> bool:
    try:
        document = json.loads(read_regular(path))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("kind") == _KIND


def _key(root: Path) -> bytes | None:
    """The key of this checkout, if it has one.

    Raises:
        RefusedError: there is something else in its place.
    """
    try:
        key = read_regular(root / _KEY, follow=False)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise RefusedError(_unusable_key((problem.strerror or "").lower())) from problem
    if not _IS_KEY(key):
        raise RefusedError(_unusable_key("it is damaged"))
    return key


def _unusable_key(reason: str) -> Diagnostic:
    message = f"the key of saved plans cannot be read: {reason}"
    hint = "remove it; plans that were saved until now have to be made anew"
    return error("state-unwritable", message, Location(_KEY), hint=hint)


def _made_key(root: Path) -> bytes:
    """The key of this checkout, made for the first plan that is saved."""
    key = _key(root)
    if key is None:
        ensure_state_dir(root)
        staged = root / STATE_DIRECTORY / f"{TEMP_PREFIX}{secrets.token_hex(4)}"
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
        try:
            (root / _KEY).hardlink_to(staged)
        except FileExistsError:
            pass  # somebody else was first: theirs counts
        except OSError:  # a file system without hard links: the last one counts
            staged.replace(root / _KEY)
        staged.unlink(missing_ok=True)
        key = read_regular(root / _KEY, follow=False)
    return key
