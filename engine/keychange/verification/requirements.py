"""What must hold before any file is written: paths, the runtime, the model, room for the probe."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from keychange.diagnostics import Diagnostic, error, errors_in
from keychange.model import Json, Requirement

if TYPE_CHECKING:
    from keychange.verification.model.cache import Inspection

VERIFY_ONLY: Final = frozenset({"runtime", "model"})
"""The kinds that only verify needs: ``--no-verify`` skips them."""

_FREE_DISK: Final = 64 << 20  # bytes: backups, the recording and its picture
_MEMORY_FACTOR: Final = 1.7  # peak over weights: 5.61 GB measured for a model of 3.10 GB


class RequirementResult(NamedTuple):
    """Whether a requirement holds, and if not, why and what to do.

    ``details`` holds what was measured, as JSON. ``diagnostics`` are all findings; ``code``,
    ``message``, ``hint`` and ``command`` are those of the first error, empty where ``ok``.
    """

    requirement: Requirement
    ok: bool
    code: str = ""
    message: str = ""
    hint: str = ""
    command: str = ""
    details: Mapping[str, Json] = MappingProxyType({})
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def first(self) -> Diagnostic:
        """The first error as a diagnostic without a place."""
        return error(self.code, self.message, hint=self.hint, command=self.command)


def check_requirement(
    requirement: Requirement,
    root: Path,
    environment: Mapping[str, str],
    *,
    allow_cpu: bool = False,
) -> RequirementResult:
    """Check one requirement; nothing is loaded, downloaded or written.

    Args:
        requirement: with every ``${...}`` expanded.
        root: of the project; paths are relative to it.
        environment: the whole environment that the project's processes would get.
        allow_cpu: accept ``device: gpu`` where mlx's default device is the CPU.
    """
    root = Path(os.path.abspath(root))  # noqa: PTH100 (resolve would follow a linked root)
    details: dict[str, Json] = {}
    match requirement.kind:
        case "path":
            findings = _path(requirement.subject, root)
        case "runtime":
            findings, details = _runtime(requirement, root, environment, allow_cpu=allow_cpu)
        case "model":
            findings, details = _model(requirement.subject, root, environment)
        case other:
            raise ValueError(f"not a kind of requirement: {other}")
    failed = errors_in(findings)
    if not failed:
        return RequirementResult(
            requirement=requirement, ok=True, details=details, diagnostics=findings
        )
    return RequirementResult(
        requirement=requirement,
        ok=False,
        code=failed[0].code,
        message=failed[0].message,
        hint=failed[0].hint,
        command=failed[0].command,
        details=details,
        diagnostics=findings,
    )


def _path(subject: str, root: Path) -> tuple[Diagnostic, ...]:
    path = Path(os.path.normpath(root / subject))
    if not path.is_relative_to(root) or not path.resolve().is_relative_to(root.resolve()):
        hint = "name a path under the root; a link must not lead out of it either"
        return (error("path-outside-root", f"{subject} is not under {root}", hint=hint),)
    if not path.exists():
        hint = "put it there, or correct the path in the migration"
        return (error("path-missing", f"{subject} is not in {root}", hint=hint),)
    return ()


def _runtime(
    requirement: Requirement, root: Path, environment: Mapping[str, str], *, allow_cpu: bool
) -> tuple[tuple[Diagnostic, ...], dict[str, Json]]:
    from keychange.verification.runtime import inspect_runtime

    python = root / Path(str(requirement.options["python"])).expanduser()
    gpu = requirement.options.get("device", "any") == "gpu" and not allow_cpu
    found = inspect_runtime(python, environment, gpu=gpu)
    problem = found.problem
    details: dict[str, Json] = {"python_path": str(python), **found.facts}
    if problem is None:
        return (), details
    return (error(problem.code, problem.message, hint=problem.hint),), details


def _model(
    model: str, root: Path, environment: Mapping[str, str]
) -> tuple[tuple[Diagnostic, ...], dict[str, Json]]:
    from keychange.verification.model.cache import inspect_model

    inspection = inspect_model(model, environment)
    checkpoint = inspection.checkpoint
    details: dict[str, Json] = {
        "folder": str(inspection.folder),
        "snapshot": str(inspection.snapshot) if inspection.snapshot else None,
        "bits": checkpoint.bits,
        "group_size": checkpoint.group_size,
        "quantised_layers": checkpoint.quantised_layers,
        "parameters": checkpoint.parameters,
        "bytes": checkpoint.size,
        "made_up": checkpoint.made_up,
    }
    return (*inspection.diagnostics, *_room(inspection, root)), details


def _room(inspection: Inspection, root: Path) -> tuple[Diagnostic, ...]:
    """Whether this machine can hold the model, and the disk what a probe keeps."""
    import shutil

    findings = []
    needed = int(inspection.checkpoint.weights * _MEMORY_FACTOR)
    memory = physical_memory()
    if memory is not None and needed > memory:
        message = f"{inspection.model} needs {_giga(needed)}; this machine has {_giga(memory)}"
        findings.append(error("memory-too-small", message, hint="use a smaller model"))
    free = shutil.disk_usage(root).free
    if free < _FREE_DISK:
        message = f"only {free >> 20} MiB are free on the disk of {root}"
        hint = f"free {_FREE_DISK >> 20} MiB for backups and the probe's recording"
        findings.append(error("disk-full", message, hint=hint))
    return tuple(findings)


def physical_memory() -> int | None:
    """Bytes of memory in this machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _giga(count: int) -> str:
    return f"{count / 1e9:.1f} GB"
