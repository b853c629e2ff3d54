"""Room of the lock: one writer at a time, named to the others, gone with its process."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time

import pytest

from keychange.errors import KeychangeError, RefusedError
from keychange.transaction import reading
from keychange.transaction.commit import commit
from keychange.transaction.lock import Owner, lock, owner, require_lock
from keychange.transaction.preflight import FileWrite
from keychange.transaction.reading import read_steadily
from keychange.transaction.recovery import recover
from support.faults import in_child, leftovers, run, start_child, was_killed


def refusal(root, **options) -> str:
    with pytest.raises(RefusedError) as caught, lock(root, **options):
        pass
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "locked"
    assert "--lock-timeout" in diagnostic.hint
    return diagnostic.message


@contextlib.contextmanager
def held_elsewhere(root, *, command="migrate up"):
    """Another process that holds the lock until the block ends, or until it is killed."""
    reader, writer = os.pipe()

    def hold():
        with lock(root, command=command):
            os.write(writer, b"x")
            signal.pause()

    pid = start_child(hold)
    os.read(reader, 1)
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reader)
        os.close(writer)


def test_held_only_within_the_block(tmp_path):
    def unheld():
        with pytest.raises(RuntimeError):
            require_lock(tmp_path)

    unheld()
    with lock(tmp_path):
        require_lock(tmp_path)
        assert in_child(unheld) == 0
    unheld()


def test_second_in_one_process_is_refused(tmp_path):
    with lock(tmp_path):
        refusal(tmp_path)


def test_refusal_names_the_owner(tmp_path):
    assert owner(tmp_path) is None
    with held_elsewhere(tmp_path, command="migrate down") as pid:
        assert owner(tmp_path).pid == pid
        message = refusal(tmp_path)
        assert f"process {pid} on {socket.gethostname()}" in message
        assert "migrate down" in message


def test_timeout_waits_for_the_owner(tmp_path):
    with held_elsewhere(tmp_path) as pid:
        refusal(tmp_path, timeout_seconds=0.2)
        killer = start_child(lambda: (time.sleep(0.2), os.kill(pid, signal.SIGKILL)))
        with lock(tmp_path, timeout_seconds=30):
            pass
        os.waitpid(killer, 0)


def test_who_waits_long_asks_rarely_and_never_beyond_its_time(tmp_path, monkeypatch):
    """A minute by a clock that stands still but for the pauses."""
    pauses = []
    monkeypatch.setattr(time, "monotonic", lambda: sum(pauses))
    monkeypatch.setattr(time, "sleep", pauses.append)
    with held_elsewhere(tmp_path):
        refusal(tmp_path, timeout_seconds=60)
    assert sum(pauses) == pytest.approx(60)
    assert max(pauses) <= 0.5
    assert len(pauses) < 200  # not 1,200: with two hundred that wait, that is a whole processor


def test_dies_with_its_process(tmp_path):
    with held_elsewhere(tmp_path) as pid:
        os.kill(pid, signal.SIGKILL)
        with lock(tmp_path, timeout_seconds=30):
            pass
    assert owner(tmp_path) is None


def test_programs_that_the_owner_started_do_not_keep_it(tmp_path):
    reader, writer = os.pipe()

    def hold():
        with lock(tmp_path):
            sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            os.write(writer, b"%d\n" % sleeper.pid)
            os.kill(os.getpid(), signal.SIGKILL)

    assert was_killed(in_child(hold))
    sleeper = int(os.read(reader, 20))
    try:
        with lock(tmp_path):
            pass
    finally:
        os.kill(sleeper, signal.SIGKILL)


def test_reused_process_number_locks_nobody_out(tmp_path):
    """The record names a process that lives; the lock was another's, of the same number."""
    with lock(tmp_path):
        pass
    impostor = Owner(os.getpid(), socket.gethostname(), "2020-01-01T00:00:00+00:00", "migrate up")
    record = {"format": 1, **{name: getattr(impostor, name) for name in impostor.__slots__}}
    (tmp_path / ".keychange/lock").write_text(json.dumps(record))
    with lock(tmp_path):
        pass


def test_record_of_an_ended_process_is_not_shown_as_the_owner(tmp_path):
    with held_elsewhere(tmp_path):
        file = tmp_path / ".keychange/lock"
        record = json.loads(file.read_bytes())
        record |= {"pid": os.getpid(), "process_start": "1", "command": "migrate stamp"}
        file.write_text(json.dumps(record))
        assert "migrate stamp" not in refusal(tmp_path)
        assert owner(tmp_path) is None
        file.write_bytes(b'{"pid": 1')
        assert refusal(tmp_path).startswith("another process")


@pytest.mark.parametrize("is_made_again", [False, True])
def test_commit_under_a_removed_lock_is_refused(tmp_path, is_made_again):
    file = tmp_path / ".keychange/lock"
    with lock(tmp_path):
        file.rename(file.with_name("elsewhere"))
        if is_made_again:
            file.touch()
        with pytest.raises(RefusedError) as caught:
            commit(tmp_path, [FileWrite("a", None, b"1")])
    assert caught.value.diagnostics[0].code == "lock-lost"
    assert not (tmp_path / "a").exists()


def test_two_hundred_starts(tmp_path):
    """Writers count up in all files at once, some are killed; readers must see one number."""
    names = [f"f{number}" for number in range(5)]
    zero = b"%06d" % 0
    run(tmp_path, [FileWrite(name, None, zero) for name in names])

    def numbers(instead) -> set[int]:
        return {int(instead.get(n) or (tmp_path / n).read_bytes()) for n in names}

    def write(number: int) -> None:
        random.seed(number)
        if number % 5 == 0:
            signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.001, 0.05))
        with lock(tmp_path, timeout_seconds=60):
            recover(tmp_path)
            now = (tmp_path / names[0]).read_bytes()
            after = b"%06d" % (int(now) + 1)
            commit(tmp_path, [FileWrite(name, now, after) for name in names])

    def read(_: int) -> None:
        assert len(read_steadily(tmp_path, numbers)) == 1

    running: dict[int, bool] = {}
    ends: list[tuple[bool, int]] = []

    def reap() -> None:
        pid, status = os.wait()
        ends.append((running.pop(pid), status))

    for number in range(200):
        is_writer = number % 2 == 0
        action = write if is_writer else read
        running[start_child(lambda: action(number))] = is_writer  # noqa: B023 - forked at once
        while len(running) >= 12:
            reap()
    while running:
        reap()
    assert all(status == 0 or (is_writer and was_killed(status)) for is_writer, status in ends)
    with lock(tmp_path):
        recover(tmp_path)
    (count,) = numbers({})
    done = sum(status == 0 for is_writer, status in ends if is_writer)
    killed = sum(was_killed(status) for is_writer, status in ends if is_writer)
    assert done <= count <= done + killed
    assert leftovers(tmp_path) == []


def test_busy_project_is_refused_and_never_misread(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_ATTEMPTS", 5)
    run(tmp_path, [FileWrite("a", None, b"0")])

    def read(_):
        now = (tmp_path / "a").read_bytes()
        run(tmp_path, [FileWrite("a", now, now + b"1")])

    with pytest.raises(KeychangeError) as caught:
        read_steadily(tmp_path, read)
    assert caught.value.diagnostics[0].code == "busy"
