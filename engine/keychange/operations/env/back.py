"""Taking ``.env`` keys back: recorded sites return to their raw text, all else stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keychange.decoding import ensure, exactly
from keychange.diagnostics import Diagnostic, Location, error, errors_in
from keychange.edits import Edit, apply_edits
from keychange.formats.dotenv.lines import Lines
from keychange.formats.dotenv.readers import Binding
from keychange.formats.dotenv.text import EnvFile
from keychange.formats.dotenv.writing import Spelling
from keychange.model import ABSENT, Context, Finding, Recorded, Site, Source, State, Value
from keychange.operations.env.reports import Reports
from keychange.secrets import looks_secret


class Reversal:
    """The reversal of one run's records in one file. Made for one file and used once."""

    def __init__(self, records: Sequence[Recorded], source: Source, context: Context) -> None:
        self.records = records
        self.context = context
        self.path = source.path
        self.env = EnvFile(source.data or b"")
        self.lines = Lines.of(self.env)
        self.reports = Reports(source.path, self.env)
        self.names = dict(self.env.by_key)
        self.sites: list[Site] = []
        self.problems: list[Diagnostic] = []
        self.gone: set[int] = set()
        self.inserted: dict[int, list[str]] = {}
        self.inside: list[Edit] = []
        self.removed: list[tuple[str, Mapping[str, Any]]] = []
        self.wanted: dict[str, Value] = {}

    def finding(self) -> Finding:
        """Settings go back first, then names, then removed lines: the order of up, turned round."""
        by_way: dict[str, list[tuple[Recorded, dict[str, Any]]]] = {}
        for record in self.records:
            undo = exactly(dict, record.undo)
            way = next(each for each in ("was", "added", "renamed", "removed", "") if each in undo)
            by_way.setdefault(way, []).append((record, undo))
        for record, undo in by_way.get("was", ()):
            self._respell(record, undo)
        for record, undo in by_way.get("added", ()):
            self._take_out(record, undo)
        for record, undo in by_way.get("renamed", ()):
            self._rename_back(record, undo["renamed"])
        for record, undo in by_way.get("removed", ()):
            self._put_back(record, undo["removed"])
        self._reinsert()
        edits = () if errors_in(self.problems) else self.lines.edits(
            self.gone, self.inserted, self.inside
        )  # fmt: skip
        self._read_back(edits)
        return Finding(sites=tuple(self.sites), edits=edits, diagnostics=tuple(self.problems))

    def _read_back(self, edits: Sequence[Edit]) -> None:
        """Read the file that the edits make: what is put back is there, all else is as it was.

        Raises:
            ValueError: it is not.
        """
        if not edits:
            return
        now = _read(EnvFile(apply_edits(self.env.data, edits)))
        ensure(
            now == {k: v for k, v in {**_read(self.env), **self.wanted}.items() if v is not None}
        )

    def _respell(self, record: Recorded, undo: Mapping[str, Any]) -> None:
        """Each part of the line that is still as it was left goes back: export, ``=``, value."""
        binding = self._last(record.address)
        value = _value(binding)
        was, now = Spelling(*undo["was"]), Spelling(*undo["now"])
        if binding is None or value not in (record.before, record.after):
            self._settled(record, binding)
            return
        here = Spelling.of(self.env, binding)
        target = Spelling(
            was.prefix if here.prefix == now.prefix else here.prefix,
            was.equals if here.equals == now.equals else here.equals,
            was.literal if value == record.after else here.literal,
        )
        if target == here or (value == record.before != record.after):
            self._site(record, State.DONE, binding)
            return
        self._wants(record.address, record.before if value == record.after else value)
        self._edit(binding.start, binding.key_start, target.prefix, here.prefix)
        self._edit(binding.key_end, binding.value_start, target.equals, here.equals)
        self._edit(binding.value_start, binding.value_end, target.literal, here.literal)
        self._site(record, State.PENDING, binding)

    def _take_out(self, record: Recorded, undo: Mapping[str, Any]) -> None:
        binding = self._last(record.address)
        if binding is None:
            self._site(record, State.DONE, None)
            return
        if _value(binding) != record.after:
            self._settled(record, binding)
            return
        here = self.lines.of_binding(binding)
        self.gone.update(here)
        above = here.start - 1
        if "comment" in undo and above >= 0 and self._text(above) == undo["comment"]:
            self.gone.add(above)
        earlier = self.names.pop(record.address)[:-1]
        self.wanted[record.address] = (earlier[-1].value or "") if earlier else None
        self._site(record, State.PENDING, binding)

    def _rename_back(self, record: Recorded, new: str) -> None:
        old = record.address
        if old in self.names and new not in self.names:
            self._site(record, State.DONE, self._last(old))
            return
        if old in self.names or new not in self.names:
            self._foreign(record, self._last(old) or self._last(new))
            return
        self._site(record, State.PENDING, self._last(new))
        self.wanted[old] = self.wanted.get(new, self.names[new][-1].value or "")
        self.wanted[new] = None
        for binding in self.names[new]:
            self._edit(binding.key_start, binding.key_end, old, new)
        self.names[old] = self.names.pop(new)

    def _put_back(self, record: Recorded, removed: Sequence[Mapping[str, Any]]) -> None:
        binding = self._last(record.address)
        if binding is not None:
            if (binding.value or "") == record.before:
                self._site(record, State.DONE, binding)
            else:
                self._settled(record, binding)
            return
        self.removed += ((record.address, each) for each in removed)
        self._wants(record.address, record.before)
        self._site(record, State.PENDING, None)

    def _reinsert(self) -> None:
        """Removed lines in the order that they had, whatever the order of their records."""
        placed: list[tuple[int, Mapping[str, Any]]] = []
        below: dict[str, int] = {}
        for key, each in sorted(self.removed, key=lambda each: -int(each[1]["line"])):
            # Of a key that stood there twice the last one counts, and has to stay the last.
            place = min(
                self._place(each["after"], each["nth"], each["skip"]),
                below.get(key, len(self.lines)),
            )
            below[key] = place
            placed.append((place, each))
        for place, each in reversed(placed):
            text = str(each["text"])
            if "\n" not in self.env.text:
                self.env.line_end = str(each["end"])
            line = text.rstrip("\r\n")
            if line == text and place == len(self.lines) and not self.lines.unended:
                self._edit(len(self.env.text), len(self.env.text), text, "")
            else:
                self.inserted.setdefault(place, []).append(line)

    def _place(self, after: str, nth: int, skip: int) -> int:
        """The line to insert before: so many lines that stay below the nth binding of a key.

        Where that key is gone too, the end of the file; never beyond the next binding.
        """
        anchors = self.env.by_key.get(after, ())
        if after and not anchors:
            return len(self.lines)
        line = self.lines.of_binding(anchors[:nth][-1]).stop if anchors else 0
        while line < len(self.lines) and (skip > 0 or line in self.gone):
            if line not in self.gone:
                if any(line in self.lines.of_binding(each) for each in self.env.python.bindings):
                    break
                skip -= 1
            line += 1
        return line

    def _wants(self, key: str, value: Value) -> None:
        """What the file is to hold at the end; a key without a value reads like an empty one."""
        self.wanted[key] = "" if value is ABSENT else value

    def _last(self, key: str) -> Binding | None:
        bindings = self.names.get(key)
        return bindings[-1] if bindings else None

    def _text(self, line: int) -> str:
        return self.env.text[self.lines.starts[line] : self.lines.starts[line + 1]].rstrip("\n")

    def _edit(self, start: int, end: int, text: str, here: str) -> None:
        if text != here:
            self.inside.append(Edit(self.env.span(start, end), text.encode(self.env.encoding)))

    def _settled(self, record: Recorded, binding: Binding | None) -> None:
        """A key that is not as it was left: as an earlier migration found it, or foreign."""
        if self.context.supersedes(record.address, _value(binding)):
            self._site(record, State.DONE, binding)
        else:
            self._foreign(record, binding)

    def _foreign(self, record: Recorded, binding: Binding | None) -> None:
        self._site(record, State.FOREIGN, binding)
        self.problems.append(
            error(
                "foreign-value",
                f"{record.address} no longer holds what {self.context.revision} left there",
                self.reports.key(binding) if binding else Location(self.path),
                hint="set it to the old or to the new value by hand, then run down again",
            )
        )

    def _site(self, record: Recorded, state: State, binding: Binding | None) -> None:
        before = _value(binding)
        after = before if state is State.DONE else record.before
        self.sites.append(
            Site(
                path=self.path,
                kind="env",
                address=record.address,
                state=state,
                before=before,
                after=after,
                line=self.env.line_of(binding.key_start) if binding else 0,
                secret=any(looks_secret(record.address, each) for each in (before, after)),
            )
        )


def _read(env: EnvFile) -> dict[str, Value]:
    return {key: bindings[-1].value or "" for key, bindings in env.by_key.items()}


def _value(binding: Binding | None) -> Value:
    return ABSENT if binding is None or binding.value is None else binding.value
