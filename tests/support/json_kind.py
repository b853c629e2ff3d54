"""Run the json kind on bytes: what it would write, and what it puts back."""

import json

from keychange.edits import apply_edits
from keychange.model import Context, Recorded, Source
from keychange.operations import json as kind

PATH = "config.json"


def operation(node, **common):
    return kind.parse(node, {"kind": "json", "targets": (PATH,), **common})


def context(*, expand=lambda value: value, **known):
    return Context(revision="0001_test", expand=expand, **known)


def examine(data, node, known=None, **common):
    return kind.examine(operation(node, **common), Source(PATH, data), known or context())


def up(data, node, known=None, **common):
    """The bytes after the operation; a diagnostic is a failure of the test."""
    finding = examine(data, node, known, **common)
    assert not finding.diagnostics, finding.diagnostics
    return apply_edits(data, finding.edits)


def records(finding):
    """What the ledger remembers: it has been through a file of JSON."""
    return [
        Recorded(
            site.path,
            site.kind,
            site.address,
            site.before,
            site.after,
            json.loads(json.dumps(site.undo)),
        )
        for site in finding.sites
        if site.changes
    ]


def put_back(data, known):
    return kind.revert(known, Source(PATH, data), context())


def down(data, known):
    """The bytes with the records put back; a diagnostic is a failure of the test."""
    finding = put_back(data, known)
    assert not finding.diagnostics, finding.diagnostics
    return apply_edits(data, finding.edits)


def codes(finding):
    return [each.code for each in finding.diagnostics]


def places(finding):
    """Line, column and code of every diagnostic."""
    return [(each.location.line, each.location.column, each.code) for each in finding.diagnostics]
