"""Discovery: what a project is made of, so that nobody has to be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from keychange import git
from keychange.authoring.guessing import models, names_setting
from keychange.authoring.survey import Held, Survey, survey
from keychange.model import Value
from keychange.regular import read_regular
from keychange.resources import bundled_schema, schema_names
from keychange.settings import Settings, migration_files

_HOOKS = ".pre-commit-config.yaml"
_GROUPS = 200
"""Groups of configs beyond which they are data, and no schema is tried on them."""
_SCHEMAS = 20
"""Schemas of a project that are tried on its configs."""


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one name: a path, or a pattern and the paths that it stands for.

    ``ignored`` says that git ignores them: they are on this machine alone.
    """

    pattern: str
    paths: tuple[str, ...]
    ignored: bool = False


@dataclass(frozen=True)
class Discovery:
    """What was found under one root, each part when it is asked for."""

    settings: Settings
    survey: Survey

    @property
    def root(self) -> Path:
        """The root that was looked through."""
        return self.settings.root

    @cached_property
    def checkout(self) -> bool:
        """Whether the root is in a git checkout."""
        return git.git(self.root, "rev-parse", "--is-inside-work-tree") is not None

    @cached_property
    def env_files(self) -> tuple[Group, ...]:
        """Env files."""
        return self._groups(path for path, kind in self.survey.files.items() if kind == "env")

    @cached_property
    def configs(self) -> tuple[Group, ...]:
        """Config files, those of one name in sibling folders together."""
        return self._groups(path for path, kind in self.survey.files.items() if kind == "json")

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Python sources that hold a model, a device or a number type."""
        telling = (
            *self.settings_found,
            *(site for sites in self.models.values() for site in sites),
        )
        return tuple(sorted({each.path for each in telling if each.kind == "python"}))

    @cached_property
    def models(self) -> Mapping[str, tuple[Held, ...]]:
        """The values that look like models, the most used first."""
        return models(self.survey, self.root)

    @cached_property
    def settings_found(self) -> tuple[Held, ...]:
        """Devices and number types."""
        return tuple(each for each in self.survey.held if names_setting(each))

    @cached_property
    def schemas(self) -> Mapping[str, tuple[str, ...]]:
        """By the pattern of a group of configs, the schemas that all of them satisfy."""
        known = self._known_schemas()
        found = {}
        for group in self.configs if len(self.configs) <= _GROUPS else ():
            names = fitting(known, [self.survey.document(each) for each in group.paths])
            if names:
                found[group.pattern] = names
        return found

    @cached_property
    def hooks(self) -> bool | None:
        """Whether pre-commit runs keychange; None where the project has no pre-commit."""
        try:
            return "keychange-check" in read_regular(self.root / _HOOKS).decode("utf-8", "replace")
        except OSError:
            return None

    @cached_property
    def table(self) -> str:
        """The lines that pyproject.toml wants for the folder of migrations; none for the usual."""
        shown = self.settings.shown(self.settings.migrations)
        return "" if shown == "migrations" else f'[tool.keychange]\nmigrations = "{shown}"'

    def _groups(self, paths: Iterable[str]) -> tuple[Group, ...]:
        listed = sorted(paths)
        ignored = git.ignored(self.root, listed) if listed else frozenset()
        by_name: dict[tuple[str, str, int], list[str]] = {}
        for path in listed:
            first, _, rest = path.partition("/")
            key = (first if rest else "", path.rpartition("/")[2], path.count("/"))
            by_name.setdefault(key, []).append(path)
        found = []
        for members in by_name.values():
            parts = zip(*(each.split("/") for each in members), strict=True)
            pattern = "/".join("*" if len(set(each)) > 1 else each[0] for each in parts)
            found.append(Group(pattern, tuple(members), all(each in ignored for each in members)))
        return tuple(found)

    def _known_schemas(self) -> dict[str, Value]:
        """Those that ship for configs, and those of the project, by the name `schema` takes."""
        own = [p for p in self.survey.files if p.endswith(".schema.json")][:_SCHEMAS]
        shipped = {name: bundled_schema(name) for name in schema_names() if "." in name}
        return {**shipped, **{path: self.survey.document(path) for path in own}}


def discover(settings: Settings) -> Discovery:
    """Look through a project; reads only."""
    skipped = [settings.shown(settings.migrations)]
    return Discovery(settings, survey(settings.root, skipped=skipped))


def fitting(schemas: Mapping[str, Value], documents: Sequence[Value]) -> tuple[str, ...]:
    """The schemas that all documents satisfy and that say something about them.

    A schema that requires no member, or names few of those that are there, fits by chance.
    """
    from keychange.json_schema.violations import satisfied

    found = []
    for name, schema in schemas.items():
        if not isinstance(schema, dict) or not documents or not schema.get("required"):
            continue
        properties = schema.get("properties")
        named = properties.keys() if isinstance(properties, dict) else set()
        if all(
            isinstance(each, dict)
            and 2 * len(each.keys() & named) >= len(each)
            and satisfied(each, schema)
            for each in documents
        ):
            found.append(name)
    return tuple(found)


def folder_of_migrations(settings: Settings) -> Settings:
    """Where a new history goes: not into a `migrations/` that another tool uses already."""
    folder = settings.migrations
    usual = folder == settings.root / "migrations"
    if not usual or not folder.is_dir() or next(migration_files(folder), None):
        return settings
    others = [each for each in folder.iterdir() if each.suffix in (".py", ".sql", ".ini", ".rb")]
    return Settings(settings.root, settings.root / "config_migrations") if others else settings
