"""Room of interruptions: signals wait for a point where stopping leaves nothing half done."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Final, Self

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
    """Holds signals back for the length of a block; a signal that is ignored stays ignored."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._handlers: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        # Only the main thread may set handlers, and only there do signals interrupt Python.
        if threading.current_thread() is threading.main_thread():
            for number in DEFERRED:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._handlers[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.received = self.received or number

    def safe_point(self) -> None:
        """Stop here if a signal has come."""
        if self.received is not None:
            raise Interrupted(self.received, committed=False)
