"""Options: how a user wants a run to go; values, taken from the command line or a caller."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Interrupted(StrEnum):
    """What to do with a migration that an interrupted run left applied, unverified."""

    CONTINUE = "continue"
    ROLL_BACK = "roll-back"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Options:
    """How to run.

    ``verify`` runs the checks after apply. ``interrupted`` says what becomes of a migration whose
    checks never came to an end: they are run again, or it is rolled back. ``keep`` leaves what
    they did not confirm. ``allow_cpu`` accepts a CPU where a GPU is required; every verdict then
    says so. ``on_request`` also runs the checks that run only on request. ``lock_timeout`` is in
    seconds. ``fetch`` downloads required models that a migration asks to fetch. ``baseline``
    probes the model that is in use before it is replaced. ``environment`` is what the processes of
    the target project inherit. ``say`` is told what a user should know, ``progress`` one line for
    every stage that takes its time; ``live`` what is going on this moment, which the next call
    replaces, with the values that must not be shown. An empty one ends the stage.
    """

    verify: bool = True
    interrupted: Interrupted = Interrupted.CONTINUE
    keep: bool = False
    allow_cpu: bool = False
    on_request: bool = False
    fetch: bool = False
    baseline: bool = False
    lock_timeout: float = 0.0
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    say: Callable[[str], None] = lambda line: None
    progress: Callable[[str], None] = lambda line: None
    live: Callable[[str, frozenset[str]], None] = lambda text, hidden: None
