"""Changes: the files of a step that change, those of one kind as one, and each as text."""

from __future__ import annotations

from collections.abc import Iterator

from keychange.model import Step
from keychange.render import diff, sites
from keychange.render.diff import rule
from keychange.render.hunks import Comparison, compare, kind
from keychange.render.masking import Masks, line
from keychange.render.style import Style, count, visible

_ALIKE = 3
"""So many files of one kind are shown as one; two are shown as two."""


def lines(step: Step, masks: Masks, style: Style, *, context: int, each_one: bool) -> Iterator[str]:
    """The diff of each file with its proof; equal changes once, unless ``each_one``."""
    by_path = sites.by_file(step.sites)
    for found, others in alike(step, masks, context, each_one=each_one):
        path = found.change.path
        held = [each for each in by_path.get(path, ()) if each.changes]
        if style.reader:
            about = count(len(held), "site")
            verb = "" if found.action == "change" else f"{found.action}, "
            yield rule(visible(path), f"{verb}{about}", style)
        why = sites.reasons(step.migration, held)
        if why and style.reader:
            yield from (style(each, "dim") for each in style.wrap(visible(why), "   why: "))
        yield from diff.lines(found, by_path.get(path, ()), step.revision, style)
        for proof in found.change.proofs:
            yield style(f"  proved: {proof}", "dim")
        if why and not style.reader:
            yield f"  why: {visible(why)}"
        for words in found.change.summary if each_one else ():  # the table says it too
            yield from (style(e, "dim") for e in style.wrap(visible(line(words)), "  ", "    "))
        if others:
            more = f"and {count(len(others), 'more file', 'more files')} with the same change: "
            yield from style.wrap(more + sites.names(others) + " (-v shows each)", "  ", "    ")
        yield ""


def alike(
    step: Step, masks: Masks, context: int = 3, *, each_one: bool = False
) -> Iterator[tuple[Comparison, tuple[str, ...]]]:
    """The changes of a step, those of one kind as the first with the paths of the others.

    Of one kind are files in which the very same lines change; what stands around them may differ.
    """
    judged = [] if each_one else [each for each in step.changes if not masks.is_env(each.path)]
    # Files of one name are often equal: each content is looked at once.
    kinds = {pair: kind(*pair) for pair in dict.fromkeys((e.before, e.after) for e in judged)}
    paths: dict[object, list[str]] = {}
    for each in judged:
        paths.setdefault(kinds[each.before, each.after], []).append(each.path)
    paths.pop(None, None)
    groups = {path: group for group in paths.values() if len(group) >= _ALIKE for path in group}
    for each in step.changes:
        first, *others = groups.get(each.path, [each.path])
        if each.path == first:
            yield compare(each, masks, context), tuple(others)
