"""Drafting: a new migration, made of proposals that are planned before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from keychange.authoring.guessing import models, variable_names, worth_moving
from keychange.authoring.proposals import Pair, Proposals, propose
from keychange.authoring.survey import Held, Survey, survey
from keychange.authoring.text import Proposal, migration_text, schema_reference
from keychange.diagnostics import Diagnostic, Location, error, errors_in
from keychange.errors import RefusedError
from keychange.history import number
from keychange.left_behind import left_behind
from keychange.model import Plan
from keychange.planning import plan_up
from keychange.project import Project, load_project
from keychange.secrets import looks_secret

_PLACEHOLDER = Proposal(
    said="Placeholders: nothing was found to fill them in with. `env`, `python` or `json`.",
    lines=("env: .env", "missing: skip", "set:", "  NAME_OF_A_KEY: {to: its new value}"),
    targets=(".env",),
    sites=(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A migration that is not written yet.

    ``path`` is from the root. ``sites`` are governed by its operations; ``left`` hold an old
    value that none of them takes, and ``behind`` say the same of other files. ``plan`` is what
    would be done with it. ``open`` are the variables that wait for their value.
    """

    path: str
    revision: str
    text: str
    operations: tuple[Proposal, ...] = ()
    refused: tuple[tuple[Proposal, str], ...] = ()
    left: tuple[Held, ...] = ()
    behind: tuple[Diagnostic, ...] = ()
    open: tuple[str, ...] = ()
    plan: Plan

    @property
    def sites(self) -> tuple[Held, ...]:
        """Every site that its operations govern."""
        return tuple(site for each in self.operations for site in each.sites)


def inherited(project: Project) -> tuple[Pair, ...]:
    """What the last migration sets, as the values to move from; the new ones are still open."""
    last = project.history.migrations[-1:]
    found = []
    for migration in last:
        known = project.templates[migration.revision].variables
        for name in known:
            bare = name.removeprefix("new_")
            if bare != name and f"old_{bare}" in known and not looks_secret(name, known[name]):
                found.append(Pair(bare, known[name], known[name]))
    return tuple(found)


@dataclass(slots=True)
class _Desk:
    """One migration being drafted: what is known of it so far, and how it would plan.

    The files are looked at as they are once all migrations before it are applied.
    """

    project: Project
    revision: str
    title: str
    pairs: tuple[Pair, ...] = ()
    before: Plan | None = None
    unread: tuple[Diagnostic, ...] = ()

    @property
    def folder(self) -> str:
        settings = self.project.settings
        return settings.owned(settings.migrations)

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.revision}.yaml"

    def look(self, values: Iterable[str] = ()) -> Survey:
        steps = self.before.steps if self.before else ()
        planned = {change.path: change.after for step in steps for change in step.changes}
        skipped = [self.folder]
        return survey(self.project.root, values, instead=planned, skipped=skipped)

    def propose(self, pairs: Sequence[Pair]) -> Proposals:
        self.pairs = tuple(pairs)
        if not pairs:
            return Proposals()
        seen = self.look([each.old for each in pairs])
        self.unread = seen.unread
        return propose(seen, self.pairs)

    def found(self, held: Mapping[str, tuple[Held, ...]]) -> Sequence[Pair]:
        """The models in use, each with its new value still open."""
        names = variable_names((value, held[value]) for value in worth_moving(held))
        return [Pair(name, value, value) for value, name in names.items()]

    def text(
        self,
        operations: Sequence[Proposal],
        refused: Sequence[tuple[Proposal, str]] = (),
        also: Sequence[Proposal] = (),
    ) -> str:
        return migration_text(
            revision=self.revision,
            title=self.title,
            schema=schema_reference(self.project.settings),
            variables={**_carried(self.project, self.pairs), **_variables(self.pairs)},
            todo=[f"new_{each.name}" for each in self.pairs if each.open],
            operations=operations,
            refused=refused,
            also=also,
            models=[f"new_{each.name}" for each in self.pairs],
        )

    def planned(self, operations: Sequence[Proposal]) -> tuple[Project, Plan]:
        held = {**self.project.instead, self.path: self.text(operations).encode()}
        project = load_project(self.project.settings, held)
        return project, plan_up(project)

    def objections(self, operations: Sequence[Proposal]) -> tuple[Diagnostic, ...]:
        """The errors of a plan that are not there without this migration."""
        known = self.before.diagnostics if self.before else ()
        _, plan = self.planned(operations)
        return tuple(each for each in errors_in(plan.diagnostics) if each not in known)

    def settle(
        self, operations: Sequence[Proposal]
    ) -> tuple[tuple[Proposal, ...], tuple[tuple[Proposal, str], ...]]:
        """The operations that plan here, and those that do not, each with the reason."""
        wrong = self.objections(operations)
        if not wrong:
            return tuple(operations), ()
        alone = [(each, self.objections([each])) for each in operations]
        kept = tuple(each for each, why in alone if not why)
        if not kept or self.objections(kept):
            raise RefusedError(*wrong)
        return kept, tuple((each, why[0].message) for each, why in alone if why)


