"""Back: put the recorded literals of one Python file back, wherever they stand now."""

from __future__ import annotations

from collections.abc import Sequence

from keychange.decoding import exactly
from keychange.diagnostics import Severity
from keychange.edits import apply_edits
from keychange.formats.python.address import Literal, literals
from keychange.formats.python.edit import Refused, Wanted, code, write
from keychange.formats.python.encoding import InvalidPython
from keychange.formats.python.proof import Disproved
from keychange.formats.python.source import parse
from keychange.model import Finding, Recorded, State
from keychange.operations.python.file import PythonFile
from keychange.operations.python.reports import foreign, short


class Reversal(PythonFile):
    """One file, and what the ledger knows of its literals."""

    def run(self, records: Sequence[Recorded]) -> Finding:
        """Put recorded literals back."""
        try:
            self.read()
            remaining = list(records)
            current = self.literals
            while remaining:
                places = {each.address: index for index, each in enumerate(current)}
                here = [each for each in remaining if each.address in places]
                for each in here:
                    self.put_back(places[each.address], each)
                remaining = [each for each in remaining if each.address not in places]
                current = self.reverted() if here and remaining else ()
                if not current:
                    break
            for each in remaining:
                self.unknown(each.address, Severity.ERROR)
            return self.finding()
        except InvalidPython as problem:
            return self.invalid(problem)

    def reverted(self) -> tuple[Literal, ...]:
        """The literals once the others are back: an address may hold a key that was changed."""
        try:
            written = write(self.source, [self.wanted[index] for index in sorted(self.wanted)])
        except (Refused, Disproved):
            return ()
        found = literals(parse(apply_edits(self.data, written.edits)))
        return found if len(found) == len(self.literals) else ()

    def put_back(self, index: int, record: Recorded) -> None:
        """Give one literal its old value, spelled as it was where it is still spelled as new."""
        literal = self.literals[index]
        before, undo = exactly(str, record.before), exactly(dict, record.undo)
        if literal.value == record.after and literal.value != before:
            self.claim(index, State.PENDING, before)
            if code(self.text(literal), literal) == exactly(str, undo["now"]):
                self.wanted[index] = Wanted(literal, before, exactly(str, undo["text"]))
        elif literal.value == before or self.context.supersedes(record.address, literal.value):
            self.claim(index, State.DONE, literal.value)
        else:
            self.claim(index, State.FOREIGN, before)
            message = (
                f"{record.address} holds {short(literal.value)}, not {short(str(record.after))}"
            )
            hint = f"set it to {short(before)} or {short(str(record.after))} by hand"
            self.diagnostics.append(foreign(self.operation, message, self.at(literal), hint))
