"""Every folder of `cases/env`: a migration, the file before and after, and what is said.

To add a case, add a folder; `said.txt` holds the sites, then the summary, proof and diagnostics.
"""

import re
from functools import partial
from pathlib import Path

import pytest

from keychange.edits import apply_edits
from keychange.loader import parse_migration
from keychange.model import ABSENT, Context, Source
from keychange.operations import kind
from keychange.templates import Templates
from support.env_kind import records

ENV = kind("env")
CASES = sorted(path for path in (Path(__file__).parent / "cases/env").iterdir() if path.is_dir())


def said(finding):
    for site in finding.sites:
        masked = ["absent" if each is ABSENT else repr(each) for each in (site.before, site.after)]
        secret = " (secret)" if site.secret else ""
        yield f"{site.address}: {site.state}: {' -> '.join(dict.fromkeys(masked))}{secret}"
    yield from finding.summary
    if finding.proof:
        yield finding.proof
    for each in finding.diagnostics:
        assert re.fullmatch(r"(\s*(export\s+)?\w+=)?", each.location.text), "a value never is"
        yield f"{each.location}: {each.severity} {each.code}: {each.message}"


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_case(case):
    migration = parse_migration((case / "migration.yaml").read_bytes(), "migration.yaml")
    templates = Templates.resolve("/project", migration.variables)
    (operation,) = migration.operations
    before = (case / "before/.env").read_bytes()
    known = Context(revision=migration.revision, expand=partial(templates.expand, file=".env"))
    finding = ENV.examine(operation, Source(".env", before), known)
    after = apply_edits(before, finding.edits)
    assert after == (case / "after/.env").read_bytes()
    assert "".join(f"{line}\n" for line in said(finding)) == (case / "said.txt").read_text("utf-8")
    assert ENV.examine(operation, Source(".env", after), known).edits == ()
    if finding.edits:
        back = ENV.revert(records(finding), Source(".env", after), known)
        assert apply_edits(after, back.edits) == before


def test_there_are_cases():
    assert len(CASES) >= 15
