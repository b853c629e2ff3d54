"""What bash reads when it sources a ``.env`` text: assignments, ``export``, quotes, references.

A model of the subset that configuration uses. Whatever lies beyond it is said to be unknown
(``parts`` is None) or ends the reading (``stop``); nothing is ever run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from keychange.formats.dotenv.readers import Parts


class Assignment(NamedTuple):
    """``key=value``. Places are indexes into the text, of characters, ends not included.

    ``parts`` is None where the value is unknown.
    """

    key: str
    start: int
    value_start: int
    value_end: int
    parts: Parts | None
    exported: bool = False


class Export(NamedTuple):
    """``export key`` without a value."""

    key: str
    start: int


class Unset(NamedTuple):
    """``unset key``."""

    key: str


class AllExport(NamedTuple):
    """``set -a`` or ``set +a``."""

    on: bool


Event = Assignment | Export | Unset | AllExport


class BashReading(NamedTuple):
    """What sourcing does, in order, and where reading ends early.

    ``stop`` is the place of the line where bash gives up, or where shell code begins that this
    model does not follow; ``broken`` tells the two apart.
    """

    events: tuple[Event, ...]
    stop: int | None = None
    broken: bool = False

    def reaches(self, place: int) -> bool:
        """Whether bash is known to read this far."""
        return self.stop is None or place < self.stop

    def values(self) -> dict[str, Parts | None]:
        """The last value of every key."""
        result: dict[str, Parts | None] = {}
        for event in self.events:
            if isinstance(event, Assignment):
                result[event.key] = event.parts
            elif isinstance(event, Unset):
                result.pop(event.key, None)
        return result

    def environment(
        self, ambient: Mapping[str, str], *, allexport: bool, only_exported: bool
    ) -> dict[str, str]:
        """The variables that sourcing sets; one whose value is unknown is left out."""
        known: dict[str, str | None] = {}
        exported: set[str] = set()
        for event in self.events:
            match event:
                case Assignment(key=key, parts=parts):
                    known[key] = None if parts is None else _resolve(parts, known, ambient)
                    if event.exported or allexport:
                        exported.add(key)
                case Export(key=key):
                    exported.add(key)
                case Unset(key=key):
                    known.pop(key, None)
                    exported.discard(key)
                case AllExport(on=on):
                    allexport = on
        return {
            key: value
            for key, value in known.items()
            if value is not None and (key in exported or not only_exported)
        }


def _resolve(
    parts: Parts, known: Mapping[str, str | None], ambient: Mapping[str, str]
) -> str | None:
    pieces = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        value = known[part.name] if part.name in known else ambient.get(part.name, "")
        if value is None:
            return None
        pieces.append(value or part.default or "")
    return "".join(pieces)
