"""Opening: one project as it stands at one moment, after what was interrupted is dealt with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from keychange import git
from keychange.loader import Known
from keychange.project import Project, load_project
from keychange.settings import Settings
from keychange.transaction.reading import read_steadily
from keychange.transaction.stages import has_remains

if TYPE_CHECKING:
    from keychange.transaction.recovery import Recovery

T = TypeVar("T")


def opened(
    settings: Settings,
    work: Callable[[Project], T],
    *,
    staged: bool = False,
    cached: bool = False,
    recovered: Callable[[Recovery], None] = lambda recovery: None,
) -> T:
    """What some work makes of a project.

    It sees one state of the files, also while another process writes; nothing it does may last,
    for it is done again when a transaction began or ended meanwhile.

    Args:
        settings: where the root and the migrations are.
        work: what to do with the project.
        staged: of every file that git tracks, the bytes that are staged are seen.
        cached: migrations are not parsed and validated again that have been before.
        recovered: is told that what an interrupted run left was undone or finished.

    Raises:
        UsageProblem, RefusedError: as ``load_project``.
    """
    found = _recovered(settings.root)
    if found is not None:
        recovered(found)
    index = git.staged(settings.root) if staged else {}
    with _compiled(settings.root) if cached else nullcontext() as known:
        return read_steadily(
            settings.root, lambda held: work(load_project(settings, {**held, **index}, known))
        )


def _recovered(root: Path) -> Recovery | None:
    if not has_remains(root):
        return None
    from keychange.transaction.recovery import recover_if_free

    return recover_if_free(root)


def _compiled(root: Path) -> AbstractContextManager[Known]:
    from keychange.warm.compiled import compiled

    return compiled(root)
