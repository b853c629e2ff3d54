"""The verb recover: undo or finish what an interrupted run left."""

from __future__ import annotations

from keychange.cli import option
from keychange.cli.session import Session
from keychange.cli.verb import verb

_EXAMPLES = """\
migrate recover
migrate recover --lock-timeout 30  # wait for another run to end
"""


@verb("recover", _EXAMPLES)
@option.lock_timeout
def command(session: Session, *, lock_timeout: float) -> int:
    """Undo or finish what an interrupted run left, and say what was done.

    Every other verb does this first, too, unless another run is at work.
    """
    from keychange.transaction.lock import lock
    from keychange.transaction.recovery import recover

    root = session.settings().root
    with lock(root, lock_timeout, command="migrate recover"):
        found = recover(root)
    if found is not None:
        session.settle(0, f"{found}.")
    if session.format == "json":
        return session.emit(
            0,
            recovered=found.ending.value if found else None,
            since=found.since if found else None,
            files=list(found.paths) if found else [],
            restored=list(found.restored) if found else [],
        )
    if found is None:
        session.show(["Nothing to recover: no run was interrupted."])
    else:
        said = str(found)
        session.show([f"{said[0].upper()}{said[1:]}."])
        session.show(f"  restored {path}" for path in found.restored)
    return 0
