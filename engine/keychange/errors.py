"""The one error tree; every family has its exit code, and every error carries diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from keychange.diagnostics import Diagnostic, error


class KeychangeError(Exception):
    """Base of all errors that keychange raises on purpose.

    ``exit_code`` is what the command line ends with.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, *diagnostics: Diagnostic, others: Iterable[Diagnostic] = ()) -> None:
        self.diagnostics = (*diagnostics, *others)
        super().__init__("; ".join(each.message for each in self.diagnostics))


class UsageProblem(KeychangeError):
    """Could not run: options, settings or a migration file are not valid. Nothing was written."""

    exit_code = 2


class Problem(NamedTuple):
    """What is wrong in a declaration: where (a JSON pointer in it), which, what, and what to do."""

    pointer: str
    code: str
    message: str
    hint: str
    length: int = 1


class DeclarationProblem(UsageProblem):
    """A node of a migration says what its kind cannot do; who knows the file tells the places."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*(error(each.code, each.message, hint=each.hint) for each in problems))
        self.problems = problems


class RefusedError(KeychangeError):
    """The answer is no, before anything was written: precondition, foreign value, lock, stale."""

    exit_code = 1


class RolledBackError(KeychangeError):
    """Apply or verification failed, and everything was restored and compared."""

    exit_code = 3


class RollbackError(KeychangeError):
    """The restore failed or could not be confirmed; each file and its backup is named."""

    exit_code = 4
