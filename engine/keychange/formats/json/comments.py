"""JSON with comments: the same text as plain JSON, every offset unchanged.

The dialect is that of VS Code and TypeScript: ``//`` and ``/* */`` comments, and one comma after
the last member or element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from keychange.formats.json.problem import InvalidJsonError, Problem

_STRING = r'"(?:[^"\\\r\n]|\\.)*+"?'
_COMMENT = re.compile(rf"{_STRING}|//[^\r\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?")
_COMMA = re.compile(rf"{_STRING}|,(?=[ \t\r\n]*[\]}}])")
_VISIBLE = re.compile(r"[^\r\n]")
_GAP_TOKEN = re.compile(rb"//[^\r\n]*|/\*.*?\*/|,|\r\n|\r|\n", re.DOTALL)


def without_comments(text: str) -> str:
    """The text with comments and trailing commas blanked; line ends stay where they are.

    Raises:
        InvalidJsonError: a block comment has no end.
    """
    if "/" in text:
        text = _COMMENT.sub(_blank, text)
    return _COMMA.sub(_drop_comma, text)


def _blank(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] == '"':
        return found
    if found.startswith("/*") and (len(found) < 4 or not found.endswith("*/")):
        raise InvalidJsonError(Problem(match.start(), match.start() + 2, "a comment has no end"))
    return _VISIBLE.sub(" ", found)


def _drop_comma(match: re.Match[str]) -> str:
    found = match.group()
    if found != ",":
        return found
    text, position = match.string, match.start() - 1
    while position >= 0 and text[position] in " \t\r\n":
        position -= 1
    # A comma ends a member or an element; with none before it, it stays and is found invalid.
    return "," if position < 0 or text[position] in "[{,:" else " "


def comma(gap: bytes) -> int:
    """Where the comma between two entries stands, outside comments; -1 where there is none."""
    if b"/" not in gap:
        return gap.find(b",")
    return next((each.start() for each in _GAP_TOKEN.finditer(gap) if each.group() == b","), -1)


def has_comment(gap: bytes) -> bool:
    """Whether the bytes between two entries hold a comment: no other token there has a slash."""
    return b"/" in gap


def ends_in_line_comment(gap: bytes) -> bool:
    """Whether what follows on this line would be swallowed by a ``//`` comment."""
    last = b""
    for token in _GAP_TOKEN.finditer(gap) if has_comment(gap) else ():
        last = token.group()
    return last.startswith(b"//")


def line_start(gap: bytes) -> int:
    """Where the first line end of a gap starts, outside comments; its length if it has none."""
    return next((at for at, _ in _line_ends(gap)), len(gap))


def indent_after(gap: bytes) -> bytes | None:
    """The indentation of what follows a gap; None if it follows on the same line."""
    ends = [end for _, end in _line_ends(gap)]
    if not ends:
        return None
    rest = gap[ends[-1] :]
    return rest[: len(rest) - len(rest.lstrip(b" \t"))]


def _line_ends(gap: bytes) -> Iterator[tuple[int, int]]:
    for token in _GAP_TOKEN.finditer(gap):
        if token.group() in {b"\n", b"\r", b"\r\n"}:
            yield token.span()
