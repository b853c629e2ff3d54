"""The doctor: what the next migration requires, and this machine, each with its fix; reads only."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from keychange import __version__
from keychange.diagnostics import Diagnostic, error, errors_in
from keychange.git import git
from keychange.model import Json, Migration, Plan
from keychange.options import Options
from keychange.preconditions import (
    Needed,
    check,
    interpreter_of,
    project_environment,
    requirements_of,
)
from keychange.project import Project
from keychange.templates import Templates
from keychange.transaction.stages import pending_recovery
from keychange.verification.model import hub
from keychange.verification.model.download import FETCHABLE, is_offline, size_in_words
from keychange.verification.process import find_program
from keychange.verification.requirements import RequirementResult, physical_memory
from keychange.verification.runtime import inspect_runtime


class Answer(StrEnum):
    """What the doctor says of one thing; UNKNOWN stops nothing, and is never a pass."""

    PASS = "pass"  # noqa: S105 - an answer, no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """One thing that was looked at: what was found, and where it is not well, why and the fix."""

    name: str
    answer: Answer
    value: str = ""
    code: str = ""
    message: str = ""
    fix: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """All that was looked at; ``revision`` is the migration whose requirements these are.

    ``details`` holds what was measured of the runtime and the models, as JSON.
    """

    revision: str = ""
    is_pending: bool = False
    requirements: tuple[Symptom, ...] = ()
    runtime: tuple[Symptom, ...] = ()
    machine: tuple[Symptom, ...] = ()
    details: Mapping[str, Json] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Symptom, ...]:
        """Every symptom, in order."""
        return (*self.requirements, *self.runtime, *self.machine)

    @property
    def failed(self) -> bool:
        """Whether anything is known to be wrong."""
        return any(each.answer is Answer.FAIL for each in self.all)


def examine(project: Project, plan: Plan, options: Options) -> Examination:
    """Examine what the next pending migration requires, else the last one, and this machine.

    No model is loaded and nothing is downloaded; the target's interpreter starts once or twice.
    """
    pending = [each.migration for each in plan.todo if each.migration]
    migration = next(iter((*pending, *reversed(project.history.migrations))), None)
    if migration is None:
        return Examination(machine=tuple(_machine(project, dict(options.environment))))
    templates = project.templates[migration.revision]
    environment = project_environment(project.root, migration, templates, options)
    symptoms: list[Symptom] = []
    details: dict[str, Json] = {}
    for needed in requirements_of([(migration, templates)]):
        result = check(project.root, needed, options)
        symptoms.append(_requirement(needed, result, environment))
        details[f"{needed.requirement.kind} {needed.requirement.subject}"] = dict(result.details)
    return Examination(
        revision=migration.revision,
        is_pending=bool(pending),
        requirements=(*symptoms, *_programs(project.root, migration, templates, environment)),
        runtime=tuple(_runtime(project.root, migration, templates, environment, details)),
        machine=tuple(_machine(project, environment)),
        details=details,
    )


def _requirement(
    needed: Needed, result: RequirementResult, environment: Mapping[str, str]
) -> Symptom:
    requirement = needed.requirement
    name = f"{requirement.kind} {requirement.subject}"
    if result.ok:
        return Symptom(name=name, answer=Answer.PASS, value=_measured(result.details))
    fetched = requirement.options.get("fetch") and result.code in FETCHABLE
    if fetched and not is_offline(environment):
        message = f"{result.message}; `migrate up` downloads it"
        return _sick(name, Answer.UNKNOWN, result.first, message)
    return _sick(name, Answer.FAIL, result.first)


def _measured(details: Mapping[str, Json]) -> str:
    """The size and the quantisation of a model; nothing for other requirements."""
    size, bits = details.get("bytes"), details.get("bits")
    words = [size_in_words(size)] if isinstance(size, int) else []
    words += [f"{bits} bits"] if bits else []
    return ", ".join([*words, *(["made-up weights"] if details.get("made_up") else [])])


def _sick(name: str, answer: Answer, found: Diagnostic, message: str = "") -> Symptom:
    return Symptom(
        name=name,
        answer=answer,
        code=found.code,
        message=message or found.message,
        fix=found.hint,
        command=found.command,
    )


def _programs(
    root: Path, migration: Migration, templates: Templates, environment: Mapping[str, str]
) -> Iterator[Symptom]:
    """The programs that the checks will run."""
    seen: dict[str, bool] = {}
    for each in migration.checks:
        if each.kind == "run" and isinstance(argv := each.options["run"], list):
            name = templates.text(str(argv[0]))
            seen[name] = seen.get(name, False) or not each.on_request
    for name, needed in seen.items():
        found = find_program(name, root, environment)
        if found:
            yield Symptom(name=f"program {name}", answer=Answer.PASS, value=found)
            continue
        problem = error("command-not-found", f"there is no program {name}", hint="install it")
        yield _sick(f"program {name}", Answer.FAIL if needed else Answer.UNKNOWN, problem)


def _runtime(
    root: Path,
    migration: Migration,
    templates: Templates,
    environment: Mapping[str, str],
    details: Mapping[str, Json],
) -> Iterator[Symptom]:
    """Versions and device of the target's interpreter, as its own answer says."""
    measured = [each for each in details.values() if isinstance(each, dict) and "versions" in each]
    facts: Mapping[str, Json] = measured[0] if measured else {}
    python = interpreter_of(root, migration, templates)
    if not facts and python is not None and not any(k.startswith("runtime") for k in details):
        facts = inspect_runtime(python, environment, gpu=False).facts
    versions = facts.get("versions")
    named = {"python": facts.get("python"), **(versions if isinstance(versions, dict) else {})}
    for name in ("python", "mlx", "mlx-audio", "transformers"):
        yield _version(name, named.get(name))
    device = facts.get("device")
    yield _version("device", device)


