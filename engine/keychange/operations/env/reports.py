"""What is said about a ``.env`` file: places and keys, and never a value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from keychange.diagnostics import Diagnostic, Location, Related, error, note, warning
from keychange.edits import Edit, apply_edits
from keychange.formats.dotenv.readers import Binding
from keychange.formats.dotenv.text import Disagreement, EnvFile
from keychange.formats.dotenv.writing import Spelling
from keychange.model import ABSENT, OnForeign, Site
from keychange.spans import LineIndex

_QUOTE_HINT = (
    "quote the value: spaces and any of $ ` \\ ' \" ~ < > & ; | ( ) mean something to bash"
)


class Reports:
    """Words for what was found in one file."""

    def __init__(self, path: str, env: EnvFile) -> None:
        self.path = path
        self.env = env

    @cached_property
    def _index(self) -> LineIndex:
        return LineIndex(self.env.data)

    def at(self, place: int, length: int = 1) -> Location:
        """The location of a place, without the text of its line."""
        return Location(self.path, *self._index.position(self.env.offset(place)), length)

    def key(self, binding: Binding) -> Location:
        """The location of a key, with the text of its line up to its value."""
        place = self.at(binding.key_start, binding.key_end - binding.key_start)
        start = self.env.text.rfind("\n", 0, binding.key_start) + 1
        line = self.env.text[start : binding.key_end].removeprefix("\ufeff")
        return place._replace(text=f"{line}=")

    def foreign(self, key: str, binding: Binding, rule: OnForeign) -> Iterator[Diagnostic]:
        """A key holds neither the old value nor the new one."""
        message = f"{key} holds neither the old value nor the new one"
        yield from self._judged(message, binding, rule)

    def both_set(
        self, old: str, new: str, binding: Binding, rule: OnForeign
    ) -> Iterator[Diagnostic]:
        """A key cannot be renamed, because its new name is taken."""
        message = f"{old} cannot be renamed to {new}: both are set"
        yield from self._judged(message, binding, rule)

    def _judged(self, message: str, binding: Binding, rule: OnForeign) -> Iterator[Diagnostic]:
        if rule is OnForeign.FAIL:
            hint = "set it to the old value, or say `on_foreign: keep` or `replace`"
            yield error("foreign-value", message, self.key(binding), hint=hint)
        elif rule is OnForeign.KEEP:
            yield note("foreign-value", f"{message}; kept", self.key(binding))

    def unwritable(self, key: str, reason: str, binding: Binding | None) -> Diagnostic:
        """No spelling of the new value reads back alike."""
        return error(
            "unwritable-value",
            f"the new value of {key} cannot be written: {reason}",
            self.key(binding) if binding else Location(self.path),
            hint="choose a value that bash and python-dotenv can both read",
        )

    def of_file(
        self, governed: Collection[str], mended: Mapping[str, str | None]
    ) -> Iterator[Diagnostic]:
        """Duplicates, lines nobody reads, and places where the readers differ.

        A key that is ``governed`` is reported by itself, unless it is about to be ``mended``
        (None: removed); all others share one diagnostic.
        """
        for key in governed:
            if mended.get(key, "") is not None:
                yield from self._duplicates(key)
        unread = list(self.env.unreadable())
        if unread:
            where = _lines([self.env.line_of(place) for place in unread])
            message = f"neither bash nor python-dotenv finds an assignment in {where}; kept"
            yield note("unreadable-line", message, self.at(unread[0]))
        others: list[Disagreement] = []
        for each in self.env.disagreements():
            if not each.key:
                yield self._differ(each.reason, each.place)
            elif each.key not in governed:
                others.append(each)
            elif each.key not in mended:
                yield self._differ(
                    f"bash and python-dotenv read {each.key} differently", each.place
                )
        if others:
            names = ", ".join(f"{each.key} ({self.env.line_of(each.place)})" for each in others)
            message = f"bash and python-dotenv read other keys differently (line): {names}"
            yield self._differ(message, others[0].place)

    def _differ(self, message: str, place: int) -> Diagnostic:
        return warning("readers-disagree", message, self.at(place), hint=_QUOTE_HINT)

    def _duplicates(self, key: str) -> Iterator[Diagnostic]:
        bindings = self.env.by_key.get(key, ())
        if len(bindings) > 1:
            *others, last = bindings
            where = _lines([self.env.line_of(each.key_start) for each in others])
            message = f"{key} is set again here, after {where}; readers take this one"
            hint = "remove the other lines"
            first = (Related(self.key(others[0]), "it is set first here"),)
            yield warning("duplicate-key", message, self.key(last), hint=hint, related=first)


def _lines(numbers: Sequence[int]) -> str:
    listed = ", ".join(map(str, numbers))
    return f"line {listed}" if len(numbers) == 1 else f"lines {listed}"


def read_back(
    reports: Reports,
    edits: Sequence[Edit],
    wanted: Mapping[str, str | None],
    renamed: Mapping[str, str],
) -> Iterator[Diagnostic]:
    """Read the edited bytes with both readers: what was written is there, all else is as before.

    ``wanted`` holds the value of each key that changes, None for those that go; ``renamed`` the
    new names by the old ones. What bash reads can only be compared where the model knows it.
    """
    if not edits:
        return
    before = reports.env
    after = EnvFile(apply_edits(before.data, edits))
    for key, value in wanted.items():
        if not _holds(after, key, value):
            place = before.by_key.get(key)
            reason = "another line of the file would still be read instead"
            yield reports.unwritable(key, reason, place[-1] if place else None)
    in_python = {key: bindings[-1].value for key, bindings in before.by_key.items()}
    now_in_python = {key: bindings[-1].value for key, bindings in after.by_key.items()}
    in_bash = {key: parts for key, parts in before.in_bash.items() if parts is not None}
    now_in_bash = after.in_bash
    for key in {**in_python, **in_bash}:
        name = renamed.get(key, key)
        if name in wanted or key in renamed.values():
            continue
        if (key in in_python and now_in_python.get(name, 0) != in_python[key]) or (
            key in in_bash and now_in_bash.get(name) != in_bash[key]
        ):
            yield _disturbed(reports, key)


def _disturbed(reports: Reports, key: str) -> Diagnostic:
    places = [place for place, each in reports.env.assignments.items() if each.key == key]
    places += [each.key_start for each in reports.env.by_key.get(key, ())]
    return error(
        "unwritable-value",
        f"the edit would change how {key} is read, which no operation names",
        reports.at(places[-1], len(key)),
        hint="give each key a line of its own, with its value in closed quotes",
    )


def _holds(after: EnvFile, key: str, value: str | None) -> bool:
    bindings = after.by_key.get(key)
    if value is None or not bindings:
        return value is None and not bindings
    wanted = (value,) if value else ()
    if bindings[-1].parts != wanted:
        return False
    spelling = Spelling.of(after, bindings[-1])
    if not after.bash.reaches(bindings[-1].start) or not spelling.bare:
        return True
    return after.in_bash.get(key) == wanted


def proof(env: EnvFile, wanted: Mapping[str, str | None]) -> str:
    """What ``read_back`` has shown, in one line."""
    others = len(env.by_key.keys() - wanted.keys())
    return f"{_keys(len(wanted))} read back, {_keys(others, 'other ')} unchanged"


def _keys(count: int, which: str = "") -> str:
    return f"{count} {which}key" if count == 1 else f"{count} {which}keys"


def in_words(site: Site) -> str:
    """What happens to a key, without its values."""
    if site.note.startswith("renamed"):
        return f"{site.address} {site.note}"
    if site.after is ABSENT:
        return f"{site.address} removed"
    if site.before is ABSENT:
        return f"{site.address} added"
    return f"{site.address} {site.note or 'changed'}"
