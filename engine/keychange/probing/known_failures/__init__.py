"""The table of known failures, in the order in which their patterns are tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from keychange.probing.known_failures.download import DOWNLOADING
from keychange.probing.known_failures.failure import Failure
from keychange.probing.known_failures.machine import PROCESS, SESSION
from keychange.probing.known_failures.model import MODEL
from keychange.probing.known_failures.runtime import RUNTIME
from keychange.probing.known_failures.speech import REFERENCE, SPEECH

__all__ = ["FAILURES", "FAMILIES", "Failure"]

FAMILIES: Final[Mapping[str, tuple[Failure, ...]]] = {
    "The machine and the session": SESSION,
    "The MLX interpreter and its packages": RUNTIME,
    "The files of the model": MODEL,
    "Downloading a model": DOWNLOADING,
    "The reference voice": REFERENCE,
    "What the model speaks": SPEECH,
    "The process of the probe": PROCESS,
}
FAILURES: Final = tuple(each for family in FAMILIES.values() for each in family)
