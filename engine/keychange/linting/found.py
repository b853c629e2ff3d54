"""What will hurt in a pending migration, seen from the files as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from keychange.closest_name import closest, did_you_mean
from keychange.diagnostics import Diagnostic, Severity, warning
from keychange.formats.dotenv.text import values
from keychange.formats.python.address import ADDRESSABLE, Literal, literals
from keychange.formats.python.encoding import InvalidPython
from keychange.formats.python.select import named, nearest
from keychange.formats.python.source import parse
from keychange.linting.declared import changes
from keychange.model import ABSENT, Json, Migration, Operation, Plan, Site, State, Step, same
from keychange.patterns import fits
from keychange.secrets import looks_secret
from keychange.snapshot import target_place
from keychange.templates import TemplateError, Templates
from keychange.yaml_data import unescape

_OF_PLAN = {"no-match": "lint-no-match", "missing-target": "lint-no-target"}
_HINTS = {
    "lint-no-match": "mend the pattern, unless such files are still to come",
    "lint-no-target": "mend the path; `up` refuses to run without it",
}


def found(
    migration: Migration, templates: Templates, step: Step, plan: Plan
) -> Iterator[Diagnostic]:
    """Warnings about one pending migration, from what its targets hold."""
    held = _Held(migration, templates, step)
    yield from _targets(migration, plan, held)
    for pointer, node in changes(migration):
        operation = migration.operations[int(pointer.split("/")[2])]
        yield from held.old_value(operation, pointer, node)
    for operation in migration.operations:
        if operation.kind == "python":
            yield from held.addresses(operation)


def _targets(migration: Migration, plan: Plan, held: _Held) -> Iterator[Diagnostic]:
    """Targets that stand for nothing: of several patterns, only where that looks like a slip."""
    matched = {
        place: bool(held.paths(operation))
        for operation in migration.operations
        for place in (
            target_place(migration, operation, index) for index in range(len(operation.targets))
        )
    }
    for each in plan.diagnostics:
        code = _OF_PLAN.get(each.code)
        if not code or each.location is None or each.location.path != migration.path:
            continue
        near = each.hint.partition("?")[0] + "? " if "did you mean" in each.hint else ""
        if near or code != "lint-no-match" or not matched.get(each.location):
            yield each._replace(severity=Severity.WARNING, code=code, hint=near + _HINTS[code])


class _Held:
    """What the targets of one step hold, before it."""

    def __init__(self, migration: Migration, templates: Templates, step: Step) -> None:
        self._migration = migration
        self._templates = templates
        self._step = step
        self._data = {each.path: each.before for each in step.files}
        self._parsed: dict[str, tuple[Literal, ...]] = {}

    def old_value(
        self, operation: Operation, pointer: str, node: Mapping[str, Json]
    ) -> Iterator[Diagnostic]:
        """A `from` that no target of its operation holds."""
        paths = self.paths(operation)
        if not paths:
            return
        olds = node["from"] if isinstance(node["from"], list) else [node["from"]]
        wanted = [value for old in olds for value in self._values(old, paths)]
        new = self._values(node["to"], paths)
        if all(any(same(old, value) for value in new) for old in wanted):
            return  # nothing will change, which is said elsewhere
        prefix = node.get("match") == "prefix"
        sites = [each for each in self._step.sites if each.path in paths and _of(each, operation)]
        if "strings" not in pointer or "at" in node:
            address = str(node.get("at") or unescape(pointer.rpartition("/")[2]))
            sites = [each for each in sites if each.address == address.removesuffix("#1")]
        else:
            sites = [e for e in sites if any(same(e.after, value) for value in new)] or sites
        if any(_holds(each, wanted, prefix=prefix) for each in sites):
            return
        message = f"no target holds {'this old value' if len(olds) == 1 else 'one of these'}"
        near = self._near(wanted, sites, paths)
        if operation.kind == "env" and all(each.before is ABSENT for each in sites):
            key = pointer.rpartition("/")[2]
            message = f"no target has the key `{key}`, so nothing is replaced: it will be added"
            keys = (name for path in paths for name, _ in values(self._data[path] or b""))
            near = did_you_mean(key, dict.fromkeys(keys))
        hint = " ".join(part for part in (near, _ADVICE) if part)
        place = self._migration.locate(f"{pointer}/from")
        yield warning("lint-from-not-held", message, place, hint=hint)

    def addresses(self, operation: Operation) -> Iterator[Diagnostic]:
        """An address that names nothing in every target, or several literals in one."""
        paths = self.paths(operation)
        index = int(operation.pointer.split("/")[2])
        nodes = cast("list[dict[str, Json]]", self._migration.document["operations"])
        entries = cast("list[dict[str, str]]", nodes[index]["strings"])
        for at, entry in enumerate(entries):
            if "at" not in entry or not paths:
                continue
            address = self._templates.text(entry["at"])
            means = {path: named(self._addressable(path), address) for path in paths}
            place = self._migration.locate(f"{operation.pointer}/strings/{at}/at")
            several = next((path for path in paths if len(means[path]) > 1), "")
            if several:
                choice = ", ".join(
                    [f"`{address}#1`", *(f"`{e.address}`" for e in means[several][1:])]
                )
                message = f"`{address}` names {len(means[several])} literals of {several}"
                hint = f"say which one: {choice}"
                yield warning("lint-address", message, place, hint=hint)
            elif not any(means.values()):
                message = f"no target has a string at `{address}`"
                near = nearest(self._addressable(paths[0]), address)
                hint = f"did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else ""
                command = f"migrate sites {paths[0]}"
                yield warning("lint-address", message, place, hint=hint, command=command)

    def paths(self, operation: Operation) -> list[str]:
        """The targets of an operation that are there."""
        patterns = [self._templates.text(each).removeprefix("./") for each in operation.targets]
        return [
            path
            for path, data in self._data.items()
            if data is not None and any(path == each or fits(path, each) for each in patterns)
        ]

    def _values(self, value: Json, paths: Iterable[str]) -> list[Json]:
        """What a value of the migration is in each of the files."""
        try:
            return [self._templates.expand(value, file=path) for path in paths]
        except TemplateError:
            return []

    def _addressable(self, path: str) -> list[Literal]:
        if path not in self._parsed:
            try:
                self._parsed[path] = literals(parse(self._data[path] or b""))
            except InvalidPython:
                self._parsed[path] = ()
        return [each for each in self._parsed[path] if each.place in ADDRESSABLE]

    def _near(self, wanted: list[Json], sites: list[Site], paths: list[str]) -> str:
        """The value that was meant, where the files hold one like it that may be shown."""
        texts = {each.before for each in sites if isinstance(each.before, str) and not each.secret}
        if paths[0].endswith(".py"):
            texts = {each.value for path in paths for each in self._addressable(path)}
        shown = sorted(each for each in texts if not looks_secret("", each))
        text = next((each for each in wanted if isinstance(each, str)), "")
        return did_you_mean(text, shown) if closest(text, shown) else ""


_ADVICE = "correct `from`; without it any value is replaced"


def _of(site: Site, operation: Operation) -> bool:
    return site.kind == operation.kind


def _holds(site: Site, wanted: list[Json], *, prefix: bool) -> bool:
    """Whether a site holds one of the old values, or the new one already."""
    if site.state is State.DONE:
        return True
    if prefix:
        return any(str(site.before).startswith(str(each)) for each in wanted)
    return any(same(site.before, each) for each in wanted)
