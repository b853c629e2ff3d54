"""Style: colour on or off, width, and control characters made visible."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
    "on_red": "1;31;7",
    "on_green": "1;32;7",
}


@dataclass(frozen=True, slots=True)
class Style:
    """How text is shown: ``width`` in columns, with colour or without.

    ``terminal`` says that a person reads it: elsewhere a message stays on one line, for grep.
    Meaning is never carried by colour alone.
    """

    colour: bool = False
    width: int = 80
    terminal: bool = False

    def __call__(self, text: str, *names: str) -> str:
        """The text in a style such as ``bold`` or ``red``."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"

    def wrap(self, text: str, first: str = "", rest: str | None = None) -> Iterator[str]:
        """Lines of at most the width; longer words and commands are kept whole, to be copied."""
        lines = textwrap.wrap(
            _QUOTED.sub(lambda found: found[0].replace(" ", _SPACE), text),
            width=max(40, self.width),
            initial_indent=first,
            subsequent_indent=" " * len(first) if rest is None else rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from (each.replace(_SPACE, " ") for each in lines or [first.rstrip()])


_QUOTED = re.compile(r"`[^`\n]+`")
_SPACE = "\x00"


def visible(text: str) -> str:
    """Text from a file with control characters shown, so that it cannot drive the terminal."""
    if text.isprintable():
        return text
    return "".join(each if each == "\t" or each.isprintable() else _shown(each) for each in text)


def columns(text: str) -> int:
    """How many columns a terminal takes for a visible text: two for a wide character."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(unicodedata.combining(each) > 0 for each in text)


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # the Unicode picture of the control character
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 file``, ``3 files``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
