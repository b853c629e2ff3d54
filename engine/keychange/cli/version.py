"""The version, and those of what a report of a problem needs."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib import metadata
from typing import Final

_RUNTIME: Final = ("mlx", "mlx-audio")


def lines() -> Iterator[str]:
    """keychange, Python, and the model runtime of this interpreter; nothing of it is imported."""
    from keychange import __version__

    yield f"keychange {__version__}"
    system = f"{platform.system()} {platform.machine()}"
    yield f"Python {platform.python_version()}, {system}"
    found = []
    for name in _RUNTIME:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    runtime = ", ".join(found) or "no mlx here"
    yield f"{runtime} (the project's own: migrate doctor)"
