"""What plan, up and down share: show a plan, ask, and end with an outcome."""

from __future__ import annotations

import sys

import click

from keychange.cli.session import Session
from keychange.diagnostics import Diagnostic, Severity, error, errors_in
from keychange.errors import RefusedError
from keychange.model import Plan
from keychange.project import Project, left_behind
from keychange.render import document
from keychange.render import text as words
from keychange.workflow import Outcome


def searched(project: Project, plan: Plan) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """A plan, with the old values that it leaves behind."""
    return plan, left_behind(project, plan)


def show_plan(
    session: Session,
    plan: Plan,
    found: tuple[Diagnostic, ...],
    *,
    context: int = 3,
    name_only: bool = False,
    summary: bool = False,
    exit_code: bool = False,
) -> int:
    """Print a plan as the result of a verb; returns the exit code."""
    if errors_in(plan.diagnostics):
        raise RefusedError(*plan.diagnostics)
    code = 1 if exit_code and plan.todo else 0
    diagnostics = (*plan.diagnostics, *found)
    if session.format == "json":
        return session.emit(code, diagnostics, plan=document.plan(plan))
    lines = words.plan(
        plan, session.style(), context=context, names_only=name_only, summary=summary
    )
    session.show(lines)
    session.report(each for each in diagnostics if not name_only)
    if plan.todo and not name_only:
        session.say("Nothing was written. Apply it with: migrate up")
    return code


def narrate_plan(session: Session, plan: Plan, *, summary: bool = False) -> None:
    """Show a plan before it is applied, as narration; machines get it with the outcome.

    Raises:
        RefusedError: the plan has errors.
    """
    if errors_in(plan.diagnostics):
        raise RefusedError(*plan.diagnostics)
    if session.format != "text":
        return
    for line in words.plan(plan, session.style(sys.stderr), summary=summary):
        session.say(line)
    session.report(each for each in plan.diagnostics if each.severity is not Severity.NOTE)


def approve(session: Session, plan: Plan, *, yes: bool) -> None:
    """Ask before writing.

    Raises:
        RefusedError: nobody can be asked, or the answer was no.
    """
    if yes or not plan.todo:
        return
    if not session.interactive:
        message = "nobody can be asked here whether to write"
        raise RefusedError(
            error("needs-approval", message, hint="say --yes to go on without a question")
        )
    if not click.confirm("Write these changes?", err=True):
        raise RefusedError(error("declined", "you said no"))


def end(session: Session, outcome: Outcome, plan: Plan | None) -> int:
    """Print an outcome; returns the exit code."""
    code = outcome.exit_code
    if session.format == "json":
        parts = document.outcome(outcome)
        if plan is not None:
            parts["plan"] = document.plan(plan)
        return session.emit(code, outcome.diagnostics, **parts)
    session.report(outcome.diagnostics)
    session.show(words.outcome(outcome, plan, session.style()))
    return code
