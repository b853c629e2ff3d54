"""Preconditions: what migrations require, checked with the project's own files and environment.

A model that a migration asks to ``fetch`` is downloaded once everything else holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from keychange.activity import activity
from keychange.diagnostics import Diagnostic, Location, error
from keychange.errors import RefusedError
from keychange.model import Json, Migration, Plan, Requirement
from keychange.operations.env import EnvOperation
from keychange.options import Options
from keychange.regular import read_regular
from keychange.secrets import looks_secret
from keychange.templates import Templates
from keychange.verification.requirements import (
    VERIFY_ONLY,
    RequirementResult,
    check_requirement,
)

if TYPE_CHECKING:
    from keychange.verification.model.download import Fetched


class Needed(NamedTuple):
    """One requirement of one migration, with its templates expanded."""

    migration: Migration
    templates: Templates
    requirement: Requirement

    def diagnostic(self, found: Diagnostic) -> Diagnostic:
        """A finding, at the place of the requirement in its migration."""
        place = self.migration.locate(f"{self.requirement.pointer}/{self.requirement.kind}")
        return error(found.code, found.message, place, hint=found.hint, command=found.command)


def unmet_requirements(
    root: Path,
    migrations: Iterable[tuple[Migration, Templates]],
    options: Options,
    *,
    runtime: bool,
) -> tuple[Diagnostic, ...]:
    """What the migrations require and do not find, each with its place in the migration.

    Args:
        root: the root of the project.
        migrations: those about to be applied.
        options: the environment, whether a CPU will do, and whether models may be fetched.
        runtime: check also what only verification needs.
    """
    found: list[Diagnostic] = []
    waiting: list[tuple[Needed, Diagnostic]] = []
    for each in requirements_of(migrations):
        requirement = each.requirement
        if requirement.kind in VERIFY_ONLY and not runtime:
            continue
        if requirement.kind in VERIFY_ONLY:  # the others are a look at one file
            options.progress(f"checking {requirement.kind} {requirement.subject}")
        result = check(root, each, options)
        options.live("", frozenset())
        if result.ok:
            continue
        problem = each.diagnostic(result.first)
        if options.fetch and requirement.options.get("fetch") and _fetchable(result.code):
            waiting.append((each, problem))
        else:
            found.append(problem)
    if found:  # nothing is downloaded for a run that is refused anyway
        return (*found, *(problem for _, problem in waiting))
    return tuple(problem for each, _ in waiting for problem in _fetched(root, each, options))


def _fetchable(code: str) -> bool:
    from keychange.verification.model.download import FETCHABLE

    return code in FETCHABLE


def requirements_of(
    migrations: Iterable[tuple[Migration, Templates]],
) -> Iterator[Needed]:
    """Every requirement of the migrations, expanded."""
    for migration, templates in migrations:
        for each in migration.requirements:
            subject = templates.text(each.subject)
            choices = cast("dict[str, Json]", templates.expand(dict(each.options)))
            expanded = Requirement(each.kind, subject, choices, each.pointer)
            yield Needed(migration, templates, expanded)


def check(root: Path, needed: Needed, options: Options) -> RequirementResult:
    """Whether one requirement holds; nothing is loaded, downloaded or written."""
    requirement = needed.requirement
    environment: Mapping[str, str] = {}
    if requirement.kind in VERIFY_ONLY:
        environment = project_environment(root, needed.migration, needed.templates, options)
    with activity(f"checking {requirement.kind} {requirement.subject}"):
        return check_requirement(requirement, root, environment, allow_cpu=options.allow_cpu)


def models_of(migration: Migration, templates: Templates) -> tuple[str, ...]:
    """The models that a migration requires, and those that its probes load."""
    required = [each.subject for each in migration.requirements if each.kind == "model"]
    probed = [str(each.options["model"]) for each in migration.checks if each.kind == "probe"]
    return tuple(dict.fromkeys(map(templates.text, (*required, *probed))))


def interpreter_of(root: Path, migration: Migration, templates: Templates) -> Path | None:
    """The interpreter that a migration runs its models with; None where it names none."""
    declared = [
        *(each.options.get("python") for each in migration.requirements),
        *(each.options.get("python") for each in migration.checks),
    ]
    named = next((str(each) for each in declared if each), None)
    return root / Path(templates.text(named)).expanduser() if named else None


def fetch_plan(
    migrations: Sequence[Migration],
    templates: Mapping[str, Templates],
    plan: Plan,
    model: str = "",
) -> tuple[Migration | None, tuple[str, ...]]:
    """The migration whose interpreter downloads, and the models to download.

    The next pending migration that needs a model, else the last that does. With ``model``, the
    one that needs just this one is preferred, and it is what is downloaded.
    """
    pending = [each.migration for each in plan.todo if each.migration]
    ordered = [*pending, *reversed(migrations)]
    needing = [each for each in ordered if models_of(each, templates[each.revision])]
    if not model:
        first = needing[0] if needing else None
        return first, models_of(first, templates[first.revision]) if first else ()
    exact = [each for each in needing if model in models_of(each, templates[each.revision])]
    chosen = next(iter((*exact, *needing, *ordered)), None)
    return chosen, (model,)


def fetch(
    root: Path,
    model: str,
    migration: Migration,
    templates: Templates,
    options: Options,
    *,
    python: Path | None = None,
) -> Fetched:
    """Download a model as the project would, with the migration's interpreter or a given one.

    Raises:
        RefusedError: neither is named.
    """
    from keychange.verification.model.download import fetch_model

    python = python or interpreter_of(root, migration, templates)
    if python is None:
        message = f"{migration.revision} names no interpreter to download with"
        hint = "add `- runtime: mlx` with `python` to its `require` list"
        raise RefusedError(error("no-interpreter", message, migration.locate(""), hint=hint))
    environment = project_environment(root, migration, templates, options)
    try:
        return fetch_model(
            model,
            python,
            environment,
            stage=lambda words: options.progress(f"fetch: {words}"),
            live=lambda transfer: options.live(str(transfer), frozenset()),
        )
    finally:
        options.live("", frozenset())


def _fetched(root: Path, needed: Needed, options: Options) -> Iterator[Diagnostic]:
    """Download what is required; what is still wrong afterwards."""
    subject = needed.requirement.subject
    done = fetch(root, subject, needed.migration, needed.templates, options)
    if done.problem is not None:
        yield needed.diagnostic(done.problem)
        return
    result = check(root, needed, options)
    if not result.ok:
        yield needed.diagnostic(result.first)


def project_environment(
    root: Path, migration: Migration, templates: Templates, options: Options
) -> dict[str, str]:
    """What a process of the project sees: our environment, and its ``.env`` as it is sourced."""
    from keychange.verification.commands import command_environment

    result = dict(options.environment)
    for data in _env_files(root, migration, templates):
        result = command_environment(result, data, {})
    return result


def hidden_values(root: Path, migration: Migration, templates: Templates) -> frozenset[str]:
    """The values of ``.env`` that no output of a process may show.

    Those whose key looks like a secret; of the others that no operation governs, those that are
    long enough to be one, and are no path.
    """
    from keychange.formats.dotenv.text import environment

    governed = {
        key for each in migration.operations if isinstance(each, EnvOperation) for key in each.keys
    }
    found = set()
    for data in _env_files(root, migration, templates):
        for key, value in environment(data).items():
            secret = looks_secret(key, value)
            if (secret and len(value) >= 4) or (
                key not in governed and len(value) >= 8 and not value.startswith(("/", "~"))
            ):
                found.add(value)
                # Output is shown line by line, and in no line all of them stand.
                found.update(each for each in value.splitlines() if len(each) >= 4)
    return frozenset(found)


def _env_files(root: Path, migration: Migration, templates: Templates) -> Iterator[bytes]:
    for operation in migration.operations:
        if operation.kind == "env":
            for target in operation.targets:
                path = templates.text(target)
                try:
                    if (root / path).is_file():
                        yield read_regular(root / path)
                except OSError as problem:
                    message = f"cannot read the file: {(problem.strerror or '').lower()}"
                    hint = "make it a file that you may read"
                    place = Location(path)
                    unreadable = error("unreadable-file", message, place, hint=hint)
                    raise RefusedError(unreadable) from problem
