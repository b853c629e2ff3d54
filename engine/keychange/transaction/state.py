"""Room of keychange's own folder: where local state lives, and that nobody else can read it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from keychange.diagnostics import Diagnostic, Location, error
from keychange.errors import RefusedError
from keychange.settings import STATE_DIRECTORY, way_in
from keychange.transaction import files
from keychange.transaction.files import Tree

STATE: Final = STATE_DIRECTORY
LEDGER: Final = f"{STATE}/ledger.json"
_IGNORE_EVERYTHING = b"*\n"
_USUAL_HINT: Final = "it must be a folder, no link, in which you may write"
_HINTS: Final = {
    errno.ENOSPC: "make room on the disk and run the command again",
    errno.EDQUOT: "make room in your quota and run the command again",
    errno.EROFS: "the file system is mounted read-only: mount it for writing",
}


def ensure_state_dir(root: Path) -> None:
    """Make the folder with its own ``.gitignore``; both are checked each time.

    Raises:
        RefusedError: it cannot be made, or something else, such as a link, has its name.
    """
    tree = Tree(root)
    try:
        with tree.folder("") as top:
            ensure_folder(STATE, top)
        with tree.folder(STATE) as folder:
            if stat.S_IMODE(os.fstat(folder).st_mode) & 0o077:
                files.system.set_mode(folder, 0o700)
            _ensure_ignored(folder)
    except OSError as problem:
        said = f"{STATE}, the folder of keychange's own records,"
        raise RefusedError(unusable(root, STATE, said, problem)) from problem


def ensure_own_folder(root: Path, name: str) -> Path:
    """Make a folder in that of local state; nothing is ever written through a link in its place.

    Raises:
        RefusedError: as ``ensure_state_dir``, of either of the two.
    """
    ensure_state_dir(root)
    path = f"{STATE}/{name}"
    try:
        with Tree(root).walk() as walk:
            ensure_folder(name, walk.to(STATE))
            walk.to(path)
    except OSError as problem:
        raise RefusedError(unusable(root, path, path, problem)) from problem
    return root / path


def unusable(root: Path, path: str, said: str, problem: OSError) -> Diagnostic:
    """What is wrong with a part of the folder of local state, and how it can be used again."""
    hint, command = way_in(root, problem, _HINTS.get(problem.errno or 0, _USUAL_HINT))
    message = f"{said} cannot be used: {problem.strerror}"
    return error("state-unwritable", message, Location(path), hint=hint, command=command)


def ensure_folder(name: str, parent: int) -> bool:
    """Make a folder that only its owner can enter, unless it is there; its name is not flushed.

    Returns whether it was made.
    """
    try:
        files.system.make_folder(name, parent, 0o700)
    except FileExistsError:
        return False
    return True


def _ensure_ignored(folder: int) -> None:
    """Git must never see before-images, and several commands may make this file at once."""
    try:
        # A power cut can leave zeros where the bytes never reached the disk.
        if files.read(".gitignore", folder).data.strip(b"\0\n"):
            return
    except FileNotFoundError:
        pass
    except OSError:  # a link, a folder, a file that may not be read: somebody put it there
        return
    descriptor = files.system.open_or_create(".gitignore", folder)
    try:
        files.write_all(descriptor, _IGNORE_EVERYTHING)
        files.system.flush(descriptor)
    finally:
        os.close(descriptor)
    files.system.flush(folder)
    files.system.barrier(folder)
