"""Room of where a path leads: within the root, whatever links it goes through, or nowhere."""

from __future__ import annotations

import os
import stat
from typing import Final

from keychange.diagnostics import Diagnostic, Location, error
from keychange.patterns import stays_below
from keychange.transaction.files import Tree, Walk, split
from keychange.transaction.state import LEDGER, STATE

PROTECTED: Final = frozenset({STATE, ".git"})


class Objection(Exception):
    """One reason to refuse, found on the way; the preflight collects them all."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def resolve(tree: Tree, walk: Walk, path: str) -> str:
    """Where a path leads, relative to the root, with every link followed; ``walk`` is the tree's.

    Raises:
        Objection: out of the root, or into a folder that is a program's own.
    """
    if not stays_below(path):
        raise Objection(_outside(path))
    target = path
    if not _is_straight(walk, path):
        real = os.path.realpath(tree.absolute(path))
        root = f"{tree.root.rstrip('/')}/"
        if not real.startswith(root):
            raise Objection(_outside(path))
        target = real.removeprefix(root)
    if is_protected(target):
        raise Objection(
            error(
                "protected-target",
                f"{path} leads into a folder that belongs to a program: {target}",
                Location(path),
                hint="take it out of the operation's targets",
            )
        )
    return target


def is_protected(target: str) -> bool:
    """Whether a path leads into a folder that belongs to a program; the ledger is keychange's."""
    return target != LEDGER and any(p.casefold() in PROTECTED for p in target.split("/"))


def _is_straight(walk: Walk, path: str) -> bool:
    """Whether something is there, and no part of the path is a link."""
    folder, name = split(path)
    try:
        status = os.stat(name, dir_fd=walk.to(folder), follow_symlinks=False)
    except OSError:
        return False
    return not stat.S_ISLNK(status.st_mode)


def _outside(path: str) -> Diagnostic:
    return error(
        "outside-root",
        f"{path} leads out of the project",
        Location(path),
        hint="keychange changes only files below the root; name the file's own place there",
    )
