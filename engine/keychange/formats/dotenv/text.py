"""The ``.env`` format: the places of its keys and values, and what its readers make of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple, TypeAlias

from keychange.formats.dotenv.bash import AllExport, Assignment, BashReading, Export
from keychange.formats.dotenv.readers import Binding, Parts, PythonReading, read_python
from keychange.formats.dotenv.scanner import read_bash
from keychange.secrets import looks_secret
from keychange.spans import BOM, Span

_COMMENTED = re.compile(r"([A-Za-z_][\w.-]*)['\"]?[ \t]*([=:])[ \t]*")
_PEM = re.compile(r"-----BEGIN [^\n]*-----.*?(?:-----END [^\n]*-----|\Z)", re.DOTALL)
_WORD = re.compile(r"\S+")
_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


class Disagreement(NamedTuple):
    """A place that bash and python-dotenv read differently; ``key`` is empty for a whole file."""

    place: int
    key: str
    reason: str


class EnvFile:
    r"""The bytes of a ``.env`` file, read by both models.

    ``text`` is without byte order mark and with ``\n`` for every line end; all places are indexes
    into it, and ``offset`` turns one into a byte offset. A file that is not UTF-8 is taken for
    Windows-1252, and for Latin-1 where that has no such character.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._mark = len(BOM) if data.startswith(BOM) else 0
        body = data[self._mark :]
        self.encoding, raw = _decode(body)
        self.line_end = "\r\n" if "\r\n" in raw else "\n"
        if "\n" not in raw and "\r" in raw:
            self.line_end = "\r"
        self.text = raw.replace(self.line_end, "\n")
        self._offsets: list[int] | None = None
        if len(self.text) != len(body):
            self._offsets = _offsets(raw, self._mark, self.encoding, self.line_end)

    def offset(self, place: int) -> int:
        """The byte offset of a place."""
        return place + self._mark if self._offsets is None else self._offsets[place]

    def span(self, start: int, end: int) -> Span:
        """The byte span between two places."""
        return Span(self.offset(start), self.offset(end))

    def raw(self, start: int, end: int) -> str:
        """The characters between two places as they stand in the file, line ends included."""
        if self._offsets is None and self.line_end == "\n":
            return self.text[start:end]
        return self.data[self.offset(start) : self.offset(end)].decode(self.encoding)

    def line_of(self, place: int) -> int:
        """The line number of a place, from 1."""
        return self.text.count("\n", 0, place) + 1

    @cached_property
    def python(self) -> PythonReading:
        """What python-dotenv reads."""
        return read_python(self.text)

    @cached_property
    def bash(self) -> BashReading:
        """What bash reads, if the line ends and the byte order mark did not stand in its way."""
        return read_bash(self.text)

    @cached_property
    def in_bash(self) -> Mapping[str, Parts | None]:
        """The last value of every key in bash; None where it is unknown."""
        return self.bash.values()

    @cached_property
    def assignments(self) -> Mapping[int, Assignment]:
        """The assignments of bash by the place of their key."""
        return {each.start: each for each in self.bash.events if isinstance(each, Assignment)}

    @cached_property
    def by_key(self) -> Mapping[str, tuple[Binding, ...]]:
        """All bindings of each key, in order: readers take the last."""
        result: dict[str, tuple[Binding, ...]] = {}
        for binding in self.python.bindings:
            known = result.get(binding.key)
            result[binding.key] = (*known, binding) if known else (binding,)
        return result

    @cached_property
    def exported(self) -> frozenset[str]:
        """The keys that bash exports when it merely sources the file."""
        everything = AllExport(on=True) in self.bash.events
        return frozenset(
            each.key
            for each in self.bash.events
            if isinstance(each, Export)
            or (isinstance(each, Assignment) and (each.exported or everything))
        )

    def bash_at(self, binding: Binding) -> Parts | None:
        """What bash reads at the place of a binding; None where it is nothing or unknown."""
        assignment = self.assignments.get(binding.key_start)
        return None if assignment is None else assignment.parts

    def agreed(self, binding: Binding) -> bool:
        """Whether both readers see the same at the place of a binding."""
        if binding.value is None:
            return binding.exported and len(self.by_key[binding.key]) == 1
        assignment = self.assignments.get(binding.key_start)
        return assignment is not None and assignment.parts == binding.parts

    def value_end(self, binding: Binding) -> int:
        """Where the value ends by the reader that takes less: more than one may share the line."""
        assignment = self.assignments.get(binding.key_start)
        if assignment is None:
            return binding.value_end
        return min(binding.value_end, assignment.value_end)

    def shared(self, binding: Binding) -> bool:
        """Whether what python-dotenv takes for the value sets another key in bash."""
        start, end = binding.value_start, binding.value_end
        return self.text.find("=", start, end) > 0 and any(
            start < each < end for each in self.assignments
        )

    def is_variable(self, binding: Binding) -> bool:
        """Whether any reader takes the binding for a variable: a bare word is none."""
        return binding.value is not None or binding.exported

    def unreadable(self) -> Iterator[int]:
        """The places of lines that are no assignment to either reader."""
        for start, _ in self.python.errors:
            if start not in self.assignments:
                yield start
        for binding in self.python.bindings:
            if not self.is_variable(binding):
                yield binding.start

    def disagreements(self) -> Iterator[Disagreement]:
        """Where the readers differ, the file as a whole first."""
        if self._mark and self.python.bindings and self.text.lstrip().partition("\n")[0]:
            yield Disagreement(0, "", "bash takes the byte order mark for a part of the first word")
        if self.line_end != "\n" and self.python.bindings:
            yield Disagreement(0, "", "bash keeps the carriage return of each line in its value")
        if self.encoding != "utf-8":
            place = next(i for i, char in enumerate(self.text) if ord(char) > 127)
            yield Disagreement(place, "", "the file is not UTF-8, which python-dotenv expects")
        if self.bash.stop is not None:
            reason = "bash stops reading here" if self.bash.broken else "shell code begins here"
            yield Disagreement(self.bash.stop, "", f"{reason}, and python-dotenv reads on")
        for binding in self.python.bindings:
            if self.agreed(binding) or not self.is_variable(binding):
                continue
            if self.bash.reaches(binding.start):
                yield Disagreement(binding.key_start, binding.key, "")


