"""History: all migrations in order, and what may be wrong with the order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from keychange.closest_name import hint_of
from keychange.diagnostics import Diagnostic, Related, error
from keychange.errors import UsageProblem
from keychange.model import Migration

BASE = "base"
HEAD = "head"


class History(NamedTuple):
    """Migrations in order; the last is the head, base is before the first.

    ``problems`` say where two have one number, or a number is missing between two: such a
    history is not applied, but what it applied before can still be looked at and taken back.
    """

    migrations: tuple[Migration, ...]
    problems: tuple[Diagnostic, ...] = ()

    @classmethod
    def of(cls, migrations: Iterable[Migration]) -> History:
        """Order migrations by number."""
        ordered = tuple(sorted(migrations, key=lambda each: each.revision))
        return cls(ordered, tuple(_order_problems(ordered)))

    @property
    def revisions(self) -> tuple[str, ...]:
        """All revisions, in order."""
        return tuple(each.revision for each in self.migrations)

    def get(self, revision: str) -> Migration | None:
        """The migration of a full revision."""
        return next((each for each in self.migrations if each.revision == revision), None)

    def upto(self, revision: str) -> tuple[Migration, ...]:
        """The migrations up to and with a revision; none for base."""
        if revision == BASE:
            return ()
        return self.migrations[: self.revisions.index(revision) + 1]

    def resolve(self, name: str, also: Iterable[str] = ()) -> str:
        """A full revision from what a user typed: a revision, its number, head or base.

        Args:
            name: the typed name.
            also: further revisions to know, such as those that only the ledger has.

        Raises:
            UsageProblem: ``unknown-revision``, with the closest one.
        """
        known = tuple(dict.fromkeys((*self.revisions, *also)))
        if name == BASE or (name == HEAD and not known):
            return BASE
        if name == HEAD:
            return self.revisions[-1] if self.revisions else max(known)
        if name in known:
            return name
        matching = [each for each in known if each[:4] == name.zfill(4)]
        if len(matching) == 1:
            return matching[0]
        raise UsageProblem(
            error(
                "unknown-revision",
                f"there is no revision `{name}`",
                hint=hint_of(name, (BASE, HEAD, *known), "known"),
                command="migrate history",
            )
        )


def number(revision: str) -> int:
    """The number of a revision."""
    return int(revision[:4])


def _order_problems(ordered: tuple[Migration, ...]) -> Iterable[Diagnostic]:
    for first, second in pairwise(ordered):
        one, two = number(first.revision), number(second.revision)
        location, first_id = second.locate("/id"), Related(first.locate("/id"), "the other one")
        if one == two:
            message = f"`{second.revision}` has the number of `{first.revision}`"
            hint = "the one that came later takes the next free number, in its name and its id"
            command = "migrate rebase"
            yield error(
                "duplicate-revision",
                message,
                location,
                hint=hint,
                command=command,
                related=(first_id,),
            )
        elif two != one + 1:
            message = f"between `{first.revision}` and `{second.revision}` a number is missing"
            hint = f"bring the missing file back, or make this one {one + 1:04d}"
            command = "migrate rebase"
            yield error("history-gap", message, location, hint=hint, command=command)
