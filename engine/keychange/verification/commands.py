"""Commands of the target project as checks: expand them, run them, look for expected signals."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from keychange.diagnostics import error
from keychange.errors import UsageProblem
from keychange.model import Check, Json
from keychange.probing import failures
from keychange.probing.verdict import Verdict
from keychange.programs import folders, refuse_outside
from keychange.templates import Templates
from keychange.verification.process import Ending, Line, find_program, run_process
from keychange.verification.signals import Expectations, Pattern, Signals

LIMIT: Final = 900.0  # seconds for one run, where the migration names none


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One run of one ``verify: run``, with everything expanded.

    ``project`` is the folder that ``${project}`` stood for, from the root; empty without
    ``for_each``. ``added`` are the variables that the migration adds to the environment. ``limit``
    is in seconds.
    """

    argv: tuple[str, ...]
    project: str = ""
    added: Mapping[str, str] = field(default_factory=dict)
    limit: float = LIMIT
    expectations: Expectations = field(default_factory=Expectations)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """The outcome of one command.

    ``code`` and ``message`` say what kept it from passing, empty for a pass. ``status`` is the
    exit status, negative for a signal, None where it did not start or was stopped. ``warnings``
    counts the known harmless ones by name. ``tail`` is the end of its output as the command wrote
    it: renderers mask secrets in it. ``seconds`` is how long it ran.
    """

    command: Command
    verdict: Verdict
    code: str = ""
    message: str = ""
    hint: str = ""
    status: int | None = None
    seconds: float = 0.0
    warnings: Mapping[str, int] = field(default_factory=dict)
    tail: tuple[str, ...] = ()


def commands_of(check: Check, root: Path, templates: Templates) -> tuple[Command, ...]:
    """The runs that a ``verify: run`` declares; none where ``for_each`` matches nothing.

    A ``for_each`` that matches files stands for their folders.

    Raises:
        UsageProblem: an expected pattern is not a regular expression, or a path or the pattern of
            ``for_each`` leaves the root.
        TemplateError: a variable is not there.
    """
    pattern = check.options.get("for_each")
    if pattern is None:
        return (_command(check, templates, ""),)
    projects = folders(templates.text(str(pattern)), root)
    limit = cast("int | None", check.options.get("limit"))
    return tuple(_command(check, templates, each) for each in projects[:limit])


def command_environment(
    inherited: Mapping[str, str], dotenv: bytes | None, added: Mapping[str, str]
) -> dict[str, str]:
    """The environment that a command gets: what the project's own shell scripts would give it.

    They source ``.env``: a key without ``export`` reaches a process only where the environment
    has it already. Then come the variables that the migration adds.
    """
    result = dict(inherited)
    if dotenv is not None:
        from keychange.formats.dotenv.text import environment

        sourced = environment(dotenv, ambient=inherited)
        exported = environment(dotenv, only_exported=True, ambient=inherited)
        result |= {key: value for key, value in sourced.items() if key in inherited} | exported
    return result | dict(added)


def run_command(
    command: Command,
    root: Path,
    environment: Mapping[str, str],
    on_line: Callable[[Line], None] | None = None,
) -> CommandResult:
    """Run a command in the root and judge it.

    Args:
        command: from ``commands_of``.
        root: of the project; the working folder.
        environment: the whole environment, from ``command_environment``.
        on_line: called with every line of output as it comes, unmasked.

    Raises:
        KeyboardInterrupt: after the process group was ended.
    """
    program = find_program(command.argv[0], root, environment)
    if program is None:
        hint = "install it, or correct the command in the migration"
        message = f"there is no program {command.argv[0]}"
        return CommandResult(
            command=command,
            verdict=Verdict.INCONCLUSIVE,
            code="command-not-found",
            message=message,
            hint=hint,
        )
    signals = Signals(command.expectations, root)

    def take(line: Line) -> None:
        signals.take(line.text)
        if on_line:
            on_line(line)

    # Progress comes at once, and a check leaves no bytecode in the project.
    quiet = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ending = run_process(
            [program, *command.argv[1:]],
            cwd=root,
            environment={**quiet, **environment},
            limit=command.limit,
            on_line=take,
        )
    except OSError as problem:
        return CommandResult(
            command=command,
            verdict=Verdict.INCONCLUSIVE,
            code="command-not-found",
            message=f"{program} cannot be started: {problem.strerror}",
            hint="a script needs a first line that names its interpreter",
        )
    verdict, code, message, hint = _judge(command, ending, signals)
    return CommandResult(
        command=command,
        verdict=verdict,
        code=code,
        message=message,
        hint=hint,
        status=None if ending.timed_out else ending.status,
        seconds=ending.seconds,
        warnings=dict(signals.warnings),
        tail=tuple(signals.tail) if code else (),
    )


