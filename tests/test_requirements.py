"""Requirements: paths, the runtime and the model, judged before anything is written."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from keychange.model import Requirement
from keychange.probing import failures
from keychange.verification import requirements, runtime
from keychange.verification.model import cache
from keychange.verification.model.inspection import Checkpoint, Inspection
from keychange.verification.requirements import check_requirement
from keychange.verification.runtime import inspect_runtime, numbers
from support.runtime_facts import HEALTHY

ENVIRONMENT = {"PATH": os.defpath}


def path(subject):
    return Requirement("path", subject, {}, "/require/0")


def interpreter(folder, script):
    """An executable that stands in for a Python."""
    file = folder / "python"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def saying(folder, **changes):
    """An interpreter that says the facts of a healthy Mac, but for some."""
    facts = json.dumps({**HEALTHY, **changes})
    return interpreter(folder, f"echo '  noise of an import'; echo 'keychange-facts {facts}'")


def test_a_path_that_is_there(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "ref.wav").touch()
    assert check_requirement(path("assets/ref.wav"), tmp_path, {}).ok
    assert check_requirement(path("assets"), tmp_path, {}).ok
    assert check_requirement(path(str(tmp_path / "assets")), tmp_path, {}).ok


def test_a_path_that_is_missing(tmp_path):
    result = check_requirement(path("assets/ref.wav"), tmp_path, {})
    assert (result.ok, result.code) == (False, "path-missing")
    assert "assets/ref.wav" in result.message
    assert result.hint


def test_a_path_that_leaves_the_root(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside").touch()
    (root / "link").symlink_to("../outside")
    for subject in ("../outside", str(tmp_path / "outside"), "link", "a/../../outside"):
        assert check_requirement(path(subject), root, {}).code == "path-outside-root"


def test_a_healthy_runtime(tmp_path):
    python = saying(tmp_path)
    needed = Requirement("runtime", "mlx", {"python": str(python), "device": "gpu"}, "/require/1")
    result = check_requirement(needed, tmp_path, ENVIRONMENT)
    assert result.ok
    assert result.details["device"] == "Device(gpu, 0)"
    assert result.details["versions"] == HEALTHY["versions"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"mlx": False, "device": None}, "mlx-missing"),
        ({"mlx_audio": False}, "mlx-audio-missing"),
        ({"device": "Device(cpu, 0)"}, "probe-cpu-only"),
        ({"metal_devices": 0, "device": None}, "metal-no-device"),
        ({"translated": True, "machine": "x86_64"}, "python-not-native"),
        ({"versions": {**HEALTHY["versions"], "mlx": "0.31.2"}}, "mlx-too-old"),
        ({"versions": {**HEALTHY["versions"], "mlx-audio": "0.3.1"}}, "mlx-audio-too-old"),
        ({"device": None, "error": "ImportError: no libmlx"}, "mlx-missing"),
        (
            {
                "device": None,
                "error": "RuntimeError: [metal::load_device] No Metal device available",
            },
            "metal-no-device",
        ),
    ],
)
def test_what_is_wrong_with_a_runtime_has_its_code(tmp_path, changes, code):
    problem = inspect_runtime(saying(tmp_path, **changes), ENVIRONMENT, gpu=True).problem
    assert problem is not None
    assert problem.code == code
    assert problem.hint


def test_the_cpu_is_accepted_only_where_the_caller_allows_it(tmp_path):
    python = saying(tmp_path, device="Device(cpu, 0)", system="Linux", metal_devices=None)
    needed = Requirement("runtime", "mlx", {"python": str(python), "device": "gpu"}, "")
    assert check_requirement(needed, tmp_path, ENVIRONMENT).code == "probe-cpu-only"
    assert check_requirement(needed, tmp_path, ENVIRONMENT, allow_cpu=True).ok
    anywhere = Requirement("runtime", "mlx", {"python": str(python)}, "")
    assert check_requirement(anywhere, tmp_path, ENVIRONMENT).ok


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (
            'echo "NSRangeException: -[__NSArray0 objectAtIndex:]" >&2; kill -ABRT $$',
            "metal-no-device",
        ),
        ("kill -SEGV $$", "probe-crashed"),
        ("echo '{}'", "probe-no-result"),
        ("exit 7", "probe-no-result"),
    ],
)
def test_an_interpreter_that_dies(tmp_path, script, code):
    problem = inspect_runtime(interpreter(tmp_path, script), ENVIRONMENT, gpu=True).problem
    assert problem is not None
    assert problem.code == code


def test_an_interpreter_that_hangs(tmp_path):
    python = interpreter(tmp_path, "sleep 600")
    problem = inspect_runtime(python, ENVIRONMENT, gpu=True, limit=0.5).problem
    assert problem is not None
    assert problem.code == "probe-timeout"


def test_an_interpreter_that_is_not_there(tmp_path):
    (tmp_path / "no-program").write_text("x")
    broken = interpreter(tmp_path, "")
    broken.write_text("#!/no/such/interpreter\n")
    for python in (tmp_path / "none", tmp_path, tmp_path / "no-program", broken):
        problem = inspect_runtime(python, ENVIRONMENT, gpu=True).problem
        assert problem is not None
        assert problem.code == "python-missing"


def test_the_facts_are_gathered_by_a_real_interpreter_and_no_file_shadows_mlx(
    tmp_path, monkeypatch
):
    (tmp_path / "mlx.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    found = inspect_runtime(Path(sys.executable), ENVIRONMENT, gpu=False)
    assert found.facts["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert found.facts["error"] is None
    has_mlx = found.facts["mlx"] and found.facts["mlx_audio"]
    assert (found.problem is None) if has_mlx else (found.problem is not None)


@pytest.mark.parametrize(
    ("version", "expected"),
    [("0.32.4", (0, 32, 4)), ("0.32.0rc1", (0, 32, 0)), ("5.0.0.dev1", (5, 0, 0)), ("x", ())],
)
def test_release_numbers(version, expected):
    assert numbers(version) == expected


def test_the_hints_are_those_of_the_table(tmp_path):
    problem = inspect_runtime(tmp_path / "none", ENVIRONMENT, gpu=True).problem
    assert problem is not None
    assert problem.hint == failures.known()["python-missing"].fix


def test_a_model_that_is_not_cached(tmp_path):
    needed = Requirement("model", "org/Model-8bit", {"fetch": True}, "/require/2")
    result = check_requirement(needed, tmp_path, {"HF_HOME": str(tmp_path / "hf")})
    assert (result.ok, result.code) == (False, "model-not-cached")
    assert result.command == "migrate model fetch org/Model-8bit"
    assert result.details["snapshot"] is None


def test_a_machine_without_room_for_the_model(tmp_path, monkeypatch):
    needed = Requirement("model", "org/Model-8bit", {}, "/require/2")
    environment = {"HF_HOME": str(tmp_path / "hf")}
    codes = {each.code for each in check_requirement(needed, tmp_path, environment).diagnostics}
    assert codes == {"model-not-cached"}
    monkeypatch.setattr(requirements, "_FREE_DISK", 1 << 80)
    codes = {each.code for each in check_requirement(needed, tmp_path, environment).diagnostics}
    assert codes == {"model-not-cached", "disk-full"}


def test_a_machine_without_memory_for_the_model(tmp_path, monkeypatch):
    def inspect(model, environment):
        return Inspection(
            model=model, folder=tmp_path, checkpoint=Checkpoint(weights=3_100_000_000)
        )

    monkeypatch.setattr(cache, "inspect_model", inspect)
    needed = Requirement("model", "org/Model-8bit", {}, "/require/2")
    monkeypatch.setattr(requirements, "physical_memory", lambda: 4 << 30)
    result = check_requirement(needed, tmp_path, {})
    assert (result.ok, result.code) == (False, "memory-too-small")
    assert "5.3 GB" in result.message
    monkeypatch.setattr(requirements, "physical_memory", lambda: 8 << 30)
    assert check_requirement(needed, tmp_path, {}).ok


def test_the_memory_of_this_machine_is_known():
    memory = requirements.physical_memory()
    assert memory is not None
    assert memory > 1 << 28


def test_the_facts_program_is_a_file_of_its_own():
    program = Path(runtime.__file__).with_name("runtime_facts.py").read_text(encoding="utf-8")
    assert "keychange." not in program
