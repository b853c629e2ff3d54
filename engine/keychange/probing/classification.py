"""What kept a worker from its end: its own code, else its standard error, else its signal; pure."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from keychange.probing import failures, harmless
from keychange.probing.supervisor import Outcome

_KILLED: Final = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
_BY_STAGE: Final[Mapping[str, str]] = {
    "import-mlx": "mlx-missing",
    "import-mlx-audio": "mlx-audio-missing",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a probe did not come to its end."""

    code: str
    message: str
    stage: str


def cause_of(outcome: Outcome, limits: Mapping[str, float]) -> Cause | None:
    """The cause of an outcome; None where the worker came to its end."""
    result, stage = outcome.result, outcome.stage
    if result is not None and result["ok"]:
        return None
    if result is not None and result["code"]:
        return Cause(result["code"], result["message"], stage)
    if result is None and outcome.timed_out:
        limit = limits[outcome.timed_out]
        what = "the probe" if outcome.timed_out == "total" else f"stage {outcome.timed_out}"
        return Cause("probe-timeout", f"{what} took longer than {limit:g} s", stage)
    remaining = harmless.sort(outcome.stderr)
    text = "\n".join((*remaining.suspicious, *remaining.rest))
    if result is not None:
        message = f"{result.get('exception', '')}: {result['message']}".strip(": ")
        found = failures.recognise(f"{text}\n{message}")
        return Cause(
            found.code if found else _BY_STAGE.get(stage, "probe-exception"), message, stage
        )
    return _died(outcome, failures.recognise(text))


def _died(outcome: Outcome, recognised: failures.Failure | None) -> Cause:
    code, number = outcome.returncode, -outcome.returncode
    if number <= 0:
        how, kind = f"exit status {code}, without a result", "probe-no-result"
    else:
        how = f"signal {signal.Signals(number).name}"
        kind = "probe-killed" if number in _KILLED else "probe-crashed"
    message = f"the worker died in stage {outcome.stage}: {how}"
    return Cause(recognised.code if recognised else kind, message, outcome.stage)
