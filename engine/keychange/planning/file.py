"""File: one file while a step is being planned, and the files of all steps so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keychange.edits import Edit, apply_edits
from keychange.model import FileChange, Finding


@dataclass(slots=True, eq=False, repr=False)
class FileDraft:
    """One file while its step is being planned: the bytes so far, and what was done to them."""

    path: str
    before: bytes | None
    data: bytes | None
    passes: list[tuple[Edit, ...]] = field(default_factory=list)
    proofs: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)

    def take(self, finding: Finding) -> None:
        """Go on with the bytes as the edits of a finding leave them."""
        if finding.edits:
            self.data = apply_edits(self.data or b"", finding.edits)
            self.passes.append(finding.edits)
            if finding.proof:
                self.proofs.append(finding.proof)
            self.summary.extend(finding.summary)

    def change(self) -> FileChange:
        """All that was done to it."""
        return FileChange(
            path=self.path,
            before=self.before,
            after=self.data,
            passes=tuple(self.passes),
            proofs=tuple(self.proofs),
            summary=tuple(self.summary),
        )


class Drafts:
    """The files as the steps planned so far leave them, and those of the step at hand."""

    def __init__(self, files: Mapping[str, bytes | None]) -> None:
        self._files = dict(files)
        self._at_hand: dict[str, FileDraft] = {}

    def of(self, path: str) -> FileDraft:
        """The draft of a file in the step at hand."""
        data = self._files.get(path)
        return self._at_hand.setdefault(path, FileDraft(path, data, data))

    def end_step(self) -> tuple[FileChange, ...]:
        """What the step at hand does to its files; the next one begins with that."""
        drafts, self._at_hand = self._at_hand, {}
        self._files.update({path: draft.data for path, draft in drafts.items()})
        return tuple(draft.change() for draft in drafts.values())
