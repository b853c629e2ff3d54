"""Interruption: signals wait for a point where stopping leaves nothing half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Final, NoReturn, Self

DEFERRED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal ended the work, at a point where every file is old, or every file is new.

    ``committed`` says which: False, all were restored and compared; True, all are new. The
    command line ends with ``128 + signal_number``.
    """

    def __init__(self, signal_number: int, *, committed: bool) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number
        self.committed = committed


class Deferral:
    """Holds signals back for the length of a block; a signal that is ignored stays ignored.

    Within another one, it leaves them to that: what the outer one protects is not to be stopped.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._handlers: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        # Only the main thread may set handlers, and only there do signals interrupt Python.
        if threading.current_thread() is threading.main_thread():
            try:
                for number in DEFERRED:
                    self._defer(number)
            except BaseException:  # one came meanwhile that was not held back yet
                self._restore()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore()

    def _defer(self, number: signal.Signals) -> None:
        handler = signal.getsignal(number)
        deferred = isinstance(getattr(handler, "__self__", None), Deferral)
        if handler not in (signal.SIG_IGN, None) and not deferred:
            self._handlers[number] = handler
            signal.signal(number, self._receive)

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.received = self.received or number
        once = _once(self._handlers[signal.Signals(number)])
        if once is not None:
            once.came = True

    def safe_point(self) -> None:
        """Stop here if a signal has come."""
        if self.received is not None:
            raise Interrupted(self.received, committed=False)


class Once:
    """Lets the first signal stop a block, and no further one cut short what comes of that."""

    def __init__(self) -> None:
        self.came = False
        self._handlers: dict[int, Callable[[int, FrameType | None], object]] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in DEFERRED:
                handler = signal.getsignal(number)
                if callable(handler):  # what the system does itself stays as it is
                    self._handlers[number] = handler
                    signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if not self.came:
            self.came = True
            self._handlers[number](number, frame)


def _once(handler: object) -> Once | None:
    owner = getattr(handler, "__self__", None)
    return owner if isinstance(owner, Once) else None


def interrupt_again() -> None:
    """Send SIGINT to this very program, for one that came where nothing could be raised."""
    once = _once(signal.getsignal(signal.SIGINT))
    if once is not None:
        once.came = False
    signal.raise_signal(signal.SIGINT)


@contextmanager
def unstoppable() -> Iterator[None]:
    """Let nothing stop the block; a signal that came meanwhile stops what comes after it.

    Raises:
        KeyboardInterrupt: then, unless the block itself raised.
    """
    with Deferral() as signals:
        yield
    if signals.received is not None:
        stop = KeyboardInterrupt(signal.Signals(signals.received).name)
        stop.signal_number = signals.received  # type: ignore[attr-defined]
        raise stop


def heed() -> None:
    """Let SIGTERM and SIGHUP stop the program as Ctrl-C does; an ignored one stays ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def ignore() -> None:
    """Let no signal stop what is left of the program."""
    for number in DEFERRED:
        signal.signal(number, signal.SIG_IGN)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    stop = KeyboardInterrupt(signal.Signals(number).name)
    stop.signal_number = number  # type: ignore[attr-defined]
    raise stop
