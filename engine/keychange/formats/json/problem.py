"""Why a document is refused, and where."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """Why a document is refused; ``start`` to ``end`` are byte offsets.

    ``other`` is the offset of the second place that matters: where the name was first used.
    """

    start: int
    end: int
    reason: str
    code: str = "invalid-json"
    hint: str = ""
    other: int = -1


class InvalidJsonError(ValueError):
    """The bytes are no JSON document that keychange edits."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem
