"""Changes: files side by side and sites as a table, the parts that a plan and a report share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from keychange.model import Site, State, Step
from keychange.render import sites as tables
from keychange.render.changes import alike
from keychange.render.html.page import Child, Markup, breakable, cell, tag
from keychange.render.html.page import table as listing
from keychange.render.hunks import Comparison, Hunk, Row
from keychange.render.masking import Masks, line
from keychange.render.sites import name
from keychange.render.style import count
from keychange.render.words import Pieces, marked

_OPEN = 12
"""So many files are unfolded; what follows is opened by a click."""
_SIGNS = {"-": ("-", "removed"), "+": ("+", "added")}
_STATES = {
    State.DONE: "ok",
    State.PENDING: "warn",
    State.FOREIGN: "bad",
    State.ABSENT: "",
}


def badge(word: str, tone: str = "") -> Markup:
    """A word that stands out; its colour says nothing that the word does not."""
    return tag("span", word, class_=f"badge {tone}".rstrip())


def stats(pairs: Iterable[tuple[str, str]]) -> Markup:
    """A few numbers, each with what it counts."""
    return tag(
        "dl",
        (tag("div", tag("dt", title), tag("dd", value)) for title, value in pairs if value),
        class_="stats",
    )


def files(step: Step, masks: Masks, context: int = 3, prefix: str = "file") -> Child:
    """Every changed file of a step, those of one kind as one."""
    held = tables.by_file(step.sites)
    found = list(alike(step, masks, context))
    return [
        _file(
            each,
            others,
            held.get(each.change.path, ()),
            step,
            identifier=f"{prefix}-{number}",
            unfolded=number <= _OPEN,
        )
        for number, (each, others) in enumerate(found, 1)
    ]


def _file(
    found: Comparison,
    others: Sequence[str],
    sites: Sequence[Site],
    step: Step,
    *,
    identifier: str,
    unfolded: bool,
) -> Markup:
    path = found.change.path
    changed = [each for each in sites if each.changes or step.recorded]
    about = [count(len(changed), "site")] if changed else []
    action = {"create": "new file", "delete": "removed"}.get(found.action)
    why = tables.reasons(step.migration, changed)
    head = tag(
        "summary",
        tag("h3", breakable(path), id=identifier),
        badge(action) if action else None,
        tag("span", ", ".join(about), class_="muted"),
        tag("span", "from ", tag("code", breakable(why)), class_="muted") if why else None,
    )
    return tag(
        "details",
        head,
        _difference(found, sites),
        [tag("p", tag("b", "Proved: "), each, class_="proof") for each in found.change.proofs],
        _others(others) if others else None,
        open=unfolded,
        class_="file",
    )


def _others(paths: Sequence[str], how: str = "with the same change") -> Markup:
    """Further files, folded away."""
    words = f"and {count(len(paths), 'more file', 'more files')} {how}"
    listed = tag("ul", (tag("li", tag("code", breakable(each))) for each in paths))
    return tag("details", tag("summary", words), listed, class_="more")


def _difference(found: Comparison, sites: Sequence[Site]) -> Markup:
    if found.too_long:
        return tag("p", f"{found.too_long} differ: too many to show here.")
    if not found.hunks:
        return tag("p", "No line differs that may be shown.", class_="muted")
    columns = {"create": ("new",), "delete": ("old",)}.get(found.action, ("old", "new"))
    titles = {"old": "before", "new": "after"}
    heads = [
        cell
        for side in columns
        for cell in (
            tag("th", tag("abbr", "#", title=f"line {titles[side]}"), scope="col"),
            tag("th", titles[side].capitalize(), scope="col"),
        )
    ]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", f"What changes in {found.change.path}", class_="unseen"),
            tag("thead", tag("tr", heads)),
            [_hunk(each, sites, columns) for each in found.hunks],
            class_=f"diff {'two' if len(columns) == 2 else 'one'}",
        ),
        class_="scroll",
    )


def _hunk(hunk: Hunk, sites: Sequence[Site], columns: tuple[str, ...]) -> Markup:
    named = dict.fromkeys(name(each) for each in hunk.sites(sites))
    rows = []
    if named:
        title = tag("th", ", ".join(named), colspan=2 * len(columns), scope="rowgroup")
        rows.append(tag("tr", title, class_="place"))
    for old, new, left, right in hunk.sides():
        same = old is not None and old.sign == " "
        cells = []
        for side, row, pieces in (("old", old, left), ("new", new, right)):
            if side in columns:
                cells.append(_cells(side, row, pieces))
        rows.append(tag("tr", cells, class_="same" if same else None))
    return tag("tbody", rows)


def _cells(side: str, row: Row | None, pieces: Pieces) -> Markup:
    if row is None:
        empty = tag("td", class_="none"), tag("td", class_="none")
        return Markup("".join(empty))
    tone = f" {side}" if row.sign != " " else ""
    sign, word = _SIGNS.get(row.sign, ("", ""))
    changed = "del" if side == "old" else "ins"
    text = [tag(changed, part) if differs else part for part, differs in pieces]
    code = tag(
        "td",
        tag("span", sign, class_="sign", title=word) if sign else None,
        tag("code", text),
        None if row.ended else tag("span", " (no line end)", class_="muted"),
        class_=f"line{tone}",
    )
    return Markup(tag("td", str(row.number), class_=f"number{tone}") + code)


def table(
    step: Step,
    masks: Masks,
    now: Mapping[tuple[str, str], State] | None = None,
) -> Markup:
    """Every site: file, name, state, old and new value, and the line that declares it.

    ``now`` is given for what has been applied: the state is then what a site holds at present.
    """
    state = "State now" if now is not None else "State"
    rows = []
    for paths, held in tables.alike(step.sites, now or {}):
        for number, site in enumerate(held):
            cells = [_paths(paths, len(held))] if not number else []
            rows.append(tag("tr", cells, _site(site, step, masks, now)))
    heads = ("File", "Site", state, "Old", "New", "Declared")
    return listing("Every site with its old and its new value", heads, rows)


def _paths(paths: Sequence[str], rows: int) -> Markup:
    first = tag("code", breakable(paths[0]))
    more = _others(paths[1:], "with the same") if len(paths) > 1 else None
    return tag("th", first, more, rowspan=rows, scope="rowgroup")


def _site(
    site: Site, step: Step, masks: Masks, now: Mapping[tuple[str, str], State] | None
) -> Child:
    old, new = tables.values(site, masks)
    left, right = marked(old, new) if old != new else (((old, False),), ((new, False),))
    state = site.state if now is None else now.get((site.path, site.address))
    word = "no site now" if state is None else "kept" if site.kept else state.value
    place = ""
    if step.migration is not None and site.pointer:
        place = str(step.migration.declares(site).line)
    return (
        tag("th", tag("code", breakable(name(site))), scope="row"),
        tag("td", badge(word, _STATES[state] if state else "")),
        cell("old", _value(left, "del"), class_="wide"),
        cell("new", _value(right, "ins"), class_="wide"),
        cell("declared", f"line {place}" if place else "", class_="muted"),
    )


def _value(pieces: Pieces, changed: str) -> Markup:
    text = [tag(changed, part) if differs else part for part, differs in pieces]
    return tag("code", text)


def prose(text: str) -> Markup:
    """A description of a migration, with what looks like a secret masked."""
    return tag("p", line(" ".join(text.split())), class_="lead") if text else Markup()