def draft(
    project: Project,
    slug: str,
    pairs: Sequence[Pair] = (),
    *,
    title: str = "",
    known: Mapping[str, tuple[Held, ...]] | None = None,
    also: Sequence[Proposal] = (),
) -> Draft:
    """A migration for some values, or for what was found; nothing is written.

    Without values, they are those that the last migration sets, else the models in use. Every
    operation is planned; one that would stop the run is written as a comment, with the reason.
    ``known`` are the models in use, if somebody has looked already; ``also`` are operations that
    are only shown.

    Raises:
        RefusedError: nothing holds an old value (``value-not-found``), no operation can be
            planned, or the migrations are not under the root.
    """
    desk = _Desk(
        project, next_revision(project, slug), title or slug.replace("_", " ").capitalize()
    )
    if project.history.migrations:
        desk.before = plan_up(project)
    proposals = desk.propose(pairs or inherited(project))
    if pairs and not proposals.operations:
        raise RefusedError(*_not_found(project, pairs, proposals.left, desk.look()))
    if not proposals.operations:
        held = models(desk.look(), project.root) if known is None else known
        proposals = desk.propose(desk.found(held))
    operations, refused = desk.settle(proposals.operations or (_PLACEHOLDER,))
    after, plan = desk.planned(operations)
    return Draft(
        path=desk.path,
        revision=desk.revision,
        text=desk.text(operations, refused, also),
        operations=tuple(each for each in operations if each is not _PLACEHOLDER),
        refused=refused,
        left=proposals.left,
        behind=(*desk.unread, *_behind(plan, left_behind(after, plan))),
        open=tuple(f"new_{each.name}" for each in desk.pairs if each.open),
        plan=plan,
    )


def _behind(plan: Plan, found: Iterable[Diagnostic]) -> Iterable[Diagnostic]:
    """Each place that still holds an old value, once."""
    told = [each for each in plan.diagnostics if each.code == "left-behind"]
    places = {(e.location.path, e.location.line) for e in told if e.location}
    yield from told
    for each in found:
        if each.location is None or (each.location.path, each.location.line) not in places:
            yield each


def next_revision(project: Project, slug: str) -> str:
    """The next free number with a slug; a number that only the ledger knows is not free."""
    known = (*(each.revision for each in project.history.migrations), *project.ledger.revisions)
    return f"{max(map(number, known), default=0) + 1:04d}_{slug}"


def _variables(pairs: Iterable[Pair]) -> dict[str, str]:
    found = {}
    for each in pairs:
        found[f"old_{each.name}"] = each.old.replace("${", "$${")
        found[f"new_{each.name}"] = each.new.replace("${", "$${")
    return found


def _carried(project: Project, pairs: Iterable[Pair]) -> Mapping[str, str]:
    """The other variables of the last migration: paths and interpreters stay what they were."""
    last = project.history.migrations[-1:]
    names = {each.name for each in pairs}
    return {
        name: text
        for migration in last
        for name, text in migration.variables.items()
        if not name.startswith(("old_", "new_"))
        and name.partition("_")[2] not in names
        and not looks_secret(name, text)
    }


def _not_found(
    project: Project, pairs: Sequence[Pair], left: Sequence[Held], seen: Survey
) -> Iterable[Diagnostic]:
    from difflib import get_close_matches

    values = sorted({each.value for each in seen.held if not each.part and len(each.value) < 100})
    for pair in pairs:
        here = [each for each in left if pair.old in each.value]
        if here:
            message = f"`{pair.old}` stands only where no operation changes it: {here[0].place}"
            hint = "say `in: any` or give its address in an operation that you write yourself"
            place = Location(here[0].path, here[0].line, 1)
            command = f"migrate sites {here[0].path}"
            yield error("value-not-found", message, place, hint=hint, command=command)
            continue
        close = get_close_matches(pair.old, values, n=3, cutoff=0.6)
        known = close or list(models(seen, project.root))[:3]
        hint = "did you mean " if close else "found instead: " if known else ""
        hint += ", ".join(f"`{each}`" for each in known) + ("?" if close else "")
        message = f"no env file, Python source or config here holds `{pair.old}`"
        yield error("value-not-found", message, hint=hint or "it must be the value as it is read")
