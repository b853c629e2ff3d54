"""Edits: replace byte spans of one file, and the edits that undo them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from keychange.spans import Span


class Edit(NamedTuple):
    """Replace ``span`` of a file by ``replacement``; an empty span inserts."""

    span: Span
    replacement: bytes


class OverlapError(ValueError):
    """Two edits of one file touch the same bytes."""

    def __init__(self, first: Edit, second: Edit) -> None:
        super().__init__(f"edits overlap: {first.span} and {second.span}")
        self.first = first
        self.second = second


def ordered(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits by position.

    Raises:
        OverlapError: two of them touch the same bytes.
    """
    result = tuple(sorted(edits, key=lambda edit: edit.span))
    for first, second in pairwise(result):
        if first.span.overlaps(second.span):
            raise OverlapError(first, second)
    return result


def apply_edits(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The file after the edits; every byte outside their spans is the same.

    Raises:
        OverlapError: two edits touch the same bytes.
        ValueError: an edit lies beyond the end of the file.
    """
    pieces: list[bytes] = []
    position = 0
    for edit in ordered(edits):
        if edit.span.end > len(data):
            raise ValueError(f"edit beyond the end of the file: {edit.span} of {len(data)}")
        pieces += (data[position : edit.span.start], edit.replacement)
        position = edit.span.end
    pieces.append(data[position:])
    return b"".join(pieces)


def inverse(data: bytes, edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits that turn ``apply_edits(data, edits)`` back into ``data``."""
    shift = 0
    result = []
    for edit in ordered(edits):
        start = edit.span.start + shift
        original = data[edit.span.start : edit.span.end]
        result.append(Edit(Span(start, start + len(edit.replacement)), original))
        shift += len(edit.replacement) - len(original)
    return tuple(result)
