"""One Python file at work: its literals, the sites and edits that are found, what is wrong."""

from __future__ import annotations

import sys
from functools import cached_property

from keychange.diagnostics import Diagnostic, Location, Severity, error, errors_in, shell_word
from keychange.formats.python.address import ADDRESSABLE, Literal, literals
from keychange.formats.python.edit import Refused, Wanted, write
from keychange.formats.python.encoding import InvalidPython
from keychange.formats.python.proof import Disproved
from keychange.formats.python.select import nearest
from keychange.formats.python.source import PythonSource, parse
from keychange.model import Context, Finding, Site, Source, State
from keychange.operations.python.entries import PythonOperation
from keychange.spans import LineIndex

_NO_LITERAL = "only plain strings have an address; see what the file has"


class PythonFile:
    """One file under examination; collects what is found in it."""

    def __init__(self, operation: PythonOperation, source: Source, context: Context) -> None:
        self.operation = operation
        self.file = source
        self.path = source.path
        self.data = source.data or b""
        self.context = context
        self.diagnostics: list[Diagnostic] = []
        self.sites: dict[int, Site] = {}
        self.wanted: dict[int, Wanted] = {}

    def read(self) -> None:
        """Parse the file.

        Raises:
            InvalidPython: it is none.
        """
        self.source: PythonSource = parse(self.data)

    @cached_property
    def literals(self) -> tuple[Literal, ...]:
        """The literals of the file that was parsed."""
        return literals(self.source)

    @cached_property
    def lines(self) -> LineIndex:
        """Where its lines are."""
        return LineIndex(self.data)

    def claim(self, index: int, state: State, after: str) -> None:
        """Make a literal a site, once."""
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

    def unknown(self, address: str, severity: Severity) -> None:
        """No literal has this address."""
        known = [each for each in self.literals if each.place in ADDRESSABLE]
        names = nearest(known, address)
        hint = (
            f"did you mean {' or '.join(f'`{each}`' for each in names)}?" if names else _NO_LITERAL
        )
        self.diagnostics.append(
            Diagnostic(
                severity,
                "no-such-address",
                f"{self.path} has no string literal at {address}",
                Location(self.path),
                hint,
                f"migrate sites {shell_word(self.path)}",
            )
        )

    def finding(self) -> Finding:
        """The sites, and the edits where nothing is wrong."""
        try:
            if self.wanted and not errors_in(self.diagnostics):
                return self.written()
        except Refused as problem:
            self.diagnostics.append(
                error(
                    "unwritable-literal",
                    f"{problem.literal.address}: {problem.reason}",
                    self.at(problem.literal),
                    hint="change this literal by hand",
                )
            )
        except Disproved as problem:
            span = self.source.span(problem.offset, problem.offset)
            self.diagnostics.append(
                error(
                    "proof-failed",
                    f"the edit would change more than it names: {problem.message}",
                    Location.at(self.path, self.data, span, self.lines),
                    hint="nothing is written; change the file by hand, and report this",
                )
            )
        sites = tuple(self.sites[index] for index in sorted(self.sites))
        return Finding(sites=sites, diagnostics=tuple(self.diagnostics))

    def written(self) -> Finding:
        """The sites with their edits, proved.

        Raises:
            Refused: a literal cannot be written.
            Disproved: the edits change more than they should.
        """
        pending = sorted(self.wanted)
        done = write(self.source, [self.wanted[index] for index in pending])
        for index, (text, now) in zip(pending, done.undo, strict=True):
            self.sites[index] = self.sites[index]._replace(undo={"text": text, "now": now})
        return Finding(
            sites=tuple(self.sites[index] for index in sorted(self.sites)),
            edits=done.edits,
            diagnostics=tuple(self.diagnostics),
            proof=done.proof,
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
        line = min(problem.line, self.lines.last)
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
