"""The command line: verbs, options, and the one place where errors become exit codes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import Any, NoReturn

import click

from keychange.cli.session import COMMON_OPTIONS, Session
from keychange.diagnostics import error
from keychange.errors import KeychangeError, UsageProblem

VERBS = {
    "new": "Write a commented migration to start from.",
    "plan": "Show the exact changes, file by file; write nothing.",
    "up": "Apply what is pending, run the model, and roll back if it does not work.",
    "down": "Take applied migrations back; what you edited elsewhere stays.",
    "status": "Show where every migration stands.",
    "stamp": "Record what is applied here, without touching a file.",
    "rebase": "Renumber your own pending migrations after a merge.",
    "history": "List all migrations, and which are applied here.",
    "check": "Find drift and pending changes; for pre-commit and CI.",
    "validate": "Read the migration files alone; for pre-commit and CI.",
    "verify": "Run the checks of applied migrations that have not passed them.",
    "probe": "Run the model once and measure what it says.",
    "doctor": "Check what the next migration requires, and this machine, with fixes.",
    "model": "Download the models that the next migration needs.",
    "sites": "List the addresses of the string literals in a Python file.",
    "explain": "Say what a code means, and what to do about it.",
    "schema": "List and print JSON Schemas, or validate configs against one.",
    "demo": "Run the whole upgrade on a copy of the sample workspace.",
    "recover": "Undo or finish what an interrupted run left.",
}
"""Each verb is the module ``keychange.cli.<verb>_verb`` with a ``command``, loaded when used."""


class Verbs(click.Group):
    """The verbs, in the order in which they are used, each imported only when it is."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's)
        """All names, in order."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's)
        """Import one verb; did-you-mean is click's."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"keychange.cli.{cmd_name}_verb").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's)
        """The verbs with their one line, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=Verbs,
    params=[*COMMON_OPTIONS()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: migrate plan",
)
@click.version_option(package_name="keychange", prog_name="keychange")
@click.pass_context
def group(ctx: click.Context, /, **options: Any) -> None:  # noqa: ANN401 (click's values)
    """Versioned, reversible, verified configuration migrations for local-model projects."""
    ctx.ensure_object(Session).take(options)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    session = Session()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = _code(session, arguments)
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        sys.stderr.close()
        code = 1
    except Exception as problem:  # noqa: BLE001 (the one boundary; it tells no more than it may)
        code = session.crash(problem)
    sys.exit(code or 0)


def _code(session: Session, arguments: Sequence[str] | None) -> int:
    try:
        return int(
            group.main(args=arguments, prog_name="migrate", standalone_mode=False, obj=session) or 0
        )
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort as stop:  # click's word for it hides which signal it was, and when
        return _interrupted(session, stop.__cause__)
    except click.UsageError as problem:
        hint = problem.ctx.get_usage() if problem.ctx else ""
        return session.fail(UsageProblem(error("usage", problem.format_message(), hint=hint)))
    except KeychangeError as problem:
        return session.fail(problem)
    except KeyboardInterrupt as stop:
        return _interrupted(session, stop)


def _interrupted(session: Session, stop: BaseException | None) -> int:
    return session.interrupted(
        128 + int(getattr(stop, "signal_number", signal.SIGINT)),
        committed=getattr(stop, "committed", None),
        done=getattr(stop, "done", ()),
    )


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    stop = KeyboardInterrupt()
    stop.signal_number = number  # type: ignore[attr-defined]
    raise stop
