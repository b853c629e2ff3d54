"""Runs the worker on several snapshots in one process, so that mlx-audio is imported only once.

python probe_batch.py OUTPUT < requests.json     OUTPUT: a JSON list of facts and results
"""

import json
import sys
from pathlib import Path

from keychange.probing.worker import Stop, Worker


class Recorder:
    """A channel that keeps what the worker sends."""

    def __init__(self):
        self.facts_by_section = {}
        self.stage = "start"

    def enter(self, stage):
        self.stage = stage

    def facts(self, section, **values):
        if section == "attempts":
            self.facts_by_section.setdefault(section, []).append(values)
        else:
            self.facts_by_section.setdefault(section, {}).update(values)


def outcome(request):
    """Facts, stage and result of one request, as a supervisor would have them."""
    from keychange.probing.worker import jsonable

    recorder = Recorder()
    try:
        Worker(request, recorder).run()
        result = {"ok": True, "code": "", "message": ""}
    except Stop as stop:
        result = {"ok": False, "code": stop.code, "message": str(stop)}
    except Exception as problem:  # noqa: BLE001 - as the worker itself does
        name = type(problem).__name__
        result = {"ok": False, "code": "", "message": str(problem), "exception": name}
    facts = jsonable(recorder.facts_by_section)
    return {"facts": facts, "stage": recorder.stage, "result": result}


if __name__ == "__main__":
    found = [outcome(each) for each in json.load(sys.stdin)]
    Path(sys.argv[1]).write_text(json.dumps(found))