def _version(name: str, found: Json) -> Symptom:
    if found:
        return Symptom(name=name, answer=Answer.PASS, value=str(found))
    return Symptom(name=name, answer=Answer.UNKNOWN, message="the interpreter did not say")


def _machine(project: Project, environment: Mapping[str, str]) -> Iterator[Symptom]:
    ours = f"{__version__}, on Python {platform.python_version()}"
    yield Symptom(name="keychange", answer=Answer.PASS, value=ours)
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    yield Symptom(name="system", answer=Answer.PASS, value=system)
    memory = physical_memory()
    if memory:
        yield Symptom(name="memory", answer=Answer.PASS, value=size_in_words(memory))
    else:
        yield Symptom(name="memory", answer=Answer.UNKNOWN, message="the system does not say")
    free = shutil.disk_usage(project.root).free
    yield Symptom(name="disk", answer=Answer.PASS, value=f"{size_in_words(free)} free")
    yield _cache(environment)
    yield _git(project.root)
    yield _terminal(environment)
    if pending_recovery(project.root):
        hint = "let keychange undo or finish it"
        problem = error("interrupted-run", "a run is under way or was cut off", hint=hint)
        yield _sick("state", Answer.FAIL, problem)
    else:
        applied = len(project.ledger.entries)
        yield Symptom(name="state", answer=Answer.PASS, value=f"{applied} applied, none cut off")


def _cache(environment: Mapping[str, str]) -> Symptom:
    folder = hub.hub_cache(environment)
    place = folder
    while not place.exists():
        place = place.parent
    free = size_in_words(shutil.disk_usage(place).free)
    value = f"{folder} ({hub.cache_source(environment)}), {free} free"
    if not os.access(place, os.W_OK):
        message = f"{place} cannot be written to, so nothing can be downloaded"
        fix = "make it yours to write, or let HF_HOME name another folder"
        return Symptom(
            name="hub cache", answer=Answer.UNKNOWN, value=value, message=message, fix=fix
        )
    if variable := is_offline(environment):
        value += f"; offline, as {variable} says"
    return Symptom(name="hub cache", answer=Answer.PASS, value=value)


def _git(root: Path) -> Symptom:
    version = (git(root, "--version") or b"").decode("utf-8", "replace").strip()
    if not version:
        return Symptom(
            name="git",
            answer=Answer.UNKNOWN,
            message="there is no git: every file is searched for old values, and it takes longer",
            fix="install git",
        )
    if git(root, "rev-parse", "--show-toplevel") is None:
        message = "the project is no git checkout: only keychange can bring its files back"
        return Symptom(name="git", answer=Answer.UNKNOWN, value=version, message=message)
    return Symptom(name="git", answer=Answer.PASS, value=version)


def _terminal(environment: Mapping[str, str]) -> Symptom:
    asked = sys.stdin.isatty() and sys.stderr.isatty() and not environment.get("CI")
    encoding = (sys.stdout.encoding or "").lower()
    said = "questions can be asked" if asked else "nobody can be asked: say --yes"
    if not encoding.startswith("utf"):
        message = f"standard output is {encoding or 'of no known encoding'}, not UTF-8"
        fix = "set PYTHONUTF8=1, or a locale with UTF-8"
        return Symptom(name="terminal", answer=Answer.UNKNOWN, value=said, message=message, fix=fix)
    return Symptom(name="terminal", answer=Answer.PASS, value=said)


def problems(found: Sequence[Symptom]) -> tuple[Diagnostic, ...]:
    """What is wrong, as diagnostics."""
    return errors_in(
        error(each.code, each.message, hint=each.fix, command=each.command)
        for each in found
        if each.answer is Answer.FAIL
    )
