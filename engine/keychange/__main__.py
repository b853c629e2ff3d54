"""The way in: the console scripts and ``python -m keychange``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; a check of what has not changed is answered before it is loaded."""
    if "check" in sys.argv:
        from keychange.warm.replay import replay

        code = replay(sys.argv[1:])
        if code is not None:
            sys.exit(code)
    import gc

    # Modules and plans live until the end: to look through them for garbage as often as Python
    # does otherwise takes a twentieth of a run.
    gc.set_threshold(20_000, 20, 20)
    from keychange.cli import main as run

    run()


if __name__ == "__main__":
    main()
