"""Settings: where the root is, and where its migrations are."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, cast

from keychange.closest_name import asked, closest, hint_of
from keychange.diagnostics import Diagnostic, Location, error
from keychange.errors import RefusedError, UsageProblem
from keychange.regular import read_regular
from keychange.resources import data_dir

STATE_DIRECTORY = ".keychange"
TEMP_PREFIX = ".keychange-"
"""Names that start so are staged files of a transaction; nothing else is called so."""
_KNOWN = ("migrations",)


class Settings(NamedTuple):
    """What a run needs to know before it reads anything else.

    ``root`` is absolute with links resolved. ``bundled`` says that the migrations are those that
    ship with keychange, because the project has none; ``linked`` that the folder of migrations
    was named by a path that leads through a link.
    """

    root: Path
    migrations: Path
    bundled: bool = False
    linked: bool = False

    def shown(self, path: Path) -> str:
        """A path as diagnostics show it: from the root where it lies under it."""
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            return str(path)

    def owned(self, path: Path) -> str:
        """The path from the root of a migration file that is this project's to change.

        Raises:
            RefusedError: it does not lie under the root.
        """
        shown = self.shown(path)
        if shown == str(path):
            message = (
                "the migrations are not under the root, so they are not this project's to change"
            )
            hint = "run it in the project that they belong to"
            raise RefusedError(error("migrations-elsewhere", message, Location(shown), hint=hint))
        return shown


def find_settings(
    root: Path | None, migrations: Path | None, start: Path, *, own: bool = False
) -> Settings:
    """The settings of a run.

    Args:
        root: the ``--root`` option. Else the nearest parent of ``start`` with
            ``[tool.keychange]``, else with ``migrations/``, else the git root, else ``start``.
        migrations: the ``--migrations`` option, from the working folder. Else the setting, from
            its file, else ``ROOT/migrations``, else the bundled ones.
        start: the working folder.
        own: never the bundled migrations, and a folder of migrations that need not be there yet.

    Raises:
        UsageProblem: a folder is not there, or a setting is not valid.
    """
    if root is not None and not root.is_dir():
        hint = asked(_near(root)) or "name the folder of the project, or leave -C out inside of it"
        raise UsageProblem(error("no-such-root", f"`{root}` is not a folder", hint=hint))
    found = (root or _find_root(start.resolve())).resolve()
    if _is_bare(found):
        message = f"`{found}` is a bare repository: it has no files to judge or to change"
        raise UsageProblem(error("bare-repository", message, hint="run it in a clone with files"))
    if migrations is not None:
        said = f"--migrations: `{migrations}`"
        return _settings(found, migrations, said, own=own)
    table = _table(found / "pyproject.toml") or {}
    if "migrations" in table:
        declared = str(table["migrations"])
        said, place = f"[tool.keychange] migrations: `{declared}`", _setting(found, "migrations")
        return _settings(found, found / declared, said, place, own=own)
    usual = found / "migrations"
    if own or _has_migrations(found) or _is_shut(usual):
        _require_open(usual, "`migrations`")
        return Settings(found, usual)
    return Settings(found, data_dir("migrations"), bundled=True)


def _settings(
    root: Path, path: Path, said: str, place: Location | None = None, *, own: bool
) -> Settings:
    """Those with a folder of migrations that somebody has named."""
    if not path.is_dir() and not (own and not path.exists()):
        hint = " ".join((asked(_near(path)), "make it, or name another one")).strip()
        raise UsageProblem(error("no-such-migrations", f"{said} is not a folder", place, hint=hint))
    _require_open(path, said, place)
    resolved = path.resolve()
    return Settings(root, resolved, linked=str(resolved) != os.path.abspath(path))  # noqa: PTH100 (links stay)


def _require_open(path: Path, said: str, place: Location | None = None) -> None:
    if _is_shut(path):
        message = f"{said} may not be read: what is in it is not known"
        problem = error("no-such-migrations", message, place, hint="make it readable")
        raise UsageProblem(problem)


def _is_shut(folder: Path) -> bool:
    return folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK)


def _near(path: Path) -> str:
    """A folder beside a path that is not there, of a name like its own; else nothing."""
    with suppress(OSError):
        folders = (each.name for each in path.parent.iterdir() if each.is_dir())
        return next((str(path.with_name(each)) for each in closest(path.name, folders)), "")
    return ""


def _setting(root: Path, name: str) -> Location:
    """Where a setting stands in pyproject.toml; the file alone where that is not plain."""
    lines = read_regular(root / "pyproject.toml").decode("utf-8", "replace").splitlines()
    table = False
    for number, text in enumerate(lines, 1):
        if text.lstrip().startswith("["):
            table = re.sub(r"[\s\"']", "", text.partition("#")[0]) == "[tool.keychange]"
        elif table and re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=", text):
            column = len(text) - len(text.lstrip()) + 1
            return Location("pyproject.toml", number, column, len(text.strip()), text)
    return Location("pyproject.toml")


def _is_bare(folder: Path) -> bool:
    """Whether a folder is what git keeps elsewhere in ``.git``."""
    return (folder / "HEAD").is_file() and all(
        (folder / each).is_dir() for each in ("objects", "refs")
    )


def _find_root(start: Path) -> Path:
    parents = (start, *start.parents)
    rules = (
        lambda path: _table(path / "pyproject.toml") is not None,
        _has_migrations,
        lambda path: (path / ".git").exists(),
    )
    return next((path for rule in rules for path in parents if rule(path)), start)


def _has_migrations(path: Path) -> bool:
    """Whether ``migrations/`` is there and ours: Django and others use the name for code."""
    folder = path / "migrations"
    return folder.is_dir() and next(migration_files(folder), None) is not None


def migration_files(folder: Path, staged: Iterable[Path] = ()) -> Iterator[Path]:
    """The files of a history: ``NNNN_slug.yaml``, in order; ``staged`` need not be on the disk."""
    pattern = "[0-9][0-9][0-9][0-9]_*.yaml"
    yield from sorted({*folder.glob(pattern), *(each for each in staged if each.match(pattern))})


def _not_toml(path: Path, data: bytes, problem: ValueError) -> Diagnostic:
    """What tomllib says, at the place that it names in words."""
    said = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(problem))
    place = Location(path.name)
    if said:
        line, column = int(said[2]), int(said[3])
        lines = data.decode("utf-8", "replace").splitlines()
        text = lines[line - 1] if line <= len(lines) else ""
        place = Location(path.name, line, column, 1, text)
    message = f"not valid TOML: {said[1] if said else problem}"
    return error("invalid-settings", message, place, hint="mend the line that is marked")


def _table(path: Path) -> Mapping[str, object] | None:
    """The ``[tool.keychange]`` table of a pyproject.toml; None where there is none."""
    try:
        data = read_regular(path)
    except OSError:
        return None
    if b"keychange" not in data:
        return None
    import tomllib

    try:
        tool = tomllib.loads(data.decode("utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise UsageProblem(_not_toml(path, data, problem)) from problem
    table = cast("dict[str, object]", tool).get("keychange") if isinstance(tool, dict) else None
    if not isinstance(table, dict):
        return None
    for name, value in table.items():
        if name not in _KNOWN or not isinstance(value, str):
            said = "is not a setting" if name not in _KNOWN else "is not a text"
            message = f"[tool.keychange] {name} {said}"
            hint = hint_of(name, _KNOWN, "settings")
            place = _setting(path.parent, name)
            raise UsageProblem(error("invalid-settings", message, place, hint=hint))
    return table


def way_in(root: Path, problem: OSError, usual: str) -> tuple[str, str]:
    """Hint and command where local state cannot be used; the ``usual`` hint where it is ours.

    One run as root is enough to leave files there that their owner's project has no access to.
    """
    state = root / STATE_DIRECTORY
    with suppress(OSError):
        if problem.errno in (errno.EACCES, errno.EPERM) and _is_another_users(state):
            hint = "another user, such as root, ran keychange here: make all of it yours"
            return hint, f'sudo chown -R "$(id -u)" {STATE_DIRECTORY}'
    return usual, ""


def _is_another_users(state: Path) -> bool:
    ours = os.geteuid()
    if state.lstat().st_uid != ours:
        return True
    return any(each.lstat().st_uid != ours for each in state.iterdir())
