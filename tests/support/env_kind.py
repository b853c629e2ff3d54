"""Operations of the env kind applied to bytes, as the planner would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keychange.edits import apply_edits
from keychange.formats.dotenv.lines import Lines
from keychange.formats.dotenv.text import EnvFile
from keychange.model import Context, Finding, Missing, OnForeign, Recorded, Source, Value
from keychange.operations import kind

ENV = kind("env")


def context(recorded: Mapping[str, Recorded] | None = None, **later: tuple[Value, ...]) -> Context:
    return Context(
        revision="0001_env", expand=lambda value: value, recorded=recorded or {}, later=later
    )


def operation(node: Mapping[str, Any], on_foreign: str = "fail") -> Any:
    common = {"kind": "env", "targets": (".env",), "missing": Missing.CREATE}
    return ENV.parse(node, {**common, "on_foreign": OnForeign(on_foreign)})


def examine(
    data: bytes | None,
    node: Mapping[str, Any],
    on_foreign: str = "fail",
    within: Context | None = None,
) -> Finding:
    return ENV.examine(operation(node, on_foreign), Source(".env", data), within or context())


def up(data: bytes, node: Mapping[str, Any], on_foreign: str = "fail") -> bytes:
    """The file after the operation, which must have no error."""
    finding = examine(data, node, on_foreign)
    assert not errors(finding)
    return apply_edits(data, finding.edits)


def down(data: bytes, finding: Finding) -> Finding:
    """Take back, by site, what a finding has changed."""
    return ENV.revert(records(finding), Source(".env", data), context())


def records(finding: Finding) -> list[Recorded]:
    return [
        Recorded(each.path, each.kind, each.address, each.before, each.after, each.undo)
        for each in finding.sites
        if each.changes
    ]


def errors(finding: Finding) -> list[str]:
    return [each.code for each in finding.diagnostics if each.is_error]


def codes(finding: Finding) -> list[str]:
    return [each.code for each in finding.diagnostics]


def states(finding: Finding) -> dict[str, str]:
    return {each.address: each.state.value for each in finding.sites}


def unnamed_lines(data: bytes, names: set[str]) -> list[str]:
    """The lines that hold none of the named keys, each without its line end."""
    env = EnvFile(data)
    lines = Lines.of(env)
    named = {
        line
        for binding in env.python.bindings
        if binding.key in names
        for line in lines.of_binding(binding)
    }
    return [
        env.text[lines.starts[i] : lines.starts[i + 1]].removesuffix("\n")
        for i in range(len(lines))
        if i not in named
    ]
