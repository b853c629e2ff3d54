"""What will hurt later that a migration file shows by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import cast

from keychange import operations
from keychange.diagnostics import Diagnostic, Location, Related, note, warning
from keychange.model import Context, Json, Migration, Operation
from keychange.secrets import looks_secret, without_secrets
from keychange.templates import Templates, pieces
from keychange.yaml_data import escape, strings, unescape

SECRET = "lint-secret"  # noqa: S105 (a code)
_LITERAL = 8
"""Characters of a value that is worth a name when it is repeated."""
_NAMED = ("from", "to", "model", "path", "python", "ref_audio", "ref_text")
"""Fields whose values are worth a name."""
_SIGNALS = ("expect", "reject", "files", "written", "fields")
_OTHER_YAML = ("yes", "no", "on", "off", "y", "n")
_FIELDS = ("set", "default", "rename", "move", "remove")


def declared(migration: Migration, templates: Templates) -> Iterator[Diagnostic]:
    """Warnings about one migration, from its file alone."""
    for rule in _RULES:
        yield from rule(migration, templates)


def _title(migration: Migration, _: Templates) -> Iterator[Diagnostic]:
    words = re.sub(r"\W+", "_", migration.title.lower()).strip("_")
    if words in ("", migration.revision[5:]):
        message = "the title says no more than the id"
        hint = "say in one line what changes, and from what to what: `status` and `plan` show it"
        yield warning("lint-title", message, migration.locate("/title"), hint=hint)


def _variables(migration: Migration, _: Templates) -> Iterator[Diagnostic]:
    used = {name for _, text in strings(dict(migration.document), "") for name in _names(text)}
    for name in migration.variables:
        if name not in used:
            message = f"no string uses the variable `{name}`"
            hint = f"use it as `${{{name}}}`, or take it out"
            place = migration.locate(f"/vars/{name}", len(name))
            yield warning("lint-unused-variable", message, place, hint=hint)


def _names(text: str) -> Iterator[str]:
    for _, name in pieces(text):
        inner = re.fullmatch(r"relative\((.*)\)", name or "")
        yield inner[1].strip().partition("/")[0] if inner else name or ""


def _requirements(migration: Migration, templates: Templates) -> Iterator[Diagnostic]:
    sections = {name: migration.document.get(name) for name in ("operations", "verify")}
    texts = [_plain(text, templates) for _, text in strings(cast("Json", sections), "")]
    for each in migration.requirements:
        subject = _plain(each.subject, templates)
        if each.kind == "runtime":
            if migration.checks:
                continue
            message = "no check runs anything with the runtime that is required"
            hint = "add a probe or a command to `verify`, or take the requirement out"
        elif any(subject in text for text in texts):
            continue
        else:
            message = f"no operation and no check names the {each.kind} that is required"
            hint = "take the requirement out, or name what needs it: it stops machines without it"
        place = migration.locate(f"{each.pointer}/{each.kind}")
        yield warning("lint-unused-requirement", message, place, hint=hint)


def _plain(text: str, templates: Templates) -> str:
    """A string with its templates filled in as far as that can be done without a file."""
    parts: list[str] = []
    for literal, name in pieces(text):
        inner = re.fullmatch(r"relative\((.*)\)", name or "")
        first, slash, rest = (inner[1].strip() if inner else name or "").partition("/")
        known = {"root": templates.root, **templates.variables}
        parts += (literal, known.get(first, first if inner else ""), slash, rest)
    return "".join(parts)


def _irreversible(migration: Migration, _: Templates) -> Iterator[Diagnostic]:
    for each in migration.operations:
        if each.irreversible:
            message = f"`down` stops at this migration: {each.irreversible}"
            hint = "put it into a migration of its own, so that the rest can be taken back"
            place = migration.locate(f"{each.pointer}/irreversible")
            alone = len(migration.operations) == 1
            yield note("lint-irreversible", message, place, hint="" if alone else hint)


def _same_values(migration: Migration, templates: Templates) -> Iterator[Diagnostic]:
    for pointer, node in changes(migration):
        olds = node["from"] if isinstance(node["from"], list) else [node["from"]]
        if all(_filled(old, templates) == _filled(node["to"], templates) for old in olds):
            message = "`from` and `to` are the same value, so nothing will change"
            hint = "give the new value in `to`; look at the variables that the two use"
            place = migration.locate(f"{pointer}/to")
            yield warning("lint-no-change", message, place, hint=hint)


def changes(migration: Migration) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """Every entry of an operation that has an old and a new value, with its pointer."""
    nodes = cast("list[dict[str, Json]]", migration.document["operations"])
    for index, node in enumerate(nodes):
        settings = cast("Mapping[str, dict[str, Json]]", node.get("set") or {})
        for name, entry in settings.items():
            if "from" in entry:
                yield f"/operations/{index}/set/{escape(name)}", entry
        for at, entry in enumerate(cast("list[dict[str, Json]]", node.get("strings") or [])):
            if "from" in entry:
                yield f"/operations/{index}/strings/{at}", entry


def _filled(value: Json, templates: Templates) -> Json:
    return _plain(value, templates) if isinstance(value, str) else value


def _overlaps(migration: Migration, templates: Templates) -> Iterator[Diagnostic]:
    """Two operations, or two entries of one, that govern the same place of the same target."""
    first: dict[tuple[str, str], str] = {}
    for each in migration.operations:
        for address, pointer in _governed(each, migration, templates):
            for target in each.targets:
                at = first.setdefault((target, address), pointer)
                if at != pointer:
                    message = f"two entries govern `{address}` of `{target}`"
                    hint = "keep one of them; a chain of values belongs into two migrations"
                    related = (Related(migration.locate(at), "the first one is here"),)
                    place = migration.locate(pointer)
                    yield warning("lint-overlap", message, place, hint=hint, related=related)
                    break


def _governed(
    operation: Operation, migration: Migration, templates: Templates
) -> Iterator[tuple[str, str]]:
    """The addresses, or the old values, that an operation takes, and where it says so."""
    kind = operations.kind(operation.kind)
    context = Context(revision=migration.revision, expand=partial(templates.expand, file="x"))
    if operation.kind != "python":
        for address in kind.outcomes(operation, context):
            pointer = f"{operation.pointer}/set/{escape(address)}"
            yield address, pointer if pointer in migration.positions else operation.pointer
        return
    nodes = cast("list[dict[str, Json]]", migration.document["operations"])
    entries = cast("list[dict[str, str]]", nodes[int(operation.pointer.split("/")[2])]["strings"])
    for index, entry in enumerate(entries):
        name = entry.get("at") or entry["from"]
        yield _plain(name, templates), f"{operation.pointer}/strings/{index}"


def _secrets(migration: Migration, _: Templates) -> Iterator[Diagnostic]:
    for pointer, text in strings(dict(migration.document), ""):
        literal = "".join(part for part, _ in pieces(text))
        name, in_env = _called(pointer, migration)
        governed = name and looks_secret(name, literal, in_env=in_env)
        if literal and (governed or without_secrets(literal) != literal):
            what = f"what `{name}` is given" if name else "this"
            message = f"{what} looks like a secret, and a migration is in git"
            hint = (
                "take it out, and set it by hand on each machine;"
                " one that was committed must be replaced where it was issued"
            )
            yield warning(SECRET, message, migration.locate(pointer), hint=hint)


def _called(pointer: str, migration: Migration) -> tuple[str, bool]:
    """The name of what a value is given to, and whether that is a key of the environment."""
    parts = [unescape(each) for each in pointer.split("/")[1:]]
    match parts:
        case ["vars", name]:
            return name, False
        case ["verify", _, "env", name]:
            return name, True
        case ["operations", _, "set", name, "to" | "from", *_]:
            env = f"/operations/{parts[1]}/env" in migration.positions
            return (name if env else name.rpartition("/")[2]), env
        case ["operations", _, "default", name, *_]:
            return name.rpartition("/")[2], False
        case ["operations", index, "strings", at, "to" | "from"]:
            nodes = cast("list[dict[str, list[dict[str, str]]]]", migration.document["operations"])
            named = nodes[int(index)]["strings"][int(at)].get("at", "")
            return re.split(r"[./]", named)[-1], False
    return "", False


def _signals(migration: Migration, _: Templates) -> Iterator[Diagnostic]:
    for each in migration.checks:
        asked = each.options.get("only") == "request"
        if each.kind == "run" and not asked and not any(each.options.get(n) for n in _SIGNALS):
            message = "only the status of this command is looked at"
            hint = (
                "say with `expect`, `files` or `fields` what shows that the new value was used:"
                " many programs end with 0 when they fall back"
            )
            place = migration.locate(f"{each.pointer}/run")
            yield warning("lint-no-expect", message, place, hint=hint)


def _schemas(migration: Migration, _: Templates) -> Iterator[Diagnostic]:
    nodes = cast("list[dict[str, Json]]", migration.document["operations"])
    for index, node in enumerate(nodes):
        if "json" in node and "schema" not in node and any(name in node for name in _FIELDS):
            message = "no schema says what these configs must look like afterwards"
            hint = "add `schema: {after: NAME}`; `migrate schema` lists those that ship"
            place = migration.locate(f"/operations/{index}/json")
            yield warning("lint-no-schema", message, place, hint=hint, command="migrate schema")


def _literals(migration: Migration, templates: Templates) -> Iterator[Diagnostic]:
    names = {value: name for name, value in templates.variables.items()}
    first: dict[str, str] = {}
    told: set[str] = set()
    for pointer, text in strings(dict(migration.document), ""):
        field = pointer.rpartition("/")[2]
        if pointer.startswith("/vars") or field not in _NAMED or "${" in text:
            continue
        if text in told or len(text) < _LITERAL:
            continue
        related: tuple[Related, ...] = ()
        if text in names:
            message, hint = "a variable holds this value", f"say `${{{names[text]}}}`"
        elif first.setdefault(text, pointer) != pointer:
            message, hint = "this value stands here again", "give it a name under `vars`"
            related = (Related(migration.locate(first[text]), "it stands first here"),)
        else:
            continue
        told.add(text)
        yield warning(
            "lint-repeated-value", message, migration.locate(pointer), hint=hint, related=related
        )


def _yaml(migration: Migration, _: Templates) -> Iterator[Diagnostic]:
    for pointer, text in strings(dict(migration.document), ""):
        place = migration.locate(pointer)
        start = place.text[place.column - 1 :]
        plain = re.match(rf"(?:[\w./~-]+:\s+)?{re.escape(text)}\s*(?:[,}}\]#]|$)", start)
        if text.lower() in _OTHER_YAML and plain:
            message = f"`{text}` without quotes is a text here, and true or false for other readers"
            hint = "put it in quotes"
            yield warning("lint-yaml", message, place, hint=hint)
    for number, line in enumerate(migration.lines, 1):
        if "\t" in line:
            place = Location(migration.path, number, line.index("\t") + 1, 1, line)
            message = "a tab stands here, which editors show in different widths"
            yield warning("lint-yaml", message, place, hint="write spaces")
            break


_Rule = Callable[[Migration, Templates], Iterable[Diagnostic]]
_RULES: tuple[_Rule, ...] = (
    *(_title, _variables, _requirements, _irreversible, _same_values, _overlaps),
    *(_secrets, _signals, _schemas, _literals, _yaml),
)
