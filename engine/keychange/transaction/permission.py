"""Room of permission: whether a file and its folder may be written; if not, why, and what to do."""

from __future__ import annotations

import errno
import os
import stat
import sys

from keychange.diagnostics import Diagnostic, Location, error, shell_word
from keychange.transaction import files


def unwritable_folder(path: str, folder: str, descriptor: int) -> Diagnostic | None:
    """Why the folder of a target does not let files be replaced; None where it does."""
    status = os.fstat(descriptor)
    if status.st_mode & 0o222 and os.access(".", os.W_OK | os.X_OK, dir_fd=descriptor):
        return None
    shown = folder or "."
    reason, what, command = _reason(shown, status, descriptor, marked=os.geteuid() == 0)
    message = f"the folder of {path} does not let files be replaced: {shown}: {reason}"
    hint = f"{what}, or take the file out of the targets"
    return error("read-only-folder", message, Location(path), hint=hint, command=command)


def unwritable_file(path: str, name: str, folder: int, status: os.stat_result) -> Diagnostic | None:
    """Why a file may not be written; None where it may.

    A replaced file need not be writable, and root may write everything; the bits still say what
    their owner wants.
    """
    marked = False
    if status.st_mode & 0o222:
        try:
            os.close(files.open_to_overwrite(name, folder))
        except OSError as problem:
            marked = problem.errno == errno.EPERM
        else:
            return None
    reason, what, command = _reason(path, status, folder, marked=marked)
    message = f"{path} cannot be written: {reason}"
    hint = f"{what}, or take the file out of the targets"
    return error("read-only-file", message, Location(path), hint=hint, command=command)


def _reason(
    path: str, status: os.stat_result, beside: int, *, marked: bool
) -> tuple[str, str, str]:
    """The reason, what to do, and the command that does it, if one does."""
    quoted = shell_word(path)
    if os.fstatvfs(beside).f_flag & os.ST_RDONLY:
        return "its file system is mounted read-only", "mount it for writing", ""
    if os.geteuid() not in (0, status.st_uid):
        return "it belongs to another user", "run this as a user who may write it", ""
    if not stat.S_IMODE(status.st_mode) & 0o222:
        return "its mode allows no writing", "make it writable", f"chmod u+w {quoted}"
    if marked:
        lift = "chflags nouchg,nouappnd" if sys.platform == "darwin" else "chattr -i -a"
        return "it is marked as one that must not change", "lift the mark", f"{lift} {quoted}"
    return "its mode or an access list forbids it", "make it writable", f"chmod u+w {quoted}"
