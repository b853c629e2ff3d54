"""The documents that are made: says which are stale, and makes them with --write.

    python tests/readme [--write] [--picture]

Of README.md the parts between markers and the output of every console block; schemas/README.md and
engine/keychange/explanations/README.md as a whole; with --picture the picture, too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

from readme import documents, picture  # noqa: E402 (found by the line above)
from support import recorder  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="make what is stale")
    parser.add_argument(
        "--picture",
        action="store_true",
        help="record the picture again; it is new where more than numbers differ",
    )
    options = parser.parse_args()
    recorder.warm()
    made = {file: make() for file, make in documents.MADE.items()}
    if options.picture:
        with tempfile.TemporaryDirectory() as folder:
            made[picture.FILE] = picture.again(Path(folder))
    stale = [file for file, text in made.items() if not file.exists() or file.read_text() != text]
    for file in stale:
        print(f"{'written' if options.write else 'stale'}: {file.relative_to(documents.ROOT)}")
        if options.write:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(made[file])
    return int(bool(stale) and not options.write)


if __name__ == "__main__":
    sys.exit(main())
