"""Files as they come: the sample's, the schemas, and ours, through the corpus command."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("json_files", ROOT / "tests/corpus/json_files.py")
corpus = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(corpus)


@pytest.mark.parametrize("folder", ["assets/sample", "schemas", "tests/cases/json"])
def test_real_files_are_edited_and_put_back(folder):
    count = Counter()
    for path in corpus.files_in([ROOT / folder]):
        assert list(corpus.look_at(path, 4, 1, count)) == []
    assert count["sites"] > 10


def test_the_command_notices_a_wrong_edit(monkeypatch, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": 1, "b": [1, 2], "c": {"d": null}}')
    right = corpus.apply_edits
    monkeypatch.setattr(corpus, "apply_edits", lambda data, edits: right(data, edits) + b" ")
    assert list(corpus.look_at(path, 5, 1, Counter())) != []
