"""The probe's client: inspect the snapshot, run the worker, judge what it measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from keychange.probe.report import ProbeReport
from keychange.probe.request import ProbeRequest


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a running probe is: ``seconds`` in this stage, ``total`` since the start."""

    stage: str
    seconds: float
    total: float


ProgressCallback: TypeAlias = Callable[[Progress], None]


def run_probe(request: ProbeRequest, progress: ProgressCallback | None = None) -> ProbeReport:
    """Synthesise speech with the request's model and interpreter, and judge it.

    The snapshot is inspected first; where it is not whole, nothing is started. The worker runs in
    its own process group, offline, and nothing of it is left when this returns or raises.
    ``progress`` is called on every change of stage and every two seconds.

    Raises:
        UsageProblem: the request overrides a threshold or a limit that does not exist.
        KeyboardInterrupt: after the worker was ended.
    """
    raise NotImplementedError
