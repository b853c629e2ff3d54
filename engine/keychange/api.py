"""The public functions: what ``import keychange`` offers to other programs.

They do what the verbs of the same name do, by the same code. They print nothing, ask nothing and
need no terminal; what goes wrong is raised as a ``KeychangeError`` whose ``diagnostics`` say what,
where and what to do next.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias, TypeVar

from keychange import planning, standing, workflow
from keychange.diagnostics import Diagnostic, Location, Severity, error, errors_in
from keychange.errors import (
    KeychangeError,
    RefusedError,
    RollbackError,
    RolledBackError,
    UsageProblem,
)
from keychange.model import Plan, Site, State, Step
from keychange.opening import opened
from keychange.options import Options
from keychange.outcome import CheckOutcome, Ending, Outcome
from keychange.probing.verdict import Verdict
from keychange.project import Project
from keychange.settings import find_settings
from keychange.standing import Report, Standing

__all__ = [
    "CheckOutcome",
    "Diagnostic",
    "Ending",
    "KeychangeError",
    "Location",
    "Options",
    "Outcome",
    "Plan",
    "RefusedError",
    "Report",
    "RollbackError",
    "RolledBackError",
    "Severity",
    "Site",
    "Standing",
    "State",
    "Step",
    "UsageProblem",
    "Verdict",
    "check",
    "down",
    "plan",
    "probe",
    "up",
]

Folder: TypeAlias = str | os.PathLike[str] | None
Approval: TypeAlias = Callable[[Plan], bool]
T = TypeVar("T")


def plan(root: Folder = None, *, migrations: Folder = None, to: str = "head") -> Plan:
    """The exact changes that ``up`` would make; nothing is written.

    What is wrong, such as a foreign value, is in ``Plan.diagnostics``; ``up`` refuses such a plan.

    Args:
        root: the project; by default found from the working folder, as the command line does.
        migrations: the folder of migrations; by default that of the project.
        to: plan up to this revision, by name or number.

    Raises:
        UsageProblem: no such folder or revision, or a migration file that is not valid.
        RefusedError: the ledger cannot be read.

    Example:
        >>> made = keychange.plan(root)
        >>> made.changes
        True
        >>> [(site.path, site.address, site.state.value) for site in made.steps[0].sites]
        [('.env', 'MODEL', 'pending'), ('app.py', 'MODEL', 'pending')]
        >>> [change.path for change in made.steps[0].changes]
        ['.env', 'app.py']
    """
    return _opened(root, migrations, lambda here: planning.plan_up(here, to))


def up(
    root: Folder = None,
    *,
    migrations: Folder = None,
    to: str = "head",
    options: Options | None = None,
    approve: Approval | None = None,
) -> Outcome:
    """Apply what is pending, all files of a migration or none, and run its checks.

    A migration whose checks do not pass is rolled back and compared; ``Outcome.ending`` says so.

    Args:
        root: as for ``plan``.
        migrations: as for ``plan``.
        to: apply up to this revision.
        options: how to run; ``Options(verify=False)`` runs no checks.
        approve: is shown the plan before anything is written; if it says no, nothing is.

    Raises:
        UsageProblem: as for ``plan``.
        RefusedError: the plan has errors, a requirement is not met, another run is under way, or
            ``approve`` said no (``declined``); nothing was written.
        RolledBackError: writing failed; everything was restored and compared.
        RollbackError: a restore failed or could not be confirmed.

    Example:
        >>> outcome = keychange.up(root, approve=lambda made: len(made.todo) == 1)
        >>> outcome.ending.value, outcome.done
        ('applied', ('0001_larger',))
        >>> keychange.up(root).ending.value
        'nothing-to-do'
    """
    project, made = _opened(root, migrations, lambda here: (here, planning.plan_up(here, to)))
    _approve(made, made.todo, approve)
    return workflow.up(project, made, options or Options())


def down(
    root: Folder = None,
    *,
    migrations: Folder = None,
    to: str | None = None,
    steps: int = 1,
    options: Options | None = None,
    approve: Approval | None = None,
) -> Outcome:
    """Take applied migrations back, the last one first; what was edited elsewhere since stays.

    Args:
        root: as for ``plan``.
        migrations: as for ``plan``.
        to: take back everything above this revision; ``base`` for all.
        steps: without ``to``, take back so many.
        options: as for ``up``.
        approve: as for ``up``.

    Raises:
        UsageProblem, RefusedError, RolledBackError, RollbackError: as ``up``; refused as well
            where a migration says that it is irreversible, or the ledger is damaged.

    Example:
        >>> keychange.up(root).done
        ('0001_larger',)
        >>> keychange.down(root, to="base").ending.value
        'taken-back'
        >>> keychange.plan(root).changes
        True
    """

    def planned(here: Project) -> tuple[Project, Plan]:
        return here, planning.plan_down(here, planning.entries_above(here, to=to, steps=steps))

    project, made = _opened(root, migrations, planned)
    _approve(made, made.steps, approve)
    return workflow.down(project, made, options or Options())


def check(
    root: Folder = None,
    *,
    migrations: Folder = None,
    names: Iterable[str] | None = None,
    search: bool = True,
    exhaustive: bool = False,
    staged: bool = False,
) -> Report:
    """Judge the files against every migration; nothing is written.

    Args:
        root: as for ``plan``.
        migrations: as for ``plan``.
        names: paths from the root; only these files are judged.
        search: whether old values in files that no operation governs are noted.
        exhaustive: search also where an old value is spelled with escapes or in pieces.
        staged: judge, of what git tracks, the bytes that are staged.

    Raises:
        UsageProblem, RefusedError: as for ``plan``.

    Example:
        >>> found = keychange.check(root)
        >>> found.clean
        False
        >>> [str(each.location) for each in found.problems]
        ['.env:1:7', 'app.py:1:9']
        >>> found.rows[0].standing.value
        'pending'
    """
    wanted = None if names is None else frozenset(names)
    return _opened(
        root,
        migrations,
        lambda here: standing.report(here, search=search, names=wanted, exhaustive=exhaustive),
        staged=staged,
    )


def probe(
    root: Folder = None,
    *,
    migrations: Folder = None,
    revision: str = "head",
    options: Options | None = None,
) -> CheckOutcome:
    """Run the model once, as the probe that a migration declares says; no target is changed.

    Args:
        root: as for ``plan``.
        migrations: as for ``plan``.
        revision: the migration; for ``head`` the last one that declares a probe.
        options: as for ``up``; ``Options(allow_cpu=True)`` accepts a CPU.

    Raises:
        UsageProblem: as for ``plan``.
        RefusedError: no migration declares a probe (``no-probe``), or a requirement is not met.

    Example:
        >>> try:
        ...     keychange.probe(root).verdict is keychange.Verdict.PASS
        ... except keychange.RefusedError as problem:
        ...     problem.diagnostics[0].code
        'no-probe'
    """
    project = _opened(root, migrations, lambda here: here)
    return workflow.probe(project, revision, options or Options())


def _opened(
    root: Folder, migrations: Folder, work: Callable[[Project], T], *, staged: bool = False
) -> T:
    project, folder = (None if each is None else Path(each) for each in (root, migrations))
    return opened(find_settings(project, folder, Path.cwd()), work, staged=staged)


def _approve(made: Plan, work: object, approve: Approval | None) -> None:
    if errors_in(made.diagnostics):
        raise RefusedError(*made.diagnostics)
    if work and approve is not None and not approve(made):
        raise RefusedError(error("declined", "the plan was not approved"))
