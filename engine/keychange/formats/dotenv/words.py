"""Words of bash: quotes, escapes and expansions, read without ever running anything."""

from __future__ import annotations

import re

from keychange.formats.dotenv.readers import Parts, Reference

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ENDS_WORD = frozenset(" \t\n;&|<>()")
_PLAIN_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}$`\"'\\~]*))?\}")
_ANY_BRACES = re.compile(r"\$\{[^}$`\"'\\{]*\}")
_PARAMETER = re.compile(r"\$[0-9@*#?$!-]")


OWN_NAMES = frozenset(
    {"_", "BASHOPTS", "BASHPID", "BASH_ARGV0", "BASH_VERSINFO", "DIRSTACK", "EPOCHREALTIME"}
    | {"EPOCHSECONDS", "EUID", "FUNCNAME", "GROUPS", "HISTCMD", "LINENO", "PPID", "RANDOM"}
    | {"SECONDS", "SHELLOPTS", "SRANDOM", "UID"}
)
"""Names that bash keeps for itself: read-only, or their value is not what was assigned."""


class Stop(Exception):
    """The scan ends: bash gives up here (``broken``), or the model does."""

    def __init__(self, *, broken: bool) -> None:
        self.broken = broken


class WordScanner:
    """A place in a text, and the words from there on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def _peek(self, offset: int = 0) -> str:
        return self.text[self.at + offset : self.at + offset + 1]

    def _word(self, *, tilde: bool) -> Parts | None:
        """Read one word; its value, or None where that is beyond the model."""
        value = _Builder()
        while (char := self._peek()) and char not in ENDS_WORD:
            if char == "~" and tilde:
                self.at += 1
                if self._peek() in ("", "/", ":") or self._peek() in ENDS_WORD:
                    value.add(Reference("HOME"))
                else:
                    value.known = False
                tilde = False
                continue
            tilde = char == ":" or (tilde and self.text.startswith("\\\n", self.at))
            if char == "\\":
                value.add(self.text[self.at + 1 : self.at + 2].replace("\n", ""))
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
            raise Stop(broken=True)
        content = self.text[self.at + 1 : end]
        self.at = end + 1
        return content

    def _double(self, value: _Builder) -> None:
        self.at += 1
        while (char := self._peek()) != '"':
            if not char:
                raise Stop(broken=True)
            if char == "\\" and self._peek(1) in ("$", "`", '"', "\\", "\n"):
                value.add(self._peek(1).replace("\n", ""))
                self.at += 2
            else:
                self._inside(value, quoted=True)
        self.at += 1

    def _inside(self, value: _Builder, *, quoted: bool) -> None:
        """One character or one expansion, in double quotes or outside of quotes."""
        char, following = self._peek(), self._peek(1)
        if char == "`":
            self._beyond(value, "`", 1)
        elif char == "$" and following:
            self._dollar(value, following, quoted=quoted)
        else:
            value.add(char)
            self.at += 1

    def _dollar(self, value: _Builder, following: str, *, quoted: bool) -> None:
        if match := _PLAIN_REFERENCE.match(self.text, self.at):
            value.add(Reference(match[1], match[2]))
            value.known = value.known and match[1] not in OWN_NAMES
            self.at = match.end()
        elif match := NAME.match(self.text, self.at + 1):
            value.add(Reference(match[0]))
            value.known = value.known and match[0] not in OWN_NAMES
            self.at = match.end()
            if self.text.startswith("\\\n", self.at):
                raise Stop(broken=False)
        elif match := _ANY_BRACES.match(self.text, self.at) or _PARAMETER.match(self.text, self.at):
            value.known = False
            self.at = match.end()
        elif following == "{" or self.text.startswith("\\\n", self.at + 1):
            raise Stop(broken=False)
        elif following in "([":
            self._beyond(value, {"(": ")", "[": "]"}[following], 2)
        elif following == "'" and not quoted:
            self._beyond(value, "'", 2)
        else:
            if following != '"' or quoted:
                value.add("$")
            self.at += 1

    def _beyond(self, value: _Builder, closing: str, opened: int) -> None:
        """Go over something whose value only running it, or more of bash, could tell."""
        value.known = False
        self.at += opened
        start = self.at
        nested = closing in ")]"
        self._skip(closing, nested=nested)
        if nested and re.search(r"\$\{|[`#\n]", self.text[start : self.at]):
            raise Stop(broken=False)

    def _skip(self, closing: str, *, nested: bool) -> None:
        """Go past the closing character, over nested ones, quotes and escapes."""
        opening = "(" if closing == ")" else ""
        depth = 1
        while depth:
            char = self._peek()
            if not char:
                raise Stop(broken=not nested)
            if char == "\\":
                self.at += 1
            elif char == closing:
                depth -= 1
            elif char == opening:
                depth += 1
            elif nested and char in "'\"":
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
