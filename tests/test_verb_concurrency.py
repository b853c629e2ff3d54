"""Room of crowds of whole verbs: one writer at a time, and readers that see one state."""

from __future__ import annotations

import random

from support.faults import quick_folder
from support.storm import storm
from support.verb_scene import VerbScene


def test_many_verbs_at_once(tmp_path):
    """The full number, with programs of their own: tests/soak/verbs.py."""
    with quick_folder(tmp_path) as folder:
        endings = storm(VerbScene(folder), 60, 12, random.Random(5))
    assert min(endings["read"], endings["written"]) >= 5
    assert endings["killed"] >= 1
