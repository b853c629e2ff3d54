"""The doctor: requirements of the next migration and the machine, each with its answer and fix."""

import json
import stat

import pytest

from keychange.probing.checkpoint import make_checkpoint
from support.runtime_facts import HEALTHY
from support.workspace import changed, files, migrate, track

MODEL = "org/Model-1.7B-8bit"
MIGRATION = """\
format: 1
id: 0001_voice
title: A voice
require:
  - path: voice.txt
  - {runtime: mlx, python: tools/python, device: gpu}
  - {model: org/Model-1.7B-8bit, fetch: true}
operations:
  - env: .env
    missing: create
    set: {MODEL: {to: org/Model-1.7B-8bit}}
verify:
  - run: [./tools/talk]
  - run: [./tools/film]
    only: request
"""


def executable(path, script):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "project"
    (root / "migrations").mkdir(parents=True)
    (root / "migrations" / "0001_voice.yaml").write_text(MIGRATION)
    (root / "voice.txt").write_text("hello\n")
    executable(root / "tools" / "python", f"echo 'keychange-facts {json.dumps(HEALTHY)}'")
    executable(root / "tools" / "talk", "true")
    make_checkpoint(tmp_path / "hf" / "hub", MODEL)
    track(root)
    return root


def doctor(root, *arguments, **environment):
    given = {"HF_HOME": str(root.parent / "hf"), "HF_HUB_OFFLINE": "", "TRANSFORMERS_OFFLINE": ""}
    before = files(root)
    done = migrate(root, "doctor", *arguments, environment={**given, **environment})
    assert changed(before, files(root)) == set()
    assert "Traceback" not in done.stderr
    return done


def examined(root, **environment):
    done = doctor(root, "--format", "json", **environment)
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode
    rows = [*document["requirements"], *document["runtime"], *document["machine"]]
    return document, {each["name"]: each for each in rows}


def test_all_is_well(root):
    document, rows = examined(root)
    assert document["exit_code"] == 0, document["diagnostics"]
    assert (document["revision"], document["pending"]) == ("0001_voice", True)
    assert document["diagnostics"] == []
    assert {name for name, each in rows.items() if each["answer"] == "fail"} == set()
    for name in ("path voice.txt", "runtime mlx", f"model {MODEL}", "program ./tools/talk"):
        assert rows[name]["answer"] == "pass"
    for name, version in {**HEALTHY["versions"], "python": "3.12.1"}.items():
        assert rows[name]["value"] == version
    assert rows["device"]["value"] == "Device(gpu, 0)"
    assert "from HF_HOME" in rows["hub cache"]["value"]
    assert rows["git"]["value"].startswith("git version")
    assert rows["program ./tools/film"]["answer"] == "unknown"  # it runs on request only
    assert rows["memory"]["value"].endswith("GB")


def test_what_is_wrong_has_its_code_and_its_fix(root):
    (root / "voice.txt").unlink()
    executable(
        root / "tools" / "python", f"echo 'keychange-facts {json.dumps(HEALTHY | {'mlx': False})}'"
    )
    (root / "tools" / "talk").unlink()
    document, rows = examined(root)
    assert document["exit_code"] == 1
    codes = [each["code"] for each in document["diagnostics"]]
    assert codes == ["path-missing", "mlx-missing", "command-not-found"]
    assert all(each["hint"] for each in document["diagnostics"])
    assert rows["path voice.txt"]["answer"] == "fail"
    done = doctor(root)
    assert done.returncode == 1
    assert "FAIL" in done.stdout
    assert "3 problems" in done.stdout


def test_a_model_that_up_would_fetch_is_unknown_and_offline_it_is_a_failure(root, tmp_path):
    elsewhere = str(tmp_path / "empty")
    document, rows = examined(root, HF_HOME=elsewhere)
    assert rows[f"model {MODEL}"]["answer"] == "unknown"
    assert rows[f"model {MODEL}"]["command"] == f"migrate model fetch {MODEL}"
    assert document["exit_code"] == 0
    document, rows = examined(root, HF_HOME=elsewhere, HF_HUB_OFFLINE="1")
    assert (rows[f"model {MODEL}"]["answer"], document["exit_code"]) == ("fail", 1)
    assert "HF_HUB_OFFLINE" in rows["hub cache"]["value"]


def test_a_cpu_has_to_be_allowed(root):
    said = json.dumps({**HEALTHY, "device": "Device(cpu, 0)"})
    executable(root / "tools" / "python", f"echo 'keychange-facts {said}'")
    assert "probe-cpu-only" in doctor(root).stdout
    assert doctor(root, "--allow-cpu").returncode == 0


def test_where_nothing_is_pending_the_last_migration_is_examined(root):
    assert migrate(root, "up", "--yes", "--no-verify").returncode == 0
    document, _ = examined(root)
    assert (document["revision"], document["pending"]) == ("0001_voice", False)
    assert "none is pending" in doctor(root).stdout


def test_other_formats_hold_the_failures_only(root):
    assert doctor(root, "--format", "github").stdout == ""
    (root / "voice.txt").unlink()
    assert doctor(root, "--format", "github").stdout.startswith("::error title=path-missing")
