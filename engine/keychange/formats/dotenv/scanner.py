"""Lines of bash: which of them assign, export or unset, and where the model ends."""

from __future__ import annotations

import re

from keychange.formats.dotenv.bash import (
    AllExport,
    Assignment,
    BashReading,
    Event,
    Export,
    Unset,
)
from keychange.formats.dotenv.readers import Parts
from keychange.formats.dotenv.words import ENDS_WORD, NAME, OWN_NAMES, Stop, WordScanner

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?=|\[)")
_ASIDE = re.compile(r"(?:[ \t]*(?:\#[^\n]*)?\n)+")
_SIMPLE = re.compile(
    r"""[ \t]*(?P<export>export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_]*)=
    (?P<value>(?P<bare>[A-Za-z0-9_./:@%+,-]*)|"(?P<double>[^"\\$`]*)"|'(?P<single>[^']*)')
    (?:[ \t]+\#[^\n]*|[ \t]*)(?:\n|\Z)""",
    re.VERBOSE,
)
"""Most lines of most files; the scanner would say the same, and take ten times as long."""

_BRACES = re.compile(r"\{[^\s'\"]*(?:,|\.\.)[^\s'\"]*\}")
_SHELL_CODE = re.compile(
    r"if|then|elif|else|fi|for|while|until|select|case|esac|do|done|function|time|coproc"
    r"|\{|\}|!|\[\[|exit|return|exec|eval"
)


def read_bash(text: str) -> BashReading:
    """What bash makes of a text when it sources it."""
    return _Scanner(text).run()


def _assigned(line: re.Match[str]) -> Assignment:
    export, key, _, bare, double, single = line.groups()
    text = bare or double or single
    parts: Parts | None = (text,) if text else ()
    if key in OWN_NAMES:
        parts = None
    return Assignment(key, line.start(2), *line.span(3), parts, export is not None)


class _Scanner(WordScanner):
    """One pass over a text. Bash parses a whole line before it runs any of it: so does this."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.exact = True

    def run(self) -> BashReading:
        events: list[Event] = []
        text, at = self.text, 0
        while at < len(text):
            if line := _SIMPLE.match(text, at):
                events.append(_assigned(line))
                at = line.end()
            elif aside := _ASIDE.match(text, at):
                at = aside.end()
            else:
                self.at = at
                try:
                    events += self._line()
                except Stop as stop:
                    return BashReading(tuple(events), at, stop.broken)
                at = self.at
        return BashReading(tuple(events))

    def _blanks(self) -> None:
        while self._peek() in (" ", "\t") or self.text.startswith("\\\n", self.at):
            self.at += 2 if self._peek() == "\\" else 1

    def _line(self) -> list[Event]:
        events: list[Event] = []
        self.exact = True
        while True:
            self._blanks()
            start = self.at
            events += self._command()
            char, empty = self._peek(), self.at == start
            self.at += 1
            if char in ("", "\n"):
                break
            if empty or char in "()" or (char == ";" and self._peek() in (";", "&")):
                raise Stop(broken=not (empty and char == "("))
            if char in "&|":
                self.exact = False
                if self._peek() == char or char + self._peek() == "|&":
                    self.at += 1
                elif char == "&":
                    continue
                self._continued()
        if self.exact:
            return events
        # Pipes, background jobs, conditions and redirections: whether a value stays is not known.
        return [e._replace(parts=None) if isinstance(e, Assignment) else e for e in events]

    def _continued(self) -> None:
        """After ``&&``, ``||`` and ``|`` the command may follow on a later line, and must."""
        while self._peek() in (" ", "\t", "\n", "#"):
            if self._peek() == "#":
                self._comment()
            else:
                self.at += 1
        if not self._peek():
            raise Stop(broken=True)

    def _comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _command(self) -> list[Event]:
        assignments: list[Assignment] = []
        names: list[Event] = []
        words: list[str] = []
        while self._peek() not in ("", "\n", ";", "&", "|", "(", ")"):
            if self._peek() == "#":
                self._comment()
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
                if "\\\n" in words[-1]:
                    raise Stop(broken=False)
                if len(words) == 1 and _SHELL_CODE.fullmatch(words[0]):
                    raise Stop(broken=False)
                if words[0] == "export" and NAME.fullmatch(words[-1]):
                    names.append(Export(words[-1], place))
            self._blanks()
        return self._effect(assignments, names[1:], words)

    def _effect(
        self, assignments: list[Assignment], names: list[Event], words: list[str]
    ) -> list[Event]:
        if not words:
            return [*assignments]
        plain = not any(each.startswith("-") and each != "-" for each in words[1:])
        if words[0] == "export" and all(each.exported for each in assignments):
            self.exact = self.exact and plain
            return [*assignments, *names]
        if words[0] == "unset" and plain and not assignments:
            return [Unset(each) for each in words[1:]]
        if words in (["set", "-a"], ["set", "+a"]):
            return [AllExport(words[1] == "-a")]
        if words[0].startswith(("`", "$(")):
            raise Stop(broken=False)
        if all(each.startswith("$") for each in words):
            # Where these turn out empty there is no command, and the assignments stay.
            return [each._replace(parts=None) for each in assignments]
        return []

    def _redirection(self) -> None:
        self.exact = False
        operator = self._peek()
        self.at += 1
        if operator == "<" and self._peek() == "<":
            raise Stop(broken=False)
        if operator + self._peek() in ("<>", "<&", ">>", ">&", ">|"):
            self.at += 1
        self._blanks()
        if self._peek() in ("", "#") or self._peek() in ENDS_WORD:
            raise Stop(broken=True)
        self._word(tilde=False)

    def _assignment(self, match: re.Match[str], *, exported: bool) -> Assignment:
        start, self.at = self.at, match.end()
        if match[2] == "[" or self._peek() == "(":
            raise Stop(broken=False)
        parts = self._word(tilde=True)
        known = match[2] == "=" and match[1] not in OWN_NAMES
        if exported and _BRACES.search(self.text, match.end(), self.at):
            known = False
        return Assignment(match[1], start, match.end(), self.at, parts if known else None, exported)
