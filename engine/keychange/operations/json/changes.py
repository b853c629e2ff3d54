"""The verbs of a json operation, each on one document: judge the sites, draft the changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from keychange.closest_name import closest
from keychange.diagnostics import note
from keychange.formats.json.draft import Removed
from keychange.formats.json.pointer import Tokens, join, split
from keychange.json_summary import shown
from keychange.model import ABSENT, Json, OnForeign, State, Value, same
from keychange.operations.json.declared import JsonOperation, Setting, expanded, renamed, satisfies
from keychange.operations.json.later import (
    addition_address,
    appended_later,
    changed_inside,
    removal_address,
    removed_later,
    superseded,
)
from keychange.operations.json.work import Work, gap_undo, holds_secret


class Changes:
    """One operation at work on one document."""

    def __init__(self, operation: JsonOperation, work: Work) -> None:
        self._operation = operation
        self._work = work
        self._context = work.context

    def run(self) -> None:
        """Judge every site, and draft what is pending."""
        operation = self._operation
        for pointer, name in operation.rename:
            self._move(pointer, renamed(pointer, name), name)
        for pointer, to in operation.move:
            self._move(pointer, to, None)
        for pointer in operation.remove:
            self._remove(pointer)
        for pointer, where in operation.remove_items:
            self._remove_items(pointer, expanded(where, self._context.expand))
        for setting in operation.set:
            self._set(setting)
        for pointer, value in operation.default:
            self._default(pointer, self._context.expand(value))
        for pointer, items in operation.append:
            for item in items:
                self._append(pointer, self._context.expand(item))

    def _set(self, setting: Setting) -> None:
        pointer, tokens, work = setting.pointer, split(setting.pointer), self._work
        to = self._context.expand(setting.to)
        now = work.value(tokens)
        if (
            same(now, to)
            or self._superseded(pointer)
            or changed_inside(self._context, pointer, now, to)
        ):
            work.record(pointer, tokens, State.DONE, now, now)
        elif now is ABSENT:
            if self._operation.only_existing:
                work.record(pointer, tokens, State.ABSENT, now, now)
            elif self._may_add(pointer, tokens):
                self._add(pointer, tokens, to)
        elif self._judged(pointer, tokens, now, to, setting.old):
            raw = work.draft.set(tokens, to)
            undo: dict[str, Json] = {"verb": "set", "raw": raw.decode()}
            secret = work.record(pointer, tokens, State.PENDING, now, to, undo=undo)
            work.declare(pointer, now, to, secret=secret)

    def _default(self, pointer: str, value: Json) -> None:
        tokens, work = split(pointer), self._work
        now = work.value(tokens)
        if now is not ABSENT or self._superseded(pointer):
            work.record(pointer, tokens, State.DONE, now, now)
        elif self._may_add(pointer, tokens):
            self._add(pointer, tokens, value)

    def _add(self, pointer: str, tokens: Tokens, value: Json) -> None:
        gap = self._work.draft.add(tokens, value)
        undo: dict[str, Json] = {"verb": "add", "gap": gap_undo(gap)}
        work = self._work
        secret = work.record(pointer, tokens, State.PENDING, ABSENT, value, note="added", undo=undo)
        work.declare(pointer, ABSENT, value, secret=secret)

    def _remove(self, pointer: str) -> None:
        tokens, work = split(pointer), self._work
        now = work.value(tokens)
        if now is ABSENT or self._superseded(pointer):
            work.record(pointer, tokens, State.DONE, now, now)
        elif self._member(pointer, tokens) and self._judged(pointer, tokens, now, ABSENT, None):
            undo: dict[str, Json] = {"verb": "remove", **removed_undo(work.draft.remove(tokens))}
            secret = work.record(
                pointer, tokens, State.PENDING, now, ABSENT, note="removed", undo=undo
            )
            work.declare(pointer, now, ABSENT, secret=secret)

    def _move(self, pointer: str, to: str, name: str | None) -> None:
        """Rename a member in place, to ``name``; or move it to the end of another object."""
        tokens, target, work = split(pointer), split(to), self._work
        now, there = work.value(tokens), work.value(target)
        word = "moved" if name is None else "renamed"
        if now is ABSENT:
            state = State.ABSENT if there is ABSENT else State.DONE
            work.record(pointer, tokens, state, now, now)
        elif self._superseded(pointer):
            work.record(pointer, tokens, State.DONE, now, now)
        elif there is not ABSENT:
            self._conflict(pointer, to, tokens, now)
        elif self._member(pointer, tokens) and self._may_add(to, target):
            if name is not None:
                key = work.draft.rename(tokens, name)
                undo: dict[str, Json] = {"verb": "rename", "to": to, "key": key.decode()}
            else:
                indent = work.indent(tokens)
                gone = work.draft.remove(tokens)
                gap = work.draft.add_raw(target, gone.raw, indent)
                undo = {"verb": "move", "to": to, "added": gap_undo(gap), **removed_undo(gone)}
            said = f"{word} to {to}"
            secret = work.record(pointer, tokens, State.PENDING, now, ABSENT, note=said, undo=undo)
            work.declare_move(pointer, to, now, word, secret=secret)

    def _remove_items(self, pointer: str, where: Iterable[tuple[str, Json]]) -> None:
        tokens, work, conditions = split(pointer), self._work, tuple(where)
        address = removal_address(pointer, conditions)
        items = work.value(tokens)
        if items is ABSENT or self._superseded(pointer):
            work.record(address, tokens, State.DONE, ABSENT, ABSENT)
            return
        if not isinstance(items, list):
            self._no_array(pointer, tokens)
            return
        doomed = [
            at
            for at, item in enumerate(items)
            if satisfies(item, conditions) and not appended_later(self._context, pointer, item)
        ]
        if not doomed:
            work.record(address, tokens, State.DONE, [], [])
            return
        before = [*items]
        gone = [items[at] for at in doomed]
        runs = work.draft.remove_items(tokens, frozenset(doomed))
        undo: dict[str, Json] = {
            "verb": "remove_items",
            "array": pointer,
            "runs": [
                {
                    "at": run.at,
                    "last": run.last,
                    "items": [[lead.decode(), raw.decode()] for lead, raw in run.items],
                    "follow": run.follow.decode(),
                    "joined": run.joined.decode(),
                }
                for run in runs
            ],
        }
        said = f"{len(gone)} of {len(before)} items removed"
        secret = work.record(address, tokens, State.PENDING, gone, [], note=said, undo=undo)
        work.declare(
            pointer, before, [*cast("list[Json]", work.value(tokens))], items=True, secret=secret
        )

    def _append(self, pointer: str, value: Json) -> None:
        tokens, work = split(pointer), self._work
        address = addition_address(pointer, value)
        items = work.value(tokens)
        if self._superseded(pointer) or removed_later(self._context, pointer, value):
            work.record(address, tokens, State.DONE, ABSENT, ABSENT)
        elif items is ABSENT:
            self._no_pointer(pointer, tokens, "has no array")
        elif not isinstance(items, list):
            self._no_array(pointer, tokens)
        elif any(same(value, item) for item in items):
            work.record(address, tokens, State.DONE, value, value)
        else:
            before = [*items]
            gap = work.draft.append(tokens, value)
            undo: dict[str, Json] = {"verb": "append", "array": pointer, "gap": gap_undo(gap)}
            secret = work.record(
                address, tokens, State.PENDING, ABSENT, value, note="added", undo=undo
            )
            work.declare(pointer, before, [*before, value], items=True, secret=secret)

    def _judged(
        self, pointer: str, tokens: Tokens, now: Value, to: Value, old: tuple[Json, ...] | None
    ) -> bool:
        """Whether a value that is not the new one may be replaced; says so where it may not."""
        if old is None:
            known = self._context.recorded.get(pointer)
            fine = known is None or same(now, known.before) or same(now, known.after)
        else:
            fine = any(same(now, self._context.expand(each)) for each in old)
        if fine or self._operation.on_foreign is OnForeign.REPLACE:
            return True
        work = self._work
        secret = holds_secret(tokens[-1] if tokens else "", now)
        holds = "a value" if secret else shown(now)
        message = f"`{pointer}` holds {holds}, which is neither the old value nor the new"
        if self._operation.on_foreign is OnForeign.KEEP:
            location = work.location(tokens)
            work.diagnostics.append(note("foreign-value", f"{message}; it is kept", location))
        else:
            hint = "add it to `from`, or say `on_foreign: keep` or `on_foreign: replace`"
            work.fail("foreign-value", message, tokens, hint)
        work.record(pointer, tokens, State.FOREIGN, now, to)
        return False

    def _conflict(self, pointer: str, to: str, tokens: Tokens, now: Value) -> None:
        """Both names are there: which value is right, only the user knows."""
        work = self._work
        message = f"`{pointer}` is there, and `{to}` is there as well"
        work.record(pointer, tokens, State.FOREIGN, now, ABSENT)
        if self._operation.on_foreign is OnForeign.KEEP:
            location = work.location(tokens)
            work.diagnostics.append(note("foreign-value", f"{message}; both are kept", location))
        else:
            work.fail("foreign-value", message, tokens, "remove one of the two")

    def _superseded(self, pointer: str) -> bool:
        return superseded(self._context, self._work.draft.value, pointer)

    def _member(self, pointer: str, tokens: Tokens) -> bool:
        """Whether a place is a member of an object; elements have no name and no fixed place."""
        if isinstance(self._work.value(tokens[:-1]), dict):
            return True
        message = f"`{pointer}` is an element of an array, and its position does not stay"
        self._work.fail("wrong-type", message, tokens, "use `remove_items` with a condition")
        return False

    def _may_add(self, pointer: str, tokens: Tokens) -> bool:
        """Whether there is an object to add a member to."""
        holder = self._work.value(tokens[:-1])
        if isinstance(holder, dict):
            return True
        if isinstance(holder, list):
            message = f"`{pointer}` names no element of the array"
            self._work.fail("no-such-pointer", message, tokens, "use `append` to add elements")
        else:
            self._no_pointer(pointer, tokens, "has no object to stand in")
        return False

    def _no_array(self, pointer: str, tokens: Tokens) -> None:
        self._work.fail("wrong-type", f"`{pointer}` is no array", tokens)

    def _no_pointer(self, pointer: str, tokens: Tokens, reason: str) -> None:
        held = 0
        while held < len(tokens) and self._work.value(tokens[: held + 1]) is not ABSENT:
            held += 1
        holder = self._work.value(tokens[:held])
        hint = "add what it stands in first, with `set` in an operation before this one"
        inside = held + 1 < len(tokens)
        known = [
            name
            for name, value in (holder.items() if isinstance(holder, dict) else ())
            if isinstance(value, dict) or not inside
        ]
        if close := closest(tokens[held], known) if known else ():
            hint = f"did you mean `{join((*tokens[:held], close[0], *tokens[held + 1 :]))}`?"
        self._work.fail("no-such-pointer", f"`{pointer}` {reason}", tokens, hint)


def removed_undo(removed: Removed) -> dict[str, Json]:
    """What it takes to put a member back, as JSON."""
    return {
        "key": removed.key.decode(),
        "colon": removed.colon.decode(),
        "raw": removed.raw.decode(),
        "gap": gap_undo(removed.gap),
        "previous": removed.previous,
        "following": removed.following,
    }
