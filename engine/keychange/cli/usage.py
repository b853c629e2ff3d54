"""Usage: a command line that was not understood, as a diagnostic that says what was meant."""

from __future__ import annotations

import re

import click

from keychange.closest_name import did_you_mean
from keychange.diagnostics import error
from keychange.errors import UsageProblem


def explained(problem: click.UsageError) -> UsageProblem:
    """The same in our words: what is wrong, what may have been meant, and where to look."""
    context = problem.ctx
    message = " ".join(problem.format_message().split())
    asked = ""
    if isinstance(problem, click.NoSuchOption):
        options = [name for each in context.command.params for name in each.opts] if context else []
        message = f"there is no option `{problem.option_name}`"
        asked = did_you_mean(problem.option_name, options)
    elif isinstance(problem, click.BadParameter):
        asked = _choice(problem)
    usage = context.get_usage() if context else ""
    command = f"{context.command_path} --help" if context else ""
    hint = " ".join(part for part in (asked, re.sub(r"\s+", " ", usage)) if part)
    return UsageProblem(error("usage", message, hint=hint, command=command))


def _choice(problem: click.BadParameter) -> str:
    """What may have been meant where one of several words was asked for."""
    kind = problem.param.type if problem.param else None
    given = re.match(r"'([^']*)' is not one of", problem.message)
    if isinstance(kind, click.Choice) and given:
        return did_you_mean(given[1], [str(each) for each in kind.choices])
    return ""
