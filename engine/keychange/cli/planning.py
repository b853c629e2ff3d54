"""What plan, up and down share: show a plan, ask, and end with an outcome."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from keychange.cli.session import Session
from keychange.cli.streams import narrate
from keychange.diagnostics import Diagnostic, Location, Severity, error, errors_in, shell_word
from keychange.errors import RefusedError, UsageProblem
from keychange.left_behind import left_behind
from keychange.model import Json, Plan
from keychange.outcome import Outcome
from keychange.project import Project
from keychange.render import text as words

_TOLD = ("found-done", "edited-since")
"""Notes that belong before a question: they say what ``down`` will do, or not."""


def searched(project: Project, plan: Plan) -> tuple[Plan, tuple[Diagnostic, ...]]:
    """A plan, with the old values that it leaves behind."""
    return plan, left_behind(project, plan)


def show_plan(
    session: Session,
    plan: Plan,
    found: tuple[Diagnostic, ...],
    *,
    again: str = "",
    context: int = 3,
    name_only: bool = False,
    summary: bool = False,
    each_one: bool = False,
    pager: bool = True,
    exit_code: bool = False,
    saved: Path | None = None,
) -> int:
    """Print a plan as the result of a verb; returns the exit code.

    ``again`` are the options with which ``up`` or ``down`` applies this very plan.
    """
    if errors_in(plan.diagnostics):
        raise RefusedError(*plan.diagnostics)
    code = 1 if exit_code and plan.todo else 0
    if saved:
        session.settle(code, f"The plan was saved: {saved}")
    diagnostics = (*plan.diagnostics, *found)
    if session.format == "json":
        from keychange.render import document

        file: dict[str, Json] = {"plan_file": str(saved)} if saved else {}
        return session.emit(code, diagnostics, plan=document.plan(plan), **file)
    if session.format == "html":
        from keychange.render.html.plan import page

        command = session.pasted(f"migrate {plan.direction.value} {again}".rstrip())
        session.show(page(plan, diagnostics, context=context, apply=command))
        session.report(())
        return code
    lines = words.plan(
        plan,
        session.style(),
        context=context,
        names_only=name_only,
        summary=summary,
        each_one=each_one or session.verbose,
    )
    (session.page if pager else session.show)(lines)
    session.report(each for each in diagnostics if not name_only)
    verb = plan.direction.value
    if saved:
        command = session.pasted(f"migrate {verb} --plan {shell_word(str(saved))}")
        session.say(f"Saved. Apply it with: {command}")
    elif plan.todo and not name_only:
        command = session.pasted(f"migrate {verb} {again}".rstrip())
        session.say(f"Nothing was written. Apply it with: {command}")
    return code


def save(project: Project, plan: Plan, to: str, out: Path | None) -> Path | None:
    """Save a plan where that was asked for; a plan with errors is not worth keeping.

    Raises:
        RefusedError: the plan has errors, or the file cannot be written.
    """
    if out is not None:
        from keychange.plan_file import save_plan

        if errors_in(plan.diagnostics):
            raise RefusedError(*plan.diagnostics)
        save_plan(project, plan, to, out)
    return out


def saved_plan(session: Session, path: Path, verb: str) -> tuple[Project, Plan]:
    """The plan of a plan file, made again and found to be the same.

    Raises:
        UsageProblem: it is no plan file, or goes the other way.
        RefusedError: ``stale-plan``.
    """
    from keychange.plan_file import plan_again, read_plan, refuse_stale

    saved = read_plan(path)
    if saved.direction != verb:
        message = f"this plan leads the other way: it is for `migrate {saved.direction}`"
        raise UsageProblem(error("usage", message, Location(str(path))))
    project, plan = session.read(lambda here: (here, plan_again(saved, here)))
    refuse_stale(saved, project, plan)
    return project, plan


def excludes(option: str, **others: object) -> None:
    """Refuse options that have no meaning beside another one.

    Raises:
        click.UsageError: one of them was given.
    """
    for name, value in others.items():
        if value:
            raise click.UsageError(f"{option} and --{name.replace('_', '-')} exclude each other")


def narrate_plan(session: Session, plan: Plan, *, summary: bool = False) -> None:
    """Show a plan before it is applied, as narration; machines get it with the outcome.

    Raises:
        RefusedError: the plan has errors.
    """
    if errors_in(plan.diagnostics):
        raise RefusedError(*plan.diagnostics)
    if session.format != "text":
        return
    if not session.quiet:
        style = session.style(sys.stderr)
        session.say(*words.plan(plan, style, summary=summary, each_one=session.verbose))
    told = (e for e in plan.diagnostics if e.severity is not Severity.NOTE or e.code in _TOLD)
    session.report(told)


def approve(session: Session, plan: Plan, *, yes: bool) -> None:
    """Ask before writing.

    Raises:
        RefusedError: nobody can be asked, or the answer was no.
    """
    if plan.todo:
        ask(session, "Write these changes?", yes=yes)


def ask(session: Session, question: str, *, yes: bool) -> None:
    """Go on only if the user says so.

    Raises:
        RefusedError: nobody can be asked, or the answer was no.
    """
    if yes:
        return
    if not session.interactive:
        message = "nobody can be asked here whether to write"
        raise RefusedError(
            error("needs-approval", message, hint="say --yes to go on without a question")
        )
    with session.printing():
        try:
            agreed = click.confirm(question, err=True)
        except click.Abort as stop:
            if not isinstance(stop.__context__, EOFError):
                raise
            narrate("")
            agreed = False  # Ctrl-D is no answer, and no answer is no
    if not agreed:
        raise RefusedError(error("declined", "you said no"))


def end(session: Session, outcome: Outcome, plan: Plan | None, nothing: str = "") -> int:
    """Print an outcome; returns the exit code.

    ``nothing`` are the words for one in which nothing was to be done.
    """
    code = outcome.exit_code
    with session.telling(code):
        session.settle(code, *words.outcome(outcome, plan, session.style(sys.stderr), nothing))
        if session.format == "json":
            from keychange.render import document

            parts = document.outcome(outcome)
            if plan is not None:
                parts["plan"] = document.plan(plan)
            return session.emit(code, outcome.diagnostics, **parts)
        session.report(outcome.diagnostics)
        session.show(words.outcome(outcome, plan, session.style(), nothing))
    return code
