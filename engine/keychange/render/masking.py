"""Masking: the one place where secrets are kept from every renderer.

A value of a ``.env`` file is shown only where an operation governs its key and neither key nor
value looks like a secret. In other files what looks like a secret is masked wherever it stands.
Masking follows comparison, so that a change stays visible as a change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from keychange.diagnostics import Location
from keychange.formats.dotenv import text as dotenv
from keychange.model import ABSENT, Site, Value
from keychange.secrets import looks_secret, without_secrets

MASK = "••••"
CHANGED = f"{MASK} (changed)"
_PAIR = re.compile(
    r"""(?P<name>[A-Za-z_][\w.-]*)["']?\s*(?:[:=]|,|=>)\s*[rRbBuUfF]{0,2}(?P<quote>["'])(?P<value>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P=quote)?"""
)


def is_env(path: str) -> bool:
    """Whether a file is one whose every value is a secret until a migration governs it."""
    name = path.rpartition("/")[2]
    return name.startswith(".env") or name.endswith(".env")


class Masks:
    """What may be shown of the files of one plan."""

    def __init__(self, sites: Iterable[Site] = ()) -> None:
        self._shown: set[tuple[str, str]] = set()
        self._env: set[str] = set()
        for site in sites:
            if site.kind == "env":
                self._env.add(site.path)
                if not site.secret:
                    self._shown.add((site.path, site.address))

    def file(self, path: str, data: bytes | None, other: bytes | None = None) -> str:
        """The text of a file to be compared: of a ``.env`` file masked, of others as it is.

        No line of it is shown but through ``shown``.

        Args:
            path: the path from the root.
            data: the bytes; None where there is no file.
            other: the bytes that these are compared with, where a secret that differs is marked
                as changed.
        """
        if data is None:
            return ""
        if self._is_env(path):
            return self._env_file(path, data, other)
        return data.decode("utf-8", "replace").removeprefix("\ufeff")

    def shown(self, path: str, text: str) -> str:
        """A line of ``file`` as it may be shown."""
        return text if self._is_env(path) else line(text)

    def _is_env(self, path: str) -> bool:
        return path in self._env or is_env(path)

    def _env_file(self, path: str, data: bytes, other: bytes | None) -> str:
        known = (
            {} if other is None else {k: other[s.start : s.end] for k, s in dotenv.values(other)}
        )
        pieces, position = [], 0
        for key, span in dotenv.values(data):
            raw = data[span.start : span.end]
            pieces.append(data[position : span.start])
            if (path, key) in self._shown:
                pieces.append(raw)
            elif raw:
                changed = other is not None and key in known and known[key] != raw
                pieces.append((CHANGED if changed else MASK).encode())
            position = span.end
        pieces.append(data[position:])
        return b"".join(pieces).decode("utf-8", "replace").removeprefix("\ufeff")

    def value(self, site: Site, value: Value) -> str:
        """A site's value in one short text."""
        if value is ABSENT:
            return "absent"
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if site.secret:
            return MASK
        return line(text)


def line(text: str, hidden: Iterable[str] = ()) -> str:
    """One line with what looks like a secret masked, and every ``hidden`` value."""
    for value in sorted(hidden, key=len, reverse=True):
        text = text.replace(value, MASK)
    result: list[str] = []
    position = 0
    for found in _PAIR.finditer(text):
        if found["value"] and looks_secret(found["name"], in_env=False):
            result += (text[position : found.start("value")], MASK)
            position = found.end("value")
    return without_secrets("".join((*result, text[position:])), MASK)


def snippet(location: Location) -> str:
    """The line of a location as it may be shown; none for a ``.env`` file."""
    return "" if is_env(location.path) else line(location.text)
