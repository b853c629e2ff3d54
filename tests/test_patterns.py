"""Patterns stand for what glob says they do, and say which files no link leads to."""

import glob
import os
from pathlib import Path

import pytest

from keychange.closest_path import nearest
from keychange.patterns import Expansion

TREE = (
    *("a.py", "b.txt", ".hidden.py", "one/a.py", "one/b.py", "one/two/a.py", "one/two/three/a.py"),
    *(".dot/a.py", "one/.dot/a.py", "x[1]/a.py", "o?e/a.py", "two/one/two/a.py"),
)
PATTERNS = (
    *("*", "*.py", "**", "**/*.py", "one/**", "one/**/*.py", "one/*/a.py", "*/*/a.py", "**/a.py"),
    *("**/two/**/a.py", "**/two/a.py", "one/a.py", "one/none.py", "*/none", "[ot]*/a.py", "**/**"),
    *("one/[ab].py", "one/[!a].py", "x[[]1]/a.py", "one/**/two/*", "o?e/*.py", "**/.*", "one/*/"),
)


@pytest.fixture
def root(tmp_path):
    for path in TREE:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    (tmp_path / "link.py").symlink_to("a.py")
    (tmp_path / "broken.py").symlink_to("nowhere")
    (tmp_path / "linked").symlink_to("one")
    (tmp_path / "round").mkdir()
    (tmp_path / "round" / "back").symlink_to("..")
    os.mkfifo(tmp_path / "pipe.py")
    return tmp_path


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_stands_for_what_glob_finds(root, pattern):
    found = glob.glob(pattern, root_dir=root, recursive=True, include_hidden=True)  # noqa: PTH207
    meant = {each for each in found if not (root / each).is_dir()}
    if "**" in pattern:  # it stands for no way round and round, which glob goes forty times
        meant = {each for each in meant if "round/back" not in each}
    found = Expansion(str(root), pattern).found
    assert {each for each in found if not (root / each).is_dir()} == meant


def test_links_that_lead_to_each_other_come_to_an_end(tmp_path):
    """Two that lead back are as many ways as there are numbers of forty bits; glob goes them all.

    So do packages that hold links to each other, as some package managers place them.
    """
    for name in map(str, range(12)):
        (tmp_path / "store" / name).mkdir(parents=True)
        (tmp_path / "store" / name / "config.json").write_bytes(b"{}")
        for other in map(str, range(12)):
            (tmp_path / "store" / name / f"to-{other}").symlink_to(f"../{other}")
        for way in ("up", "back"):
            (tmp_path / "store" / name / way).symlink_to("../..")
    (tmp_path / "first").symlink_to("store/7")
    assert nearest(tmp_path, ["**/confg.json"]) == {"**/confg.json": "**/config.json"}
    found = Expansion(str(tmp_path), "**/*.json").found
    assert {f"store/{name}/config.json" for name in range(12)} <= set(found)
    assert "first/config.json" in found
    assert len(found) < 40
    assert {os.path.realpath(tmp_path / each) for each in found} == {
        str(tmp_path / "store" / str(name) / "config.json") for name in range(12)
    }


def test_a_plain_file_is_one_that_no_link_leads_to(root):
    found = Expansion(str(root), "**/*.py").found
    assert {each for each in found if found[each]} == {each for each in TREE if each[-3:] == ".py"}
    for path, is_plain in found.items():
        real = Path(os.path.realpath(root / path))
        assert not is_plain or (real == root.resolve() / path and real.is_file())
