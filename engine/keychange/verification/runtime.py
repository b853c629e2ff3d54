"""Does the project's MLX interpreter start, import mlx and compute on the GPU? In a subprocess."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from keychange.probing import failures
from keychange.verification.process import Line, run_process

FLOORS: Final = {
    "mlx": ("0.32.0", "mlx-too-old"),
    "mlx-audio": ("0.4.0", "mlx-audio-too-old"),
}
"""Oldest versions that clone a voice, and the code for older: mlx #3650, mlx-audio #461."""

LIMIT: Final = 60.0  # seconds; a first import compiles and checks signatures
_MARK: Final = "keychange-facts "


@dataclass(frozen=True, slots=True)
class RuntimeProblem:
    """Why an interpreter will not do; ``code`` is of ``keychange.probing.failures``, or ours."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class RuntimeFacts:
    """What the interpreter said of itself, and the first thing that is wrong with it."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    problem: RuntimeProblem | None = None


def inspect_runtime(
    python: Path, environment: Mapping[str, str], *, gpu: bool, limit: float = LIMIT
) -> RuntimeFacts:
    """Start an interpreter and judge what it says.

    Args:
        python: path of the interpreter.
        environment: its whole environment.
        gpu: whether mlx's default device must be the GPU.
        limit: seconds.
    """
    if not python.is_file() or not os.access(python, os.X_OK):
        return _failed("python-missing", f"{python} is not an executable")
    output: list[str] = []
    errors: list[str] = []

    def keep(line: Line) -> None:
        (output if line.stream == "stdout" else errors).append(line.text)

    program = Path(__file__).with_name("runtime_facts.py").read_text(encoding="utf-8")
    # An empty folder: with -c, Python looks there first, and a project may hold an mlx.py.
    with tempfile.TemporaryDirectory(prefix="keychange-") as empty:
        try:
            ending = run_process(
                [str(python), "-c", program],
                cwd=Path(empty),
                environment={**environment, "PYTHONNOUSERSITE": "1", "HF_HUB_OFFLINE": "1"},
                limit=limit,
                on_line=keep,
            )
        except OSError as problem:
            return _failed("python-missing", f"{python} cannot be started: {problem.strerror}")
    said = next((text for text in output if text.startswith(_MARK)), None)
    if said is None:
        if ending.timed_out:
            return _failed("probe-timeout", f"{python} did not answer within {limit:g} s")
        known = failures.recognise("\n".join(errors))
        code = known.code if known else "probe-crashed" if ending.status < 0 else "probe-no-result"
        return _failed(code, f"{python} ended with {ending.status} before it could answer")
    facts: dict[str, Any] = json.loads(said.removeprefix(_MARK))
    return RuntimeFacts(facts, _judge(python, facts, gpu=gpu))


def _judge(python: Path, facts: Mapping[str, Any], *, gpu: bool) -> RuntimeProblem | None:
    versions = facts["versions"]
    if facts["translated"]:
        return _problem("python-not-native", f"{python} runs under Rosetta, not natively")
    if not facts["mlx"]:
        return _problem("mlx-missing", f"{python} has no mlx")
    if facts["metal_devices"] == 0:
        return _problem("metal-no-device", "this session sees no Metal device")
    if facts["error"] or not facts["device"]:
        known = failures.recognise(facts["error"] or "")
        return _problem(known.code if known else "mlx-missing", f"mlx failed: {facts['error']}")
    if not facts["mlx_audio"]:
        return _problem("mlx-audio-missing", f"{python} has no mlx-audio")
    for name, (floor, code) in FLOORS.items():
        found = versions[name]
        if found and numbers(found) < numbers(floor):
            message = f"{name} is {found}, older than {floor}"
            hint = f"upgrade it: {python} -m pip install -U '{name}>={floor}'"
            return RuntimeProblem(code, message, hint)
    if gpu and not facts["device"].startswith("Device(gpu"):
        return _problem("probe-cpu-only", f"mlx's default device is {facts['device']}, not the GPU")
    return None


def numbers(version: str) -> tuple[int, ...]:
    """The release numbers of a version: ``0.32.0rc1`` is (0, 32, 0)."""
    result = []
    for part in version.split(".")[:3]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        result.append(int(digits))
    return tuple(result)


def _failed(code: str, message: str) -> RuntimeFacts:
    return RuntimeFacts(problem=_problem(code, message))


def _problem(code: str, message: str) -> RuntimeProblem:
    return RuntimeProblem(code, message, failures.known()[code].fix)
