"""Forward: the sites that the entries of an operation have in one Python file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from keychange.diagnostics import Related, Severity, error, note, shell_word, warning
from keychange.formats.python.address import ADDRESSABLE, Literal, holding, literals
from keychange.formats.python.encoding import InvalidPython
from keychange.formats.python.paths import Place
from keychange.formats.python.select import (
    canonical,
    has_piece,
    is_taken,
    is_watched,
    named,
    wanted_value,
)
from keychange.model import Context, Finding, OnForeign, Source, State
from keychange.operations.python.entries import ByAddress, ByValue, Entry, PythonOperation
from keychange.operations.python.file import PythonFile
from keychange.operations.python.reports import expects, foreign, missed, short


class Examination(PythonFile):
    """One file, and what the entries want in it."""

    def __init__(
        self,
        operation: PythonOperation,
        source: Source,
        context: Context,
        entries: Sequence[Entry],
    ) -> None:
        super().__init__(operation, source, context)
        self.entries = entries

    def run(self) -> Finding:
        """What all entries find in the file."""
        try:
            self.read()
            missing = [each for each in self.entries if not self.take(each)]
            for each in missing:
                self.miss(each, alone=len(missing) == len(self.entries))
            self.drift()
            return self.finding()
        except InvalidPython as problem:
            return self.invalid(problem)

    @cached_property
    def literals(self) -> tuple[Literal, ...]:
        """The literals that an entry can mean: all, unless all entries go by value."""
        values = set()
        for entry in self.entries:
            if isinstance(entry, ByAddress):
                return literals(self.source)
            values |= {entry.old, entry.new}
        return literals(self.source) if "" in values else holding(self.source, values)

    def take(self, entry: Entry) -> bool:
        """Take what an entry means; whether there is any."""
        return self.address(entry) if isinstance(entry, ByAddress) else self.value(entry)

    def value(self, entry: ByValue) -> bool:
        """Take the literals that hold the old value or the new one; whether there are any."""
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
                if literal.place is Place.EXPRESSION:
                    hint = "change it by hand, if it should change"
                self.diagnostics.append(
                    note(
                        "left-behind",
                        f"{short(literal.value)} is left as it is: {literal.place}",
                        self.at(literal),
                        hint=hint,
                    )
                )
        return found

    def concatenated(self, literal: Literal, entry: ByValue) -> None:
        """Name a literal of which one piece, but not the whole, is the old value."""
        if literal.part is None and has_piece(self.text(literal), entry.old):
            self.diagnostics.append(
                warning(
                    "implicit-concatenation",
                    f"{short(entry.old)} is one piece of a longer string, which is left as it is",
                    self.at(literal),
                    hint=f"give the whole value in `from`, or say `at: {literal.address}`",
                )
            )

    def address(self, entry: ByAddress) -> bool:
        """Take the literal at an address; whether there is one."""
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
                    command=f"migrate sites {shell_word(self.path)}",
                    related=(Related(self.at(found[0]), "the first one is here"),),
                )
            )
        if len(found) != 1:
            return bool(found)
        literal = found[0]
        state = self.state(entry, canonical(entry.at), literal.value)
        replaced = state is State.FOREIGN and self.operation.on_foreign is OnForeign.REPLACE
        if state is State.FOREIGN and not replaced:
            message = f"{entry.at} holds {short(literal.value)}, neither the old value nor the new"
            hint = "put the old value back, or say `on_foreign: keep` or `replace`"
            self.diagnostics.append(foreign(self.operation, message, self.at(literal), hint))
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

    def miss(self, entry: Entry, *, alone: bool) -> None:
        """Say that an entry found nothing, where it should have."""
        if isinstance(entry, ByAddress):
            wrong = expects(self.operation, self.file, self.context, alone=alone)
            self.unknown(entry.at, Severity.ERROR if wrong else Severity.NOTE)
        else:
            self.diagnostics += missed(entry, self.operation, self.file, self.context, alone=alone)

    def drift(self) -> None:
        """Literals that an applied migration wrote by value, and that hold something else now.

        They are missed only where fewer literals hold a new value than were written.
        """
        new = {each.new for each in self.entries if isinstance(each, ByValue)}
        recorded = {
            address: each
            for address, each in self.context.recorded.items()
            if isinstance(each.after, str) and each.after in new
        }
        held = {each.address for each in self.sites.values()}
        if len(held) >= len(recorded):
            return
        for literal in literals(self.source):
            record = recorded.get(literal.address)
            if record is None or literal.address in held:
                continue
            superseded = self.context.supersedes(literal.address, literal.value)
            if superseded or literal.value in self.context.later_values:
                continue
            message = (
                f"{literal.address} holds {short(literal.value)},"
                f" and {self.context.revision} wrote {short(str(record.after))}"
            )
            hint = "put the new value back, or say `on_foreign: keep`"
            self.diagnostics.append(foreign(self.operation, message, self.at(literal), hint))
