"""Load: one migration file, YAML in, a validated ``Migration`` with positions out."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import TypeAlias, cast

from keychange import operations
from keychange.closest_name import did_you_mean
from keychange.diagnostics import Diagnostic, Location, error, in_order
from keychange.errors import DeclarationProblem, UsageProblem
from keychange.migration_schema import schema_problems
from keychange.model import Check, Json, Migration, Missing, OnForeign, Operation, Requirement
from keychange.regular import read_regular
from keychange.templates import TemplateError, Templates, pieces
from keychange.yaml_data import MAXIMUM_BYTES, YamlData, escape, strings

Known: TypeAlias = MutableMapping[bytes, tuple[dict[str, Json], Mapping[str, tuple[int, int]]]]
CHECKSUM_ALGORITHM = "v1:sha256"
_DEFAULTS: Mapping[str, Json] = {
    "missing": "error",
    "on_foreign": "fail",
    "export": "keep",
    "comment": False,
    "match": "exact",
    "in": "defaults",
    "syntax": "json",
}


def load_migration(path: Path, shown: str, known: Known | None = None) -> Migration:
    """Read, parse and validate one migration file.

    Args:
        path: where the file is.
        shown: how diagnostics name it.
        known: as for ``parse_migration``.

    Raises:
        UsageProblem: the file cannot be read, is not YAML, or is not a migration; with every
            problem at its line and column.
    """
    try:
        data = read_regular(path, limit=MAXIMUM_BYTES)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        message, hint = f"cannot read the migration: {reason}", "make it a file that you may read"
        raise UsageProblem(
            error("unreadable-migration", message, Location(shown), hint=hint)
        ) from problem
    return parse_migration(data, shown, expected_id=path.stem, known=known)


def parse_migration(
    data: bytes, shown: str, *, expected_id: str | None = None, known: Known | None = None
) -> Migration:
    """The migration that the bytes of a file declare.

    Args:
        data: the file.
        shown: how diagnostics name it.
        expected_id: what its id must be.
        known: what valid files held, by the SHA-256 of their bytes; this one is looked up in it,
            and added.

    Raises:
        UsageProblem: as ``load_migration``.
    """
    digest = hashlib.sha256(data).digest()
    before = known.get(digest) if known is not None else None
    source = YamlData.restored(data, shown, *before) if before else YamlData(data, shown)
    document = source.document
    if not isinstance(document, dict):
        said = "the file is empty" if document is None else "a migration is a mapping of fields"
        hint = "`migrate new SLUG` writes one to start from"
        raise UsageProblem(error("invalid-yaml", said, source.locate(""), hint=hint))
    problems = [
        error(each.code, each.message, source.locate(each.pointer, each.length), hint=each.hint)
        for each in (() if before else schema_problems(document))
    ]
    if not problems and expected_id is not None and document["id"] != expected_id:
        problems.append(
            error(
                "revision-mismatch",
                f"id `{document['id']}` is not the name of the file, `{expected_id}`",
                source.locate("/id"),
                hint="make the id and the file's name the same",
            )
        )
    if not before:
        fit = not problems
        problems += _template_problems(document, source)
        problems += _pattern_problems(document, source) if fit else ()
    declared: list[Operation] = []
    for kind, node, at in () if problems else _entries(document, "operations", operations.KINDS):
        try:
            declared.append(_operation(kind, node, at))
        except DeclarationProblem as problem:
            problems += [
                error(e.code, e.message, source.locate(at + e.pointer, e.length), hint=e.hint)
                for e in problem.problems
            ]
    if problems:
        raise UsageProblem(*in_order(problems))
    if known is not None:
        known[digest] = (document, source.positions)
    return Migration(
        revision=str(document["id"]),
        title=str(document["title"]),
        description=str(document.get("description", "")),
        path=shown,
        variables=cast("dict[str, str]", document.get("vars", {})),
        requirements=tuple(
            Requirement(kind, str(node[kind]), {k: v for k, v in node.items() if k != kind}, at)
            for kind, node, at in _entries(document, "require", ("path", "runtime", "model"))
        ),
        operations=tuple(declared),
        checks=tuple(
            Check(kind, node, at)
            for kind, node, at in _entries(document, "verify", ("probe", "run"))
        ),
        left_behind=tuple(cast("list[str]", document.get("left_behind", []))),
        document=document,
        checksum=checksum(document),
        positions=source.positions,
        lines=source.lines,
    )


def checksum(document: Mapping[str, Json]) -> str:
    """The algorithm-tagged hash of what a migration means.

    Titles, comments, layout, line ends, key order and spelled-out defaults do not count.
    """
    meaning = {k: v for k, v in document.items() if k not in ("title", "description")}
    text = json.dumps(_canonical(meaning), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{CHECKSUM_ALGORITHM}:{digest}"


def _canonical(value: Json) -> Json:
    if isinstance(value, dict):
        kept = {k: _canonical(v) for k, v in value.items() if _DEFAULTS.get(k, _DEFAULTS) != v}
        for kind in operations.KINDS:
            if isinstance(kept.get(kind), str):
                kept[kind] = [kept[kind]]
        return kept
    if isinstance(value, list):
        return [_canonical(each) for each in value]
    return value


def _entries(
    document: Mapping[str, Json], section: str, kinds: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, Json], str]]:
    for index, node in enumerate(cast("list[dict[str, Json]]", document.get(section, []))):
        kind = next(each for each in kinds if each in node)
        yield kind, node, f"/{section}/{index}"


def _operation(kind: str, node: dict[str, Json], pointer: str) -> Operation:
    targets = node[kind]
    common = {
        "kind": kind,
        "targets": (targets,) if isinstance(targets, str) else tuple(cast("list[str]", targets)),
        "missing": Missing(str(node.get("missing", "error"))),
        "on_foreign": OnForeign(str(node.get("on_foreign", "fail"))),
        "irreversible": str(node.get("irreversible", "")),
        "pointer": pointer,
    }
    return operations.kind(kind).parse(node, common)


def _template_problems(document: Mapping[str, Json], source: YamlData) -> Iterator[Diagnostic]:
    """Names that no variable has, wherever a string stands; found at load, not at apply."""
    found = document.get("vars", {})
    if not isinstance(found, dict) or not all(isinstance(e, str) for e in found.values()):
        return  # which is said elsewhere
    variables = cast("dict[str, str]", found)
    try:
        Templates.resolve("/", variables)
    except TemplateError as problem:
        at = next((f"/vars/{escape(k)}" for k, v in variables.items() if problem.name in v), "")
        yield _template_problem(problem, source.locate(at))
        return
    for pointer, text in strings(dict(document), ""):
        if pointer.startswith(("/vars/", "/title", "/description")):
            continue
        known = ("root", *variables, *(("project",) if pointer.startswith("/verify") else ()))
        try:
            for _, name in pieces(text):
                if name is None or (name.startswith("relative(") and name.endswith(")")):
                    continue
                if name not in known:
                    raise TemplateError(f"there is no variable `{name}`", name, known)  # noqa: TRY301 (one place words both)
        except TemplateError as problem:
            yield _template_problem(problem, source.locate(pointer))


def _template_problem(problem: TemplateError, location: Location) -> Diagnostic:
    written = f"${{{problem.name}}}"
    at = location.text.find(written, location.column - 1)
    if at >= 0:
        location = location._replace(column=at + 1, length=len(written))
    asked = did_you_mean(problem.name, problem.known)
    hint = f"{asked} " if asked else ""
    hint += f"known here: {', '.join(problem.known)}; " if problem.known else ""
    return error(
        "unknown-variable", str(problem), location, hint=hint + "`$${` writes a literal `${`"
    )


def _pattern_problems(document: Mapping[str, Json], source: YamlData) -> Iterator[Diagnostic]:
    """Expected texts that are no regular expressions, as far as no template is in them."""
    for _, node, at in _entries(document, "verify", ("probe", "run")):
        for name in ("expect", "reject"):
            texts = node.get(name, []) if "run" in node else []
            for index, text in enumerate(cast("list[str]", texts)):
                if len(text) <= 2 or not text[0] == text[-1] == "/" or "${" in text:
                    continue
                try:
                    re.compile(text[1:-1])
                except re.error as problem:
                    message = f"{text} is not a regular expression: {problem.msg}"
                    hint = "escape the character, or leave the slashes out for a literal text"
                    place = source.locate(f"{at}/{name}/{index}")
                    yield error("invalid-pattern", message, place, hint=hint)
