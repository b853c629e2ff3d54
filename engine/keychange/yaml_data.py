"""YAML text to plain data, with the line and column of every member; nothing is constructed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from keychange.diagnostics import Location, Related, error
from keychange.errors import UsageProblem
from keychange.model import Json

if TYPE_CHECKING:
    from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

MAXIMUM_BYTES = 1_000_000
MAXIMUM_DEPTH = 50
_YAML_HINT = "a value with `: ` or ` #` in it wants quotes; fields of one entry start in one column"
_CORE = "tag:yaml.org,2002:"


class YamlData:
    """A YAML 1.2 file as plain data.

    ``document`` is the data, ``positions`` maps JSON pointers to (line, column) from 1 (of the
    key for a member, of the value for an item), ``lines`` are the lines of the text.
    Nothing is constructed from tags, and anchors are refused: a migration is data, and a few
    nested aliases can stand for gigabytes.

    Raises:
        UsageProblem: ``invalid-yaml``, at its line and column.
    """

    def __init__(self, data: bytes, shown: str) -> None:
        self.shown = shown
        self.positions: dict[str, tuple[int, int]] = {}
        self.lines: tuple[str, ...] = ()
        self.document: Json = None
        if len(data) > MAXIMUM_BYTES:
            raise self._fail(
                0, 0, f"the file has {len(data):,} bytes; the limit is {MAXIMUM_BYTES:,}"
            )
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            raise self._fail(
                0, 0, f"the file is not UTF-8: byte {problem.start} cannot be read"
            ) from problem
        self.lines = tuple(text.splitlines())
        root = self._compose(text)
        if root is not None:
            self.document = self._build(root, "", 0)

    @classmethod
    def restored(
        cls, data: bytes, shown: str, document: Json, positions: Mapping[str, tuple[int, int]]
    ) -> Self:
        """What the bytes held when they were read before."""
        source = cls.__new__(cls)
        source.shown, source.document, source.positions = shown, document, dict(positions)
        source.lines = tuple(data.decode("utf-8-sig").splitlines())
        return source

    def locate(self, pointer: str, length: int = 0) -> Location:
        """The place of a JSON pointer, or of its nearest parent that is there."""
        return Location.of_pointer(self.shown, pointer, self.positions, self.lines, length)

    def _fail(
        self,
        line: int,
        column: int,
        message: str,
        hint: str = "",
        *related: Related,
        length: int = 1,
    ) -> UsageProblem:
        place = self._at(line, column, length)
        return UsageProblem(error("invalid-yaml", message, place, hint=hint, related=related))

    def _at(self, line: int, column: int, length: int = 1) -> Location:
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Location(self.shown, line, column, length, text)

    def _compose(self, text: str) -> Node | None:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        try:
            root: Node | None = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as problem:
            mark, begun = problem.problem_mark or problem.context_mark, problem.context_mark
            said = str(problem.problem or problem.context or "a syntax error")
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            line = min(line, max(1, len(self.lines)))
            tabs = "\\t" in said
            hint = "indent with spaces, not with tabs" if tabs else _YAML_HINT
            related: tuple[Related, ...] = ()
            if begun and problem.context and begun.line + 1 != line:
                place = self._at(begun.line + 1, begun.column + 1)
                related = (Related(place, str(problem.context)),)
            raise self._fail(line, column, f"not valid YAML: {said}", hint, *related) from problem
        except (YAMLError, ValueError, RecursionError) as problem:
            said = (str(problem) or type(problem).__name__).splitlines()[0]
            raise self._fail(1, 1, f"not valid YAML: {said}") from problem
        return root

    def _build(self, node: Node, pointer: str, depth: int) -> Json:
        from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self.positions.setdefault(pointer, (line, column))
        tag = str(node.tag or "")
        if node.anchor:
            hint = "repeat the value, or give it a name under `vars`"
            raise self._fail(line, column, "anchors and aliases are not supported", hint)
        if not tag.startswith(_CORE):
            raise self._fail(line, column, f"the tag `{tag}` is not supported", "remove the tag")
        if depth > MAXIMUM_DEPTH:
            raise self._fail(line, column, f"nested more than {MAXIMUM_DEPTH} levels deep")
        kind = tag.removeprefix(_CORE)
        if isinstance(node, MappingNode) and kind == "map":
            return self._mapping(node, pointer, depth)
        if isinstance(node, SequenceNode) and kind == "seq":
            return [
                self._build(each, f"{pointer}/{index}", depth + 1)
                for index, each in enumerate(node.value)
            ]
        if isinstance(node, ScalarNode):
            return self._scalar(node, kind, line, column)
        raise self._fail(line, column, f"the tag `{tag}` is not supported", "remove the tag")

    def _mapping(self, node: MappingNode, pointer: str, depth: int) -> Json:
        from ruamel.yaml.nodes import ScalarNode

        result: dict[str, Json] = {}
        for key_node, value_node in node.value:
            line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            if not isinstance(key_node, ScalarNode):
                raise self._fail(line, column, "a key must be a plain text")
            key = str(key_node.value)
            at = f"{pointer}/{escape(key)}"
            if key in result:
                first = Related(self._at(*self.positions[at], len(key)), "it is set first here")
                said, hint = f"`{key}` stands here twice", "keep one of the two"
                raise self._fail(line, column, said, hint, first, length=len(key))
            self.positions[at] = (line, column)
            result[key] = self._build(value_node, at, depth + 1)
        return result

    def _scalar(self, node: ScalarNode, kind: str, line: int, column: int) -> Json:
        text = str(node.value)
        if kind in ("str", "timestamp"):
            return text
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        with suppress(ValueError):
            if kind == "int":
                return int(text.replace("_", ""), 0)
            if kind == "float" and (number := float(text.replace("_", ""))) - number == 0:
                return number
        raise self._fail(
            line,
            column,
            f"`{text}` is not a value of a migration",
            "put it in quotes",
            length=len(text),
        )


def escape(name: str) -> str:
    """A member's name as one part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def unescape(token: str) -> str:
    """The name that one part of a JSON pointer stands for."""
    return token.replace("~1", "/").replace("~0", "~")


def strings(value: Json, pointer: str) -> Iterator[tuple[str, str]]:
    """Every text inside plain data, with its pointer below the given one."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from strings(each, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from strings(each, f"{pointer}/{escape(key)}")
