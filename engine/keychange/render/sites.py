"""Sites: what each holds and is to hold, as a table; equal files are told once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType

from keychange.model import ABSENT, Migration, Site, State, Value, same
from keychange.render.masking import Masks
from keychange.render.style import Style, columns, count, folded, padded, visible
from keychange.render.words import Pieces, marked
from keychange.secrets import without_secrets

SIGNS = {
    State.PENDING: ("~", "yellow"),
    State.DONE: ("=", "dim"),
    State.FOREIGN: ("!", "red"),
    State.ABSENT: ("-", "dim"),
}
_LONGEST, _LONGEST_DATA = 160, 60
"""Characters of a string and of other data that the table shows; the diff shows all."""
_NAMED = 4
"""Files that are named where several hold the same."""
_MARGIN = 13
"""Columns before a site's name: two to indent, a sign and a word, and blanks between."""


def by_file(sites: Iterable[Site]) -> dict[str, tuple[Site, ...]]:
    """The sites of each file, in the order of the files."""
    found: dict[str, list[Site]] = {}
    for site in sites:
        found.setdefault(site.path, []).append(site)
    return {path: tuple(each) for path, each in found.items()}


def name(site: Site) -> str:
    """The name of a site: its address, or what is said of it where that is long."""
    short = site.note if site.note and len(site.address) > 40 else site.address
    return visible(without_secrets(short) or "(document)")


def alike(
    sites: Iterable[Site], now: Mapping[tuple[str, str], State] = MappingProxyType({})
) -> list[tuple[tuple[str, ...], tuple[Site, ...]]]:
    """Files whose sites hold and get the same, with the sites of the first of them.

    ``now`` are states by path and address that have to be the same too.
    """
    found: dict[object, tuple[list[str], tuple[Site, ...]]] = {}
    for path, held in by_file(sites).items():
        key = tuple(
            (
                *(each.kind, each.address, each.state, each.kept),
                *(repr(each.before), repr(each.after), now.get((path, each.address))),
            )
            for each in held
        )
        found.setdefault(key, ([], held))[0].append(path)
    return [(tuple(paths), held) for paths, held in found.values()]


def reasons(migration: Migration | None, sites: Iterable[Site]) -> str:
    """Which lines of the migration make these sites ones: ``FILE:12, 14``; empty toward base."""
    if migration is None:
        return ""
    lines = sorted({migration.declares(each).line for each in sites if each.pointer})
    ranges = []
    for _, run in groupby(enumerate(lines), lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in run]
        ends = dict.fromkeys((numbers[0], numbers[-1]))
        ranges.append("-".join(map(str, ends)))
    return f"{migration.path}:{', '.join(ranges)}" if lines else migration.path


def table(sites: Iterable[Site], masks: Masks, style: Style, *, each_one: bool) -> Iterator[str]:
    """Per file a row for each site: state, name, old and new value, masked.

    Equal files have their rows once, unless ``each_one``; so have those that are done already.
    """
    files = by_file(sites)
    groups = [((path,), held) for path, held in files.items()] if each_one else alike(sites)
    told = [each for held in files.values() for each in _told(held, each_one=each_one)]
    widest = max((columns(name(each)) for each in told), default=0)
    width = min(widest, max(20, style.width // 3))
    if told:
        yield style(f"  {'state':<9}  {padded('site', width)}  old → new", "dim")
    for paths, held in groups:
        yield f"  {style(visible(paths[0]), 'bold')}"
        if len(paths) > 1:
            more = f"and {count(len(paths) - 1, 'file')} with the same: {names(paths[1:])}"
            yield from (style(each, "dim") for each in style.wrap(more, "    "))
        told = _told(held, each_one=each_one)
        for site in told:
            yield from _site(site, masks, width, style)
        if done := len(held) - len(told):
            yield style(f"  = {'done':<7}  {count(done, 'site')}, as set", "dim")


def _told(held: Sequence[Site], *, each_one: bool) -> list[Site]:
    return [each for each in held if each_one or each.state is not State.DONE]


def names(paths: Sequence[str]) -> str:
    """Some paths, and how many more there are."""
    shown = ", ".join(visible(each) for each in paths[:_NAMED])
    more = len(paths) - _NAMED
    return f"{shown} ... ({more:,} more)" if more > 0 else shown


def values(site: Site, masks: Masks) -> tuple[str, str]:
    """What is there and what the operation wants there, as they may be shown."""
    return _value(site, site.before, masks), _value(site, site.after, masks)


def _value(site: Site, value: Value, masks: Masks) -> str:
    if value is ABSENT:
        return "(absent)"
    text = visible(masks.value(site, value))
    most = _LONGEST if isinstance(value, str) else _LONGEST_DATA
    return (text if len(text) <= most else f"{text[: most - 3]}...") or '""'


def _site(site: Site, masks: Masks, width: int, style: Style) -> Iterator[str]:
    sign, colour = SIGNS[site.state]
    word = "kept" if site.kept else site.state.value
    head = style(f"{sign} {word:<7}", colour)
    shown = name(site)
    old, new = values(site, masks)
    unchanged = same(site.before, site.after) or not site.changes
    whole: tuple[Pieces, Pieces] = ((old, False),), ((new, False),)
    left, right = whole if unchanged else marked(old, new)
    indent = _MARGIN + width + 2
    room = max(20, style.width - indent)
    start = f"  {head}  {padded(shown, width)}  "
    if columns(shown) > width or max(columns(old), 0 if unchanged else columns(new) + 2) > room:
        yield start.rstrip()
        indent = _MARGIN + 2
        room, start = max(20, style.width - indent), " " * indent
    gone = "dim" if site.before is ABSENT else "red"
    first = [(text, "on_red" if differs else gone) for text, differs in left]
    beside = [(" → ", ""), *((text, "on_green" if differs else "green") for text, differs in right)]
    if unchanged:
        rows = [[(part, "") for part, _ in line] for line in folded(left, room)]
    elif columns(old) + columns(new) + 3 <= room:
        rows = [[*first, *beside]]
    else:
        rows = [*_rows("  ", gone, left, room), *_rows("→ ", "green", right, room)]
    for row in rows:
        yield (start + "".join(style(text, tone) for text, tone in row)).rstrip()
        start = " " * indent


def _rows(sign: str, colour: str, pieces: Pieces, room: int) -> Iterator[list[tuple[str, str]]]:
    """One value on lines of its own, so that old and new stand one above the other."""
    for line in folded(pieces, room - 2):
        tones = [(text, f"on_{colour}" if differs else colour) for text, differs in line]
        yield [(sign, ""), *tones]
        sign = "  "
