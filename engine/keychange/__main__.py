"""The way in: the console scripts and ``python -m keychange``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; a check of what has not changed is answered before it is loaded."""
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _open_what_is_closed()
    try:
        if "check" in sys.argv:
            from keychange.warm.replay import replay

            code = replay(sys.argv[1:])
            if code is not None:
                sys.exit(code)
        import gc

        # Modules and plans live until the end: to look through them for garbage as often as
        # Python does otherwise takes a tenth of a run.
        gc.set_threshold(200_000, 20, 20)
        from keychange.interruption import heed, ignore

        heed()
        from keychange.cli import main as run
    except KeyboardInterrupt as stop:  # nothing can have been written yet
        key = "\n" if sys.stderr.isatty() else ""  # which the terminal shows
        sys.stderr.write(f"{key}Interrupted; nothing was written.\n")
        sys.exit(128 + getattr(stop, "signal_number", 2))
    sys.unraisablehook = _interrupt_again
    try:
        run()
    finally:
        ignore()  # it has been said how this ends


def _open_what_is_closed() -> None:
    """Give streams that the caller has closed an end, so that no file of ours takes their place."""
    import os

    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def _interrupt_again(problem: sys.UnraisableHookArgs) -> None:
    """A Ctrl-C that falls where nothing can be raised is not lost, and shows no traceback."""
    if isinstance(problem.exc_value, KeyboardInterrupt):
        from keychange.interruption import interrupt_again

        interrupt_again()
    else:
        sys.__unraisablehook__(problem)


if __name__ == "__main__":
    main()
