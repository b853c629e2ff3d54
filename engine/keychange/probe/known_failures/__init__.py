"""The table of known failures, in the order in which their patterns are tried."""

from __future__ import annotations

from typing import Final

from keychange.probe.known_failures.failure import Failure
from keychange.probe.known_failures.machine import PROCESS, SESSION
from keychange.probe.known_failures.model import MODEL
from keychange.probe.known_failures.runtime import RUNTIME
from keychange.probe.known_failures.speech import REFERENCE, SPEECH

__all__ = ["FAILURES", "Failure"]

FAILURES: Final = (*SESSION, *RUNTIME, *MODEL, *REFERENCE, *SPEECH, *PROCESS)
