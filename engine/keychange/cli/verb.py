"""A verb: how one is declared; it takes the options that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from keychange.cli.option import shared_options
from keychange.cli.session import CHECKING, FORMATS, Session

_ONLY_FOR = {"concise": CHECKING, "sarif": CHECKING, "html": ("plan",)}
"""Formats that some verbs have alone: two of diagnostics, and a page."""


def shown_by_session(option: click.Option | None) -> click.Option | None:
    """The option for help, shown as any other result is: click would not say that it cannot be."""

    def show(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 (click's)
        if wanted and not ctx.resilient_parsing:
            ctx.ensure_object(Session).show(ctx.get_help().split("\n"))
            ctx.exit()

    if option is not None:
        option.callback = show
    return option


class Verb(click.Command):
    """A verb: takes the shared options too, so that they may stand after it."""

    def __init__(self, *arguments: Any, examples: str = "", **options: Any) -> None:  # noqa: ANN401 (click's own)
        super().__init__(*arguments, **options)
        self.examples = examples
        for param in self.params:
            if isinstance(param, click.Option):
                param.show_envvar = True
                if param.show_default is None and param.default not in (None, "", False):
                    param.show_default = True
        self._shared = [option.name or "" for option in shared_options()]
        for option in shared_options():
            if option.name == "format":
                fit = (each for each in FORMATS if self.name in _ONLY_FOR.get(each, (self.name,)))
                option.metavar = f"[{'|'.join(fit)}]"
            self.params.append(option)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (click's own)
        """Hand shared options to the session, and the rest to the verb."""
        session = ctx.ensure_object(Session)
        given = {name: ctx.params.pop(name, None) for name in self._shared}
        # What the environment says has been taken with the options before the verb.
        typed = click.core.ParameterSource.COMMANDLINE
        session.take({k: v for k, v in given.items() if ctx.get_parameter_source(k) is typed})
        session.verb = self.name or ""
        if session.verb not in _ONLY_FOR.get(session.format, (session.verb,)):
            form = session.options.pop("format")
            message = f"--format {form} is for {' and '.join(_ONLY_FOR[form])}; not for {self.name}"
            raise click.UsageError(message, ctx)
        return super().invoke(ctx)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """As click's, shown by the session."""
        return shown_by_session(super().get_help_option(ctx))

    def get_help(self, ctx: click.Context) -> str:
        """Usage, what it does, examples, options by what they are for, and exit codes."""
        from keychange.cli import help as layout

        formatter = layout.begun(self, ctx, Session().style())
        formatter.rows("Examples", layout.examples(self.examples))
        formatter.sections(layout.options(ctx, self._shared))
        formatter.rows("Exit codes", layout.exits(self.name or ""))
        return formatter.getvalue().rstrip("\n")


Decorator = Callable[[Callable[..., Any]], click.Command]


def verb(name: str, examples: str) -> Decorator:
    """Declare a verb; its function's docstring is its help.

    ``examples`` are commands, a line each; two spaces, a `#` and what it is for may follow.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        return click.command(name, cls=Verb, examples=examples)(click.pass_obj(function))

    return decorate
