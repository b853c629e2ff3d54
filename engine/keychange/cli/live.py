"""Live: one line on a terminal that says what is going on, is replaced, and leaves no trace."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from keychange import activity
from keychange.render.masking import line
from keychange.render.style import columns, visible

DELAY: Final = 0.4  # seconds before anything is shown: what is quick needs no words
EVERY: Final = 0.1  # seconds between two looks
_TELLS_TIME: Final = 2  # seconds from which on they are shown
_NARROW: Final = 24  # columns below which nothing would be left to read
_ERASE: Final = "\r\x1b[K"


class Live:
    """The line. It is painted by a timer, so that the work only says what it does.

    A timer and no thread: a process with threads could not spread its work by forking.
    """

    def __init__(self) -> None:
        self._stage = self._shown = ""
        # One value, so that no tick sees new words with what was to be hidden of the old ones.
        self._said: tuple[str, Iterable[str]] = ("", ())
        self._since = self._last = 0.0
        self._about: object = None
        self._hushed = 0

    def start(self) -> None:
        """Look from now on; where another timer is in use, or in a thread, nothing is shown."""
        free = signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        if free and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGALRM, self._tick)
            signal.siginterrupt(signal.SIGALRM, False)  # noqa: FBT003 (the system's)
            signal.setitimer(signal.ITIMER_REAL, DELAY, EVERY)

    def stop(self) -> None:
        """Look no more, and leave the line empty."""
        if signal.getsignal(signal.SIGALRM) == self._tick:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        self._erase()

    def stage(self, words: str) -> None:
        """What is done from now on."""
        self._stage, self._said = words, ("", ())

    def say(self, words: str, hidden: Iterable[str] = ()) -> None:
        """What it is doing this moment; an empty text ends the stage."""
        self._said = (words, hidden)
        if not words:
            self._stage = ""

    @contextmanager
    def hushed(self) -> Iterator[None]:
        """Leave the terminal to the block."""
        self._hushed += 1
        try:
            self._erase()
            yield
        finally:
            self._hushed -= 1

    def _tick(self, _number: int, _frame: FrameType | None) -> None:
        if self._hushed:
            return
        words = self._words()
        if not words:
            self._erase()
            return
        width = _columns_of_terminal()
        shown = f"  {fit(words, width - 3)}" if width >= _NARROW else ""
        if shown != self._shown:
            self._write(f"{_ERASE}{shown}")
            self._shown = shown

    def _words(self) -> str:
        about = activity.current()
        said, hidden = self._said
        words = said or self._stage
        key = (about, self._stage) if self._stage else about
        if key != self._about:
            self._about, self._since = key, time.monotonic()
        if about is not None and about.what != words:
            words = f"{words}: {about}" if words else str(about)
        seconds = int(time.monotonic() - self._since)
        clock = f"{seconds} s  " if words and seconds >= _TELLS_TIME else ""
        return clock + visible(line(words, hidden)) if words else ""

    def _erase(self) -> None:
        if self._shown:
            self._shown = ""
            self._write(_ERASE)

    def _write(self, text: str) -> None:
        """Past the streams: what is kept of them, and replayed, is not what came and went."""
        with suppress(OSError, ValueError):
            sys.stderr.flush()
            os.write(2, text.encode("utf-8", "replace"))


def _columns_of_terminal() -> int:
    """As wide as it is now; it may have been resized, and standard output be elsewhere."""
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80


def fit(text: str, room: int) -> str:
    """The beginning of a text that fills so many columns at most."""
    if text.isascii():
        return text if len(text) <= room else f"{text[: room - 1]}…"
    widths = list(map(columns, text))
    if sum(widths) <= room:
        return text
    room -= 1
    for at, width in enumerate(widths):
        room -= width
        if room < 0:
            return f"{text[:at]}…"
    return text