def _judge(command: Command, ending: Ending, signals: Signals) -> tuple[Verdict, str, str, str]:
    """Verdict, code, message and hint. A known failure that the output names is the cause."""
    name = posixpath.basename(command.argv[0])
    words = " ".join([name, *command.argv[1:]])
    if ending.timed_out:
        hint = "run it by hand; if it only needs longer, raise `timeout`"
        message = f"`{words}` did not end within {command.limit:g} s"
        return Verdict.INCONCLUSIVE, "command-timeout", message, hint
    if ending.status != 0:
        how = f"signal {-ending.status}" if ending.status < 0 else f"status {ending.status}"
        message = f"`{words}` ended with {how}"
        known = failures.recognise("\n".join(signals.tail))
        if known:
            return known.verdict, known.code, f"{message}: {known.title}", known.fix
        return Verdict.FAIL, "command-failed", message, "read the end of its output"
    for code, reason in signals.wrong():
        hint = "the command ended with 0 all the same; read its output"
        return Verdict.FAIL, code, f"`{words}`: {reason}", hint
    return Verdict.PASS, "", "", ""


def _command(check: Check, templates: Templates, project: str) -> Command:
    expand = cast("dict[str, Json]", templates.expand(dict(check.options), project=project))
    literal = Templates(
        re.escape(templates.root), {k: re.escape(v) for k, v in templates.variables.items()}
    )

    def patterns(name: str) -> tuple[Pattern, ...]:
        texts = cast("list[str]", check.options.get(name, []))
        return tuple(_pattern(text, templates, literal, project) for text in texts)

    files = tuple(cast("list[str]", expand.get("files", [])))
    written = tuple(cast("list[str]", expand.get("written", [])))
    # Names of members hold no templates elsewhere; the paths of `fields` do.
    fields = {
        templates.text(path, project=project): cast("dict[str, Json]", conditions)
        for path, conditions in cast("dict[str, Json]", expand.get("fields", {})).items()
    }
    for path in (*files, *written, *fields):
        refuse_outside(path)
    return Command(
        argv=tuple(cast("list[str]", expand["run"])),
        project=project,
        added=cast("dict[str, str]", expand.get("env", {})),
        limit=float(cast("float", expand.get("timeout", LIMIT))),
        expectations=Expectations(
            patterns=patterns("expect"),
            unwanted=patterns("reject"),
            files=files,
            written=written,
            fields=fields,
            ignore=frozenset(cast("list[str]", expand.get("ignore", []))),
        ),
    )


def _pattern(text: str, templates: Templates, literal: Templates, project: str) -> Pattern:
    """An expected text with its expression; ``literal`` fills in values that match themselves."""
    shown = templates.text(text, project=project)
    if len(text) <= 2 or not text[0] == text[-1] == "/":
        return shown, re.compile(re.escape(shown))
    try:
        return shown, re.compile(literal.text(text[1:-1], project=re.escape(project)))
    except re.error as problem:
        message = f"{text} is not a regular expression: {problem.msg}"
        hint = "escape the character, or leave the slashes out for a literal text"
        raise UsageProblem(error("invalid-pattern", message, hint=hint)) from problem
