"""Room of the scenes: for every verb what it says when it goes well, and when it does not.

They play in one small project with two migrations: a voice, its settings and its configs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SMALL, LARGE = "example/voice-0.6b-4bit", "example/voice-1.7b-8bit"

FIRST = f"""\
# yaml-language-server: $schema=https://keychange.invalid/migration.schema.json
format: 1
id: 0001_larger_voice
title: The larger voice
vars:
  old_model: {SMALL}
  new_model: {LARGE}
require:
  - path: voices/ref.wav
operations:
  - env: .env
    missing: create
    set:
      TTS_BACKEND: {{to: mlx}}
      TTS_MODEL: {{from: "${{old_model}}", to: "${{new_model}}"}}
  - python: app/voice.py
    strings:
      - {{from: "${{old_model}}", to: "${{new_model}}"}}
  - json: projects/*/voice.json
    set:
      /model: {{from: "${{old_model}}", to: "${{new_model}}"}}
      /reference: {{to: "${{relative(voices/ref.wav)}}"}}
verify:
  - run: [python, app/voice.py]
    expect: ["speaks with ${{new_model}}"]
"""

SECOND = """\
format: 1
id: 0002_english
title: English unless a project says otherwise
operations:
  - python: app/voice.py
    strings:
      - {at: Voice.LANGUAGE, from: auto, to: english}
  - json: projects/*/voice.json
    default: {/language: english}
"""

PROBING = """\
  - probe: mlx_speech
    model: ${new_model}
    python: ${root}/.venv/bin/python
    ref_audio: voices/ref.wav
    ref_text: voices/ref.txt
"""

FILES = {
    ".gitignore": ".env\n.keychange/\n",
    ".env": f"# what is mine\nHF_TOKEN=hf_canarycanarycanary\nTTS_MODEL={SMALL}   # small\n",
    "app/voice.py": f"""\
import os


class Voice:
    MODEL = os.environ.get("TTS_MODEL", "{SMALL}")
    LANGUAGE = "auto"


print("speaks with", Voice.MODEL)
""",
    "projects/hello/voice.json": f'{{\n  "model": "{SMALL}",\n  "speed": 1.0\n}}\n',
    "projects/world/voice.json": f'{{\n  "model": "{SMALL}",\n  "language": "german"\n}}\n',
    "scripts/say.sh": f'#!/bin/sh\nexec say --model {SMALL} "$@"\n',
    "voices/ref.wav": "not a sound\n",
    "migrations/0001_larger_voice.yaml": FIRST,
    "migrations/0002_english.yaml": SECOND,
}


@dataclass(frozen=True)
class Scene:
    """Commands in a project, as they are typed; what they print is the transcript.

    ``start`` is the state of the project: empty, bare of migrations, fresh, applied, interrupted in
    the middle of ``up``, or one with a model.
    ``write`` are files to write before (None removes one), ``replace`` texts to replace in files,
    ``first`` commands whose output does not matter. ``keys`` are what is typed at questions.
    ``plain`` and ``coloured`` say in which of the two ways it is shown; ``measured`` that a probe
    reports what it measured, which is left out.
    """

    commands: tuple[str, ...]
    start: str = "fresh"
    write: Mapping[str, str | None] = field(default_factory=dict)
    replace: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    keys: str = ""
    plain: bool = True
    coloured: bool = True
    measured: bool = False

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of its transcripts: .txt without a terminal, .ansi in one."""
        return (*[".txt"] * self.plain, *[".ansi"] * self.coloured)


def scene(*commands: str, **options: object) -> Scene:
    return Scene(commands, **options)  # type: ignore[arg-type]


DRIFT = {"projects/late/voice.json": f'{{\n  "model": "{SMALL}"\n}}\n'}
FOREIGN = {".env": (SMALL, "example/something-else")}
BROKEN = {
    "migrations/0003_broken.yaml": """\
format: 1
id: 0003_broken
title: Two mistakes
operations:
  - env: .env
    set:
      TTS_VOICE: {form: a, to: b}
  - jsn: projects/*/voice.json
    set: {/voice: {to: b}}
"""
}

SLOPPY = {
    "migrations/0003_sloppy.yaml": f"""\
format: 1
id: 0003_sloppy
title: What will hurt later
vars:
  unused: example/voice-9b
operations:
  - env: .env
    set:
      HF_TOKEN: {{to: hf_canarycanarycanary}}
      TTS_MODEL: {{from: example/voice-4b, to: {LARGE}}}
  - json: project/*/voice.json
    set: {{/language: {{from: english, to: english}}}}
"""
}

