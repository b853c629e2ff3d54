"""Work over the processors: the same answer, whatever becomes of the helpers."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from keychange.spreading import SHARE, _shares

ENGINE = Path(__file__).parents[1] / "engine"
SEVERAL = 3 if sys.platform == "linux" else 1

PRELUDE = """
import os, signal, sys
from keychange.spreading import SHARE, spread
HERE = os.getpid()
def helper(): return os.getpid() != HERE
def none_left():
    try: os.waitpid(-1, os.WNOHANG)
    except ChildProcessError: return True
"""


def run(code):
    """A process of its own: the tests' own has threads, and then nothing is spread."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code)],
        env={"PYTHONPATH": str(ENGINE), "PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr[-300:]


def test_results_keep_their_order_and_come_from_several_processes():
    code = """
    found = spread(lambda job: (job * 2, os.getpid()), list(range(10)), [SHARE] * 10, most=3)
    print([each for each, _ in found], len({pid for _, pid in found}), none_left())
    """
    assert run(code) == f"{[each * 2 for each in range(10)]} {SEVERAL} True\n"


@pytest.mark.parametrize(
    ("jobs", "size", "most"), [(10, 2 * SHARE - 1, 8), (1, 9 * SHARE, 8), (10, 9 * SHARE, 1)]
)
def test_little_work_stays_in_one_process(jobs, size, most):
    sizes = [size, *[0] * (jobs - 1)]
    code = f"print(len(set(spread(lambda job: os.getpid(), range({jobs}), {sizes}, most={most}))))"
    assert run(code) == "1\n"


def test_shares_are_about_equal():
    sizes = [7 * SHARE, *[SHARE] * 5, 2 * SHARE, 0]
    assert _shares(sizes, 2) == [[0, 7], [6, 1, 2, 3, 4, 5]]
    assert sorted(map(len, _shares([1] * 10, 3))) == [3, 3, 4]


def test_a_process_with_threads_is_not_copied():
    code = """
    import threading
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    print(len(set(spread(lambda job: os.getpid(), range(9), [9 * SHARE] * 9, most=3))))
    stop.set()
    """
    assert run(code) == "1\n"


@pytest.mark.parametrize(
    "end",
    ["os._exit(0)", "os._exit(7)", "os.kill(os.getpid(), signal.SIGSEGV)", "raise ValueError"],
)
def test_the_jobs_of_a_helper_that_dies_are_done_here(end):
    code = f"""
    def work(job):
        if helper() and job == 5: {end}
        return job
    print(spread(work, range(8), [9 * SHARE] * 8, most=2), none_left())
    """
    assert run(code) == f"{list(range(8))} True\n"


@pytest.mark.parametrize("job", [4, 5])
def test_an_error_is_raised_once_and_leaves_nothing_running(job):
    code = f"""
    def work(job):
        if job == {job}: raise LookupError(job)
        return job
    try: spread(work, range(8), [9 * SHARE] * 8, most=2)
    except LookupError as problem: print(problem, none_left())
    """
    assert run(code) == f"{job} True\n"


def test_an_interrupt_ends_the_helpers_in_silence():
    code = """
    import time
    signal.signal(signal.SIGINT, signal.default_int_handler)
    def work(job):
        if helper(): time.sleep(60)
        signal.raise_signal(signal.SIGINT)
    try: spread(work, range(8), [9 * SHARE] * 8, most=4)
    except KeyboardInterrupt: print("interrupted", none_left())
    """
    assert run(code) == "interrupted True\n"


def test_a_plan_is_the_same_on_one_processor_and_on_all(tmp_path):
    filler = "value = [1, 2, 3]\n" * (SHARE // 18)
    migration = {
        "format": 1,
        "id": "0001_many",
        "title": "many files",
        "operations": [{"python": "*.py", "strings": [{"from": "old", "to": "new"}]}],
    }
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001_many.yaml").write_text(json.dumps(migration))
    for name, code in {"a": 'X = "old"\n', "b": 'if x == "old": y = "o" "ld"\n'}.items():
        (tmp_path / f"{name}.py").write_text(filler + code)
    (tmp_path / "c.py").write_text("X = 'old'\nY = (\n")
    (tmp_path / "d.py").write_text("X = 'old' \\\n  'er'\n")
    command = f"""
    import keychange.spreading
    from keychange.cli import main
    sys.argv = ["migrate", "-C", {str(tmp_path)!r}, "--format", "json", "plan"]
    """
    alone = run(f"{command}keychange.spreading.SHARE = 10 ** 12\n    main()")
    document = json.loads(alone)
    assert run(f"{command}main()") == alone
    assert "invalid-python" in alone
    assert document["exit_code"] == 1
