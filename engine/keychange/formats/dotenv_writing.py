"""Writing into a ``.env`` text: quotes that bash and python-dotenv read alike, and whole lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from keychange.edits import Edit
from keychange.formats.dotenv import EnvFile
from keychange.formats.dotenv_bash import Assignment, read_bash
from keychange.formats.dotenv_readers import Binding, Reference, read_python, references
from keychange.spans import Span

QUOTES = ("", '"', "'")
"""No quotes where the value needs none, else the double ones, which hold most."""

_PLAIN = re.compile(r"(?:[A-Za-z0-9_./:@%+,-][A-Za-z0-9_./:@%+,=-]*)?")
_LIVE_DOLLAR = re.compile(r"\$(?![ /.,;:%)=]|\Z)")


class UnwritableError(ValueError):
    """No spelling of a value reads back alike; the message says why, without the value."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One line's way of writing: what stands before the name, around the ``=``, and the value."""

    prefix: str
    equals: str
    literal: str

    @classmethod
    def of(cls, env: EnvFile, binding: Binding) -> Spelling:
        """The spelling of a binding as it stands in the file."""
        return cls(
            env.raw(binding.start, binding.key_start),
            env.raw(binding.key_end, binding.value_start),
            env.raw(binding.value_start, binding.value_end),
        )

    @property
    def bare(self) -> bool:
        """Whether bash can read it: nothing around the ``=`` and no quotes around the name."""
        return self.equals in ("", "=") and "'" not in self.prefix

    def line(self, key: str) -> str:
        """The text of a line that binds a key."""
        return f"{self.prefix}{key}{self.equals}{self.literal}"

    def reads(self, key: str, value: str, rest: str) -> bool:
        """Whether the line, with ``rest`` behind the value, reads as this to both readers.

        A line that bash cannot read for its spaces or the quotes of its name counts by
        python-dotenv alone.
        """
        line = self.line(key) + rest
        wanted = (value,) if value else ()
        found = read_python(line).bindings
        if len(found) != 1 or found[0].parts != wanted:
            return False
        events = read_bash(line).events
        assigned = [each.parts for each in events if isinstance(each, Assignment)]
        return not self.bare or (len(events) == 1 and assigned == [wanted])

    def exporting(self, *, wanted: bool | None) -> Spelling:
        """With or without ``export``; None keeps what is there.

        Only bash exports, so a line that must be exported is also made one that bash can read.
        """
        if wanted is None or (wanted == self.prefix.startswith("export") and self.bare):
            return self
        bare = self.prefix.removeprefix("export").lstrip()
        if not wanted:
            return Spelling(bare, self.equals, self.literal)
        return Spelling("export ", "=" if self.equals else "", self.literal)

    def holding(self, value: str, key: str, *, rest: str = "", encoding: str = "utf-8") -> Spelling:
        """With another value, in the same quotes if they can hold it.

        ``rest`` is what follows on the line. The result is read back before it is returned.

        Raises:
            UnwritableError: no quotes hold the value so that both readers read it.
        """
        _refuse(value, encoding)
        equals = self.equals or "="
        kept = Spelling(self.prefix, equals, self.literal)
        if kept.reads(key, value, rest):
            return kept
        here = self.literal[:1] if self.literal[:1] in ("'", '"') else ""
        for quote in (here, *(each for each in QUOTES if each != here)):
            literal = _quoted(value, quote)
            if literal is None or (not literal and rest.strip()):
                continue
            result = Spelling(self.prefix, equals, literal)
            if result.reads(key, value, rest):
                return result
        if rest.strip():
            self.holding(value, key, encoding=encoding)
            raise UnwritableError("what follows on the line would become a part of it")
        if "$" in value or "`" in value:
            raise UnwritableError(
                "$ and ` need single quotes, which cannot hold its other quotes or backslashes"
            )
        raise UnwritableError("no quotes hold it so that bash and python-dotenv read the same")


