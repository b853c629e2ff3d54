"""Room of one project of 55 files and two migrations, for whole verbs to write up and down."""

from __future__ import annotations

import gc
import os
import re
import shutil
from importlib import import_module
from pathlib import Path
from unittest import mock

from keychange import loader
from keychange.cli import VERBS
from keychange.planning import plan_up
from keychange.project import load_project
from keychange.render import document, text
from keychange.settings import find_settings
from support import faults
from support.faults import LEDGER, Snapshot
from support.verbs import migrate_here, parse_once

A, B, C = "org/model-a", "org/model-b-longer", "org/c"

MIGRATIONS = {
    "0001_first": f"""\
format: 1
id: 0001_first
title: A to B, in every file
operations:
  - env: .env
    set: {{MODEL: {{from: {A}, to: {B}}}, MODE: {{to: fast}}}}
  - env: made/by/up.env
    missing: create
    set: {{MODEL: {{to: {B}}}}}
  - python: app/*.py
    strings: [{{from: {A}, to: {B}}}]
  - json: conf/*/*.json
    set: {{/model: {{from: {A}, to: {B}}}}}
""",
    "0002_second": f"""\
format: 1
id: 0002_second
title: B to C, in a few
operations:
  - env: .env
    set: {{MODEL: {{from: {B}, to: {C}}}}}
  - python: app/module_0.py
    strings: [{{from: {B}, to: {C}}}]
  - json: conf/p1/1.json
    set: {{/model: {{from: {B}, to: {C}}}}}
""",
}


_WRITTEN = re.compile(rb'"serial": \d+, "last": .*?, "entries"')


class VerbScene:
    """The project: `.env`, Python and JSON files; one is a link, one has two names.

    ``states`` are the three that are allowed between two commands, as ``up`` leaves them: nothing
    applied, the first migration, both; ``taken_back`` is the first one with an empty ledger.
    """

    def __init__(self, root: Path, modules: int = 6, configs: int = 47) -> None:
        self.root = root
        self._write(".env", f"TOKEN=secret\nMODEL={A}  # mine\n", 0o600)
        for number in range(modules):
            self._write(f"app/module_{number}.py", f"NUMBER, MODEL = {number}, '{A}'\n")
        for number in range(configs):
            data = f'{{"n": {number}, "model": "{A}"}}\n'
            self._write(f"conf/p{number % 11}/{number}.json", data, 0o755 if number == 3 else 0o644)
        (root / "kept").mkdir()
        (root / "conf/p2/2.json").rename(root / "kept/end.json")
        (root / "conf/p2/2.json").symlink_to("../../kept/end.json")
        os.link(root / "conf/p1/1.json", root / "kept/second-name")
        for name, written in MIGRATIONS.items():
            self._write(f"migrations/{name}.yaml", written)
        warm(root)
        states = [snapshot(root)]
        for arguments in (("up", "--to", "1"), ("up",), ("down",), ("down",)):
            done = migrate_here(root, *arguments, "--yes")
            assert done.code == 0, done.err
            states.append(snapshot(root))
        none, first, both, first_again, self.taken_back = states
        assert first_again == first
        self.states = (none, first, both)
        self.allowed = (*self.states, self.taken_back)
        self._expected: dict[tuple[int, tuple[str, ...]], tuple[str, int]] = {}

    def _write(self, path: str, text: str, mode: int = 0o644) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def reset(self, state: Snapshot) -> None:
        """Make the project what it was, byte for byte and link for link."""
        if snapshot(self.root) == state:
            self._forget(keep=LEDGER in state)
            if LEDGER in state:
                (self.root / LEDGER).write_bytes(state[LEDGER][2])
            return
        for path in self.root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path, (kind, mode, data) in sorted(state.items()):
            file = self.root / path
            if kind == "folder":
                file.mkdir(mode=mode)
            elif kind == "link":
                file.symlink_to(os.fsdecode(data))
            elif path == "kept/second-name":
                os.link(self.root / "conf/p1/1.json", file)
            else:
                if path == LEDGER:
                    file.parent.mkdir(mode=0o700)
                file.write_bytes(data)
                file.chmod(mode)
        assert snapshot(self.root) == state

    def _forget(self, *, keep: bool) -> None:
        """Leave only the ledger of what is keychange's own: each run makes the same calls."""
        state = self.root / ".keychange"
        if not keep:
            shutil.rmtree(state, ignore_errors=True)
            return
        for path in state.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "ledger.json":
                path.unlink()

    def which(self, state: Snapshot) -> int:
        """The allowed state that this is, apart from when it was applied."""
        return [_timeless(each) for each in self.allowed].index(_timeless(state))

    def undisturbed(self, state: Snapshot, *arguments: str) -> tuple[str, int]:
        """What a verb that only reads says of a state, and its exit code."""
        key = (self.allowed.index(state), arguments)
        if key not in self._expected:
            self.reset(state)
            done = migrate_here(self.root, *arguments)
            self._expected[key] = (done.out, done.code)
        return self._expected[key]


def snapshot(root: Path) -> Snapshot:
    """Everything below the root; of the ledger not how often and by whom it was written."""
    found = faults.snapshot(root)
    if LEDGER in found:
        kind, mode, data = found[LEDGER]
        found[LEDGER] = (kind, mode, _WRITTEN.sub(b'"serial": 0, "last": null, "entries"', data))
    return found


def _timeless(state: Snapshot) -> Snapshot:
    return {
        path: (kind, mode, re.sub(rb'"applied_at": "[^"]*"', b"", data) if path == LEDGER else data)
        for path, (kind, mode, data) in state.items()
    }


def warm(root: Path) -> None:
    """Load here what the forks need, and keep the collector's hands off what they share."""
    for name in VERBS:
        import_module(f"keychange.cli.{name}_verb")
    with mock.patch.object(loader, "parse_migration", parse_once):
        made = plan_up(load_project(find_settings(root, None, root)))
    assert document.plan(made)
    assert text.plan is not None
    gc.collect()
    gc.freeze()
