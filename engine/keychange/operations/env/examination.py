"""One examination of one ``.env`` file: states by value, edits, and the proof by reading back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from keychange.diagnostics import Diagnostic, errors_in
from keychange.edits import Edit
from keychange.formats.dotenv.lines import Lines
from keychange.formats.dotenv.readers import Binding
from keychange.formats.dotenv.text import EnvFile
from keychange.formats.dotenv.writing import Spelling, UnwritableError, nearest
from keychange.model import ABSENT, Context, Finding, Json, OnForeign, Site, Source, State, Value
from keychange.operations.env import EnvOperation, Setting, gone_later
from keychange.operations.env.reports import Reports, in_words, proof, read_back
from keychange.secrets import looks_secret


class _Removal(NamedTuple):
    """Bindings that go; where they come back is told by the lines that stay."""

    key: str
    before: str
    bindings: tuple[Binding, ...]


class Examination:
    """What one operation finds in one file. Made for one file and used once."""

    def __init__(self, operation: EnvOperation, source: Source, context: Context) -> None:
        self.operation = operation
        self.context = context
        self.path = source.path
        self.env = EnvFile(source.data or b"")
        self.lines = Lines.of(self.env)
        self.reports = Reports(source.path, self.env)
        self.names = dict(self.env.by_key)
        """The bindings by the key that they will have."""
        self.sites: list[Site] = []
        self.problems: list[Diagnostic] = []
        self.removals: list[_Removal] = []
        self.inserted: dict[int, list[str]] = {}
        self.inside: list[Edit] = []
        self.wanted: dict[str, str | None] = {}
        """What the keys that change must read as afterwards; None for those that go."""
        self.renamed: dict[str, str] = {}

    def finding(self, settings: Iterable[Setting]) -> Finding:
        """The sites, the edits if nothing stands against them, and all that is to be said."""
        for key in self.operation.removals:
            self._remove(key)
        for old, new in self.operation.renames:
            self._rename(old, new)
        settings = tuple(settings)
        for setting in settings:
            self._set(setting)
        gone = [
            line
            for removal in self.removals
            for each in removal.bindings
            for line in self.lines.of_binding(each)
        ]
        for removal in self.removals:
            self._removed(removal, frozenset(gone))
        edits: tuple[Edit, ...] = ()
        if not errors_in(self.problems):
            edits = self.lines.edits(gone, self.inserted, self.inside)
            self.problems += read_back(self.reports, edits, self.wanted, self.renamed)
        governed = [each.address for each in self.sites]
        if errors_in(self.problems):
            edits = ()
        return Finding(
            sites=tuple(self.sites),
            edits=edits,
            diagnostics=(*self.problems, *self.reports.of_file(governed, self.wanted)),
            proof=proof(self.env, self.wanted) if edits else "",
            summary=tuple(in_words(each) for each in self.sites if edits and each.changes),
        )

    def _remove(self, key: str) -> None:
        bindings = self.names.get(key, ())
        if not bindings:
            self._site(key, State.DONE, ABSENT, ABSENT)
            return
        before = bindings[-1].value or ""
        state = self._state(key, before, {before})
        if state is State.PENDING:
            self._drop(key, before)
        else:
            after = before if state is State.DONE else ABSENT
            self._site(key, state, before, after, bindings[-1])

    def _drop(self, key: str, before: str) -> None:
        self.removals.append(_Removal(key, before, self.names.pop(key)))
        self.wanted[key] = None

    def _rename(self, old: str, new: str) -> None:
        bindings = self.names.get(old, ())
        if not bindings:
            state = State.DONE if new in self.names else State.ABSENT
            self._site(old, state, ABSENT, ABSENT, note=f"renamed to {new}")
            return
        before = bindings[-1].value or ""
        taken = self.names.get(new)
        if taken:
            rule = self.operation.on_foreign
            self.problems += self.reports.both_set(old, new, bindings[-1], rule)
            if rule is not OnForeign.REPLACE:
                self._site(old, State.FOREIGN, before, ABSENT, bindings[-1])
                return
            self._drop(new, taken[-1].value or "")
        for binding in bindings:
            self._edit(binding.key_start, binding.key_end, new)
        self.names[new] = self.names.pop(old)
        self.wanted[old] = None
        self.wanted.pop(new, None)
        self.renamed[old] = new
        note = f"renamed to {new}"
        self._site(
            old, State.PENDING, before, ABSENT, bindings[-1], undo={"renamed": new}, note=note
        )

    def _set(self, setting: Setting) -> None:
        key, to = setting.key, setting.to
        bindings = self.names.get(key, ())
        binding = bindings[-1] if bindings else None
        before: Value = ABSENT if binding is None or binding.value is None else binding.value
        if binding is None:
            if gone_later(key, self.names, self.context):
                self._site(key, State.DONE, ABSENT, ABSENT)
            else:
                self._add(setting)
            return
        was = Spelling.of(self.env, binding)
        wanted = self._spelled(was, binding, setting)
        if was == wanted and self._finished(was, binding, to):
            self._site(key, State.DONE, before, before, binding)
            return
        readings = {before, *self._readings(binding)}
        state = State.PENDING
        if to not in readings:
            state = self._state(key, before, readings, setting.olds)
        if state is not State.PENDING:
            self._site(key, state, before, before if state is State.DONE else to, binding)
            return
        self._change(binding, setting, before, was, wanted)

    def _change(
        self, binding: Binding, setting: Setting, before: Value, was: Spelling, wanted: Spelling
    ) -> None:
        """Write the new value in the ``wanted`` way; it ``was`` spelled so."""
        key, to = setting.key, setting.to
        try:
            now = wanted.holding(to, key, rest=self._rest(binding), encoding=self.env.encoding)
        except UnwritableError as reason:
            self.problems.append(self.reports.unwritable(key, str(reason), binding))
            self._site(key, State.PENDING, before, to, binding)
            return
        if now.prefix != was.prefix:
            self._edit(binding.start, binding.key_start, now.prefix)
        if now.equals != was.equals:
            self._edit(binding.key_end, binding.value_start, now.equals)
        if now.literal != was.literal:
            self._edit(binding.value_start, binding.value_end, now.literal)
        self.wanted[key] = to
        note = ""
        if before == to and now.prefix != was.prefix:
            note = "exported" if now.prefix else "no longer exported"
        undo: Json = {"was": _parts(was), "now": _parts(now)}
        self._site(key, State.PENDING, before, to, binding, undo=undo, note=note)

    def _add(self, setting: Setting) -> None:
        key = setting.key
        anchor = nearest(self.names, key)
        last = self.env.python.bindings[-1] if self.env.python.bindings else None
        style = Spelling.beside(self.env, anchor or last).exporting(wanted=setting.export)
        if style.prefix.startswith("export"):
            style = style.tight()  # only bash exports, so the line must be one that it can read
        try:
            line = style.holding(setting.to, key, encoding=self.env.encoding).line(key)
        except UnwritableError as reason:
            self.problems.append(self.reports.unwritable(key, str(reason), None))
            self._site(key, State.PENDING, ABSENT, setting.to)
            return
        place = len(self.lines) if anchor is None else self.lines.of_binding(anchor).stop
        block = self.inserted.setdefault(place, [])
        undo: dict[str, Json] = {"added": line}
        if self.operation.comment and not block:
            undo["comment"] = f"# {self.context.revision}"
            block.append(f"# {self.context.revision}")
        block.append(line)
        self.wanted[key] = setting.to
        self._site(key, State.PENDING, ABSENT, setting.to, undo=undo)

    def _state(
        self, key: str, before: str | Value, readings: set[Value], olds: tuple[str, ...] = ()
    ) -> State:
        """Pending, done because superseded, or foreign; a foreign value is reported here."""
        if self.context.supersedes(key, before):
            return State.DONE
        if before is ABSENT or not readings.isdisjoint(olds):
            return State.PENDING
        known = self.context.recorded.get(key)
        if not olds and (known is None or any(e in (known.before, known.after) for e in readings)):
            return State.PENDING
        rule = self.operation.on_foreign
        self.problems += self.reports.foreign(key, self.names[key][-1], rule)
        return State.PENDING if rule is OnForeign.REPLACE else State.FOREIGN

    def _readings(self, binding: Binding) -> set[Value]:
        """What a migration may call the value: as either reader sees it, or as it is spelled."""
        readings: set[Value] = {self.env.raw(binding.value_start, binding.value_end)}
        for parts in (self.env.bash_at(binding), binding.parts):
            if parts is not None and all(isinstance(part, str) for part in parts):
                readings.add("".join(str(part) for part in parts))
        return readings if binding.value is not None else set()

    def _finished(self, spelling: Spelling, binding: Binding, to: str) -> bool:
        """Whether both readers read the new value already."""
        if binding.parts != ((to,) if to else ()):
            return False
        return spelling.reads(binding.key, to, self._rest(binding))

    def _spelled(self, spelling: Spelling, binding: Binding, setting: Setting) -> Spelling:
        """The line with ``export`` as wanted, and tight where bash would read another line."""
        spelling = spelling.exporting(wanted=self._wants_export(setting, binding))
        if spelling.strange or binding.key in self.env.in_bash:
            return spelling.tight()
        return spelling

    def _rest(self, binding: Binding) -> str:
        return self.env.text[binding.value_end : binding.end].rstrip("\n")

    def _wants_export(self, setting: Setting, binding: Binding) -> bool | None:
        """``export`` as wanted, or None where an earlier line has exported the key already."""
        if setting.export and binding.key in self.env.exported:
            return None
        return setting.export

    def _removed(self, removal: _Removal, gone: frozenset[int]) -> None:
        renamed = dict(self.operation.renames)
        staying = [each for each in self.env.python.bindings if self._stays(each)]
        lines: list[Json] = []
        for binding in removal.bindings:
            here = self.lines.of_binding(binding)
            above = [each for each in staying if each.start < binding.start]
            first = self.lines.of_binding(above[-1]).stop if above else 0
            text = self.env.raw(self.lines.starts[here.start], self.lines.starts[here.stop])
            name = above[-1].key if above else ""
            lines.append(
                {
                    "text": text,
                    "end": self.env.line_end,
                    "line": here.start,
                    "after": renamed.get(name, name),
                    "nth": sum(each.key == name for each in above),
                    "skip": sum(line not in gone for line in range(first, here.start)),
                }
            )
        last = removal.bindings[-1]
        undo: Json = {"removed": lines}
        self._site(removal.key, State.PENDING, removal.before, ABSENT, last, undo=undo)

    def _stays(self, binding: Binding) -> bool:
        return all(binding not in removal.bindings for removal in self.removals)

    def _edit(self, start: int, end: int, text: str) -> None:
        self.inside.append(Edit(self.env.span(start, end), text.encode(self.env.encoding)))

    def _site(
        self,
        key: str,
        state: State,
        before: Value,
        after: Value,
        binding: Binding | None = None,
        *,
        undo: Json = None,
        note: str = "",
    ) -> None:
        shared = binding is not None and self.env.shared(binding)
        self.sites.append(
            Site(
                path=self.path,
                kind="env",
                address=key,
                state=state,
                before=before,
                after=after,
                span=self.env.span(binding.value_start, binding.value_end) if binding else None,
                line=self.env.line_of(binding.key_start) if binding else 0,
                secret=shared or looks_secret(key, before) or looks_secret(key, after),
                note=note,
                undo=undo,
            )
        )


def _parts(spelling: Spelling) -> list[Json]:
    return [spelling.prefix, spelling.equals, spelling.literal]
