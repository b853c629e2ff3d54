"""Put recorded sites of a JSON file back, each where it still holds its recorded new value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from keychange.diagnostics import Diagnostic, Location, error, errors_in
from keychange.edits import Edit, apply_edits
from keychange.formats.json.draft import Removed, Run
from keychange.formats.json.edit import tight
from keychange.formats.json.pointer import Tokens, split
from keychange.json_summary import shown, without
from keychange.model import (
    ABSENT,
    Context,
    Finding,
    Json,
    Recorded,
    Site,
    Source,
    State,
    Value,
    same,
)
from keychange.operations.json.work import Work, gap_of, guarded


def revert(records: Sequence[Recorded], source: Source, context: Context) -> Finding:
    """Put recorded sites of one file back, the last one first.

    A site that holds its old value is done; one that holds something else is an error, and then
    there are no edits.
    """
    data = source.data
    if data is None:
        message = f"`{source.path}` is not there any more"
        return Finding(diagnostics=(error("missing-target", message, Location(source.path)),))
    if not records:
        return Finding()
    changed = records[::-1]
    jsonc = any(_undo(record).get("syntax") == "jsonc" for record in changed)
    return guarded(
        source.path,
        data,
        lambda: _revert(changed, source.path, data, context, jsonc=jsonc),
        jsonc=jsonc,
    )


def _revert(
    changed: Sequence[Recorded], path: str, data: bytes, context: Context, *, jsonc: bool
) -> Finding:
    sites: list[Site] = []
    diagnostics: list[Diagnostic] = []
    summary: list[str] = []
    edits: tuple[Edit, ...] = ()
    current = data
    batches = _batches(changed)
    for batch in batches:
        asked = [tokens for record in batch for tokens in _asked(record)]
        work = Work.on(path, current, asked, context, jsonc=jsonc)
        for record in batch:
            _VERBS[str(_undo(record)["verb"])](work, record)
        edits, _, lines = work.settle()
        current = apply_edits(current, edits)
        sites += work.sites
        diagnostics += work.diagnostics
        summary += lines
        if errors_in(diagnostics):
            return Finding(sites=tuple(sites), diagnostics=tuple(diagnostics))
    if len(batches) > 1:
        edits = tuple(tight(data, 0, len(data), current))
    count = sum(site.changes for site in sites)
    return Finding(
        sites=tuple(sites),
        edits=edits,
        diagnostics=tuple(diagnostics),
        proof=f"{count} sites put back, 0 other bytes" if edits else "",
        summary=tuple(summary),
    )


def _batches(records: Sequence[Recorded]) -> list[list[Recorded]]:
    """The records in order, parted where one touches what an earlier one has put back."""
    batches: list[list[Recorded]] = [[]]
    touched: list[Tokens] = []
    for record in records:
        places = [split(pointer) for pointer in _pointers(record)]
        if any(
            place[: len(other)] == other or other[: len(place)] == place
            for place in places
            for other in touched
        ):
            batches.append([])
            touched = []
        batches[-1].append(record)
        touched += places
    return batches


def _asked(record: Recorded) -> Iterator[Tokens]:
    """The pointers of all that is looked at to put a site back, its old neighbours among them."""
    yield from map(split, _pointers(record))
    holder = split(_pointers(record)[0])[:-1]
    undo = _undo(record)
    for name in (undo.get("previous"), undo.get("following")):
        if isinstance(name, str):
            yield (*holder, name)


def _pointers(record: Recorded) -> list[str]:
    undo = cast("dict[str, str]", record.undo)
    first = undo.get("array", record.address)
    return [first, undo["to"]] if "to" in undo else [first]


def _set(work: Work, record: Recorded) -> None:
    tokens = split(record.address)
    now = work.value(tokens)
    if same(now, record.after):
        work.draft.set_raw(tokens, _text(record, "raw"))
        _put_back(work, record, tokens, now)
    else:
        _settled(work, record, tokens, now)


def _add(work: Work, record: Recorded) -> None:
    tokens = split(record.address)
    now = work.value(tokens)
    if now is not ABSENT and same(now, record.after):
        work.draft.remove(tokens, gap_of(_undo(record)["gap"]))
        _put_back(work, record, tokens, now)
    else:
        _settled(work, record, tokens, now)


def _remove(work: Work, record: Recorded) -> None:
    tokens = split(record.address)
    now = work.value(tokens)
    if now is ABSENT and isinstance(work.value(tokens[:-1]), dict):
        work.draft.restore(tokens, _removed(record))
        _put_back(work, record, tokens, now)
    else:
        _settled(work, record, tokens, now)


def _rename(work: Work, record: Recorded) -> None:
    """A value that was edited since under its new name keeps the edit."""
    tokens, target = split(record.address), split(str(_undo(record)["to"]))
    now, there = work.value(tokens), work.value(target)
    if now is ABSENT and there is not ABSENT:
        work.draft.rename(target, tokens[-1], _text(record, "key"))
        _moved_back(work, record, tokens, there)
    else:
        _settled(work, record, tokens, now)


def _move(work: Work, record: Recorded) -> None:
    """The same for a member that went to another object."""
    tokens, target = split(record.address), split(str(_undo(record)["to"]))
    now, there = work.value(tokens), work.value(target)
    holder = work.value(tokens[:-1])
    if now is ABSENT and there is not ABSENT and isinstance(holder, dict):
        gone = work.draft.remove(target, gap_of(_undo(record)["added"]))
        removed = _removed(record)
        work.draft.restore(
            tokens, removed if same(there, record.before) else removed._replace(raw=gone.raw)
        )
        _moved_back(work, record, tokens, there)
    else:
        _settled(work, record, tokens, now)


def _moved_back(work: Work, record: Recorded, tokens: Tokens, value: Value) -> None:
    secret = work.record(record.address, tokens, State.PENDING, ABSENT, value)
    undo = _undo(record)
    word = "renamed" if undo["verb"] == "rename" else "moved"
    work.declare_move(str(undo["to"]), record.address, value, word, secret=secret)


def _remove_items(work: Work, record: Recorded) -> None:
    pointer = str(_undo(record)["array"])
    tokens, gone = split(pointer), cast("list[Json]", record.before)
    items = work.value(tokens)
    if not isinstance(items, list):
        _foreign(work, record, tokens, items)
        return
    missing = len(without(gone, items))
    if not missing:
        work.record(record.address, tokens, State.DONE, record.before, record.before)
    elif missing < len(gone):
        _foreign(work, record, tokens, items)
    else:
        before = [*items]
        runs = cast("list[dict[str, Any]]", _undo(record)["runs"])
        work.draft.restore_items(tokens, [_run(run) for run in runs])
        secret = work.record(record.address, tokens, State.PENDING, [], record.before)
        after = [*cast("list[Json]", work.value(tokens))]
        work.declare(pointer, before, after, secret=secret, items=True)


def _append(work: Work, record: Recorded) -> None:
    pointer = str(_undo(record)["array"])
    tokens, items = split(pointer), work.value(split(pointer))
    if not isinstance(items, list):
        _foreign(work, record, tokens, items)
        return
    at = next((at for at in reversed(range(len(items))) if same(items[at], record.after)), None)
    if at is None:
        work.record(record.address, tokens, State.DONE, ABSENT, ABSENT)
        return
    before = [*items]
    work.draft.remove_item(tokens, at, gap_of(_undo(record)["gap"]))
    secret = work.record(record.address, tokens, State.PENDING, record.after, ABSENT)
    work.declare(pointer, before, before[:at] + before[at + 1 :], secret=secret, items=True)


def _put_back(work: Work, record: Recorded, tokens: Tokens, now: Value) -> None:
    secret = work.record(record.address, tokens, State.PENDING, now, record.before)
    work.declare(record.address, now, record.before, secret=secret)


def _settled(work: Work, record: Recorded, tokens: Tokens, now: Value) -> None:
    """A site that is not as it was left: back already, or somebody else's."""
    if same(now, record.before) or work.context.supersedes(record.address, now):
        work.record(record.address, tokens, State.DONE, now, now)
    else:
        _foreign(work, record, tokens, now)


