"""Proposals: the operations that would change some values, from the sites that hold them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from keychange.authoring.survey import Held, Survey, value_at
from keychange.authoring.text import Proposal, scalar
from keychange.model import ABSENT
from keychange.patterns import fits
from keychange.secrets import looks_secret

_WIDTH = 92
_LONGEST = 200
"""Characters of a value that is repeated in a migration; a longer text is left to its author."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An old value and a new one, by the names of their variables: ``old_NAME``, ``new_NAME``."""

    name: str
    old: str
    new: str

    @property
    def open(self) -> bool:
        """Whether the author has still to say what the new value is."""
        return self.old == self.new


Change = tuple[str, str]
"""What a value is changed from and to, as a migration writes it, with its variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """The operations for some values, and the places that hold one and that none of them takes."""

    operations: tuple[Proposal, ...] = ()
    left: tuple[Held, ...] = ()


@dataclass(slots=True)
class _Sites:
    """The sites of one file, by address, with what each is changed from and to."""

    changes: dict[str, Change] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)

    def add(self, held: Held, change: Change) -> None:
        self.changes[held.address] = change
        self.held.append(held)


@dataclass(slots=True)
class _Found:
    """The sites to change, by kind and file."""

    env: dict[str, _Sites] = field(default_factory=dict)
    configs: dict[str, _Sites] = field(default_factory=dict)
    by_value: list[tuple[Held, Pair]] = field(default_factory=list)
    by_address: dict[str, _Sites] = field(default_factory=dict)

    def add(self, held: Held, change: Change) -> None:
        if held.kind == "env":
            sites = self.env.setdefault(held.path, _Sites())
        elif held.kind == "json":
            sites = self.configs.setdefault(held.path, _Sites())
        else:
            sites = self.by_address.setdefault(held.path, _Sites())
        sites.add(held, change)

    def operations(self, survey: Survey) -> tuple[Proposal, ...]:
        return (
            *_env(self.env, survey),
            *_python_by_value(self.by_value),
            *(_python_by_address(path, sites) for path, sites in self.by_address.items()),
            *_json(self.configs, survey),
        )


def propose(survey: Survey, pairs: Sequence[Pair]) -> Proposals:
    """The operations that change the old values wherever an operation can.

    A value is changed where it stands alone, and where it stands as a word in a longer one.
    Comparisons, keys and docstrings of Python are left: what they mean is for the author to say.
    """
    found = _Found()
    left: list[Held] = []
    for held in survey.held:
        pieces = _pieces(held.value, pairs)
        if not any(isinstance(each, Pair) for each in pieces):
            continue
        whole = len(pieces) == 1
        if held.kind == "python" and not held.place and (whole or held.part):
            found.by_value += [(held, each) for each in pieces if isinstance(each, Pair)]
        elif held.place or held.part or not _may_stand(held):
            left.append(held)
        else:
            found.add(held, (_written(pieces, "old"), _written(pieces, "new")))
    return Proposals(operations=found.operations(survey), left=tuple(left))


def propose_as_is(survey: Survey, sites: Iterable[Held]) -> tuple[Proposal, ...]:
    """The operations that would set some sites, each to what it holds now."""
    found = _Found()
    for held in sites:
        value = held.value.replace("${", "$${")
        if _may_stand(held):
            found.add(held, (value, value))
    return found.operations(survey)


def _may_stand(held: Held) -> bool:
    """Whether the whole value of a site may be written into a migration."""
    secret = looks_secret(held.name, held.value, in_env=held.kind == "env")
    return len(held.value) <= _LONGEST and not secret


def _pieces(value: str, pairs: Sequence[Pair]) -> list[str | Pair]:
    """A value in parts: text that stays, and the pair whose old value stands there."""
    from keychange.formats.python.select import word_pattern

    by_old = {each.old: each for each in pairs}
    pattern = "|".join(word_pattern(each) for each in sorted(by_old, key=len, reverse=True))
    return [by_old.get(text, text) for text in re.split(f"({pattern})", value) if text]


def _written(pieces: Iterable[str | Pair], side: str) -> str:
    return "".join(
        f"${{{side}_{each.name}}}" if isinstance(each, Pair) else each.replace("${", "$${")
        for each in pieces
    )


# ---------------------------------------------------------------- the kinds


def _env(found: Mapping[str, _Sites], survey: Survey) -> Iterator[Proposal]:
    grouped: dict[tuple[tuple[str, Change], ...], list[str]] = {}
    for path, sites in found.items():
        grouped.setdefault(tuple(sorted(sites.changes.items())), []).append(path)
    for changes, paths in grouped.items():
        targets = [*_own_env(paths, survey), *paths]
        held = [each for path in paths for each in found[path].held]
        said = f"{_count(len(held), 'key')} in {_count(len(paths), 'file')}"
        here = len(targets) > len(paths)
        said += "; one that is not here is passed over." if here else "."
        lines = [*_targets("env", targets), "missing: skip", "set:"]
        lines += [f"  {key}: {_change(change)}" for key, change in changes]
        yield _proposal(said, lines, targets, held)


def _own_env(paths: Sequence[str], survey: Survey) -> Iterator[str]:
    """The env file of which only the example is in this checkout; others have their own."""
    for path in paths:
        own = re.sub(r"\.(?:example|sample|template|dist)$", "", path)
        if own != path and own not in survey.files and own not in paths:
            yield own


def _python_by_value(found: Sequence[tuple[Held, Pair]]) -> Iterator[Proposal]:
    if not found:
        return
    paths = list(dict.fromkeys(held.path for held, _ in found))
    pairs = dict.fromkeys(pair for _, pair in found)
    sites = list(dict.fromkeys(held for held, _ in found))
    said = f"{_count(len(sites), 'string')} in {_count(len(paths), 'source')}, wherever one gives"
    lines = [*_targets("python", paths), "strings:"]
    lines += [f"  - {_change((f'${{old_{p.name}}}', f'${{new_{p.name}}}'))}" for p in pairs]
    yield _proposal(f"{said} a value.", lines, paths, sites)


def _python_by_address(path: str, sites: _Sites) -> Proposal:
    said = f"{_count(len(sites.held), 'string')} in 1 source, by address."
    lines = [*_targets("python", [path]), "strings:"]
    for address, change in sites.changes.items():
        old, new = map(scalar, change)
        lines.append(f"  - at: {scalar(address)}")
        lines += [f"    from: {old}"] if old != new else []  # a python entry has to change it
        lines.append(f"    to: {new}")
    return _proposal(said, lines, [path], sites.held)


def _json(found: Mapping[str, _Sites], survey: Survey) -> Iterator[Proposal]:
    clusters: dict[tuple[str, int, str], list[str]] = {}
    for path, sites in found.items():
        key = (path.rpartition("/")[2], path.count("/"), sites.held[0].syntax)
        clusters.setdefault(key, []).append(path)
    for (_, _, syntax), paths in clusters.items():
        members = {path: found[path] for path in paths}
        pattern = _pattern(paths)
        changes = _shared(pattern, members, survey) if pattern else None
        if pattern and changes:
            yield _configs([pattern], members, syntax, changes)
            continue
        alike: dict[tuple[tuple[str, Change], ...], list[str]] = {}
        for path in paths:
            alike.setdefault(tuple(sorted(found[path].changes.items())), []).append(path)
        for same, named in alike.items():
            yield _configs(named, {each: found[each] for each in named}, syntax, dict(same))


def _configs(
    targets: list[str], members: Mapping[str, _Sites], syntax: str, changes: Mapping[str, Change]
) -> Proposal:
    held = [each for sites in members.values() for each in sites.held]
    said = f"{_count(len(held), 'field')} in {_count(len(members), 'config')}"
    lines = _targets("json", targets)
    if syntax == "jsonc":
        lines.append("syntax: jsonc")
    if "*" in targets[0]:
        said += "; a config that is added later is brought along"
        lines.append("only: existing")
    lines.append("set:")
    lines += [f"  {scalar(pointer)}: {_change(change)}" for pointer, change in changes.items()]
    return _proposal(f"{said}.", lines, targets, held)


def _pattern(paths: Sequence[str]) -> str | None:
    """A pattern for files of one name that lie equally deep in folders of one folder."""
    parts = [path.split("/") for path in paths]
    same = ["*" if len(set(each)) > 1 else each[0] for each in zip(*parts, strict=True)]
    return "/".join(same) if len(paths) > 1 and same[0] != "*" else None


def _shared(
    pattern: str, members: Mapping[str, _Sites], survey: Survey
) -> Mapping[str, Change] | None:
    """The changes for all configs that fit a pattern: each holds the old value there, or nothing.

    None where one of them holds something else, or could not be read.
    """
    changes: dict[str, Change] = {}
    for sites in members.values():
        for address, change in sites.changes.items():
            if changes.setdefault(address, change) != change:
                return None
    for path in (each for each in survey.files if fits(each, pattern)):
        own = members[path].changes if path in members else {}
        document = survey.document(path)
        if document is ABSENT:
            return None
        if any(a not in own and value_at(document, a) is not ABSENT for a in changes):
            return None
    return changes


# ---------------------------------------------------------------- words


def _proposal(
    said: str, lines: Sequence[str], targets: Sequence[str], sites: Iterable[Held]
) -> Proposal:
    return Proposal(said=said, lines=tuple(lines), targets=tuple(targets), sites=tuple(sites))


def _targets(kind: str, paths: Sequence[str]) -> list[str]:
    listed = ", ".join(map(scalar, paths))
    if len(paths) == 1:
        return [f"{kind}: {listed}"]
    if len(listed) < _WIDTH - 20:
        return [f"{kind}: [{listed}]"]
    return [f"{kind}:", *(f"  - {scalar(each)}" for each in paths)]


def _change(change: Change) -> str:
    old, new = map(scalar, change)
    return f"{{from: {old}, to: {new}}}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
