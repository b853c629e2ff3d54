"""Compiled migrations: what valid files hold, so that a check parses each of them only once.

``.keychange/cache/migrations`` maps the SHA-256 of a file to its document and positions. Only
commands that write nothing look at it.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keychange.decoding import exactly
from keychange.errors import KeychangeError
from keychange.loader import Known
from keychange.model import Json
from keychange.warm import store
from keychange.warm.saving import save

_NAME = "migrations"
_MOST = 1000


@contextmanager
def compiled(root: Path) -> Iterator[Known]:
    """What is known of a root's migrations; what is added to it is kept for the next time."""
    known: Known = {}
    with suppress(OSError, ValueError, EOFError, TypeError):
        found = marshal.loads(store.load(str(root), _NAME))  # noqa: S302 (our own, with a checksum)
        known = {exactly(bytes, key): _entry(each) for key, each in exactly(dict, found).items()}
    before = set(known)
    yield known
    if known.keys() != before:
        kept = dict(list(known.items())[-_MOST:])
        with suppress(OSError, ValueError, KeychangeError):
            save(root, _NAME, marshal.dumps(kept))


def _entry(value: object) -> tuple[dict[str, Json], dict[str, tuple[int, int]]]:
    document, positions = exactly(tuple, value)
    return exactly(dict, document), exactly(dict, positions)
