"""The python kind: strings in Python sources, by value or by address."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from posixpath import normpath
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from keychange.diagnostics import Diagnostic, Location, Severity, error, errors_in, note, warning
from keychange.errors import UsageProblem
from keychange.formats.python_encoding import InvalidPython
from keychange.formats.python_prefilter import may_contain
from keychange.model import (
    Context,
    Finding,
    Json,
    OnForeign,
    Operation,
    Recorded,
    Site,
    Source,
    State,
    Value,
)
from keychange.spans import LineIndex

if TYPE_CHECKING:
    from keychange.formats.python_address import Literal
    from keychange.formats.python_edit import Wanted
    from keychange.formats.python_source import PythonSource


@dataclass(frozen=True, slots=True)
class ByValue:
    """Every literal that holds ``old``, or starts with it: ``anywhere``, or where values stand."""

    old: str
    new: str
    prefix: bool = False
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class ByAddress:
    """One literal by its address; without ``old`` it may hold anything."""

    at: str
    new: str
    old: str | None = None


Entry: TypeAlias = ByValue | ByAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonOperation(Operation):
    """Strings to change in Python files."""

    entries: tuple[Entry, ...]


def parse(node: Mapping[str, Json], common: Mapping[str, object]) -> PythonOperation:
    """See ``Kind.parse``."""
    strings = cast("list[dict[str, Any]]", node["strings"])
    entries = tuple(
        _entry(each, f"{common.get('pointer', '')}/strings/{index}")
        for index, each in enumerate(strings)
    )
    return PythonOperation(entries=entries, **cast("dict[str, Any]", common))


def _entry(node: Mapping[str, Any], pointer: str) -> Entry:
    if node.get("from") == node["to"]:
        raise UsageProblem(
            error(
                "no-change",
                f"{pointer}: from and to are the same string",
                hint="give the new value in `to`",
            )
        )
    if "at" in node:
        return ByAddress(node["at"], node["to"], node.get("from"))
    prefix = node.get("match", "exact") == "prefix"
    if prefix and not node["from"]:
        raise UsageProblem(
            error(
                "empty-prefix",
                f"{pointer}: every string starts with an empty `from`",
                hint="give the prefix to replace in `from`",
            )
        )
    return ByValue(node["from"], node["to"], prefix, node.get("in", "defaults") == "any")


def _expanded(operation: PythonOperation, context: Context) -> tuple[Entry, ...]:
    def text(value: str) -> str:
        return cast("str", context.expand(value))

    result: list[Entry] = []
    for each in operation.entries:
        match each:
            case ByValue():
                result.append(replace(each, old=text(each.old), new=text(each.new)))
            case ByAddress():
                old = None if each.old is None else text(each.old)
                result.append(replace(each, at=text(each.at), new=text(each.new), old=old))
    return tuple(result)


def outcomes(operation: PythonOperation, context: Context) -> Mapping[str, Value]:
    """See ``Kind.outcomes``."""
    from keychange.formats.python_select import canonical

    return {
        canonical(each.at): each.new
        for each in _expanded(operation, context)
        if isinstance(each, ByAddress)
    }


def old_values(operation: PythonOperation, context: Context) -> frozenset[str]:
    """See ``Kind.old_values``."""
    return frozenset(each.old for each in _expanded(operation, context) if each.old is not None)


def new_values(operation: PythonOperation, context: Context) -> frozenset[str]:
    """See ``Kind.new_values``."""
    return frozenset(each.new for each in _expanded(operation, context))


def examine(operation: PythonOperation, source: Source, context: Context) -> Finding:
    """See ``Kind.examine``. A file whose bytes cannot hold a value is not parsed."""
    examination = _Examination(operation, source, context)
    entries = _expanded(operation, context)
    values = {value for each in entries for value in (each.old or "", each.new)}
    parses = any(isinstance(each, ByAddress) for each in entries)
    if parses or may_contain(examination.data, values | context.later_values):
        return examination.run(entries)
    for each in entries:
        examination.miss(each)
    return Finding(diagnostics=tuple(examination.diagnostics))


def revert(records: Sequence[Recorded], source: Source, context: Context) -> Finding:
    """See ``Kind.revert``."""
    operation = PythonOperation(kind="python", targets=(source.path,), entries=())
    return _Examination(operation, source, context).revert(records)


class _Examination:
    """One file under examination; collects what it finds."""

    def __init__(self, operation: PythonOperation, source: Source, context: Context) -> None:
        self.operation = operation
        self.path = source.path
        self.data = source.data or b""
        self.context = context
        self.lines = LineIndex(self.data)
        self.diagnostics: list[Diagnostic] = []
        self.sites: dict[int, Site] = {}
        self.wanted: dict[int, Wanted] = {}

    def run(self, entries: Sequence[Entry]) -> Finding:
        """What all entries find in the file."""
        try:
            self.read()
            missed = [
                each
                for each in entries
                if not (self.value(each) if isinstance(each, ByValue) else self.address(each))
            ]
            for each in missed:
                self.miss(each, alone=len(missed) == len(entries))
            self.drift(entries)
            return self.finding()
        except InvalidPython as problem:
            return self.invalid(problem)

    def read(self) -> None:
        """Parse the file.

        Raises:
            InvalidPython: it is none.
        """
        from keychange.formats.python_address import literals
        from keychange.formats.python_source import parse as parse_source

        self.source: PythonSource = parse_source(self.data)
        self.literals: tuple[Literal, ...] = literals(self.source)

    def value(self, entry: ByValue) -> bool:
        """Take the literals that hold the old value or the new one; whether there are any."""
        from keychange.formats.python_select import is_taken, is_watched, wanted_value

        found = False
        for index, literal in enumerate(self.literals):
            after = wanted_value(literal, entry.old, entry.new, prefix=entry.prefix)
            if after is None:
                self.concatenated(literal, entry)
                continue
            found = True
            done = after == literal.value
            if is_taken(literal.place, anywhere=entry.anywhere):
                self.claim(index, State.DONE if done else State.PENDING, after)
            elif not done and is_watched(literal.place):
                hint = f"to change it too, say `in: any` or `at: {literal.address}`"
                if literal.place == "expression in an f-string":
                    hint = "change it by hand, if it should change"
                self.diagnostics.append(
                    note(
                        "left-behind",
                        f"{_short(literal.value)} is left as it is: {literal.place}",
                        self.at(literal),
                        hint=hint,
                    )
                )
        return found

    def concatenated(self, literal: Literal, entry: ByValue) -> None:
        """Name a literal of which one piece, but not the whole, is the old value."""
        from keychange.formats.python_select import has_piece

        if literal.part is None and has_piece(self.text(literal), entry.old):
            self.diagnostics.append(
                warning(
                    "implicit-concatenation",
                    f"{_short(entry.old)} is one piece of a longer string, which is left as it is",
                    self.at(literal),
                    hint=f"give the whole value in `from`, or say `at: {literal.address}`",
                )
            )

    def address(self, entry: ByAddress) -> bool:
        """Take the literal at an address; whether there is one."""
        from keychange.formats.python_address import ADDRESSABLE
        from keychange.formats.python_select import canonical, named

        known = {i: each for i, each in enumerate(self.literals) if each.place in ADDRESSABLE}
        found = named(tuple(known.values()), entry.at)
        if len(found) > 1:
            choice = ", ".join([f"{entry.at}#1", *(each.address for each in found[1:])])
            self.diagnostics.append(
                error(
                    "ambiguous-address",
                    f"{entry.at} names {len(found)} literals of {self.path}",
                    self.at(found[1]),
                    hint=f"say which one: {choice}",
                    command=f"migrate sites {self.path}",
                )
            )
        if len(found) != 1:
            return bool(found)
        literal = found[0]
        state = self.state(entry, canonical(entry.at), literal.value)
        replaced = state is State.FOREIGN and self.operation.on_foreign is OnForeign.REPLACE
        if state is State.FOREIGN and not replaced:
            self.foreign(
                f"{entry.at} holds {_short(literal.value)}, neither the old value nor the new one",
                self.at(literal),
            )
        index = next(i for i, each in known.items() if each is literal)
        after = literal.value if state is State.DONE else entry.new
        self.claim(index, State.PENDING if replaced else state, after)
        return True

    def state(self, entry: ByAddress, address: str, value: str) -> State:
        """The state of the literal at an address, by its value."""
        if value == entry.new or self.context.supersedes(address, value):
            return State.DONE
        recorded = self.context.recorded.get(address)
        if entry.old is not None:
            expected = value == entry.old
        else:
            expected = recorded is None or value in (recorded.before, recorded.after)
        return State.PENDING if expected else State.FOREIGN

    def claim(self, index: int, state: State, after: str) -> None:
        """Make a literal a site, once."""
        from keychange.formats.python_edit import Wanted

        literal = self.literals[index]
        site = Site(
            path=self.path,
            kind="python",
            address=literal.address,
            state=state,
            before=literal.value,
            after=after,
            span=self.source.span(literal.start, literal.end),
            line=literal.line,
            note="" if literal.part is None else "static text of an f-string",
        )
        if self.sites.setdefault(index, site) != site or (
            state is State.PENDING and index in self.wanted
        ):
            self.diagnostics.append(
                error(
                    "overlapping-operations",
                    f"two entries of one operation want {literal.address}",
                    self.at(literal),
                    hint="keep one of them; a chain of values belongs into two migrations",
                )
            )
        if state is State.PENDING:
            self.wanted[index] = Wanted(literal, after)

    def miss(self, entry: Entry, *, alone: bool = True) -> None:
        """An entry found nothing. Only where the file is named, and named for it, is that wrong.

        A file that a pattern brings in, or one of several where another entry found its literal,
        is not expected to hold everything.
        """
        targets = [normpath(str(self.context.expand(each))) for each in self.operation.targets]
        listed = self.path in targets
        strict = listed and (alone or len(targets) == 1)
        if isinstance(entry, ByAddress):
            self.unknown(entry.at, Severity.ERROR if strict else Severity.NOTE)
        elif listed and not self.superseded():
            message = f"{self.path} holds neither {_short(entry.old)} nor {_short(entry.new)}"
            if strict:
                self.foreign(message, Location(self.path))
            else:
                self.diagnostics.append(note("foreign-value", message, Location(self.path)))

    def superseded(self) -> bool:
        """Whether the file holds what a later migration leaves."""
        later = self.context.later_values
        return bool(later) and may_contain(self.data, later)

    def unknown(self, address: str, severity: Severity) -> None:
        """No literal has this address."""
        from keychange.formats.python_address import ADDRESSABLE
        from keychange.formats.python_select import nearest

        known = [each for each in self.literals if each.place in ADDRESSABLE]
        names = nearest(known, address)
        hint = f"did you mean {' or '.join(names)}?" if names else "it has no such literal"
        self.diagnostics.append(
            Diagnostic(
                severity,
                "no-such-address",
                f"{self.path} has no string literal at {address}",
                Location(self.path),
                f"{hint} `migrate sites {self.path}` lists all addresses",
                f"migrate sites {self.path}",
            )
        )

    def drift(self, entries: Sequence[Entry]) -> None:
        """Literals that an applied migration wrote by value, and that hold something else now.

        They are missed only where fewer literals hold a new value than were written.
        """
        new = {each.new for each in entries if isinstance(each, ByValue)}
        recorded = {
            address: each for address, each in self.context.recorded.items() if each.after in new
        }
        held = {each.address for each in self.sites.values()}
        if len(held) >= len(recorded):
            return
        for literal in self.literals:
            each = recorded.get(literal.address)
            if each is None or literal.address in held:
                continue
            if literal.value in self.context.later_values:
                continue
            self.foreign(
                f"{literal.address} holds {_short(literal.value)},"
                f" and {self.context.revision} wrote {_short(str(each.after))}",
                self.at(literal),
            )

    def foreign(self, message: str, location: Location) -> None:
        """Report a value that is neither old nor new, by the operation's choice."""
        hint = "set `on_foreign: keep` or `replace`, or put the old value back"
        if self.operation.on_foreign is OnForeign.FAIL:
            self.diagnostics.append(error("foreign-value", message, location, hint=hint))
        else:
            self.diagnostics.append(note("foreign-value", message, location))

    def finding(self) -> Finding:
        """The sites, and the edits where nothing is wrong."""
        from keychange.formats.python_edit import Refused, write
        from keychange.formats.python_proof import Disproved

        order = sorted(self.sites)
        sites = [self.sites[index] for index in order]
        if errors_in(self.diagnostics) or not self.wanted:
            return Finding(sites=tuple(sites), diagnostics=tuple(self.diagnostics))
        pending = sorted(self.wanted)
        try:
            written = write(self.source, [self.wanted[index] for index in pending])
        except Refused as problem:
            self.diagnostics.append(
                error(
                    "unwritable-literal",
                    f"{problem.literal.address}: {problem.reason}",
                    self.at(problem.literal),
                    hint="change this literal by hand",
                )
            )
            return Finding(sites=tuple(sites), diagnostics=tuple(self.diagnostics))
        except Disproved as problem:
            span = self.source.span(problem.offset, problem.offset)
            self.diagnostics.append(
                error(
                    "proof-failed",
                    f"the edit would change more than it names: {problem.message}",
                    Location.at(self.path, self.data, span, self.lines),
                    hint="nothing is written; change the file by hand and report this",
                )
            )
            return Finding(sites=tuple(sites), diagnostics=tuple(self.diagnostics))
        for index, (text, now) in zip(pending, written.undo, strict=True):
            self.sites[index] = replace(self.sites[index], undo={"text": text, "now": now})
        return Finding(
            sites=tuple(self.sites[index] for index in order),
            edits=written.edits,
            diagnostics=tuple(self.diagnostics),
            proof=written.proof,
        )

    def revert(self, records: Sequence[Recorded]) -> Finding:
        """Put recorded literals back."""
        try:
            self.read()
            remaining = list(records)
            literals = self.literals
            while remaining:
                places = {each.address: index for index, each in enumerate(literals)}
                here = [each for each in remaining if each.address in places]
                for each in here:
                    self.put_back(places[each.address], each)
                remaining = [each for each in remaining if each.address not in places]
                literals = self.reverted() if here and remaining else ()
                if not literals:
                    break
            for each in remaining:
                self.unknown(each.address, Severity.ERROR)
            return self.finding()
        except InvalidPython as problem:
            return self.invalid(problem)

    def reverted(self) -> tuple[Literal, ...]:
        """The literals once the others are back: an address may hold a key that was changed."""
        from keychange.edits import apply_edits
        from keychange.formats.python_address import literals
        from keychange.formats.python_edit import Refused, write
        from keychange.formats.python_proof import Disproved
        from keychange.formats.python_source import parse as parse_source

        try:
            written = write(self.source, [self.wanted[index] for index in sorted(self.wanted)])
        except (Refused, Disproved):
            return ()
        found = literals(parse_source(apply_edits(self.data, written.edits)))
        return found if len(found) == len(self.literals) else ()

    def put_back(self, index: int, record: Recorded) -> None:
        """Give one literal its old value, spelled as it was where it is still spelled as new."""
        from keychange.formats.python_edit import Wanted, code

        literal = self.literals[index]
        before = str(record.before)
        undo = record.undo if isinstance(record.undo, dict) else {}
        if literal.value == record.after and literal.value != before:
            self.claim(index, State.PENDING, before)
            if code(self.text(literal), literal) == undo.get("now"):
                self.wanted[index] = Wanted(literal, before, str(undo.get("text")))
        elif literal.value == before:
            self.claim(index, State.DONE, before)
        else:
            self.claim(index, State.FOREIGN, before)
            self.foreign(
                f"{record.address} holds {_short(literal.value)}, not {_short(str(record.after))}",
                self.at(literal),
            )

    def text(self, literal: Literal) -> str:
        """The code of a literal."""
        return self.source.text[literal.start : literal.end].decode()

    def at(self, literal: Literal) -> Location:
        """Where a literal stands."""
        span = self.source.span(literal.start, literal.end)
        return Location.at(self.path, self.data, span, self.lines)

    def invalid(self, problem: InvalidPython) -> Finding:
        """The file is not Python for the interpreter that runs us."""
        line = min(problem.line, len(self.lines))
        text = self.lines.text(line) if line else ""
        version = ".".join(map(str, sys.version_info[:2]))
        return Finding(
            diagnostics=(
                error(
                    "invalid-python",
                    f"{self.path} is not valid Python {version}: {problem.message}",
                    Location(self.path, line, problem.column if line else 0, 1, text),
                    hint="correct it, or run keychange under the Python that it is written for",
                ),
            )
        )


def _short(value: str) -> str:
    """A value in a message: on one line, not too long."""
    shown = repr(value)
    return shown if len(shown) <= 72 else f"{shown[:60]}...{shown[-8:]}"
