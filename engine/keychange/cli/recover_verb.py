"""The verb recover: undo or finish what an interrupted run left."""

from __future__ import annotations

import click

from keychange.cli.session import Session, verb


@verb("recover", "migrate recover\nmigrate -C ../project recover")
@click.option(
    "--lock-timeout", metavar="SECONDS", default=0.0, help="Wait so long for another run to end."
)
def command(session: Session, *, lock_timeout: float) -> int:
    """Undo or finish what an interrupted run left, and say what was done.

    Every other verb that writes does this first, too.
    """
    from keychange.transaction import lock, recover

    root = session.settings().root
    with lock(root, lock_timeout):
        found = recover(root)
    if session.format == "json":
        return session.emit(0, recovered=found.ending.value if found else None)
    if found is None:
        session.show(["Nothing to recover: no run was interrupted."])
    else:
        words = {"rolled-back": "rolled back", "completed": "completed"}[found.ending.value]
        session.show([f"The run of {found.since} was {words}; {len(found.paths)} files."])
        session.show(f"  restored {path}" for path in found.restored)
    return 0
