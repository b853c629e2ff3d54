"""Room of the disk's own room: whether what is to be written fits, before it is begun."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from keychange.diagnostics import Diagnostic, Location, error
from keychange.transaction.files import Tree


def missing_space(tree: Tree, sizes: Mapping[str, Sequence[int]]) -> Iterator[Diagnostic]:
    """One objection for each file system that is too full for its files.

    ``sizes`` are those of the files to come, in bytes, by folder; folders may not exist yet.
    """
    needed: dict[int, list[int]] = {}
    places: dict[int, Path] = {}
    for folder, of_files in sizes.items():
        place = Path(tree.absolute(folder))
        while not place.exists():
            place = place.parent
        device = place.stat().st_dev
        places[device] = place
        needed.setdefault(device, []).extend(of_files)
    for device, of_files in needed.items():
        system = os.statvfs(places[device])
        block = system.f_frsize or 4096
        wanted = sum(-(-size // block) for size in of_files)
        # A file system that counts no blocks at all does not say how full it is.
        if system.f_blocks and wanted > system.f_bavail:
            yield error(
                "no-space",
                f"the disk has {system.f_bavail * block} bytes left, {wanted * block} are needed",
                Location("."),
                hint="make room on the disk and run the command again",
            )
