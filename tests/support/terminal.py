"""A terminal under test: what a person sees of a program, and the keys that they press."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 60  # seconds, after which a test has failed
INTERRUPT = "\x03"  # what Ctrl-C sends

_GATE = """
import os, sys, time
import keychange.__main__ as program
place, folder = {place!r}, {folder!r}
def wait():
    open(folder + "/reached", "w").close()
    while not os.path.exists(folder + "/go"):
        time.sleep(0.01)
def gated(function):
    def wrapped(*arguments, **options):
        wait()
        return function(*arguments, **options)
    return wrapped
if place:
    name, _, attribute = place.partition(":")
    if attribute:
        import importlib, keychange.cli
        holder = importlib.import_module(name)
        *owners, last = attribute.split(".")
        for each in owners:
            holder = getattr(holder, each)
        setattr(holder, last, gated(getattr(holder, last)))
    else:
        class Finder:
            def find_spec(self, module, path=None, target=None):
                if module == name:
                    wait()
        sys.meta_path.insert(0, Finder())
program.main()
"""


class Terminal:
    """`migrate` on a terminal of its own, which it controls as a shell's child does.

    With ``gate`` it stops before the first call of a function (``module:name``), or before a
    module is imported (``module``), until it is let through.
    """

    def __init__(self, root, *arguments, gate="", columns=100, environment=None):
        self.folder = root.parent
        given = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR", "COLUMNS")}
        words = [sys.executable, "-c", _GATE.format(place=gate, folder=str(self.folder))]
        # Our end of theirs stays open: what is written last would be lost, now and then, with the
        # last process that has the terminal.
        self._ours, self._theirs = pty.openpty()
        self.resize(columns)
        self.seen = ""
        self._process = subprocess.Popen(
            [*words, "-C", str(root), *arguments],
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (nothing else runs here)
            env={**given, "TERM": "xterm-256color", "PAGER": "cat", **(environment or {})},
        )

    def resize(self, columns):
        """Make the window so many columns wide."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def see(self, words):
        """Wait until it shows some words."""
        self._until(lambda: words in self.seen)

    def asks(self, words):
        """Wait until it asks something, and for the time that a hand needs.

        Python loses a signal that comes between its last look and the system call that waits.
        """
        self.see(words)
        time.sleep(0.3)

    def reach(self):
        """Wait until it stands before the gate."""
        self._until((self.folder / "reached").exists)

    def let_through(self):
        """Open the gate for good."""
        (self.folder / "go").touch()

    def press(self, keys):
        """Press some keys."""
        os.write(self._ours, keys.encode())

    def signal(self, number):
        """Send it a signal, as `kill` does."""
        self._process.send_signal(number)

    def end(self):
        """Wait for its end; its exit code."""
        while self._read():
            pass
        os.close(self._theirs)
        os.close(self._ours)
        return self._process.wait(PATIENCE)

    def _until(self, condition):
        late = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < late, self.seen
            assert self._read(0.02) or condition(), self.seen

    def _read(self, seconds=PATIENCE):
        """Take what it shows; False once it has ended and has shown all."""
        late = time.monotonic() + seconds
        while not select.select([self._ours], [], [], 0.02)[0]:
            if self._process.poll() is not None and not select.select([self._ours], [], [], 0.1)[0]:
                return False
            if time.monotonic() >= late:
                assert seconds < PATIENCE, self.seen
                return True
        self.seen += os.read(self._ours, 65536).decode("utf-8", "replace")
        return True
