"""The one error tree; every family has its exit code, and every error carries diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from keychange.diagnostics import Diagnostic, error


class KeychangeError(Exception):
    """Base of all errors that keychange raises on purpose.

    ``exit_code`` is what the command line ends with. ``done`` are the revisions that the run
    had finished before, and that stay so.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, *diagnostics: Diagnostic, others: Iterable[Diagnostic] = ()) -> None:
        self.diagnostics = (*diagnostics, *others)
        self.done: tuple[str, ...] = ()
        super().__init__("; ".join(each.message for each in self.diagnostics))

    @property
    def ending(self) -> str:
        """How the run ended, as JSON says it; it agrees with the exit code and with the disk."""
        return "could-not-run"


class UsageProblem(KeychangeError):
    """Could not run: options, settings or a migration file are not valid. Nothing was written."""

    exit_code = 2


class Problem(NamedTuple):
    """What is wrong in a declaration: where (a JSON pointer in it), which, what, and what to do.

    ``length`` counts the characters to underline.
    """

    pointer: str
    code: str
    message: str
    hint: str
    length: int = 0


class DeclarationProblem(UsageProblem):
    """A node of a migration says what its kind cannot do; who knows the file tells the places."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*(error(each.code, each.message, hint=each.hint) for each in problems))
        self.problems = problems


class RefusedError(KeychangeError):
    """The answer is no, before anything was written: precondition, foreign value, lock, stale."""

    exit_code = 1

    @property
    def ending(self) -> str:
        """Nothing was written, but for what ``done`` names."""
        return "refused"


class RolledBackError(KeychangeError):
    """Apply or verification failed, and everything was restored and compared."""

    exit_code = 3

    @property
    def ending(self) -> str:
        """Every file is as it was, but for what ``done`` names."""
        return "rolled-back"


class RollbackError(KeychangeError):
    """The restore failed or could not be confirmed; each file and its backup is named."""

    exit_code = 4

    @property
    def ending(self) -> str:
        """Written back but not confirmed, or not written back."""
        codes = {each.code for each in self.diagnostics}
        failed = codes & {"not-restored", "restore-failed", "commit-unconfirmed"}
        unconfirmed = "restore-unconfirmed" in codes and not failed
        return "rolled-back-unconfirmed" if unconfirmed else "rollback-failed"
