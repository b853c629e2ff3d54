"""Writing: a draft becomes a file, beside the schema that editors complete it from."""

from __future__ import annotations

from keychange.authoring.drafting import Draft
from keychange.authoring.text import SCHEMA_FILE, has_schema
from keychange.diagnostics import Location, error
from keychange.errors import RefusedError
from keychange.regular import read_regular
from keychange.resources import data_dir
from keychange.settings import Settings
from keychange.transaction.commit import commit
from keychange.transaction.lock import lock
from keychange.transaction.preflight import FileWrite
from keychange.transaction.recovery import recover


def write(settings: Settings, made: Draft | None, *, lock_timeout: float = 0.0) -> tuple[str, ...]:
    """Write a draft, and beside it the schema that editors complete it from: both or none.

    Without a draft, only the folder is made, with the schema in it.

    Returns:
        The paths that were written, from the root. A file that is there is never overwritten,
        but for a schema of ours that another version wrote.

    Raises:
        RefusedError: the file is there already, it cannot be written, or another run is under way.
        RolledBackError, RollbackError: as ``transaction.commit``.
    """
    folder = settings.owned(settings.migrations)
    writes = []
    if made is not None:
        if (settings.root / made.path).exists():
            place = Location(made.path)
            raise RefusedError(error("unwritable-migration", "the file is there already", place))
        writes.append(FileWrite(made.path, None, made.text.encode()))
    if not has_schema(settings):
        path = settings.migrations / SCHEMA_FILE
        current = read_regular(path) if path.is_file() else None
        wanted = (data_dir("schemas") / SCHEMA_FILE).read_bytes()
        writes.append(FileWrite(f"{folder}/{SCHEMA_FILE}", current, wanted))
    with lock(settings.root, lock_timeout, command="migrate new"):
        recover(settings.root)
        commit(settings.root, writes)
    return tuple(each.path for each in writes if each.before != each.after)
