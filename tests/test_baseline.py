"""The baseline: the model in use is probed before it is replaced, and remembered."""

import json
import shutil
import sys

import pytest

from keychange import baseline
from keychange.options import Options
from keychange.outcome import CheckOutcome
from keychange.planning import plan_up
from keychange.probing.checkpoint import make_checkpoint
from keychange.project import load_project
from keychange.settings import find_settings
from support.probe import FAST, VOICE
from support.workspace import changed, files, migrate

OLD, NEW = "org/Old-TTS-8bit", "org/New-TTS-8bit"
MIGRATION = f"""\
format: 1
id: 0001_voice
title: Another voice
operations:
  - env: .env
    set: {{MODEL: {{from: {OLD}, to: {NEW}}}}}
verify:
  - probe: mlx_speech
    model: {NEW}
    python: {sys.executable}
    ref_audio: voice/ref.wav
    ref_text: voice/ref.txt
"""


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "project"
    (root / "migrations").mkdir(parents=True)
    (root / "migrations" / "0001_voice.yaml").write_text(MIGRATION)
    shutil.copytree(VOICE, root / "voice")
    (root / ".env").write_text(f"MODEL={OLD}\n")
    return root


def up(root):
    environment = {**FAST, "HF_HUB_CACHE": str(root.parent / "hub")}
    words = ["up", "--yes", "--allow-cpu", "--baseline", "--format", "json"]
    done = migrate(root, *words, environment=environment)
    return done.returncode, json.loads(done.stdout)


def test_a_broken_old_model_is_recorded_beside_a_new_one_that_works(root):
    make_checkpoint(root.parent / "hub", OLD, audio="silent")
    make_checkpoint(root.parent / "hub", NEW)
    code, said = up(root)
    assert (code, said["ending"], said["verdict"]) == (0, "applied", "pass"), said["diagnostics"]
    before = said["baselines"]["0001_voice"]
    assert (before["name"], before["verdict"]) == ("baseline", "fail")
    assert before["report"]["code"] == "probe-silent"
    (entry,) = json.loads((root / ".keychange" / "ledger.json").read_text())["entries"]
    assert entry["evidence"]["baseline"]["report"]["model"] == OLD
    assert len(list((root / ".keychange" / "reports").glob("*-0001_voice-baseline"))) == 1


def test_where_both_fail_it_was_already_broken(root):
    make_checkpoint(root.parent / "hub", OLD, eos="instant")
    make_checkpoint(root.parent / "hub", NEW, audio="silent")
    before = files(root)
    code, said = up(root)
    assert (code, said["ending"], said["verdict"]) == (3, "rolled-back", "fail")
    codes = {each["severity"]: each["code"] for each in said["diagnostics"]}
    assert codes == {"error": "probe-silent", "note": "already-broken"}
    assert changed(before, files(root)) == set()


def test_without_the_old_model_there_is_no_baseline(root):
    project = load_project(find_settings(root, None, root))
    (step,) = plan_up(project).steps
    assert step.migration is not None
    options = Options(environment={"HF_HUB_CACHE": str(root.parent / "hub")})
    found = baseline.measure(root, step.migration, step, project.templates["0001_voice"], options)
    assert not isinstance(found, CheckOutcome)
    assert found.code == "no-baseline"
    assert OLD in found.message