def _refuse(value: str, encoding: str) -> None:
    if "\r" in value or "\0" in value:
        raise UnwritableError("it holds a carriage return or a NUL, which no reader keeps")
    if any(isinstance(part, Reference) for part in references(value)):
        raise UnwritableError("python-dotenv resolves ${...} inside any quotes")
    try:
        value.encode(encoding)
    except UnicodeEncodeError:
        raise UnwritableError(f"a character of it does not exist in {encoding}") from None


def _quoted(value: str, quote: str) -> str | None:
    """The value in these quotes, or None where they cannot hold it."""
    if quote == "":
        return value if _PLAIN.fullmatch(value) else None
    if quote == "'":
        broken = "'" in value or "\\\\" in value or value.endswith("\\")
        return None if broken else f"'{value}'"
    if "`" in value or _LIVE_DOLLAR.search(value):
        return None
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a file, as places: line ``i`` is ``starts[i]`` to ``starts[i + 1]``."""

    env: EnvFile
    starts: Sequence[int]

    @classmethod
    def of(cls, env: EnvFile) -> Lines:
        """Split a file; one that ends in a line end has no empty line after it."""
        starts = [0, *(i + 1 for i, char in enumerate(env.text) if char == "\n")]
        if starts[-1] != len(env.text):
            starts.append(len(env.text))
        return cls(env, starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def unended(self) -> bool:
        """Whether the last line has no line end."""
        return bool(self.env.text) and not self.env.text.endswith("\n")

    def at(self, place: int) -> int:
        """The number of the line, from 0, that holds a place."""
        return min(self.env.text.count("\n", 0, place), len(self))

    def of_binding(self, binding: Binding) -> range:
        """The lines that a binding covers."""
        return range(self.at(binding.start), self.at(binding.end - 1) + 1)

    def edits(
        self,
        deleted: Iterable[int],
        inserted: Mapping[int, Sequence[str]],
        inside: Iterable[Edit] = (),
    ) -> tuple[Edit, ...]:
        """Delete lines, insert texts before lines (before ``len``: at the end), and edit others.

        A file whose last line has no line end keeps it so. Texts come without a line end; into a
        file without any line each is written with one, unless it has one already.
        """
        gone = frozenset(deleted)
        tail = len(self)
        while self.unended and tail - 1 in gone:
            tail -= 1
        edits: list[Edit] = []
        for line in range(tail if self.unended else len(self) + 1):
            text = "".join(self._ended(each) for each in inserted.get(line, ()))
            if text or line in gone:
                end = self.starts[line + 1] if line in gone else self.starts[line]
                edits.append(self._edit(self.starts[line], end, text))
        edits += inside
        if self.unended:
            last = [text for line in range(tail, len(self) + 1) for text in inserted.get(line, ())]
            edits += self._at_end(tail, last)
        return _merged(edits)

    def _at_end(self, tail: int, texts: Sequence[str]) -> list[Edit]:
        """Replace all from line ``tail`` on, in a file whose last line has no line end."""
        text = self.env.line_end.join(texts)
        end = len(self.env.text)
        if tail == len(self):
            return [self._edit(end, end, self.env.line_end + text)] if texts else []
        start = self.starts[tail]
        if not texts and start:
            start -= 1
        return [self._edit(start, end, text)]

    def _ended(self, text: str) -> str:
        return text if text.endswith(("\n", "\r")) else text + self.env.line_end

    def _edit(self, start: int, end: int, text: str) -> Edit:
        return Edit(self.env.span(start, end), text.encode(self.env.encoding))


def _merged(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The same change with edits that touch each other made one, in the order given."""
    result: list[Edit] = []
    for edit in sorted(edits, key=lambda each: each.span):
        if result and edit.span.start <= result[-1].span.end:
            last = result.pop()
            span = Span(last.span.start, max(edit.span.end, last.span.end))
            result.append(Edit(span, last.replacement + edit.replacement))
        else:
            result.append(edit)
    return tuple(result)
