"""Options: those that stand before or after every verb, and those that several verbs take."""

from __future__ import annotations

from pathlib import Path

import click

from keychange.cli.session import FORMATS


def shared_options() -> list[click.Option]:
    """The options that stand before or after a verb, made anew for each command."""
    folder = click.Path(file_okay=False, path_type=Path)
    return [
        click.Option(
            ["-C", "--root"],
            type=folder,
            metavar="DIR",
            envvar="KEYCHANGE_ROOT",
            show_envvar=True,
            help="Root of the project.  [default: the nearest parent with migrations]",
        ),
        click.Option(
            ["--migrations"],
            type=folder,
            metavar="DIR",
            envvar="KEYCHANGE_MIGRATIONS",
            show_envvar=True,
            help="Folder of the migrations.  [default: ROOT/migrations]",
        ),
        click.Option(
            ["--format"], type=click.Choice(FORMATS), help="Form of the result.  [default: text]"
        ),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            help="Colour; auto heeds NO_COLOR, FORCE_COLOR and the terminal.  [default: auto]",
        ),
        click.Option(["-v", "--verbose"], is_flag=True, help="Say more."),
        click.Option(["-q", "--quiet"], is_flag=True, help="Say only what is wrong."),
        click.Option(["--debug"], is_flag=True, help="Show a traceback for an unexpected error."),
    ]


lock_timeout = click.option(
    "--lock-timeout", metavar="SECONDS", default=0.0, help="Wait so long for another run to end."
)
yes = click.option(
    "-y", "--yes", is_flag=True, envvar="KEYCHANGE_YES", help="Write without a question."
)
allow_cpu = click.option(
    "--allow-cpu", is_flag=True, help="Accept a CPU where a GPU is required; the verdict says so."
)
plan_file = click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Apply exactly this saved plan, once and without a question.",
)
