"""The command line: verbs, options, and the one place where errors become exit codes."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from keychange.cli import ending
from keychange.cli.option import shared_options
from keychange.cli.session import Session
from keychange.cli.streams import OutputError, finish, forget, narrate
from keychange.cli.verb import shown_by_session
from keychange.errors import KeychangeError
from keychange.interruption import heed

VERBS = {
    "init": "Set up migrations/ with a first migration, made of what the project holds.",
    "new": "Write a migration: commented, or filled in with every place of a value.",
    "plan": "Show the exact changes, file by file; write nothing.",
    "up": "Apply what is pending, run the model, and roll back if it does not work.",
    "down": "Take applied migrations back; what you edited elsewhere stays.",
    "status": "Show where every migration stands.",
    "stamp": "Record what is applied here, without touching a file.",
    "rebase": "Renumber your own pending migrations after a merge.",
    "history": "List all migrations, and which are applied here.",
    "check": "Find drift and pending changes; for pre-commit and CI.",
    "validate": "Read the migration files alone; for pre-commit and CI.",
    "lint": "Find what will hurt later in the migration files.",
    "verify": "Run the checks of applied migrations that have not passed them.",
    "probe": "Run the model once and measure what it says.",
    "report": "Write the evidence of a migration as one HTML page.",
    "doctor": "Check what the next migration requires, and this machine, with fixes.",
    "model": "Download the models that the next migration needs.",
    "sites": "List the addresses of the string literals in a Python file.",
    "explain": "Say what a code means, and what to do about it.",
    "schema": "List and print JSON Schemas, or validate configs against one.",
    "demo": "Run the whole upgrade on a copy of the sample workspace.",
    "recover": "Undo or finish what an interrupted run left.",
    "completion": "Print a script that completes verbs, options and revisions in a shell.",
}
"""Each verb is the module ``keychange.cli.<verb>_verb`` with a ``command``, loaded when used."""

COMPLETE = "_MIGRATE_COMPLETE"
"""The variable by which a shell asks for completions."""

EXAMPLES = """\
migrate  # where this project stands, and what to do next
migrate plan  # what would change, file by file
migrate up  # show it, ask, change it, run the model
migrate -C ../project check  # of another project
"""


class Stopped(BaseException):
    """A signal stopped a verb; its cause says which, and when."""


class Verbs(click.Group):
    """The verbs, in the order in which they are used, each imported only when it is."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's)
        """All names, in order."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's)
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"keychange.cli.{cmd_name}_verb").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the verb that was meant; a word of old is understood, too."""
        name = args[0]
        if name not in VERBS and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = _ELSEWHERE.get(name) or next(iter(get_close_matches(name, VERBS)), "")
            meant = f"; did you mean `{near}`?" if near else ""
            raise click.UsageError(f"there is no verb `{name}`{meant}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (click's own)
        """As click's, which would print an empty line before an interruption is told."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise Stopped from stop

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """As click's, shown by the session."""
        return shown_by_session(super().get_help_option(ctx))

    def get_help(self, ctx: click.Context) -> str:
        """What it is, the verbs by what they are for, options, variables and exit codes."""
        from keychange.cli import help as layout

        formatter = layout.begun(self, ctx, Session().style())
        formatter.rows("Examples", layout.examples(EXAMPLES))
        formatter.sections(layout.verbs(VERBS))
        formatter.sections(layout.options(ctx, ()))
        formatter.rows("Environment", layout.environment())
        formatter.rows("Exit codes", layout.exits())
        formatter.write("\n`migrate VERB --help` shows its options and examples.\n")
        return formatter.getvalue().rstrip("\n")


_ELSEWHERE = {
    "upgrade": "up",
    "apply": "up",
    "migrate": "up",
    "downgrade": "down",
    "rollback": "down",
    "revert": "down",
    "undo": "down",
    "diff": "plan",
    "log": "history",
    "list": "history",
    "current": "status",
    "create": "new",
    "revision": "new",
    "make": "new",
    "help": "--help",
}
"""What other tools of this kind call a verb."""


def _version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 (click's)
    if wanted and not ctx.resilient_parsing:
        from keychange.cli.version import lines

        ctx.ensure_object(Session).show(lines())
        ctx.exit()


@click.group(
    cls=Verbs,
    params=[
        *shared_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Show the versions of keychange, Python, mlx and mlx-audio, and exit.",
        ),
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
    subcommand_metavar="[VERB [ARGS]...]",
)
@click.pass_context
def group(ctx: click.Context, /, **options: Any) -> int:  # noqa: ANN401 (click's values)
    """Versioned, reversible, verified configuration migrations for local-model projects.

    Without a verb, says where the project stands and what to do next.
    """
    session = ctx.ensure_object(Session)
    session.take(options)
    if ctx.invoked_subcommand is None:
        from keychange.cli.overview import overview

        return overview(session)
    return 0


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    if asked := os.environ.get(COMPLETE):
        from keychange.cli.completion import answer

        answer(group, asked)
        sys.exit(0)
    session = Session()
    session.overhear(sys.argv[1:] if arguments is None else arguments, VERBS)
    heed()
    try:
        code = _ended(session, arguments)
    except OutputError as unheard:
        code = ending.unheard(session, unheard.problem)
        forget(sys.stdout)
    finally:
        session.close()
    gc.freeze()  # the system takes it all: nothing is to be gained by looking for what is garbage
    sys.exit(code or 0)


def _ended(session: Session, arguments: Sequence[str] | None) -> int:
    """The exit code, once everything is told.

    Raises:
        OutputError: it cannot be.
    """
    try:
        code = _code(session, arguments)
        finish()
    except OutputError:
        raise
    except KeyboardInterrupt as stop:  # one that came while an ending was being told
        code = ending.interrupted(session, stop)
    except Exception as problem:  # noqa: BLE001 (the one boundary; it tells no more than it may)
        code = ending.crashed(session, problem)
    finish()
    return code


def _code(session: Session, arguments: Sequence[str] | None) -> int:
    try:
        code = group.main(args=arguments, prog_name="migrate", standalone_mode=False, obj=session)
        return int(code or 0)
    except click.exceptions.Exit as done:
        return done.exit_code
    except Stopped as stop:
        return ending.interrupted(session, stop.__cause__)
    except click.Abort as stop:  # at a question, or before the verb
        narrate("")
        return ending.interrupted(session, stop.__cause__ or stop.__context__)
    except click.UsageError as problem:
        from keychange.cli.usage import explained

        return ending.failed(session, explained(problem))
    except KeychangeError as problem:
        return ending.failed(session, problem)
    except KeyboardInterrupt as stop:
        return ending.interrupted(session, stop)
