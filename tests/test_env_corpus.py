"""The corpus command, on the small files of this repository."""

import importlib.util
from pathlib import Path

TESTS = Path(__file__).parent


def test_the_laws_hold_on_the_sample_and_on_the_cases(capsys):
    spec = importlib.util.spec_from_file_location("env_files", TESTS / "corpus/env_files.py")
    command = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(command)
    folders = [str(path) for path in sorted((TESTS / "cases/env").glob("*/before"))]
    assert command.main([*folders, "--rounds", "2"]) == 0
    assert "0  broken laws" in capsys.readouterr().out
