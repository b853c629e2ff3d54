"""Whole lines of a ``.env`` file: inserted and deleted without a change to any other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from keychange.edits import Edit
from keychange.formats.dotenv.readers import Binding
from keychange.formats.dotenv.text import EnvFile
from keychange.spans import Span


class Lines(NamedTuple):
    """The lines of a file, as places: line ``i`` is ``starts[i]`` to ``starts[i + 1]``."""

    env: EnvFile
    starts: Sequence[int]

    @classmethod
    def of(cls, env: EnvFile) -> Lines:
        """Split a file; one that ends in a line end has no empty line after it."""
        starts = [0, *(end.end() for end in re.finditer("\n", env.text))]
        if starts[-1] != len(env.text):
            starts.append(len(env.text))
        return cls(env, starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def unended(self) -> bool:
        """Whether the last line has no line end."""
        return bool(self.env.text) and not self.env.text.endswith("\n")

    def at(self, place: int) -> int:
        """The number of the line, from 0, that holds a place."""
        return min(self.env.text.count("\n", 0, place), len(self))

    def of_binding(self, binding: Binding) -> range:
        """The lines that a binding covers."""
        return range(self.at(binding.start), self.at(binding.end - 1) + 1)

    def edits(
        self,
        deleted: Iterable[int],
        inserted: Mapping[int, Sequence[str]],
        inside: Iterable[Edit] = (),
    ) -> tuple[Edit, ...]:
        """Delete lines, insert texts before lines (before ``len``: at the end), and edit others.

        A file whose last line has no line end keeps it so, unless only an empty one stays before
        it. Texts come without a line end.
        """
        gone = frozenset(deleted)
        tail = len(self)
        while self.unended and tail - 1 in gone:
            tail -= 1
        edits: list[Edit] = []
        for line in sorted(gone | inserted.keys()):
            if line >= tail and self.unended:
                break
            text = "".join(each + self.env.line_end for each in inserted.get(line, ()))
            end = self.starts[line + 1] if line in gone else self.starts[line]
            edits.append(self._edit(self.starts[line], end, text))
        edits += inside
        if self.unended:
            last = [text for line in range(tail, len(self) + 1) for text in inserted.get(line, ())]
            edits += self._at_end(tail, last)
        return _merged(edits)

    def _at_end(self, tail: int, texts: Sequence[str]) -> list[Edit]:
        """Replace all from line ``tail`` on, in a file whose last line has no line end."""
        text = self.env.line_end.join(texts)
        end = len(self.env.text)
        if tail == len(self):
            return [self._edit(end, end, self.env.line_end + text)] if texts else []
        start = self.starts[tail]
        if not texts and tail and start - 1 > self.starts[tail - 1]:
            start -= 1
        return [self._edit(start, end, text)]

    def _edit(self, start: int, end: int, text: str) -> Edit:
        return Edit(self.env.span(start, end), text.encode(self.env.encoding))


def _merged(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The same change with edits that touch each other made one, in the order given."""
    result: list[Edit] = []
    for edit in sorted(edits, key=lambda each: each.span):
        if result and edit.span.start <= result[-1].span.end:
            last = result.pop()
            span = Span(last.span.start, max(edit.span.end, last.span.end))
            result.append(Edit(span, last.replacement + edit.replacement))
        else:
            result.append(edit)
    return tuple(result)
