"""Room of the transaction's price on each file system: beside plain writing, one flush a file.

sudo python tests/bench/transaction_by_disk.py

Each file system is made in a file and mounted from it, in a mount namespace of its own.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "engine"), str(HERE.parent), str(HERE.parent / "real")]

from file_systems import CannotMakeError, in_own_namespace, loop  # noqa: E402 - path first
from measure import Row, table  # noqa: E402 - path first
from transaction import transaction  # noqa: E402 - path first

MADE: Final = {
    "ext4": (("-q",), ()),
    "ext4 without its journal": (("-q", "-O", "^has_journal"), ()),
    "xfs": (("-q",), ()),
    # A file mounted as a disk says that it rotates, and then btrfs waits for it to come round.
    "btrfs": (("-q",), ("-o", "ssd")),
}
"""By name: words for ``mkfs`` and for ``mount``."""


def main() -> int:
    if (outside := in_own_namespace()) is not None:
        return outside
    rows: list[Row] = []
    for name, (make, through) in MADE.items():
        folder = Path(tempfile.mkdtemp())
        try:
            mounted = loop(folder, name.split()[0], 512, *make, through=through)
        except CannotMakeError as problem:
            print(f"{name}: cannot be made here: {problem}", file=sys.stderr)
            continue
        for number in (105, 400):
            root = mounted / str(number)
            root.mkdir()
            row = transaction(root, 21, number)
            rows.append(replace(row, workload=f"{row.workload}, {name}"))
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
