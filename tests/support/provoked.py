"""Room of what goes wrong: for each code, a project and a command that bring it about."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

MIGRATION = """\
format: 1
id: 0001_voice
title: voice
vars:
  old: org/voice-0.6B
  new: org/voice-1.7B
operations:
  - env: .env
    set:
      TTS_MODEL: {from: "${old}", to: "${new}"}
  - python: app/voice.py
    strings:
      - {at: Voice.MODEL, from: "${old}", to: "${new}"}
  - json: conf/*.json
    set:
      /model_id: {from: "${old}", to: "${new}"}
"""
FILES = {
    "migrations/0001_voice.yaml": MIGRATION,
    ".env": "HF_TOKEN='hush'\nexport TTS_MODEL=org/voice-0.6B\n",
    "app/voice.py": 'class Voice:\n    MODEL = "org/voice-0.6B"\n',
    "conf/one.json": '{\n  "model_id": "org/voice-0.6B",\n  "device": "cpu"\n}\n',
}


def changed(path: str, old: str, new: str) -> dict[str, str]:
    """One of the files, with a piece of it replaced."""
    assert old in FILES[path], (path, old)
    return {path: FILES[path].replace(old, new, 1)}


def declared(old: str, new: str) -> dict[str, str]:
    """The migration, with a piece of it replaced."""
    return changed("migrations/0001_voice.yaml", old, new)


def doing(operations: str, **also: str) -> dict[str, str]:
    """A migration with these operations, and further files."""
    head = MIGRATION.partition("operations:")[0]
    return {"migrations/0001_voice.yaml": f"{head}operations:\n{operations}", **also}


def requiring(text: str) -> dict[str, str]:
    """The migration with requirements."""
    return declared("operations:", f"require:\n{text}operations:")


def verifying(text: str) -> dict[str, str]:
    """A migration of one key with checks that are run after it."""
    one = MIGRATION.partition("  - python:")[0]
    return {"migrations/0001_voice.yaml": f"{one}verify:\n{text}"}


def running(code: str, more: str = "") -> dict[str, str]:
    """The migration with a check that runs a line of shell."""
    return verifying(f"  - run: {json.dumps(['sh', '-c', code])}\n{more}")


@dataclass(frozen=True, kw_only=True)
class Provocation:
    """Files over those of a sound project, commands before, and the one that says it.

    ``then`` changes the folder after the commands before. ``place`` is where the code is said to
    be, as a prefix; empty where it has none.
    """

    files: dict[str, str | None] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    then: Callable[[Path], object] = lambda root: None
    command: str = "plan"
    place: str = ""


def write(root: Path, files: dict[str, str | None]) -> None:
    """Write texts under a root; None removes."""
    for name, text in files.items():
        path = root / name
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))


def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    """Replace a piece of a file later."""

    def later(root: Path) -> None:
        path = root / name
        text = path.read_text("utf-8")
        assert old in text, (name, old)
        path.write_text(text.replace(old, new, 1), "utf-8")

    return later


def put(name: str, text: str) -> Callable[[Path], object]:
    """Write a file later."""
    return lambda root: write(root, {name: text})


def gone(name: str) -> Callable[[Path], object]:
    """Remove a file later."""
    return lambda root: (root / name).unlink()


UP = ("up --yes",)
MORE = """\
format: 1
id: 0002_more
title: one more key
operations:
  - env: .env
    set:
      MORE: {to: one}
"""
ONE = "migrations/0001_voice.yaml"
P = Provocation
PROVOKED: dict[str, Provocation] = {
    # ---------------------------------------------------------------- a migration file
    "invalid-yaml": P(files=declared("vars:", "  vars: ["), place=f"{ONE}:4:"),
    "unreadable-migration": P(
        then=lambda root: (root / "migrations/0002_x.yaml").mkdir(),
        place="migrations/0002_x.yaml",
    ),
    "revision-mismatch": P(files=declared("id: 0001_voice", "id: 0001_voise"), place=f"{ONE}:2:"),
    "unknown-variable": P(files=declared('to: "${new}"', 'to: "${nev}"'), place=f"{ONE}:10:"),
    "unknown-field": P(
        files=declared("    set:", "    mising: skip\n    set:"), place=f"{ONE}:9:5"
    ),
    "missing-field": P(files=declared(', to: "${new}"', ""), place=f"{ONE}:10:"),
    "wrong-shape": P(files=declared("  - python:", "    python:"), place=f"{ONE}:8:"),
    "wrong-type": P(files=declared('to: "${new}"', "to: 1.7"), place=f"{ONE}:10:"),
    "wrong-format": P(files=declared("id: 0001_voice", "id: voice"), place=f"{ONE}:2:"),
    "wrong-value": P(files=declared("    set:", "    missing: skipp\n    set:"), place=f"{ONE}:9:"),
    "invalid-pattern": P(
        files=running("true", '    expect: ["/hit: (/"]\n'), command="up --yes", place=f"{ONE}:"
    ),
    "no-such-schema": P(
        files=declared(
            "conf/*.json\n", "conf/*.json\n    schema: {after: voice_clone_config.v9}\n"
        ),
        place=f"{ONE}:15:",
    ),
    "invalid-schema": P(
        files={
            **declared("conf/*.json\n", "conf/*.json\n    schema: {after: own.json}\n"),
            "own.json": '{"type": "nonsense"}',
        },
        place="own.json",
    ),
    "invalid-key": P(files=declared("TTS_MODEL:", "TTS-MODEL:"), place=f"{ONE}:10:7"),
    "governed-twice": P(
        files=declared("  - python", "    remove: [TTS_MODEL]\n  - python"), place=f"{ONE}:11:"
    ),
    "invalid-pointer": P(files=declared("/model_id:", "model_id:"), place=f"{ONE}:16:7"),
    "overlapping-pointers": P(
        files={ONE: MIGRATION + "    remove: [/model_id/x]\n"}, place=f"{ONE}:17:"
    ),
    "no-change": P(
        files=declared('at: Voice.MODEL, from: "${old}", to: "${new}"', "from: a, to: a"),
        place=f"{ONE}:13:",
    ),
    "overlapping-operations": P(
        files={
            ONE: MIGRATION + "  - json: conf/one.json\n    set:\n      /model_id: {to: other}\n"
        },
        place=f"{ONE}:",
    ),
    # ---------------------------------------------------------------- history and ledger
    "unknown-revision": P(command="plan --to 0001_voise"),
    "duplicate-revision": P(
        files={
            "migrations/0001_other.yaml": MIGRATION.replace("0001_voice", "0001_other").replace(
                "TTS_MODEL", "OTHER"
            )
        },
        place=f"{ONE}",
    ),
    "history-gap": P(
        files={"migrations/0003_late.yaml": MIGRATION.replace("0001_voice", "0003_late")},
        place="migrations/0003_late.yaml",
    ),
    "missing-migration": P(
        files={"migrations/0002_more.yaml": MORE},
        before=UP,
        then=gone(ONE),
        command="check",
        place=ONE,
    ),
    "edited-after-apply": P(
        before=UP, then=edit(ONE, "1.7B", "1.8B"), command="check", place=f"{ONE}:"
    ),
    "irreversible-step": P(
        files=declared("    set:", "    irreversible: two values became one\n    set:"),
        before=UP,
        command="down",
        place=f"{ONE}:9:5",
    ),
    "found-done": P(files={".env": "TTS_MODEL=org/voice-1.7B\n"}, place=f"{ONE}:2:"),
    "nothing-recorded": P(
        before=("stamp head --yes",), command="down --dry-run", place=f"{ONE}:2:1"
    ),
    "forgets-old-values": P(before=UP, command="stamp base --yes", place=f"{ONE}:2:1"),
    "stamped-not-done": P(command="stamp head --yes", place=f"{ONE}:2:"),
    "unreadable-ledger": P(
        before=UP,
        then=put(".keychange/ledger.json", "{"),
        command="down",
        place=".keychange/ledger",
    ),
    "ledger-rebuilt": P(
        before=UP,
        then=put(".keychange/ledger.json", "{"),
        command="up --yes",
        place=".keychange/ledger",
    ),
    "newer-ledger": P(
        before=UP,
        then=put(".keychange/ledger.json", '{"format": 99, "entries": []}'),
        command="status",
        place=".keychange/ledger",
    ),
    "no-such-branch": P(before=("plan",), command="rebase --onto elsewhere"),
    "unreadable-plan": P(files={"x.plan": "{}"}, command="up --plan x.plan", place="x.plan"),
    "newer-plan": P(
        before=("plan --out x.plan",),
        then=edit("x.plan", '"format": 1', '"format": 99'),
        command="up --plan x.plan",
        place="x.plan",
    ),
    "not-a-plan-file": P(command="plan --out app/voice.py", place="app/voice.py"),
    "unwritable-plan": P(command="plan --out nowhere/x.plan", place="nowhere/x.plan"),
    "stale-plan": P(
        before=("plan --out x.plan",),
        then=edit("conf/one.json", "cpu", "gpu"),
        command="up --plan x.plan --yes",
        place="conf/one.json",
    ),
    # ---------------------------------------------------------------- settings and folders
    "no-such-root": P(command="-C nowhere plan"),
    "no-such-migrations": P(
        files={"pyproject.toml": '[tool.keychange]\nmigrations = "migs"\n'},
        place="pyproject.toml:2:1",
    ),
    "invalid-settings": P(
        files={"pyproject.toml": '[tool.keychange]\nmigration = "migs"\n'}, place="pyproject.toml"
    ),
    # ---------------------------------------------------------------- files and sites
    "drift": P(
        before=UP,
        then=put("conf/two.json", '{\n  "model_id": "org/voice-0.6B"\n}\n'),
        command="check",
        place="conf/two.json:2:15",
    ),
    "pending": P(command="check", place=".env:2:18"),
    "foreign-value": P(files={".env": "TTS_MODEL=mine\n"}, place=".env:1:1"),
    "missing-target": P(
        files={"app/voice.py": None, "app/voices.py": "X = 1\n"}, place=f"{ONE}:11"
    ),
    "no-match": P(
        files=declared("conf/*.json", "conf/*.jsn"), command="-v plan", place=f"{ONE}:14:5"
    ),
    "not-here": P(
        files=declared("env: .env", "env: local/.env\n    missing: create"),
        command="check",
        place="local/.env",
    ),
    "left-behind": P(
        files={"README.md": "Uses org/voice-0.6B as its model.\n"}, place="README.md:1:6"
    ),
    "edited-since": P(
        before=UP,
        then=edit("conf/one.json", "cpu", "gpu"),
        command="down --dry-run",
        place="conf/one.json",
    ),
    "target-outside-root": P(files=declared("app/voice.py", "../voice.py"), place=f"{ONE}:11:"),
    "unreadable-target": P(files=declared("app/voice.py", "app"), place="app"),
    "carriers-disagree": P(
        files={
            **declared("    set:", "    on_foreign: keep\n    set:"),
            ".env": "TTS_MODEL=mine\n",
        },
        before=UP,
        command="check",
        place=".env:1:",
    ),
    # ---------------------------------------------------------------- .env
    "unwritable-value": P(files=declared('to: "${new}"', 'to: "a\\0b"'), place=".env:2:"),
    "readers-disagree": P(files={".env": "A=$(x)\nTTS_MODEL=org/voice-0.6B\n"}, place=".env:1:"),
    "unreadable-line": P(files={".env": "some words\nTTS_MODEL=org/voice-0.6B\n"}, place=".env:1:"),
    "duplicate-key": P(
        files={".env": "TTS_MODEL=one\nHF_TOKEN='hush'\n  export TTS_MODEL=org/voice-0.6B\n"},
        place=".env:3:10",
    ),
    # ---------------------------------------------------------------- Python
    "invalid-python": P(files={"app/voice.py": "class Voice\n  X = 1\n"}, place="app/voice.py:1:"),
    "no-such-address": P(files=declared("Voice.MODEL", "Voice.MODLE"), place="app/voice.py"),
    "ambiguous-address": P(
        files={"app/voice.py": 'class Voice:\n    MODEL = "org/voice-0.6B"\n    MODEL = "x"\n'},
        place="app/voice.py:3:",
    ),
    "implicit-concatenation": P(
        files={
            **declared('at: Voice.MODEL, from: "${old}"', 'from: "${old}"'),
            "app/voice.py": 'A = "org/voice-0.6B"\nB = ("see "\n     "org/voice-0.6B")\n',
        },
        place="app/voice.py:2:",
    ),
    "unwritable-literal": P(
        files={
            **declared('at: Voice.MODEL, from: "${old}", to: "${new}"', 'from: draft-, to: ""'),
            "app/voice.py": 'N = 1\nNAME = f"draft-{N}"\n',
        },
        place="app/voice.py:2:8",
    ),
    # ---------------------------------------------------------------- JSON
    "invalid-json": P(files={"conf/one.json": '{\n  "a": 1,\n}\n'}, place="conf/one.json:2:"),
    "duplicate-member": P(
        files={"conf/one.json": '{\n  "model_id": 1,\n  "model_id": 2\n}\n'},
        place="conf/one.json:3:3",
    ),
    "no-such-pointer": P(
        files=declared("/model_id:", "/voice/model_id:"), place="conf/one.json:1:"
    ),
    "no-schema": P(command="schema --check conf/one.json", place="conf/one.json"),
    "schema-violation": P(
        files=declared(
            "conf/*.json\n", "conf/*.json\n    schema: {after: voice_clone_config.v2}\n"
        ),
        place="conf/one.json:",
    ),
    # ---------------------------------------------------------------- requirements and commands
    "path-missing": P(
        files=requiring("  - path: assets/ref.wav\n"), command="up --yes", place=f"{ONE}:8:"
    ),
    "path-outside-root": P(
        files=requiring("  - path: ../ref.wav\n"), command="up --yes", place=f"{ONE}:8:"
    ),
    "command-not-found": P(
        files=verifying("  - run: [no-such-program]\n"), command="up --yes", place=f"{ONE}:"
    ),
    "command-timeout": P(
        files=running("sleep 9", "    timeout: 0.1\n"), command="up --yes", place=f"{ONE}:"
    ),
    "command-failed": P(files=running("exit 7"), command="up --yes", place=f"{ONE}:"),
    "signal-missing": P(
        files=running("echo no", "    expect: [yes it works]\n"),
        command="up --yes",
        place=f"{ONE}:",
    ),
    "signal-unwanted": P(
        files=running("echo bad", "    reject: [bad]\n"), command="up --yes", place=f"{ONE}:"
    ),
    "file-missing": P(
        files=running("true", "    files: [out.json]\n"), command="up --yes", place=f"{ONE}:"
    ),
    "file-unchanged": P(
        files=running("true", "    written: [conf/one.json]\n"), command="up --yes", place=f"{ONE}:"
    ),
    "file-unreadable": P(
        files=running("true", "    fields: {app/voice.py: {/a: 1}}\n"),
        command="up --yes",
        place=f"{ONE}:",
    ),
    "field-wrong": P(
        files=running("true", "    fields: {conf/one.json: {/device: gpu}}\n"),
        command="up --yes",
        place=f"{ONE}:",
    ),
    # ---------------------------------------------------------------- the command line
    "usage": P(command="plan --too 0001"),
    "needs-approval": P(command="up"),
    "unknown-code": P(command="explain metal-no-devise"),
    "no-probe": P(command="probe"),
    "no-model": P(command="model fetch"),
    "unreadable-file": P(command="sites nowhere.py", place="nowhere.py"),
    # ---------------------------------------------------------------- writing
    "read-only-file": P(
        then=lambda root: (root / "app/voice.py").chmod(0o400),
        command="up --yes",
        place="app/voice.py",
    ),
    "read-only-folder": P(
        then=lambda root: (root / "app").chmod(0o500), command="up --yes", place="app/voice.py"
    ),
}