SCENES = {
    "alone": scene("migrate"),
    "alone_drifted": scene("migrate", start="applied", write=DRIFT),
    "help": scene("migrate --help", "migrate plam"),
    "help_up": scene("migrate up --help"),
    "version": scene("migrate --version"),
    "init": scene("migrate init", "migrate plan --summary", start="bare"),
    "init_refused": scene("migrate init"),
    "new": scene(f"migrate new larger_voice --from {SMALL} --to {LARGE}", start="bare"),
    "new_next": scene("migrate new slower_voice"),
    "new_refused": scene("migrate new 'Slower Voice!'"),
    "plan": scene("migrate plan"),
    "plan_summary": scene("migrate plan --to 1 --summary", "migrate plan --name-only"),
    "plan_refused": scene("migrate plan", replace=FOREIGN),
    "plan_invalid": scene("migrate plan", write=BROKEN),
    "plan_saved": scene(
        "migrate plan --summary --out up.plan.json", "migrate up --plan up.plan.json"
    ),
    "up": scene("migrate up --yes", "migrate up --yes"),
    "up_asks": scene("migrate up --to 1", keys="y", plain=False),
    "up_declined": scene("migrate up --to 1", keys="n"),
    "up_rolled_back": scene(
        "migrate up --to 1 --yes", replace={"app/voice.py": ("speaks with", "is silent about")}
    ),
    "down": scene("migrate down --yes", "migrate down --to base --yes", start="applied"),
    "down_refused": scene(
        "migrate down --to base --yes", start="applied", replace={".env": (LARGE, "example/mine")}
    ),
    "status": scene("migrate status"),
    "status_drifted": scene(
        "migrate status", "migrate status --brief", start="applied", write=DRIFT
    ),
    "status_invalid": scene("migrate status", write=BROKEN),
    "stamp": scene(
        "migrate stamp head --yes", "migrate status", start="applied", first=("rm -r .keychange",)
    ),
    "stamp_refused": scene("migrate stamp 0009 --yes"),
    "rebase": scene(
        "migrate plan",
        "migrate rebase --yes",
        write={
            "migrations/0002_mine.yaml": SECOND.replace("0002_english", "0002_mine").replace(
                "/language", "/mine"
            )
        },
    ),
    "rebase_refused": scene("migrate rebase --onto nowhere --yes"),
    "history": scene("migrate history", start="applied"),
    "history_invalid": scene("migrate history", write=BROKEN),
    "check": scene("migrate check", "migrate check", start="applied"),
    "check_drift": scene("migrate check", start="applied", write=DRIFT),
    "check_pending": scene("migrate check --left-behind fail"),
    "check_edited": scene(
        "migrate check",
        start="applied",
        replace={"migrations/0002_english.yaml": ("/language: english", "/language: en")},
    ),
    "check_github": scene("migrate check --format github", start="applied", write=DRIFT),
    "validate": scene("migrate validate"),
    "validate_invalid": scene("migrate validate", write=BROKEN),
    "lint": scene("migrate lint"),
    "lint_finds": scene("migrate lint --strict", write=SLOPPY),
    "verify": scene("migrate verify", "migrate verify", first=("migrate up --yes --no-verify",)),
    "verify_fails": scene(
        "migrate verify",
        first=("migrate up --yes --no-verify",),
        replace={"app/voice.py": ("speaks with", "is silent about")},
    ),
    "probe": scene("migrate probe --allow-cpu", start="model", plain=False, measured=True),
    "probe_none": scene("migrate probe"),
    "report": scene("migrate report 0001", start="applied"),
    "report_none": scene("migrate report"),
    "doctor": scene("migrate doctor"),
    "doctor_finds": scene("migrate doctor", write={"voices/ref.wav": None}),
    "model": scene("migrate model fetch", start="model"),
    "model_none": scene("migrate model fetch"),
    "sites": scene("migrate sites app/voice.py"),
    "sites_invalid": scene("migrate sites app/broken.py", write={"app/broken.py": "MODEL = 'a\n"}),
    "explain": scene("migrate explain drift", "migrate explain NSRangeException"),
    "explain_unknown": scene("migrate explain drifd"),
    "schema": scene("migrate schema"),
    "schema_violated": scene(
        "migrate schema --check 'projects/*/voice.json' --by voice.schema.json",
        write={
            "voice.schema.json": """\
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["model", "speed"],
  "properties": {"speed": {"type": "integer"}}
}
"""
        },
    ),
    "demo": scene("migrate demo", start="empty", plain=False, measured=True),
    "demo_refused": scene(
        "migrate demo --folder here", start="empty", write={"here/flaming-horse/README.md": ""}
    ),
    "recover": scene("migrate recover", "migrate recover", start="interrupted"),
    "recover_refused": scene(
        "migrate recover", start="interrupted", write={".env": "TTS_MODEL=mine\n"}
    ),
    "completion": scene("migrate completion fish"),
    "completion_unknown": scene("migrate completion tcsh"),
    "recovered_first": scene("migrate status", start="interrupted"),
    "format_json": scene("migrate status --format json", "migrate stamp 0009 --yes --format json"),
}
