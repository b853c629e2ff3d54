"""Commands of the target project as checks: environment, signals, limits, nothing left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from keychange.errors import UsageProblem
from keychange.model import ABSENT, Check
from keychange.probing.verdict import Verdict
from keychange.templates import TemplateError, Templates
from keychange.verification.commands import (
    command_environment,
    commands_of,
    run_command,
)
from keychange.verification.signals import holds

MODEL_TYPE = "You are using a model of type `qwen3_tts` to instantiate a model of type ``."
ENVIRONMENT = {"PATH": os.defpath}


def run(root, program, *arguments, on_line=None, environment=ENVIRONMENT, **options):
    """Run a Python program as a check and return its result."""
    argv = [sys.executable, "-c", program, *arguments]
    check = Check("run", {"run": argv, **options}, "/verify/0")
    (command,) = commands_of(check, root, Templates(str(root), {"model": "org/model-8bit"}))
    return run_command(command, root, environment, on_line)


def test_a_command_that_shows_its_signals_passes(tmp_path):
    program = "import sys; print('Model:  org/model-8bit'); print('ready (mlx)', file=sys.stderr)"
    result = run(tmp_path, program, expect=[r"/Model:\s+${model}$/", "ready (mlx)"])
    assert (result.verdict, result.code, result.status) == (Verdict.PASS, "", 0)


def test_a_missing_signal_fails_although_the_status_is_0(tmp_path):
    result = run(tmp_path, "print('something else')", expect=["Voice backend prepared"])
    assert (result.verdict, result.code) == (Verdict.FAIL, "signal-missing")
    assert "Voice backend prepared" in result.message
    assert result.tail == ("something else",)


def test_an_unwanted_signal_fails_before_a_missing_one(tmp_path):
    program = "import sys; print('Recovered 3 audio files', file=sys.stderr)"
    result = run(tmp_path, program, reject=[r"/Recovered \d+/"], expect=["ready"])
    assert (result.verdict, result.code) == (Verdict.FAIL, "signal-unwanted")
    assert run(tmp_path, program, reject=["falling back"]).verdict is Verdict.PASS


def test_a_value_in_a_pattern_is_literal(tmp_path):
    result = run(tmp_path, "print('Model: org/modelX8bit')", expect=["/Model: ${model}/"])
    assert result.code == "signal-missing"
    result = run(tmp_path, "print('a+b')", expect=["a+b"])
    assert result.verdict is Verdict.PASS


def test_a_status_other_than_0_fails_with_the_end_of_the_output(tmp_path):
    result = run(tmp_path, "print('first'); raise SystemExit('last words')", expect=["first"])
    assert (result.verdict, result.code, result.status) == (Verdict.FAIL, "command-failed", 1)
    assert set(result.tail) == {"first", "last words"}


@pytest.mark.parametrize(
    ("program", "code", "verdict"),
    [
        ("import voice_ref_mediator", "voice-ref-mediator-missing", Verdict.FAIL),
        (
            "raise SystemExit('*** NSRangeException, reason: index 0')",
            "metal-no-device",
            "inconclusive",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "command-failed", Verdict.FAIL),
    ],
)
def test_a_known_failure_in_the_output_is_named(tmp_path, program, code, verdict):
    result = run(tmp_path, program)
    assert (result.code, result.verdict) == (code, verdict)


def test_known_warnings_are_counted_and_decide_nothing(tmp_path):
    program = f"import sys\nfor _ in range(2): print({MODEL_TYPE!r}, file=sys.stderr)\nprint('ok')"
    result = run(tmp_path, program, ignore=["model-type"], expect=["ok"])
    assert result.verdict is Verdict.PASS
    assert result.warnings == {"model-type": 2}
    undeclared = run(tmp_path, program + "\nraise SystemExit(3)", ignore=["tokenizer-regex"])
    assert undeclared.warnings == {}
    assert MODEL_TYPE in undeclared.tail


def test_progress_bars_come_line_by_line_and_long_lines_are_cut(tmp_path):
    lines = []
    program = "import sys; sys.stdout.write('10%\\r20%\\r30%\\n' + 'x' * 9000); sys.exit(2)"
    result = run(tmp_path, program, on_line=lambda line: lines.append((line.stream, line.text)))
    assert lines[:3] == [("stdout", "10%"), ("stdout", "20%"), ("stdout", "30%")]
    assert len(result.tail[-1]) == 500


def test_bytes_that_are_no_text_do_not_break_it(tmp_path):
    program = "import sys; sys.stdout.buffer.write(b'\\xff\\xfe caf\\xc3\\xa9 done')"
    assert run(tmp_path, program, expect=["café done"]).verdict is Verdict.PASS


def test_files_must_exist_and_be_written(tmp_path):
    (tmp_path / "old.json").write_text("[]")
    assert run(tmp_path, "", files=["old.json"]).verdict is Verdict.PASS
    assert run(tmp_path, "", files=["new.json"]).code == "file-missing"
    assert run(tmp_path, "", written=["old.json"]).code == "file-unchanged"
    write = "open('old.json', 'w').write('[1]')"
    assert run(tmp_path, write, written=["old.json"]).verdict is Verdict.PASS


def test_fields_of_json_files_must_hold(tmp_path):
    (tmp_path / "ready.json").write_text('{"model": "org/model-8bit", "n": 1}')
    good = {"ready.json": {"/model": "${model}", "/n": {"in": [1, 2]}, "/x": {"exists": False}}}
    assert run(tmp_path, "", fields=good).verdict is Verdict.PASS
    assert run(tmp_path, "", fields={"ready.json": {"/n": 1.0}}).code == "field-wrong"
    assert run(tmp_path, "", fields={"none.json": {"/n": 1}}).code == "file-unreadable"
    (tmp_path / "ready.json").write_text("{")
    assert run(tmp_path, "", fields=good).code == "file-unreadable"


@pytest.mark.parametrize(
    ("value", "condition", "expected"),
    [
        ("a", "a", True),
        (ABSENT, None, False),
        ("a", {"is": "a"}, True),
        (ABSENT, {"not": "a"}, False),
        ("b", {"not": "a"}, True),
        (None, {"exists": True}, True),
        (ABSENT, {"exists": False}, True),
        (1, {"in": [True, "1"]}, False),
    ],
)
def test_conditions(value, condition, expected):
    assert holds(value, condition) is expected


def test_a_hanging_command_is_ended_with_all_that_it_started(tmp_path):
    program = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "open('child', 'w').write(str(child.pid)); print('started', flush=True)\n"
        "time.sleep(600)\n"
    )
    result = run(tmp_path, program, timeout=1.5)
    assert (result.verdict, result.code) == (Verdict.INCONCLUSIVE, "command-timeout")
    assert result.status is None
    assert gone(int((tmp_path / "child").read_text()))


def test_a_grandchild_that_keeps_the_pipe_open_does_not_hold_it_up(tmp_path):
    program = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "open('child', 'w').write(str(child.pid)); print('done')\n"
    )
    result = run(tmp_path, program, expect=["done"], timeout=60)
    assert result.verdict is Verdict.PASS
    assert gone(int((tmp_path / "child").read_text()))


def test_an_interrupt_ends_the_command(tmp_path):
    program = "import os, time; open('own', 'w').write(str(os.getpid())); time.sleep(600)"

    def interrupt():
        while not (tmp_path / "own").exists() or not (tmp_path / "own").read_text():
            time.sleep(0.02)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, program, timeout=60)
    thread.join()
    assert gone(int((tmp_path / "own").read_text()))


def gone(process):
    """Whether a process ends within seconds; a zombie without a parent to reap it counts."""
    for _ in range(200):
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
        ).stdout.strip()
        if not state or state.startswith("Z"):
            return True
        time.sleep(0.02)
    return False


def test_an_interrupt_while_it_starts_leaves_nothing_running(tmp_path, monkeypatch):
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "import time; time.sleep(600)")
    assert [each.returncode for each in started] == [-signal.SIGTERM]


def test_output_without_an_end_of_line_takes_no_time_of_its_own(tmp_path):
    lines = []
    program = "import sys; sys.stdout.write('x' * 3_000_000)"
    assert run(tmp_path, program, on_line=lines.append).verdict is Verdict.PASS
    assert sum(len(each.text) for each in lines) == 3_000_000
    assert len(lines) > 1


def test_a_program_that_is_not_there_says_nothing_about_the_migration(tmp_path):
    check = Check("run", {"run": ["no-such-program-1"]}, "/verify/0")
    (command,) = commands_of(check, tmp_path, Templates(str(tmp_path), {}))
    result = run_command(command, tmp_path, ENVIRONMENT)
    assert (result.verdict, result.code) == (Verdict.INCONCLUSIVE, "command-not-found")


def test_a_script_is_found_from_the_root_and_needs_an_interpreter_line(tmp_path):
    script = tmp_path / "build.sh"
    check = Check("run", {"run": ["./build.sh", "x"]}, "/verify/0")
    (command,) = commands_of(check, tmp_path, Templates(str(tmp_path), {}))
    script.write_text("#!/bin/sh\necho built $1\n")
    assert run_command(command, tmp_path, ENVIRONMENT).code == "command-not-found"
    script.chmod(0o755)
    assert run_command(command, tmp_path, ENVIRONMENT).verdict is Verdict.PASS
    script.write_text("echo built $1\n")
    assert run_command(command, tmp_path, ENVIRONMENT).code == "command-not-found"


def test_python_is_found_as_python3_where_only_that_is_there(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    check = Check("run", {"run": ["python", "-c", "print('hello')"], "expect": ["hello"]}, "")
    (command,) = commands_of(check, tmp_path, Templates(str(tmp_path), {}))
    result = run_command(command, tmp_path, {"PATH": str(tmp_path / "bin")})
    assert result.verdict is Verdict.PASS


def test_the_environment_is_what_a_script_that_sources_dotenv_would_pass_on(tmp_path):
    dotenv = b"export A=1\nB=2\nC='three $A'\nexport D=\"$A-$HOME\" # note\n"
    inherited = {"HOME": "/h", "C": "old", "PATH": os.defpath}
    environment = command_environment(inherited, dotenv, {"E": "5"})
    (tmp_path / ".env").write_bytes(dotenv)
    script = f"cd '{tmp_path}'; . ./.env; export E=5; exec env"
    bash = subprocess.run(
        ["bash", "-c", script], env=inherited, capture_output=True, text=True, check=True
    )
    truth = dict(line.split("=", 1) for line in bash.stdout.splitlines())
    truth = {
        key: value for key, value in truth.items() if key not in ("PWD", "OLDPWD", "SHLVL", "_")
    }
    assert environment == truth
    assert "B" not in environment
    assert command_environment(inherited, None, {}) == inherited


def test_the_command_gets_that_environment_and_the_root_as_its_folder(tmp_path):
    program = "import os; print(os.getcwd(), os.environ['KEY'], os.environ.get('HOME'))"
    result = run(
        tmp_path, program, environment={"KEY": "v"}, expect=[f"{tmp_path.resolve()} v None"]
    )
    assert result.verdict is Verdict.PASS


def test_for_each_stands_for_folders_or_for_the_folders_of_files(tmp_path):
    for name in ("b", "a", "c"):
        (tmp_path / "generated" / name).mkdir(parents=True)
    for name in ("c", "b"):
        (tmp_path / "generated" / name / "script.py").touch()
    (tmp_path / "generated" / "stray.txt").touch()
    (tmp_path / "generated" / "out").symlink_to("/")
    templates = Templates(str(tmp_path), {})

    def projects(pattern, **options):
        node = {"run": ["echo", "${project}"], "for_each": pattern, **options}
        commands = commands_of(Check("run", node, ""), tmp_path, templates)
        assert all(command.argv == ("echo", command.project) for command in commands)
        return [command.project for command in commands]

    assert projects("generated/*/script.py") == ["generated/b", "generated/c"]
    assert projects("generated/[a-c]") == ["generated/a", "generated/b", "generated/c"]
    assert projects("generated/[a-c]", limit=1) == ["generated/a"]
    assert projects("generated/o*") == []
    assert projects("projects/*") == []


@pytest.mark.parametrize(
    "options",
    [
        {"for_each": "../*"},
        {"for_each": "/etc/*"},
        {"files": ["../x"]},
        {"written": ["/x"]},
        {"fields": {"a/../../x": {"/a": 1}}},
        {"expect": ["/(/"]},
        {"reject": ["/[/"]},
    ],
)
def test_what_cannot_be_checked_is_refused_before_anything_runs(tmp_path, options):
    check = Check("run", {"run": ["true"], **options}, "/verify/0")
    with pytest.raises(UsageProblem):
        commands_of(check, tmp_path, Templates(str(tmp_path), {}))


def test_an_unknown_variable_is_refused(tmp_path):
    check = Check("run", {"run": ["true", "${nope}"]}, "/verify/0")
    with pytest.raises(TemplateError):
        commands_of(check, tmp_path, Templates(str(tmp_path), {}))


def test_on_request():
    assert Check("run", {"run": ["true"], "only": "request"}, "").on_request
    assert not Check("run", {"run": ["true"]}, "").on_request


def test_no_bytecode_is_left_in_the_project(tmp_path):
    (tmp_path / "module.py").touch()
    script = Path(tmp_path / "main.py")
    script.write_text("import module")
    check = Check("run", {"run": [sys.executable, "main.py"]}, "")
    (command,) = commands_of(check, tmp_path, Templates(str(tmp_path), {}))
    assert run_command(command, tmp_path, ENVIRONMENT).verdict is Verdict.PASS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["main.py", "module.py"]
