"""Room of bad days of whole verbs: every call that writes of an `up` and a `down` is the last one,
or fails; after the next command the project is old or new, and the words say which."""

from __future__ import annotations

import pytest

from keychange.transaction.stages import pending_recovery
from support.faults import ERRORS, KILLS, leftovers, quick_folder
from support.verb_scene import VerbScene, snapshot
from support.verbs import Forks, Replay, migrate_here

READERS = (("plan",), ("status",), ("check",), ("history",), ("plan", "--format", "json"))
WRITERS = (("recover",), ("up", "--yes"), ("down", "--yes"), ("verify",))
NEXT = (*READERS, *WRITERS)
COURSES = {
    "up": ("up", "--yes"),
    "down": ("down", "--to", "base", "--yes"),
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with quick_folder(tmp_path_factory.mktemp("scene")) as folder:
        yield VerbScene(folder)


def course(scene, direction):
    """The states that a verb goes through, the first of them set up."""
    states = scene.states
    if direction == "down":
        states = (states[2], states[1], scene.taken_back)
    scene.reset(states[0])
    return states


def calls_of(verb, scene, states):
    undisturbed = verb.run()
    assert undisturbed.code == 0
    assert snapshot(scene.root) == states[-1]
    scene.reset(states[0])
    return undisturbed.calls


def test_scene_is_large_enough(scene):
    old, _, new = scene.states
    assert sum(old.get(path) != new.get(path) for path in old | new) >= 55


@pytest.mark.parametrize("direction", COURSES)
@pytest.mark.parametrize("kill", KILLS)
def test_killed_at_every_call(scene, direction, kill):
    states = course(scene, direction)
    said = set()
    with Forks(scene.root, *COURSES[direction]) as forks:
        calls = calls_of(forks, scene, states)
        for at, call in enumerate(calls):
            if kill == "killed-halfway" and not call.startswith("write"):
                continue
            scene.reset(states[0])
            assert forks.run(at, kill).status == 9, call
            said |= next_command(scene, states, NEXT[at % len(NEXT)], call)
    assert {"rolled back", "completed", ""} <= said or kill == "killed-halfway"


def next_command(scene, states, arguments, call):
    """Any next command leaves one of the states, says what it did, and then what is so."""
    was_pending = pending_recovery(scene.root)
    done = migrate_here(scene.root, *arguments)
    state = snapshot(scene.root)
    assert state in scene.allowed, (call, arguments)
    assert leftovers(scene.root) == [], (call, arguments)
    assert not pending_recovery(scene.root)
    words = done.out + done.err
    said = {each for each in ("rolled back", "completed") if f"was {each}" in words} or {""}
    assert was_pending == (said != {""}), (call, arguments, words)
    if arguments in READERS:
        out, code = scene.undisturbed(state, *arguments)
        assert done.code == code, (call, arguments, words)
        if "json" not in arguments:
            assert done.out == out, (call, arguments)
    elif arguments[0] == "up":
        assert (done.code, state) == (0, scene.states[2]), (call, words)
    else:
        assert done.code == 0, (call, arguments, words)
    return said


@pytest.mark.parametrize("direction", COURSES)
@pytest.mark.parametrize("fault", ERRORS)
def test_error_at_every_call(scene, direction, fault):
    states = course(scene, direction)
    replay = Replay(scene.root, *COURSES[direction])
    codes = set()
    for at, call in enumerate(calls_of(replay, scene, states)):
        scene.reset(states[0])
        done = replay.run(at, fault)
        words = done.out + done.err
        assert done.code in (0, 1, 3), (call, words)
        assert "internal-error" not in words, (call, words)
        if pending_recovery(scene.root):
            assert done.code == 0, (call, words)
            assert migrate_here(scene.root, "status").code == 0
        state = snapshot(scene.root)
        assert leftovers(scene.root) == [], call
        assert state in states, (call, words)
        assert (done.code == 0) == (state == states[-1]), (call, words)
        codes.add(done.code)
    assert codes == {0, 1, 3}
