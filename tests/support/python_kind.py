"""Run the python kind over one file in a line."""

from __future__ import annotations

from keychange.edits import apply_edits
from keychange.model import Context, Finding, Recorded, Source
from keychange.operations import python as kind

PATH = "app.py"


def context(**known) -> Context:
    """What the planner would hand over."""
    return Context(revision="0001_test", expand=lambda value: value, **known)


def examine(code: bytes | str, *strings: dict, targets=(PATH,), path=PATH, known=None, **common):
    """What the kind finds in a file."""
    data = code.encode() if isinstance(code, str) else code
    operation = kind.parse(
        {"strings": list(strings)}, {"kind": "python", "targets": targets, **common}
    )
    return kind.examine(operation, Source(path, data), known or context())


def edited(code: bytes | str, *strings: dict, **more):
    """The file after the operation; what it was given, bytes or text."""
    data = code.encode() if isinstance(code, str) else code
    finding = examine(data, *strings, **more)
    assert not [each for each in finding.diagnostics if each.is_error]
    result = apply_edits(data, finding.edits)
    return result.decode() if isinstance(code, str) else result


def records(finding: Finding) -> list[Recorded]:
    """What the ledger would keep."""
    return [
        Recorded(each.path, each.kind, each.address, each.before, each.after, each.undo)
        for each in finding.sites
        if each.changes
    ]


def reverted(code: bytes, known: list[Recorded]) -> bytes:
    """The file after the way back."""
    finding = kind.revert(known, Source(PATH, code), context())
    assert not [each for each in finding.diagnostics if each.is_error]
    return apply_edits(code, finding.edits)


def codes(finding: Finding) -> list[str]:
    """The diagnostics, as severity and code."""
    return [f"{each.severity} {each.code}" for each in finding.diagnostics]


def states(finding: Finding) -> dict[str, str]:
    """The sites, as address and state."""
    return {each.address: str(each.state) for each in finding.sites}
