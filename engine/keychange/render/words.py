"""Words: which lines of a change belong together, and which words inside them differ."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

Pieces: TypeAlias = "tuple[tuple[str, bool], ...]"
"""A line in pieces, each with whether it differs from the other line."""

_WORDS = re.compile(r"\w+(?:\.\w+)*|\s+|[^\w\s]")
_LIKE = 0.4
"""The share of two lines that has to be common for them to be one line that changed."""
_MAXIMUM_PAIRS = 2_500
_MAXIMUM_WORDS = 400


def paired(removed: Sequence[str], added: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """The removed and added lines side by side, by index: alike ones beside each other.

    Both keep their order. What has no counterpart stands alone.
    """
    if len(removed) * len(added) > _MAXIMUM_PAIRS:
        many = len(removed) == len(added)
        pairs = [(at, at) for at in range(len(removed))] if many else []
    else:
        pairs = _alike(removed, added)
    rows: list[tuple[int | None, int | None]] = []
    left = right = 0
    for old, new in (*pairs, (len(removed), len(added))):
        rows.extend((at, None) for at in range(left, old))
        rows.extend((None, at) for at in range(right, new))
        if old < len(removed):
            rows.append((old, new))
        left, right = old + 1, new + 1
    return rows


def _alike(removed: Sequence[str], added: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs of most likeness altogether that do not cross."""
    old = [Counter(_WORDS.findall(each)) for each in removed]
    new = [Counter(_WORDS.findall(each)) for each in added]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for row in range(len(old) - 1, -1, -1):
        for column in range(len(new) - 1, -1, -1):
            share = _common(old[row], new[column])
            beside = share + best[row + 1][column + 1] if share >= _LIKE else 0.0
            best[row][column] = max(beside, best[row + 1][column], best[row][column + 1])
    pairs, row, column = [], 0, 0
    while row < len(old) and column < len(new):
        if best[row][column] == best[row + 1][column]:
            row += 1
        elif best[row][column] == best[row][column + 1]:
            column += 1
        else:
            pairs.append((row, column))
            row, column = row + 1, column + 1
    return pairs


def _common(first: Counter[str], second: Counter[str]) -> float:
    """The share of the characters of two lines that stand in both, 0 to 1; blanks do not count."""
    sizes = [sum(len(word) * n for word, n in each.items()) for each in (first, second)]
    blank = [sum(len(w) * n for w, n in each.items() if w.isspace()) for each in (first, second)]
    both = first & second
    shared = sum(len(word) * count for word, count in both.items() if not word.isspace())
    return 2 * shared / max(1, sum(sizes) - sum(blank))


def marked(old: str, new: str) -> tuple[Pieces, Pieces]:
    """Both lines in pieces; unlike lines are one piece each, for all of them is different.

    A word is a name, a number with its point, or one other character. What differs with a single
    character in between is one piece: a change is to be read, not to be puzzled together.
    """
    first, second = _WORDS.findall(old), _WORDS.findall(new)
    if max(len(first), len(second)) > _MAXIMUM_WORDS:
        return _by_ends(old, new)
    if _common(Counter(first), Counter(second)) < _LIKE:
        return ((old, False),), ((new, False),)
    left: list[tuple[str, bool]] = []
    right: list[tuple[str, bool]] = []
    opcodes = difflib.SequenceMatcher(None, first, second, autojunk=False).get_opcodes()
    for number, (tag, a, b, c, d) in enumerate(opcodes):
        text = "".join(first[a:b])
        between = 0 < number < len(opcodes) - 1 and len(text) == 1 and not text.isalnum()
        differs = tag != "equal" or between
        _grow(left, text, differs=differs)
        _grow(right, "".join(second[c:d]), differs=differs)
    return tuple(left), tuple(right)


def _grow(pieces: list[tuple[str, bool]], text: str, *, differs: bool) -> None:
    if pieces and pieces[-1][1] == differs:
        pieces[-1] = (pieces[-1][0] + text, differs)
    elif text:
        pieces.append((text, differs))


def _by_ends(old: str, new: str) -> tuple[Pieces, Pieces]:
    """For a very long line: what lies between its common beginning and its common end."""
    least = min(len(old), len(new))
    start = next((at for at in range(least) if old[at] != new[at]), least)
    end = next((at for at in range(least - start) if old[-1 - at] != new[-1 - at]), least - start)
    result = []
    for text in (old, new):
        middle = text[start : len(text) - end]
        pieces = ((text[:start], False), (middle, True), (text[len(text) - end :], False))
        result.append(tuple(each for each in pieces if each[0]))
    return result[0], result[1]
