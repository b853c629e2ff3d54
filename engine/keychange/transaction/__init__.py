"""Room of the transaction: the only thing in keychange that writes to a user's files."""

from keychange.interruption import Interrupted
from keychange.transaction.commit import commit
from keychange.transaction.journal import FOLDER as JOURNAL
from keychange.transaction.lock import Owner, lock, owner
from keychange.transaction.preflight import FileWrite, stale
from keychange.transaction.reading import read_steadily
from keychange.transaction.recovery import (
    Ending,
    Recovery,
    pending_recovery,
    recover,
    recover_if_free,
)
from keychange.transaction.state import LEDGER, STATE, ensure_state_dir, state_dir

__all__ = [
    "JOURNAL",
    "LEDGER",
    "STATE",
    "Ending",
    "FileWrite",
    "Interrupted",
    "Owner",
    "Recovery",
    "commit",
    "ensure_state_dir",
    "lock",
    "owner",
    "pending_recovery",
    "read_steadily",
    "recover",
    "recover_if_free",
    "stale",
    "state_dir",
]
