"""Text: a plan, an outcome and a standing as a person reads them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from keychange.model import Direction, Plan, Site, State, Step
from keychange.outcome import CheckOutcome, Ending, Outcome
from keychange.probe.verdict import Verdict
from keychange.programs import programs
from keychange.render.diff import coloured, unified
from keychange.render.masking import Masks, line
from keychange.render.style import Style, count, visible

_SIGNS = {
    State.PENDING: ("~", "yellow"),
    State.DONE: ("=", "dim"),
    State.FOREIGN: ("!", "red"),
    State.ABSENT: ("-", "dim"),
}


_RESTORED = "Every file was restored and compared."


def plan(
    made: Plan, style: Style, *, context: int = 3, names_only: bool = False, summary: bool = False
) -> Iterator[str]:
    """The plan: per migration the diff of each file with its proof, the sites, and the totals."""
    masks = Masks(site for step in made.steps for site in step.sites)
    if names_only:
        yield from dict.fromkeys(each.path for step in made.steps for each in step.changes)
        return
    for step in made.todo:
        yield from _heading(step, style)
        if not summary:
            for change in step.changes:
                yield from coloured(unified(change, masks, step.revision, context), style)
                for proof in change.proofs:
                    yield style(f"  proved: {proof}", "dim")
                for words in change.summary:
                    yield style(f"  {visible(line(words))}", "dim")
                yield ""
        yield from _sites(step, style)
        yield from _programs(step)
        yield ""
    yield from _totals(made, style)


def _heading(step: Step, style: Style) -> Iterator[str]:
    arrow = "down" if step.direction is Direction.DOWN else "up"
    yield f"{style(step.revision, 'bold')} ({arrow})  {visible(step.title)}"
    yield ""


def _sites(step: Step, style: Style) -> Iterator[str]:
    """For each file its state, how many sites are in which state, and the names of the pending."""
    by_path: dict[str, list[Site]] = {}
    for site in step.sites:
        by_path.setdefault(site.path, []).append(site)
    counted = {path: _counts(sites) for path, sites in by_path.items()}
    width = max((len(each) for each in counted.values()), default=0)
    for path, sites in by_path.items():
        sign, colour = _SIGNS[_worst(sites)]
        yield f"  {style(sign, colour)} {counted[path].ljust(width)}  {visible(path)}"
        if named := ", ".join(_named(site) for site in sites if site.changes):
            yield from (style(each, "dim") for each in style.wrap(named, " " * (width + 8)))


def _programs(step: Step) -> Iterator[str]:
    """What a step toward head starts: the user is to know it before saying yes."""
    if step.migration is not None:
        for words in programs(step.migration):
            yield f"  runs: {visible(line(shlex.join(words)))}"


def _counts(sites: Iterable[Site]) -> str:
    states = [site.state for site in sites]
    return ", ".join(f"{states.count(each)} {each}" for each in State if each in states)


def _named(site: Site) -> str:
    short = site.note if site.note and len(site.address) > 40 else site.address
    return visible(short or "(document)")


def _worst(sites: Iterable[Site]) -> State:
    states = {site.state for site in sites}
    order = (State.FOREIGN, State.PENDING, State.DONE, State.ABSENT)
    return next(each for each in order if each in states)


def _totals(made: Plan, style: Style) -> Iterator[str]:
    steps = [step for step in made.steps if step.changes]
    if not made.todo:
        yield "Plan: nothing to do; every site holds what the migrations set."
        return
    files = sum(len(step.changes) for step in steps)
    sites = sum(site.changes for step in steps for site in step.sites)
    done = sum(site.state is State.DONE for step in made.todo for site in step.sites)
    parts = [
        count(len(made.todo), "migration"),
        f"{count(files, 'file')} to change",
        f"{count(sites, 'site')} to set",
    ]
    if made.direction is Direction.UP:
        parts.append(f"{done:,} already done")
    yield style(f"Plan: {', '.join(parts)}.", "bold")


def outcome(done: Outcome, made: Plan | None, style: Style) -> Iterator[str]:
    """How a run ended, in words that agree with the bytes on disk."""
    if done.recovery is not None:
        yield f"First, {done.recovery}."
    for revision, results in done.checks.items():
        if revision in done.baselines:
            yield from check_outcome(done.baselines[revision], style)
        for each in results:
            yield from check_outcome(each, style)
    words, colour = _ending(done, made)
    yield style(words, "bold", colour) if colour else words
    if done.unverified:
        named = ", ".join(done.unverified)
        yield f"Not verified: no check of {named} was run. `migrate verify` runs them."


def _ending(done: Outcome, made: Plan | None) -> tuple[str, str]:
    """The words of an ending and their colour."""
    named = ", ".join(done.done)
    files = sum(len(step.changes) for step in made.steps) if made else 0
    written = f"; {count(files, 'file')} written" if made else ""
    before = f" Before that, and left so: {named}." if named else ""
    match done.ending:
        case Ending.NOTHING:
            return "Nothing to do: every site holds what the migrations set.", ""
        case Ending.APPLIED | Ending.UNVERIFIED:
            return f"{'Applied' if made else 'Verified'}: {named}{written}.", "green"
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
