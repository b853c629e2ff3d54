"""Diffs: unified, with the words that differ inside a line marked, and secrets masked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from keychange.model import FileChange
from keychange.render.masking import Masks
from keychange.render.style import Style, visible

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_MAXIMUM_LINES = 20_000


def unified(change: FileChange, masks: Masks, revision: str, context: int = 3) -> Iterator[str]:
    """The lines of a unified diff of one file, without line ends."""
    before = _lines(masks.file(change.path, change.before, change.after))
    after = _lines(masks.file(change.path, change.after, change.before))
    old = change.path if change.before is not None else "/dev/null"
    new = change.path if change.after is not None else "/dev/null"
    if max(len(before), len(after)) > _MAXIMUM_LINES:
        yield f"--- {old}"
        yield f"+++ {new}"
        yield f"@@ {len(before):,} lines: too long to show here @@"
        return
    lines = difflib.unified_diff(before, after, old, new, "", revision, context, lineterm="")
    for number, line in enumerate(lines):
        shown = line
        if number > 1 and line[:2] != "@@":
            shown = line[0] + masks.shown(change.path, line[1:])
        yield visible(shown.rstrip("\n\t"))
        if not line.endswith("\n") and line[:1] in " +-" and line[:3] not in ("---", "+++"):
            yield "\\ No newline at end of file"


def _lines(text: str) -> list[str]:
    """Lines that keep their end; a carriage return stays, so that it shows when it differs."""
    return re.findall(r"[^\n]*\n|[^\n]+", text.replace("\r\n", "\n"))


def coloured(lines: Iterable[str], style: Style) -> Iterator[str]:
    """The diff for a terminal: changed lines in colour, changed words inside them marked."""
    removed: list[str] = []
    added: list[str] = []

    def flush() -> Iterator[str]:
        if len(removed) == len(added):
            pairs = [_marked(old, new, style) for old, new in zip(removed, added, strict=True)]
            yield from (old for old, _ in pairs)
            yield from (new for _, new in pairs)
        else:
            yield from (style(each, "red") for each in removed)
            yield from (style(each, "green") for each in added)
        removed.clear()
        added.clear()

    for line in lines:
        if line.startswith("-") and not line.startswith("--- "):
            removed.append(line)
        elif line.startswith("+") and not line.startswith("+++ "):
            added.append(line)
        else:
            yield from flush()
            if line.startswith(("--- ", "+++ ")):
                yield style(line, "bold")
            elif line.startswith("@@"):
                yield style(line, "cyan")
            else:
                yield line
    yield from flush()


def _marked(old: str, new: str, style: Style) -> tuple[str, str]:
    if not style.colour:
        return old, new
    first, second = _WORDS.findall(old[1:]), _WORDS.findall(new[1:])
    left, right = [style("-", "red")], [style("+", "green")]
    matcher = difflib.SequenceMatcher(None, first, second, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        same = tag == "equal"
        left.append(style("".join(first[a:b]), "red" if same else "on_red"))
        right.append(style("".join(second[c:d]), "green" if same else "on_green"))
    return "".join(left), "".join(right)
