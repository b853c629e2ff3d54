"""What bash reads when it sources a ``.env`` text: assignments, ``export``, quotes, references.

A model of the subset that configuration uses. Whatever lies beyond it is said to be unknown
(``parts`` is None) or ends the reading (``stop``); nothing is ever run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from keychange.formats.dotenv_readers import Parts, Reference

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^\]\s]*\])?(\+?)=")
_PLAIN_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}$`\"'\\~]*))?\}")
_BRACES = re.compile(r"\{[^\s'\"]*(?:,|\.\.)[^\s'\"]*\}")
_ENDS_WORD = frozenset(" \t\n;&|<>()")
_SHELL_CODE = re.compile(
    r"if|then|elif|else|fi|for|while|until|select|case|esac|do|done|function|time|coproc"
    r"|\{|\}|!|\[\[|exit|return|exec|eval"
)
_NOT_SETTABLE = re.compile(
    r"_|BASHOPTS|BASHPID|BASH_ARGV0|BASH_VERSINFO|DIRSTACK|EPOCHREALTIME|EPOCHSECONDS|EUID|FUNCNAME"
    r"|GROUPS|HISTCMD|LINENO|PPID|RANDOM|SECONDS|SHELLOPTS|SRANDOM|UID"
)
"""Names that bash keeps for itself: read-only, or their value is not what was assigned."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """``key=value``. Places are indexes into the text; ``parts`` is None where it is unknown."""

    key: str
    start: int
    value_start: int
    value_end: int
    parts: Parts | None
    exported: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """``export key`` without a value."""

    key: str
    start: int


@dataclass(frozen=True, slots=True)
class Unset:
    """``unset key``."""

    key: str


@dataclass(frozen=True, slots=True)
class AllExport:
    """``set -a`` or ``set +a``."""

    on: bool


Event = Assignment | Export | Unset | AllExport


@dataclass(frozen=True, slots=True)
class BashReading:
    """What sourcing does, in order; the places of other commands; and where reading ends early.

    ``stop`` is the place of the line where bash gives up, or where shell code begins that this
    model does not follow; ``broken`` tells the two apart.
    """

    events: tuple[Event, ...]
    commands: tuple[int, ...] = ()
    stop: int | None = None
    broken: bool = False

    def reaches(self, place: int) -> bool:
        """Whether bash is known to read this far."""
        return self.stop is None or place < self.stop

    def values(self) -> dict[str, Parts | None]:
        """The last value of every key."""
        result: dict[str, Parts | None] = {}
        for event in self.events:
            if isinstance(event, Assignment):
                result[event.key] = event.parts
            elif isinstance(event, Unset):
                result.pop(event.key, None)
        return result

    def environment(
        self, ambient: Mapping[str, str], *, allexport: bool, only_exported: bool
    ) -> dict[str, str]:
        """The variables that sourcing sets; one whose value is unknown is left out."""
        known: dict[str, str | None] = {}
        exported: set[str] = set()
        for event in self.events:
            match event:
                case Assignment(key=key, parts=parts):
                    known[key] = None if parts is None else _resolve(parts, known, ambient)
                    if event.exported or allexport:
                        exported.add(key)
                case Export(key=key):
                    exported.add(key)
                case Unset(key=key):
                    known.pop(key, None)
                    exported.discard(key)
                case AllExport(on=on):
                    allexport = on
        return {
            key: value
            for key, value in known.items()
            if value is not None and (key in exported or not only_exported)
        }


def _resolve(
    parts: Parts, known: Mapping[str, str | None], ambient: Mapping[str, str]
) -> str | None:
    pieces = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        value = known[part.name] if part.name in known else ambient.get(part.name, "")
        if value is None:
            return None
        pieces.append(value or part.default or "")
    return "".join(pieces)


def read_bash(text: str) -> BashReading:
    """What bash makes of a text when it sources it."""
    return _Scanner(text).run()


class _Stop(Exception):
    """The scan ends: bash gives up here, or the model does."""

    def __init__(self, *, broken: bool) -> None:
        self.broken = broken


class _Scanner:
    """One pass over a text. Bash parses a whole line before it runs any of it: so does this."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.exact = True
        self.commands: list[int] = []

    def run(self) -> BashReading:
        events: list[Event] = []
        while self.at < len(self.text):
            start = self.at
            try:
                events += self._line()
            except _Stop as stop:
                return BashReading(tuple(events), tuple(self.commands), start, stop.broken)
        return BashReading(tuple(events), tuple(self.commands))

    def _peek(self, offset: int = 0) -> str:
        return self.text[self.at + offset : self.at + offset + 1]

    def _blanks(self) -> None:
        while self._peek() in (" ", "\t") or self.text.startswith("\\\n", self.at):
            self.at += 2 if self._peek() == "\\" else 1

    def _line(self) -> list[Event]:
        events: list[Event] = []
        self.exact = True
        while True:
            events += self._command()
            char = self._peek()
            self.at += 1
            if char in ("", "\n"):
                break
            if char in "()" or (char == ";" and self._peek() in (";", "&")):
                raise _Stop(broken=True)
            if char in "&|":
                self.exact = False
                if self._peek() == char:
                    self.at += 1
        if self.exact:
            return events
        # Pipes, background jobs, conditions and redirections: whether a value stays is not known.
        return [replace(e, parts=None) if isinstance(e, Assignment) else e for e in events]

    def _command(self) -> list[Event]:
        assignments: list[Assignment] = []
        names: list[Event] = []
        words: list[str] = []
        self._blanks()
        start = self.at
        while self._peek() not in ("", "\n", ";", "&", "|", "(", ")"):
            if self._peek() == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
                break
            if self._peek() in "<>":
                self._redirection()
            elif (not words or words[0] == "export") and (
                match := _ASSIGNMENT.match(self.text, self.at)
            ):
                assignments.append(self._assignment(match, exported=bool(words)))
            else:
                place = self.at
                self._word(tilde=False)
                words.append(self.text[place : self.at])
                if len(words) == 1 and _SHELL_CODE.fullmatch(words[0]):
                    raise _Stop(broken=False)
                if words[0] == "export" and _NAME.fullmatch(words[-1]):
                    names.append(Export(words[-1], place))
            self._blanks()
        return self._effect(start, assignments, names[1:], words)

    def _effect(
        self, start: int, assignments: list[Assignment], names: list[Event], words: list[str]
    ) -> list[Event]:
        if not words:
            return [*assignments]
        plain = not any(each.startswith("-") for each in words[1:])
        if words[0] == "export" and plain and all(each.exported for each in assignments):
            return [*assignments, *names]
        if words[0] == "unset" and plain and not assignments:
            return [Unset(each) for each in words[1:]]
        if words in (["set", "-a"], ["set", "+a"]):
            return [AllExport(words[1] == "-a")]
        self.commands.append(start)
        return []

    def _redirection(self) -> None:
        self.exact = False
        operator = self._peek()
        self.at += 1
        if operator == "<" and self._peek() == "<":
            raise _Stop(broken=False)
        if self._peek() in (">", "&", "|"):
            self.at += 1
        self._blanks()
        if self._peek() in _ENDS_WORD or not self._peek():
            raise _Stop(broken=True)
        self._word(tilde=False)

    def _assignment(self, match: re.Match[str], *, exported: bool) -> Assignment:
        start, self.at = self.at, match.end()
        if self._peek() == "(":
            raise _Stop(broken=False)
        parts = self._word(tilde=True)
        known = not (match[2] or match[3] or _NOT_SETTABLE.fullmatch(match[1]))
        if exported and _BRACES.search(self.text, match.end(), self.at):
            known = False
        return Assignment(match[1], start, match.end(), self.at, parts if known else None, exported)

    def _word(self, *, tilde: bool) -> Parts | None:
        """Read one word; its value, or None where that is beyond the model."""
        value = _Builder()
        while (char := self._peek()) and char not in _ENDS_WORD:
            if char == "~" and tilde:
                self.at += 1
                if self._peek() in ("", "/", ":") or self._peek() in _ENDS_WORD:
                    value.add(Reference("HOME"))
                else:
                    value.known = False
                tilde = False
                continue
            tilde = char == ":" or (tilde and self.text.startswith("\\\n", self.at))
            if char == "\\":
                value.add(self.text[self.at + 1 : self.at + 2].replace("\n", "") or "")
                if self.at + 1 == len(self.text):
                    value.add("\\")
                self.at = min(self.at + 2, len(self.text))
            elif char == "'":
                value.add(self._until("'"))
            elif char == '"':
                self._double(value)
            else:
                self._inside(value, quoted=False)
        return value.parts()

    def _until(self, quote: str) -> str:
        end = self.text.find(quote, self.at + 1)
        if end < 0:
            raise _Stop(broken=True)
        content = self.text[self.at + 1 : end]
        self.at = end + 1
        return content

    def _double(self, value: _Builder) -> None:
        self.at += 1
        while (char := self._peek()) != '"':
            if not char:
                raise _Stop(broken=True)
            if char == "\\" and self._peek(1) in ("$", "`", '"', "\\", "\n"):
                value.add(self._peek(1).replace("\n", ""))
                self.at += 2
            else:
                self._inside(value, quoted=True)
        self.at += 1

    def _inside(self, value: _Builder, *, quoted: bool) -> None:
        """One character or one expansion, in double quotes or outside of quotes."""
        char = self._peek()
        following = self._peek(1)
        if char == "`":
            value.known = False
            self.at += 1
            self._skip("`")
        elif char != "$" or not following:
            value.add(char)
            self.at += 1
        elif match := _PLAIN_REFERENCE.match(self.text, self.at):
            value.add(Reference(match[1], match[2]))
            self.at = match.end()
        elif match := _NAME.match(self.text, self.at + 1):
            value.add(Reference(match[0]))
            self.at = match.end()
        elif following in "{([":
            value.known = False
            self.at += 2
            self._skip({"{": "}", "(": ")", "[": "]"}[following])
        elif following == "'" and not quoted:
            value.known = False
            self.at += 2
            self._skip("'", nested=False)
        elif following == '"' and not quoted:
            self.at += 1
        elif following in "0123456789@*#?$!-":
            value.known = False
            self.at += 2
        else:
            value.add(char)
            self.at += 1

    def _skip(self, closing: str, *, nested: bool = True) -> None:
        """Go past the closing character, over nested ones, quotes and escapes."""
        opening = {"}": "{", ")": "("}.get(closing, "")
        depth = 1
        while depth:
            char = self._peek()
            if not char:
                raise _Stop(broken=True)
            if char == "\\":
                self.at += 1
            elif char == closing:
                depth -= 1
            elif char == opening:
                depth += 1
            elif nested and char in "'\"" and closing != "`":
                self.at += 1
                self._skip(char, nested=False)
                continue
            self.at += 1


class _Builder:
    """The parts of a value in the making."""

    def __init__(self) -> None:
        self.known = True
        self._parts: list[str | Reference] = []

    def add(self, part: str | Reference) -> None:
        if part == "":
            return
        if isinstance(part, str) and self._parts and isinstance(self._parts[-1], str):
            self._parts[-1] += part
        else:
            self._parts.append(part)

    def parts(self) -> Parts | None:
        return tuple(self._parts) if self.known else None
