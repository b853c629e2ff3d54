"""Text: a plan, an outcome and a standing as a person reads them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from keychange.model import Direction, Plan, State, Step
from keychange.outcome import CheckOutcome, Ending, Outcome
from keychange.probing.verdict import Verdict
from keychange.render import sites
from keychange.render.masking import Masks, line
from keychange.render.style import Style, count, visible

_RESTORED = "Every file was restored and compared."


_MOST_RUNS = 5
"""Lines for programs; one that is started for each of many folders says no more in each."""


def plan(
    made: Plan,
    style: Style,
    *,
    context: int = 3,
    names_only: bool = False,
    summary: bool = False,
    each_one: bool = False,
) -> Iterator[str]:
    """The plan: per migration the diff of each file with its proof, the sites, and the totals.

    Files in which the same lines change are shown once, with the names of the others, unless
    ``each_one``.
    """
    masks = Masks(site for step in made.steps for site in step.sites)
    if names_only:
        yield from dict.fromkeys(each.path for step in made.steps for each in step.changes)
        return
    for step in made.todo:
        yield from _heading(step, style)
        if not summary:
            from keychange.render.changes import lines  # a summary shows none

            yield from lines(step, masks, style, context=context, each_one=each_one)
        if step.sites:
            yield style("Sites", "bold")
            yield from sites.table(step.sites, masks, style, each_one=each_one)
        yield from _programs(step, style)
        yield ""
    yield from _totals(made, style)


def _heading(step: Step, style: Style) -> Iterator[str]:
    arrow = "down" if step.direction is Direction.DOWN else "up"
    head = f"{step.revision} ({arrow})  "
    for each in style.wrap(visible(line(step.title)), head, "  "):
        yield each.replace(step.revision, style(step.revision, "bold"), 1)
    if step.migration and step.migration.description:
        words = visible(line(" ".join(step.migration.description.split())))
        yield from (style(each, "dim") for each in style.wrap(words, "  "))
    yield ""


def _programs(step: Step, style: Style) -> Iterator[str]:
    """What a step toward head starts: the user is to know it before saying yes."""
    if step.runs:
        yield ""
        yield style("Runs", "bold")
    shown = step.runs if len(step.runs) <= _MOST_RUNS else step.runs[: _MOST_RUNS - 1]
    for words in shown:
        yield from style.wrap(visible(line(shlex.join(words))), "  ", "    ")
    if len(step.runs) > len(shown):
        yield f"  and {len(step.runs) - len(shown)} more"


def _totals(made: Plan, style: Style) -> Iterator[str]:
    if not made.todo:
        yield "Plan: nothing to do; every site holds what the migrations set."
        return
    yield style(f"Plan: {', '.join(totals(made))}.", "bold")


def totals(made: Plan) -> tuple[str, ...]:
    """What the plan comes to, in counted words."""
    steps = [step for step in made.steps if step.changes]
    files = sum(len(step.changes) for step in steps)
    pending = sum(site.changes for step in steps for site in step.sites)
    done = sum(site.state is State.DONE for step in made.todo for site in step.sites)
    parts = [
        count(len(made.todo), "migration"),
        f"{count(files, 'file')} to change",
        f"{count(pending, 'site')} to set",
    ]
    if made.direction is Direction.UP:
        parts.append(f"{done:,} already done")
    return tuple(parts)


def outcome(done: Outcome, made: Plan | None, style: Style, nothing: str = "") -> Iterator[str]:
    """How a run ended, in words that agree with the bytes on disk.

    ``nothing`` are the words where nothing was to be done; by default those of the plan.
    """
    if done.recovery is not None:
        yield f"First, {done.recovery}."
    for revision, results in done.checks.items():
        if revision in done.baselines:
            yield from check_outcome(done.baselines[revision], style)
        for each in results:
            yield from check_outcome(each, style)
    words, colour = _ending(done, made)
    words = nothing if nothing and done.ending is Ending.NOTHING else words
    yield style(words, "bold", colour) if colour else words
    if done.unverified:
        named = ", ".join(done.unverified)
        yield f"Not verified: no check of {named} was run. `migrate verify` runs them."


def _ending(done: Outcome, made: Plan | None) -> tuple[str, str]:
    """The words of an ending and their colour."""
    named = ", ".join(done.done)
    files = {each.path for step in made.steps for each in step.changes} if made else ()
    written = f"; {count(len(files), 'file')} written" if made else ""
    before = f" Before that, and left so: {named}." if named else ""
    match done.ending:
        case Ending.NOTHING:
            return _nothing(made), ""
        case Ending.APPLIED | Ending.UNVERIFIED:
            bare = "" if made else ", ".join(set(done.done) - set(done.checks))
            none = f" No check is declared by {bare}." if bare else ""
            return f"{'Applied' if made else 'Verified'}: {named}{written}.{none}", "green"
        case Ending.TAKEN_BACK:
            return f"Taken back: {named}{written}.", "green"
        case Ending.REBASED:
            return f"Rebased: {named}.", "green"
        case Ending.STAMPED:
            return f"Stamped: {named}; only the ledger was written.", "green"
        case Ending.ROLLED_BACK:
            words = f"Rolled back: {done.undone} did not pass its checks."
            return f"{words} {_RESTORED}{before}", "red"
        case Ending.INCONCLUSIVE:
            words = f"Rolled back: {done.undone} could not be tested here."
            return f"{words} {_RESTORED}{before}", "yellow"
        case Ending.KEPT:
            inconclusive = done.verdict is Verdict.INCONCLUSIVE
            why = "it could not be tested here" if inconclusive else "a check failed"
            words = f"Kept, not verified: {why}, and nothing was rolled back."
            return f"{words}{before}", "yellow" if inconclusive else "red"


def _nothing(made: Plan | None) -> str:
    if made is None:
        return "Nothing to do: the ledger says so already."
    if made.direction is Direction.DOWN:
        return "Nothing to take back: no migration is applied here."
    return "Nothing to do: every site holds what the migrations set."


def check_outcome(each: CheckOutcome, style: Style) -> Iterator[str]:
    """One check: its verdict, its headline, and the measured values."""
    marks = {
        Verdict.PASS: ("pass", "green"),
        Verdict.FAIL: ("FAIL", "red"),
        Verdict.INCONCLUSIVE: ("inconclusive", "yellow"),
    }
    word, colour = marks[each.verdict]
    yield f"{style(word, 'bold', colour)}  {each.name}: {visible(line(each.headline, each.hidden))}"
    for row in each.rows:
        yield f"      {visible(line(row, each.hidden))}"
