"""Parts of a document that are made: each stands between two comments with its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_PART = re.compile(
    r"(?P<start><!-- made: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end: (?P=name) -->)", re.DOTALL
)


def with_parts(text: str, makers: Mapping[str, Callable[[], str]]) -> str:
    """The document with every part made anew.

    Raises:
        KeyError: nobody makes a part that the document has.
        ValueError: a part that is made stands nowhere in it, or twice.
    """
    names = [found["name"] for found in _PART.finditer(text)]
    if sorted(names) != sorted(makers):
        raise ValueError(f"the document has the parts {names}, and {list(makers)} are made")
    return _PART.sub(
        lambda found: f"{found['start']}\n{makers[found['name']]().strip()}\n\n{found['end']}", text
    )


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table of Markdown; cells may hold anything but a line end."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)


def cell(text: str) -> str:
    """Text inside a table: a bar would end the cell, a line end the row."""
    return " ".join(prose(text).replace("|", "\\|").split())


def prose(text: str) -> str:
    """Words of the program in Markdown: what it would take for markup is shown as it is."""
    spans = re.split(r"(`+.*?`+)", text)
    spans[::2] = [re.sub(r"([*<]|__)", lambda found: f"\\{found[0]}", each) for each in spans[::2]]
    return "".join(spans)


def code(text: str) -> str:
    """A span of code, also where it holds backticks."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def details(summary: str, body: str) -> str:
    """A part that is folded until somebody wants it."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body.strip()}\n\n</details>"
