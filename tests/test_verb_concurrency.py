"""Room of crowds of whole verbs: one writer at a time, and readers that see one state."""

from __future__ import annotations

import random
import subprocess
import time

from keychange.options import Options
from keychange.planning import plan_up
from keychange.project import load_project
from keychange.settings import find_settings
from keychange.workflow import up
from support.faults import at_call, injected, quick_folder
from support.storm import storm
from support.verb_scene import VerbScene
from support.workspace import MIGRATE, migrate, track


def test_many_verbs_at_once(tmp_path):
    """The full number, with programs of their own: tests/soak/verbs.py."""
    with quick_folder(tmp_path) as folder:
        endings = storm(VerbScene(folder), 60, 12, random.Random(5))
    assert min(endings["read"], endings["written"]) >= 5
    assert endings["killed"] >= 1


def amid_an_up(scene, action):
    """Do something when a run of another process has written some of its files and not others."""
    project = load_project(find_settings(scene.root, None, scene.root))
    plan = plan_up(project)
    with injected(at_call("replace", number=2)(action)):
        assert up(project, plan, Options()).done == ("0002_second",)


def test_reader_amid_an_up_names_no_file_of_keychange_and_nothing_to_stage(tmp_path):
    scene = VerbScene(tmp_path)
    scene.reset(scene.states[1])
    track(tmp_path)
    heard = []
    amid_an_up(scene, lambda _: heard.extend(migrate(tmp_path, verb) for verb in ("check", "plan")))
    check, plan = heard
    assert (check.returncode, plan.returncode) == (1, 0)
    assert "error[pending]" in check.stderr
    assert "git add" not in check.stderr
    assert ".keychange" not in plan.stderr


def test_writer_that_waits_plans_what_is_there_when_its_turn_comes(tmp_path):
    scene = VerbScene(tmp_path)
    scene.reset(scene.states[1])
    waiting: list[subprocess.Popen] = []

    def another_waits(_):
        command = [*MIGRATE, "-C", tmp_path, "down", "--yes", "--lock-timeout", "60"]
        waiting.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        time.sleep(1)  # so that it has come to where it waits

    amid_an_up(scene, another_waits)
    said = waiting[0].communicate()[0]
    assert waiting[0].returncode == 0, said
    assert "Taken back: 0002_second" in said
