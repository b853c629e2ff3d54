"""Every folder of `cases/json`: a migration, the files before and after, and what is said.

To add a case, add a folder; `said.txt` is compared, and its first line is the summary's.
"""

from functools import partial
from pathlib import Path

import pytest

from keychange.edits import apply_edits
from keychange.loader import parse_migration
from keychange.model import Context, Source
from keychange.operations import json as kind
from keychange.resources import bundled_schema
from keychange.templates import Templates
from support.json_kind import records

CASES = sorted(path for path in (Path(__file__).parent / "cases/json").iterdir() if path.is_dir())


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def said(finding):
    yield from finding.summary
    if finding.proof:
        yield finding.proof
    for each in finding.diagnostics:
        yield f"{each.location}: {each.severity} {each.code}: {each.message}"


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_case(case):
    migration = parse_migration((case / "migration.yaml").read_bytes(), "migration.yaml")
    templates = Templates.resolve("/project", migration.variables)
    (operation,) = migration.operations
    ((path, before),) = files(case / "before").items()
    known = Context(
        revision=migration.revision,
        expand=partial(templates.expand, file=path),
        schema=bundled_schema,
    )
    finding = kind.examine(operation, Source(path, before), known)
    after = apply_edits(before, finding.edits)
    assert {path: after} == files(case / "after")
    assert "".join(f"{line}\n" for line in said(finding)) == (case / "said.txt").read_text("utf-8")
    back = kind.revert(records(finding), Source(path, after), known)
    assert apply_edits(after, back.edits) == (before if finding.edits else after)


def test_there_are_cases():
    assert len(CASES) >= 10
