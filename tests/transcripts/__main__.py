"""The transcripts: what every verb prints, without a terminal (.txt) and in one (.ansi).

    python tests/transcripts [--write] [NAME ...]

Plays the scenes of tests/support/scenes.py and says which transcripts differ; writes them with
--write. In an .ansi file \\e is the escape character.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from support import recorder  # noqa: E402 (found by the line above)
from support.scenes import SCENES  # noqa: E402
from support.stage import Stage  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write what differs")
    parser.add_argument("names", nargs="*", metavar="NAME", help="these scenes; all by default")
    options = parser.parse_args()
    recorder.warm()
    different = []
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        for name in options.names or SCENES:
            scene = SCENES[name]
            for suffix in scene.suffixes:
                file = HERE / f"{name}{suffix}"
                text = stage.play(scene, coloured=suffix == ".ansi")
                if not file.exists() or file.read_text() != text:
                    different.append(file)
                    if options.write:
                        file.write_text(text)
    if not options.names:
        known = {f"{name}{suffix}" for name in SCENES for suffix in SCENES[name].suffixes}
        for file in [*HERE.glob("*.txt"), *HERE.glob("*.ansi")]:
            if file.name not in known:
                different.append(file)
                if options.write:
                    file.unlink()
    for file in different:
        print(
            f"{'written' if options.write else 'differs'}: {file.relative_to(HERE.parent.parent)}"
        )
    return int(bool(different) and not options.write)


if __name__ == "__main__":
    sys.exit(main())
