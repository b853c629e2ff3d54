"""One JSON document while an operation examines it: its draft, sites, diagnostics and proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

from keychange.diagnostics import Diagnostic, Location, Related, error
from keychange.edits import Edit, apply_edits
from keychange.formats.json.abridged import Abridged, abridge
from keychange.formats.json.draft import Draft
from keychange.formats.json.edit import Gap
from keychange.formats.json.pointer import Tokens, lookup, split
from keychange.formats.json.problem import InvalidJsonError, Problem
from keychange.formats.json.text import Document, read, too_deep
from keychange.json_summary import Change, differences
from keychange.model import ABSENT, Context, Finding, Json, Site, State, Value, same
from keychange.secrets import looks_secret
from keychange.spans import LineIndex, Span


@dataclass(slots=True, eq=False, repr=False)
class Work:
    """What is known and planned for one file so far.

    ``document`` is what is left of a large one; all places that leave here are in the whole.
    """

    path: str
    abridged: Abridged
    document: Document
    context: Context
    draft: Draft = field(init=False)
    _lines: LineIndex = field(init=False)
    sites: list[Site] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    changes: dict[str, Change] = field(default_factory=dict)
    moves: list[tuple[str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.draft = Draft(self.document, self.abridged.whole)
        self._lines = LineIndex(self.abridged.whole)

    @classmethod
    def on(
        cls, path: str, data: bytes, pointers: Iterable[Tokens], context: Context, *, jsonc: bool
    ) -> Work:
        """The work on a file, for an operation that asks for these pointers.

        Raises:
            InvalidJsonError: it is no JSON document that keychange edits.
        """
        abridged = Abridged(data) if jsonc else abridge(data, pointers)
        return cls(path, abridged, read(abridged.data, jsonc=jsonc), context)

    def value(self, tokens: Tokens) -> Value:
        """What the tokens name now."""
        return lookup(self.draft.value, tokens)

    def place(self, tokens: Tokens) -> Span:
        """The bytes of the entry that the tokens name, or of its nearest parent's start."""
        entry = self.document.find(tokens)
        if entry is not None:
            return self.abridged.span(entry.span)
        while tokens and entry is None:
            tokens = tokens[:-1]
            entry = self.document.find(tokens)
        start = self.document.root.value if entry is None else entry.value
        return self.abridged.span(Span(start, start + 1))

    def indent(self, tokens: Tokens) -> bytes:
        """The indentation of the line that the value of an entry starts on."""
        entry = self.document.find(tokens) or self.document.root
        return self.draft.style.indent_of(entry.value)

    def location(self, tokens: Tokens) -> Location:
        """The same as a location for a diagnostic."""
        return Location.at(self.path, self.abridged.whole, self.place(tokens), self._lines)

    def record(
        self,
        address: str,
        tokens: Tokens,
        state: State,
        before: Value,
        after: Value,
        *,
        note: str = "",
        undo: dict[str, Json] | None = None,
    ) -> bool:
        """Note a site; whether it holds a secret."""
        span = self.place(tokens)
        if undo is not None and self.document.jsonc:
            undo["syntax"] = "jsonc"
        name = tokens[-1] if tokens else ""
        secret = holds_secret(name, before) or holds_secret(name, after)
        self.sites.append(
            Site(
                path=self.path,
                kind="json",
                address=address,
                state=state,
                before=before,
                after=after,
                span=span,
                line=self._lines.line(span.start),
                secret=secret,
                note=note,
                undo=cast("Json", undo),
            )
        )
        return secret

    def declare(
        self, pointer: str, before: Value, after: Value, *, secret: bool, items: bool = False
    ) -> None:
        """Note a change of the document; more of one place are one change."""
        known = self.changes.get(pointer)
        if known is not None:
            before, secret = known.before, secret or known.secret
        self.changes[pointer] = Change(pointer, before, after, secret, items)

    def declare_move(self, old: str, new: str, value: Value, word: str, *, secret: bool) -> None:
        """Note that a member goes from one pointer to another; ``word`` says how."""
        self.declare(old, value, ABSENT, secret=secret)
        self.declare(new, ABSENT, value, secret=secret)
        self.moves.append((old, new, word))

    def fail(self, code: str, message: str, tokens: Tokens, hint: str = "") -> None:
        """Note an error at an entry."""
        self.diagnostics.append(error(code, message, self.location(tokens), hint=hint))

    def settle(self) -> tuple[tuple[Edit, ...], Document, list[str]]:
        """The edits, the document that they make, and the change in words.

        The new bytes are read back: their value must be the one that was declared, in the whole
        document, and deepdiff must find the declared changes and no others. Else the edits are
        none and a diagnostic says why.
        """
        edits = self.draft.edits()
        if not edits:
            return (), self.document, []
        after = apply_edits(self.document.data, edits)
        try:
            document = read(after, jsonc=self.document.jsonc)
        except InvalidJsonError as failure:
            self._mismatch(f"the edited document would be invalid: {failure}")
            return (), self.document, []
        if repr(document.value) != repr(self.draft.value) and not same(
            document.value, self.draft.value
        ):
            self._mismatch("the edited document differs from the declared one")
            return (), self.document, []
        changes = [
            Change(each.pointer, each.before, now, each.secret, each.items)
            for each in self.changes.values()
            if not same(each.before, now := lookup(document.value, split(each.pointer)))
        ]
        declared = {
            each.pointer: each.after
            for each in self.changes.values()
            if not same(each.before, each.after)
        }
        found = differences(changes)
        if found.keys() != declared.keys() or not all(
            same(each.after, declared[each.pointer]) for each in changes
        ):
            listed = ", ".join(sorted(found.keys() ^ declared.keys())) or "the values"
            self._mismatch(f"what changes is not what is declared: {listed}")
            return (), self.document, []
        if not self.abridged.shows(edits, after):
            self._mismatch("the edited document differs where nobody asked for a change")
            return (), self.document, []
        for old, new, word in self.moves:
            found[old] = [f"{old} {word} to {new}"]
            del found[new]
        lines = [line for each in declared for line in found.get(each, ())]
        return self.abridged.edits(edits), document, lines

    def _mismatch(self, reason: str) -> None:
        hint = "this is a fault in keychange; nothing is written. Please report it"
        message = f"`{self.path}`: {reason}"
        self.diagnostics.append(error("summary-mismatch", message, Location(self.path), hint=hint))


