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
from keychange.model import ABSENT, Json, Site, Value
from keychange.secrets import MASK, looks_secret, without_secrets

_PAIR = re.compile(
    r"""
    (?P<name> [A-Za-z_][\w.-]{0,200}+ ) ["']?                    # linear in long words
    (?: \s* : \s* [A-Za-z_][\w.\[\]|\ ]*? (?= \s* = ) )?           # an annotation
    \s* (?P<mark> => | [:=,] ) \s*
    (?: [\[(] \s* )?                                              # the first of several
    (?: [rRbBuUfF]{0,2} (?P<quote> \"{3} | \'{3} | ["'] )
        (?P<value> (?: \\. | (?! (?P=quote) ) [^\\\n] )* ) (?P=quote)?
      | (?<= [:=] ) (?P<word> [^\s"'`,;()\[\]{}]+ )                # as in a shell
      | (?<= :[ ] ) (?P<plain> [^\s"'`,;()\[\]{}]+ ) )             # as in YAML
    """,
    re.VERBOSE,
)
_NAME = re.compile(r"([A-Za-z_][\w.-]*)[\"']?\s*(?::\s*[\w.\[\]| ]+)?[:=,]\s*[\[({]?\s*$")
_STRING = re.compile(r"""(["'])((?:\\.|(?!\1)[^\\\n])+)\1""")
_PEM = re.compile(r"-----BEGIN [^\n]*?-----(.{0,20000}?)(?:-----END|\Z)", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/=]{8,}")


def is_env(path: str) -> bool:
    """Whether a file is one whose every value is a secret until a migration governs it."""
    name = path.rpartition("/")[2]
    return name.startswith(".env") or name.endswith(".env")


class Masks:
    """What may be shown of the files of one plan."""

    def __init__(self, sites: Iterable[Site] = ()) -> None:
        self._shown: set[tuple[str, str]] = set()
        self._env: set[str] = set()
        self._below: dict[str, frozenset[str]] = {}
        for site in sites:
            if site.kind == "env":
                self._env.add(site.path)
                if not site.secret:
                    self._shown.add((site.path, site.address))

    def file(
        self, path: str, data: bytes | None, other: bytes | None = None, side: str = "changed"
    ) -> str:
        """The text of a file to be compared: of a ``.env`` file masked, of others as it is.

        No line of it is shown but through ``shown``.

        Args:
            path: the path from the root.
            data: the bytes; None where there is no file.
            other: the bytes that these are compared with.
            side: what is said of a secret that differs there; not the same on both sides, else
                the change would not be seen.
        """
        if data is not None and self.is_env(path):
            return self._env_file(path, data, other, f"{MASK} ({side})")
        text = plain(data)
        self._below[path] = self._below.get(path, frozenset()) | hidden_below(text)
        return text

    def shown(self, path: str, text: str) -> str:
        """A line of ``file`` as it may be shown."""
        return text if self.is_env(path) else line(text, self._below.get(path, ()))

    def is_env(self, path: str) -> bool:
        """Whether a file is masked as a ``.env`` file: by its name, or as an operation means it."""
        return path in self._env or is_env(path)

    def _env_file(self, path: str, data: bytes, other: bytes | None, mark: str) -> str:
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
                pieces.append((mark if changed else MASK).encode())
            position = span.end
        pieces.append(data[position:])
        return plain(b"".join(pieces))

    def value(self, site: Site, value: Value) -> str:
        """A site's value in one short text."""
        if value is ABSENT:
            return "absent"
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if site.secret:
            return MASK
        return line(text)


def plain(data: bytes | None) -> str:
    """The text of a file as it is, nothing where there is none."""
    return (data or b"").decode("utf-8", "replace").removeprefix("\ufeff")


def line(text: str, hidden: Iterable[str] = ()) -> str:
    """One line with what looks like a secret masked, and every ``hidden`` value."""
    for value in sorted(hidden, key=len, reverse=True):
        text = text.replace(value, MASK)
    result: list[str] = []
    position = 0
    start = 0
    while found := _PAIR.search(text, start):
        start = found.end()
        part = next((each for each in ("value", "word", "plain") if found[each]), "")
        if part and looks_secret(found["name"], in_env=False):
            result += (text[position : found.start(part)], MASK)
            position = found.end(part)
            if text[found.end("name") : found.start(part)].rstrip("\"'rRbBuUfF ")[-1:] in _OPEN:
                closing = found["quote"] if text.startswith(found["quote"] or "", position) else ""
                position += len(closing)
                others, length = _others(text[position:])
                result += (closing, others)
                position += length
            start = max(start, position)
        elif found["mark"] == ",":  # what follows may be a name itself
            start = found.end("mark")
    return without_secrets("".join((*result, text[position:])))


_OPEN = ("[", "(")


def _others(text: str) -> tuple[str, int]:
    """What follows the first of several values in brackets, masked, and how long it was."""
    end = next((at for at, each in enumerate(text) if each in "])}"), len(text))
    return _STRING.sub(lambda found: f"{found[1]}{MASK}{found[1]}", text[:end]), end


def hidden_below(text: str) -> frozenset[str]:
    """What stands on the lines below a credential's name, or in a PEM block below its head.

    A line alone does not tell.
    """
    found = {part for block in _PEM.finditer(text) for part in _BASE64.findall(block[1])}
    lines = iter(text.split("\n"))
    for each in lines:
        if each.rstrip()[-1:] not in ("=", ":", "(", "[", "{", ","):
            continue
        name = _NAME.search(each)
        while name and looks_secret(name[1], in_env=False) and (below := next(lines, None)):
            found.update(string[2] for string in _STRING.finditer(below))
            if below.strip()[-1:] not in (",", "(", "["):
                break
    return frozenset(found)


def data(value: Json) -> Json:
    """Data with everything masked that has the shape of an issued secret, also in names."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, list):
        return [data(each) for each in value]
    if isinstance(value, dict):
        return {without_secrets(name): data(each) for name, each in value.items()}
    return value


def snippet(location: Location) -> tuple[str, int, int]:
    """The line of a location as it may be shown, and from where to where it is marked.

    Of a ``.env`` file only a key is shown, and only where the location holds no more than that:
    what stands on a line by itself may belong to a value that began above.
    """
    text, start = location.text, max(0, location.column - 1)
    if is_env(location.path):
        if not _KEY.fullmatch(text):
            return "", 0, 0
        shown = line(text) + MASK
        length = len(MASK) if start >= len(text) else location.length
    else:
        shown, length = line(text), location.length
    end = start + max(1, length)
    if shown == text:
        return shown, start, end
    head = _alike(shown, text)
    tail = min(_alike(shown[::-1], text[::-1]), len(text) - head, len(shown) - head)

    def moved(at: int, inside: int) -> int:
        """Where a place of the text is in what is shown."""
        if at <= head:
            return at
        return at + len(shown) - len(text) if at >= len(text) - tail else inside

    return shown, moved(start, head), moved(end, len(shown) - tail)


_KEY = re.compile(r"\s*(?:export\s+)?[A-Za-z_]\w*=")


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
