"""Templates: ``${name}``, ``${root}`` and ``${relative(PATH)}`` in the strings of a migration."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from keychange.model import Json


class TemplateError(ValueError):
    """A template names something that is not there, or is not closed.

    ``name`` is the offending name, ``known`` the names that would have worked here.
    """

    def __init__(self, message: str, name: str = "", known: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.known = known


class Templates(NamedTuple):
    """The variables of one migration, resolved for one project.

    Values are expanded once: what a variable holds is not searched for templates again, and
    nothing that was read from a project's file ever passes through here.
    """

    root: str
    variables: Mapping[str, str]

    @classmethod
    def resolve(cls, root: str, declared: Mapping[str, str]) -> Templates:
        """Expand the declared variables in order; each may use those above it.

        Raises:
            TemplateError: a variable uses one that is not above it.
        """
        known: dict[str, str] = {}
        for name, text in declared.items():
            known[name] = cls(root, known).text(text)
        return cls(root, known)

    def text(self, text: str, file: str | None = None, **extra: str) -> str:
        """The string with its templates filled in.

        Args:
            text: the string as declared.
            file: path of the edited file from the root; ``${relative(...)}`` needs it.
            extra: further names, such as ``project``.

        Raises:
            TemplateError: an unknown name, ``relative`` without a file, or a missing brace.
        """
        if "$" not in text:
            return text
        names = {"root": self.root, **self.variables, **extra}
        result = []
        for literal, name in _pieces(text):
            result.append(literal)
            if name is None:
                continue
            if name.startswith("relative(") and name.endswith(")"):
                path = name.removeprefix("relative(").removesuffix(")").strip()
                result.append(self._relative(path, file))
            elif name in names:
                result.append(names[name])
            else:
                raise TemplateError(f"there is no variable `{name}`", name, tuple(names))
        return "".join(result)

    def expand(self, value: Json, file: str | None = None, **extra: str) -> Json:
        """Every string inside a JSON value with its templates filled in; names of members stay.

        Raises:
            TemplateError: as ``text``.
        """
        if isinstance(value, str):
            return self.text(value, file, **extra)
        if isinstance(value, list):
            return [self.expand(each, file, **extra) for each in value]
        if isinstance(value, dict):
            return {key: self.expand(each, file, **extra) for key, each in value.items()}
        return value

    def _relative(self, path: str, file: str | None) -> str:
        if file is None:
            raise TemplateError("`relative(...)` has a meaning only where a file is edited")
        first, slash, rest = path.partition("/")
        path = self.variables.get(first, first) + slash + rest
        path = path.removeprefix(self.root + "/")
        if path.startswith("/"):
            raise TemplateError(f"`relative({path})` needs a path under the root")
        return _from(posixpath.dirname(file), path)


def _from(folder: str, path: str) -> str:
    """The way from a folder to a path, both from the root; the working folder does not matter."""
    names, here = (
        [name for name in posixpath.normpath(each).split("/") if name != "."]
        for each in (path, folder)
    )
    shared = 0
    while shared < min(len(names), len(here)) and names[shared] == here[shared]:
        shared += 1
    return "/".join([".."] * (len(here) - shared) + names[shared:]) or "."


@lru_cache(maxsize=1024)  # a migration holds a few, and they are filled in for every file
def _pieces(text: str) -> tuple[tuple[str, str | None], ...]:
    return tuple(pieces(text))


def pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """The literal parts of a string, each with the template that follows it (None at the end).

    ``$${`` is a literal ``${``.

    Raises:
        TemplateError: a ``${`` that is not closed.
    """
    literal, position = "", 0
    while (start := text.find("${", position)) >= 0:
        if start > position and text[start - 1] == "$":
            literal += text[position : start - 1] + "${"
            position = start + 2
            continue
        end = text.find("}", start)
        if end < 0:
            raise TemplateError("`${` is not closed; write `$${` for a literal `${`")
        yield literal + text[position:start], text[start + 2 : end].strip()
        literal, position = "", end + 1
    yield literal + text[position:], None
