"""The documents: what is made is fresh, every command was run, every link leads somewhere.

`make docs` makes them anew.
"""

import ast
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import keychange
from keychange.loader import parse_migration
from readme import documents, picture
from readme.program import anchor
from support import recorder
from support.stage import Stage

PAGES = [
    *(documents.ROOT / name for name in ("README.md", "CHANGELOG.md", "schemas/README.md")),
    *(documents.ROOT / name for name in ("assets/LICENSES.md", "assets/sample/README.md")),
    documents.ROOT / "engine/keychange/explanations/README.md",
]


@pytest.fixture(scope="module", autouse=True)
def _warm():
    recorder.warm()


@pytest.mark.parametrize("file", documents.MADE, ids=lambda file: file.parent.name)
def test_what_is_made_is_fresh_and_every_command_prints_what_is_said(file):
    assert file.read_text() == documents.MADE[file](), "make docs"


def test_every_migration_that_is_shown_is_valid():
    text = documents.README.read_text()
    shown = re.findall(r"^```yaml.*?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    migrations = [each for each in shown if "\noperations:" in each]
    assert len(migrations) > 2
    for each in migrations:
        assert parse_migration(each.encode(), "README.md").operations


def test_every_file_of_the_tutorial_is_named_for_the_reader_too():
    """A page shows of a block only its language."""
    text = documents.README.read_text()
    for found in re.finditer(r"^(.*)\n(.*)\n\n```\w+ (\S+)$", text, re.MULTILINE):
        assert f"`{found[3]}`" in found[1] + found[2]


def prose(text):
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text):
    return {anchor(title) for title in re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page):
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        if re.match(r"https?://", target):
            continue
        name, _, heading = target.partition("#")
        file = (page.parent / name) if name else page
        assert file.exists(), target
        assert not heading or heading in anchors(file.read_text()), target


def variables():
    """Every variable of the environment that the program itself reads by a constant name."""
    package = Path(keychange.__file__).parent
    for path in package.rglob("*.py"):
        if path.name in ("worker.py", "downloader.py", "runtime_facts.py", "recogniser.py"):
            continue  # they run in the target's interpreter
        for node in ast.walk(ast.parse(path.read_bytes())):
            asked = isinstance(node, ast.Call) and ast.unparse(node.func) == "os.environ.get"
            said = isinstance(node, ast.keyword) and node.arg == "envvar"
            value = node.args[0] if asked else node.value if said else None
            if isinstance(value, ast.Constant):
                yield value.value


def test_every_variable_that_is_read_is_described():
    text = documents.README.read_text()
    found = set(variables())
    assert "NO_COLOR" in found
    assert [name for name in sorted(found) if name not in text] == []


def test_the_picture_is_a_drawing_of_what_the_program_says_now(tmp_path):
    drawn = picture.FILE.read_text()
    assert len(drawn) < 60_000
    ET.fromstring(drawn)
    assert "canary" not in drawn
    now = Stage(tmp_path).play(picture.DECLINED, coloured=True, settle=False)
    asked = now[: now.index("[y/N]")]
    assert picture.text_of(drawn).startswith(picture.text_of(picture.svg(asked)).rstrip()), (
        "make docs"
    )


def test_nothing_names_the_machine_it_was_made_on():
    for page in PAGES:
        assert not re.search(r"/(root|tmp/kc-|work)/", page.read_text()), page