def _foreign(work: Work, record: Recorded, tokens: Tokens, now: Value) -> None:
    secret = work.record(record.address, tokens, State.FOREIGN, now, record.before)
    holds = "a value" if secret else shown(now)
    message = f"`{record.address}` holds {holds}, which is neither what was written nor what was"
    hint = "set it to one of the two, then run the command again"
    work.fail("foreign-value", message, tokens, hint)


def _undo(record: Recorded) -> dict[str, Json]:
    return cast("dict[str, Json]", record.undo)


def _text(record: Recorded, name: str) -> bytes:
    return str(_undo(record)[name]).encode()


def _removed(record: Recorded) -> Removed:
    undo = _undo(record)
    return Removed(
        _text(record, "key"),
        _text(record, "colon"),
        _text(record, "raw"),
        gap_of(undo["gap"]),
        cast("str | None", undo["previous"]),
        cast("str | None", undo["following"]),
    )


def _run(undo: dict[str, Any]) -> Run:
    return Run(
        undo["at"],
        undo["last"],
        tuple((lead.encode(), raw.encode()) for lead, raw in undo["items"]),
        undo["follow"].encode(),
        undo["joined"].encode(),
    )


_VERBS = {
    "set": _set,
    "add": _add,
    "remove": _remove,
    "rename": _rename,
    "move": _move,
    "remove_items": _remove_items,
    "append": _append,
}
