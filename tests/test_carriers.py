"""Places that carry one variable of a migration and hold different values."""

import pytest

from support.voice_project import write
from support.workspace import migrate

MIGRATION = """\
format: 1
id: 0001_voice
title: voice
vars: {old: org/voice-0.6B, new: org/voice-1.7B}
operations:
  - env: .env
    on_foreign: keep
    set: {VOICE: {from: "${old}", to: "${new}"}}
  - python: app.py
    strings: [{from: "${old}", to: "${new}"}]
  - json: voice.json
    set: {/model: {from: "${old}", to: "${new}"}}
"""
SOURCE = 'import os\n\nVOICE = os.environ.get("VOICE", "{}")\n'


@pytest.mark.parametrize("new", ["org/voice-1.7B", "org/voice-0.6B"])
def test_carriers_that_agree_are_not_worth_a_word(tmp_path, new):
    write(
        tmp_path,
        {
            "migrations/0001_voice.yaml": MIGRATION,
            ".env": f"VOICE={new}\n",
            "app.py": SOURCE.format(new),
            "voice.json": f'{{"model": "{new}"}}\n',
        },
    )
    assert "carriers-disagree" not in migrate(tmp_path, "check").stderr


def test_a_kept_value_that_wins_at_run_time_is_told(tmp_path):
    new = "org/voice-1.7B"
    write(
        tmp_path,
        {
            "migrations/0001_voice.yaml": MIGRATION,
            ".env": "# mine\nVOICE=org/mine\n",
            "app.py": SOURCE.format(new),
            "voice.json": f'{{"model": "{new}"}}\n',
        },
    )
    done = migrate(tmp_path, "check")
    assert done.returncode == 0, "a value that the migration keeps is no drift"
    assert ".env:2:7: warning[carriers-disagree]: what `new` sets is not the same everywhere" in (
        done.stderr
    )
    assert ".env:2 (VOICE) holds `org/mine`" in done.stderr
    assert "at run time .env:2 (VOICE) wins over the default at app.py" in done.stderr
    assert "applied" in migrate(tmp_path, "status").stdout


WINNERS = {
    'os.getenv("VOICE", "{}")': ".env:1 (VOICE) wins over the default at app.py:3",
    'os.environ.setdefault("VOICE", "{}")': ".env:1 (VOICE) wins over the default at app.py:3",
    'os.environ.get("VOICE") or "{}"': "as far as can be seen, each is read where it stands",
    'print(os.environ.get("OTHER", "{}"))': "as far as can be seen, each is read where it stands",
    'os.environ["VOICE"] = "{}"': 'app.py:3 (os.environ["VOICE"]) sets it anew',
    'class S(BaseSettings):\n    voice: str = "{}"': "if that class reads the environment",
    'X = os.getenv("VOICE", "{0}")\nY = os.getenv("VOICE", "{0}")': 'VOICE")) and 1 more',
}


@pytest.mark.parametrize("source", WINNERS)
def test_which_one_wins_is_said_where_it_can_be_seen(tmp_path, source):
    new = "org/voice-1.7B"
    write(
        tmp_path,
        {
            "migrations/0001_voice.yaml": MIGRATION,
            ".env": "VOICE=org/mine\n",
            "app.py": f"import os\n\n{source.format(new)}\n",
            "voice.json": f'{{"model": "{new}"}}\n',
        },
    )
    assert WINNERS[source] in migrate(tmp_path, "check", "--format", "json").stdout.replace(
        '\\"', '"'
    )


def test_a_key_that_is_not_set_wins_over_nothing(tmp_path):
    write(
        tmp_path,
        {
            "migrations/0001_voice.yaml": MIGRATION.replace('{from: "${old}", to', "{to", 1),
            ".env": "OTHER=1\n",
            "app.py": SOURCE.format("org/voice-1.7B"),
            "voice.json": '{"model": "org/voice-1.7B"}\n',
        },
    )
    said = migrate(tmp_path, "check", "--format", "json").stdout
    assert "at run time the default counts at app.py:3" in said
    assert "wins" not in said


def test_a_secret_is_not_told(tmp_path):
    text = MIGRATION.replace("VOICE: {", "VOICE_TOKEN: {")
    write(
        tmp_path,
        {
            "migrations/0001_voice.yaml": text,
            ".env": "VOICE_TOKEN=canary-1234567890\n",
            "app.py": SOURCE.format("org/voice-0.6B"),
            "voice.json": '{"model": "org/voice-0.6B"}\n',
        },
    )
    done = migrate(tmp_path, "check")
    assert "carriers-disagree" in done.stderr
    assert "canary" not in done.stdout + done.stderr
