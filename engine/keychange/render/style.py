"""Style: colour on or off, width, and control characters made visible."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

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


class Style(NamedTuple):
    """How text is shown: ``width`` in columns, with colour or without.

    ``terminal`` says that a person reads it: elsewhere a message stays on one line, for grep.
    Meaning is never carried by colour alone.
    """

    colour: bool = False
    width: int = 80
    terminal: bool = False

    @property
    def reader(self) -> bool:
        """Whether a person looks at it, on a terminal or in colour.

        Elsewhere a program may: there the lines of files are whole, and a diff is a patch.
        """
        return self.terminal or self.colour

    def __call__(self, text: str, *names: str) -> str:
        """The text in a style such as ``bold`` or ``red``."""
        if not self.colour or not text or not any(names):
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names if name)}m{text}\x1b[0m"

    def wrap(self, text: str, first: str = "", rest: str | None = None) -> Iterator[str]:
        """Lines of at most the width; longer words and commands are kept whole, to be copied."""
        import textwrap  # which a plain outcome does without

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


_UNSEEN = r"[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0d\U000e0100-\U000e01ef]"
"""Characters that count as printable and that nobody sees; the selectors of emoji stay."""


def visible(text: str) -> str:
    """Text from a file with what is not seen shown: it can neither drive a terminal nor deceive.

    Control characters become their pictures; bidirectional overrides, zero-width characters,
    fillers and odd blanks their codes. A tab stays.
    """
    if text.isascii() and text.isprintable():
        return text
    text = re.sub(_UNSEEN, lambda found: _shown(found[0]), text)
    return "".join(each if each == "\t" or each.isprintable() else _shown(each) for each in text)


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # the Unicode picture of the control character
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def padded(text: str, width: int) -> str:
    """The text with blanks up to a width in columns."""
    return text + " " * (width - columns(text))


def folded(pieces: Iterable[tuple[str, bool]], room: int) -> Iterator[tuple[tuple[str, bool], ...]]:
    """Pieces of one line, cut into lines of at most ``room`` columns; tabs become blanks."""
    line: list[tuple[str, bool]] = []
    used = 0
    for text, mark in pieces:
        start = 0
        shown = _untabbed(text, used)
        for at, character in enumerate(shown):
            size = _columns(character)
            if used + size > room:
                line.append((shown[start:at], mark))
                yield tuple(each for each in line if each[0])
                line, used, start = [], 0, at
            used += size
        line.append((shown[start:], mark))
    yield tuple(each for each in line if each[0])


def _untabbed(text: str, used: int) -> str:
    """Text with its tabs as blanks up to the next multiple of four columns."""
    if "\t" not in text:
        return text
    parts: list[str] = []
    for each in text:
        parts.append(" " * (4 - used % 4) if each == "\t" else each)
        used += columns(parts[-1])
    return "".join(parts)


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 file``, ``3 files``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