def guarded(path: str, data: bytes, run: Callable[[], Finding], *, jsonc: bool) -> Finding:
    """What ``run`` finds; a document that cannot be read, or is nested too deep, is an error."""
    try:
        return run()
    except InvalidJsonError as failure:
        problem = failure.problem
    except RecursionError:
        problem = too_deep(data, jsonc=jsonc)
    return Finding(diagnostics=(invalid_json(path, data, problem),))


def invalid_json(path: str, data: bytes, problem: Problem) -> Diagnostic:
    """Why a file is no JSON document that keychange edits, and where."""
    location = Location.at(path, data, Span(problem.start, problem.end))
    message = f"`{path}` is not valid JSON: {problem.reason}"
    if problem.other >= 0:
        first = Location.at(path, data, Span(problem.other, problem.other))
        message += f", on line {first.line} and on line {location.line}"
        first = first._replace(length=location.length)
        related = (Related(first, "it is first here"),)
        return error(problem.code, message, location, hint=problem.hint, related=related)
    return error(problem.code, message, location, hint=problem.hint)


def holds_secret(name: str, value: Value) -> bool:
    """Whether a member, or anything inside it, looks like a secret."""
    if value is ABSENT:
        return looks_secret(name, in_env=False)
    if isinstance(value, dict):
        return looks_secret(name, in_env=False) or any(
            holds_secret(each, value[each]) for each in value
        )
    if isinstance(value, list):
        return looks_secret(name, in_env=False) or any(holds_secret(name, each) for each in value)
    return looks_secret(name, value, in_env=False)


def gap_undo(gap: Gap) -> list[Json]:
    """A gap as JSON."""
    return [gap.lead.decode(), gap.follow.decode(), gap.joined.decode()]


def gap_of(undo: Json) -> Gap:
    """A gap from JSON."""
    lead, follow, joined = cast("list[str]", undo)
    return Gap(lead.encode(), follow.encode(), joined.encode())
