"""Spelling a ``.env`` line: the style that is there, and quotes that all readers read alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from keychange.formats.dotenv.bash import Assignment
from keychange.formats.dotenv.readers import Binding, Reference, read_python, references
from keychange.formats.dotenv.scanner import read_bash
from keychange.formats.dotenv.text import EnvFile

QUOTES = ("", '"', "'")
"""No quotes where the value needs none, else the double ones, which hold most."""

_PLAIN = re.compile(r"(?:[A-Za-z0-9_./:@%+,-][A-Za-z0-9_./:@%+,=-]*)?")
_LIVE_DOLLAR = re.compile(r"\$(?![ /.,;:%)=]|\Z)")


class UnwritableError(ValueError):
    """No spelling of a value reads back alike; the message says why, without the value."""


class Spelling(NamedTuple):
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

    @classmethod
    def beside(cls, env: EnvFile, neighbour: Binding | None) -> Spelling:
        """The way a neighbour is written, for a new line: with its quotes, and nothing in them."""
        if neighbour is None:
            return cls("", "=", "")
        spelling = cls.of(env, neighbour)
        quote = spelling.literal[:1] if spelling.literal[:1] in ("'", '"') else ""
        prefix = "export " if neighbour.exported else ""
        if spelling.strange:
            return cls(prefix, "=", quote * 2)
        return cls(prefix, spelling.equals or "=", quote * 2)

    @property
    def bare(self) -> bool:
        """Whether bash can read it: nothing around the ``=`` and no quotes around the name."""
        return self.equals in ("", "=") and "'" not in self.prefix

    @property
    def strange(self) -> bool:
        """Whether more than spaces stand around the ``=``: a quote of the name, or odd blanks."""
        return self.equals.strip(" \t") not in ("", "=")

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

    def tight(self) -> Spelling:
        """In the way that bash can read: nothing around the ``=``, no quotes around the name."""
        export = "export " if self.prefix.startswith("export") else ""
        return self if self.bare else Spelling(export, "=" if self.equals else "", self.literal)

    def exporting(self, *, wanted: bool | None) -> Spelling:
        """With or without ``export``; None keeps what is there.

        Only bash exports, so a line that must be exported is also made one that bash can read.
        """
        if wanted is None or (wanted == self.prefix.startswith("export") and self.bare):
            return self
        bare = self.prefix.removeprefix("export").lstrip()
        if wanted:
            return Spelling(f"export {bare}", self.equals, self.literal).tight()
        return Spelling(bare, self.equals, self.literal)

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
            if literal is None or (not literal and (rest.strip() or equals != equals.rstrip())):
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


def nearest(names: Mapping[str, Sequence[Binding]], key: str) -> Binding | None:
    """The last binding of those whose key shares the most leading words with a new one.

    Words are what ``_`` parts. None where no key shares even the first.
    """
    words = key.split("_")

    def shared(name: str) -> int:
        pairs = zip(words, name.split("_"), strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    ranked = [(shared(name), bindings[-1]) for name, bindings in names.items()]
    best = max(ranked, key=lambda each: (each[0], each[1].start), default=None)
    return best[1] if best and best[0] else None
