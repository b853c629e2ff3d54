"""Room of the disk's own room: whether what is to be written fits, before it is begun."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from keychange.diagnostics import Diagnostic, Location, error
from keychange.transaction.files import Tree, split


def missing_space(tree: Tree, sizes: Mapping[str, Sequence[int]]) -> Iterator[Diagnostic]:
    """One objection for each file system that is too full for its files.

    ``sizes`` are those of the files to come, in bytes, by folder; folders may not exist yet.
    """
    needed: dict[int, list[int]] = {}
    places: dict[int, str] = {}
    for folder, of_files in sizes.items():
        place = folder
        while (device := _device(tree.absolute(place))) is None:
            place, _ = split(place)
        places[device] = place
        needed.setdefault(device, []).extend(of_files)
    for device, of_files in needed.items():
        system = os.statvfs(tree.absolute(places[device]))
        block = system.f_frsize or 4096
        wanted = sum(-(-size // block) for size in of_files)
        # A file system that counts no blocks, or no files, does not say how full it is.
        if system.f_blocks and wanted > system.f_bavail:
            said = f"has {system.f_bavail * block} bytes left, {wanted * block} are needed"
        elif system.f_files and len(of_files) > system.f_favail:
            said = f"has room for {system.f_favail} more files, {len(of_files)} are needed"
        else:
            continue
        yield error(
            "no-space",
            f"the disk {said}",
            Location(places[device] or "."),
            hint="make room on the disk and run the command again",
        )


def _device(path: str) -> int | None:
    try:
        return os.stat(path).st_dev  # noqa: PTH116 - of many folders, and a Path takes longer
    except OSError:
        return None