def _decode(body: bytes) -> tuple[str, str]:
    for encoding in ("utf-8", "cp1252"):
        try:
            return encoding, body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return "latin-1", body.decode("latin-1")


def _offsets(raw: str, position: int, encoding: str, line_end: str) -> list[int]:
    result = [position]
    for line in raw.split(line_end):
        for char in line:
            position += 1 if char < "\x80" or encoding != "utf-8" else len(char.encode())
            result.append(position)
        position += len(line_end)
        result.append(position)
    return result[:-1]


def environment(
    data: bytes, *, only_exported: bool = False, ambient: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What ``set -a; . ./.env`` puts into the environment, for what the model of bash covers.

    With ``only_exported`` it is what ``. ./.env`` alone would. ``ambient`` is what references may
    find beside the file itself. Values that only running code could tell are left out. As in
    bash, a byte order mark spoils the first line, and a carriage return is part of a value.
    """
    return read_bash(_decode(data)[1]).environment(
        ambient or {}, allexport=not only_exported, only_exported=only_exported
    )


def values(data: bytes) -> tuple[tuple[str, Span], ...]:
    """All that may be a value, for masking: everything that is not structure, in order.

    Structure is names, ``export``, ``=``, white space and the prose of comments. Without a key,
    because no operation governs them, come values that are commented out, words of comments that
    look like a secret, lines that no reader understands, and what follows a value on a line that
    the readers split differently. Spans hold the quotes and do not overlap.
    """
    env = EnvFile(data)
    result: list[tuple[str, Span]] = []
    position = 0
    for start, stop, key in sorted(_values(env)):
        end = start + len(env.text[start:stop].rstrip())
        begin = max(start, position)
        begin = end - len(env.text[begin:end].lstrip())
        if begin < end:
            result.append((key, env.span(begin, end)))
            position = end
    return tuple(result)


_Value: TypeAlias = "tuple[int, int, str]"


def _values(env: EnvFile) -> Iterator[_Value]:
    for pem in _PEM.finditer(env.text):
        yield *pem.span(), ""
    statements: list[tuple[int, int, Binding | None]] = [
        (start, end, None) for start, end in env.python.errors
    ]
    statements += [(each.start, each.end, each) for each in env.python.bindings]
    position = 0
    for start, end, binding in sorted(statements, key=lambda each: each[0]):
        yield from _in_comments(env.text, position, start)
        position = end
        if binding is None or not env.is_variable(binding) or not _NAME.fullmatch(binding.key):
            yield start, end, ""
        elif env.agreed(binding):
            yield binding.value_start, binding.value_end, binding.key
            yield from _in_comments(env.text, binding.value_end, end)
        else:
            yield binding.value_start, env.value_end(binding), binding.key
            yield env.value_end(binding), end, ""
    yield from _in_comments(env.text, position, len(env.text))


def _in_comments(text: str, start: int, end: int) -> Iterator[_Value]:
    """Values in a stretch of comments: commented-out assignments, and words like a secret."""
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        for match in _COMMENTED.finditer(text, start, stop):
            if match[2] == "=" or looks_secret(match[1]):
                yield match.end(), stop, ""
                break
        for word in _WORD.finditer(text, start, stop):
            if looks_secret("", word[0]):
                yield *word.span(), ""
        start = stop + 1
