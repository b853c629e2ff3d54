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
    from keychange.cli import main as run

    run()


if __name__ == "__main__":
    main()
