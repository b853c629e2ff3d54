"""Marked secrets in every place that is read: none comes out, and none lies about readable."""

import json
import re
import signal
import stat
import subprocess

import pytest

from support.workspace import MIGRATE, migrate

CANARY = "cANAry"
"""In every secret below; none of them may be seen, whole or in part."""

ISSUED = f"sk-{CANARY}0123456789abcdef"
ENV = f"""\
DB_URL=plain-{CANARY}-1
MODEL=old-model # note {ISSUED}
export OTHER="plain {CANARY} 2"
LINES="first {CANARY} 3
second {CANARY} 4"
this is no line {CANARY} 5
API_KEY=old-{CANARY}-6
LAST='plain {CANARY} 7'
"""
CONFIG = f"""\
{{
  "api_key": "plain {CANARY} 8", "model": "old-model", "url": "https://me:{CANARY}9@host/",
  "password":
    "plain {CANARY} 10",
  "auth_token": ["{CANARY} 11", "{CANARY} 12"],
  "hub": {{"hf_token": "plain {CANARY} 13"}}
}}
"""
SOURCE = f'''\
MODEL = "old-model"; API_KEY = "plain {CANARY} 14"
HF_TOKEN: str | None = "plain {CANARY} 15"
PASSWORD = (
    "plain {CANARY} 16"
)
SECRET = """plain {CANARY} 17"""
client(model="old-model", api_key="{CANARY} 18", issued="{ISSUED}")
'''
SCRIPT = f"API_KEY={CANARY}19 MODEL=old-model run --password={CANARY}20\nhf_token: {CANARY}21\n"
FOLDER = f"generated/{ISSUED}"
MIGRATION = """\
format: 1
id: 0001_model
title: From old to new
operations:
  - env: .env
    set:
      MODEL: {from: old-model, to: new-model}
      API_KEY: {to: new-public}
  - json: "generated/*/config.json"
    set: {/model: {from: old-model, to: new-model}}
  - python: app.py
    strings: [{from: old-model, to: new-model, in: any}]
"""
WRITES = ("text", "json", "github")
FORMATS = (*WRITES, "concise", "sarif")


@pytest.fixture
def root(tmp_path):
    for name, text in {
        ".env": ENV,
        f"{FOLDER}/config.json": CONFIG,
        "app.py": SOURCE,
        "run.sh": SCRIPT,
        "migrations/0001_model.yaml": MIGRATION,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".env").chmod(0o600)
    return tmp_path


def private(root):
    """No file that keychange left can be read by others; none but its own holds a secret."""
    ours = root / ".keychange"
    for path in root.rglob("*"):
        if not path.is_file() or CANARY.encode() not in path.read_bytes():
            continue
        if path.is_relative_to(ours):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        else:
            known = {".env", "app.py", "run.sh", "config.json", "0001_model.yaml"}
            assert path.name in known, path
    if ours.exists():
        assert stat.S_IMODE(ours.stat().st_mode) == 0o700


def silent(root, *arguments, **given):
    done = migrate(root, *arguments, **given)
    said = done.stdout + done.stderr
    assert CANARY not in said, next(line for line in said.splitlines() if CANARY in line)
    private(root)
    return done


@pytest.mark.parametrize("form", FORMATS)
def test_no_verb_shows_a_secret(root, form):
    shape = ("--format", form, "-v", "--debug")
    for verb in (
        ("plan",),
        ("check",),
        ("status",),
        ("history",),
        ("doctor",),
        ("sites", "app.py"),
    ):
        silent(root, *verb, *shape)
    silent(root, "check", "--exhaustive", *shape)


@pytest.mark.parametrize("form", WRITES)
def test_no_way_there_and_back_shows_a_secret(root, form):
    shape = ("--format", form, "-v", "--debug")
    assert silent(root, "up", *shape).returncode == 1  # nobody can be asked
    assert silent(root, "up", "--yes", *shape).returncode == 0
    assert "new-model" in (root / "app.py").read_text()
    for verb in (("check",), ("status",), ("history",), ("verify",)):
        silent(root, *verb, *shape)
    silent(root, "down", *shape)  # nobody can be asked, and the plan is shown
    assert silent(root, "down", "--yes", *shape).returncode == 0
    assert (root / ".env").read_text() == ENV
    ledger = root / ".keychange" / "ledger.json"
    assert CANARY not in ledger.read_text()


@pytest.mark.parametrize("width", [40, 57, 80])
def test_no_fold_and_no_mark_takes_a_secret_apart(root, width):
    """A secret that is cut into pieces is not known as one any more."""
    text = f"{'#' * 30} {ISSUED}\n{ENV}# {ISSUED} {ISSUED}\n"
    (root / ".env").write_text(text)
    (root / "app.py").write_text(f"{SOURCE}# old-model is {ISSUED}, and more of the same here\n")
    for options in (("-v",), ("--summary",), ("-U", "99")):
        done = migrate(
            root, "plan", "--color", "always", *options, environment={"COLUMNS": f"{width}"}
        )
        assert CANARY[:4] not in re.sub(r"\x1b\[[0-9;]*m|\n *", "", done.stdout)


def test_no_page_shows_a_secret(root):
    """What a process printed is in a kept report too, and any of ``.env`` may be in it."""
    path = root / "migrations/0001_model.yaml"
    path.write_text(MIGRATION + "verify:\n  - run: [sh, -c, 'cat .env app.py run.sh']\n")
    silent(root, "plan", "--format", "html", "-v", "--debug")
    folder = root / ".keychange/reports/20260102T030405Z-0001_model"
    folder.mkdir(parents=True)
    for each in folder.parents[1], folder.parent, folder:
        each.chmod(0o700)
    report = folder / "report.json"
    env = "".join(each for each in ENV.splitlines(keepends=True) if "no line" not in each)
    said = [*env.splitlines(), *SOURCE.splitlines(), SCRIPT]
    check = {"name": "words", "verdict": "fail", "message": env, "value": SCRIPT}
    kept = {"verdict": "fail", "headline": env, "stderr": said, "checks": [check]}
    report.write_text(json.dumps({**kept, "versions": {"x": SCRIPT}, "machine": {"y": ISSUED}}))
    report.chmod(0o600)
    assert silent(root, "report", "0001", "--out", "-").returncode == 0
    assert silent(root, "up", "--yes").returncode == 0
    for arguments in ((), ("--out", root / "shown.html"), ("--out", "-"), ("--format", "json")):
        assert silent(root, "report", *arguments).returncode == 0


def test_the_ledger_holds_the_secrets_that_down_needs_and_no_other(root):
    silent(root, "up", "--yes")
    ledger = (root / ".keychange" / "ledger.json").read_text()
    assert f"old-{CANARY}-6" in ledger
    others = ledger.replace(f"old-{CANARY}-6", "").replace(FOLDER, "")
    assert CANARY not in others


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", ENV.replace("old-model", f"{CANARY} foreign").replace("MODEL=", "MODEL='", 1)),
        (".env", ENV.replace("MODEL=old-model", f"MODEL=${{NOTHING:-{CANARY}}}")),
        (f"{FOLDER}/config.json", CONFIG.replace('"hub": {', f'"password": {CANARY} "hub": {{')),
        (f"{FOLDER}/config.json", CONFIG.replace('"hub":', '"api_key":')),
        (f"{FOLDER}/config.json", CONFIG.replace("old-model", ISSUED)),
        (f"{FOLDER}/config.json", CONFIG.replace('"old-model"', f'{{"token": "{ISSUED}"}}')),
        ("app.py", SOURCE + f'API_KEY = "{CANARY}" (\n'),
        ("app.py", SOURCE.replace("old-model", ISSUED)),
        ("migrations/0001_model.yaml", MIGRATION.replace("{to: new-public}", f"{{tu: {ISSUED}}}")),
    ],
)
def test_no_error_shows_a_secret(root, name, text, form):
    (root / name).write_text(text)
    for verb in (("up", "--yes"), ("check",)):
        silent(root, *verb, "--format", form, "-v", "--debug")


@pytest.mark.parametrize("form", WRITES)
def test_no_check_shows_a_secret(root, form):
    """A command that fails prints what it read: its output is in the report and the outcome."""
    path = root / "migrations/0001_model.yaml"
    shell = "cat .env app.py; echo $MODEL; exit 1"
    run = f"verify:\n  - run: [sh, run.sh]\n  - run: [sh, -c, '{shell}']\n"
    path.write_text(MIGRATION + run)
    done = silent(root, "up", "--yes", "--format", form, "-v", "--debug")
    assert done.returncode == 3
    assert (root / ".env").read_text() == ENV


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_no_traceback_shows_a_secret(root, debug):
    """An error that nobody foresaw may quote anything: its text is not shown."""
    program = (
        "import keychange.project as p\n"
        "def fail(*_):\n"
        f"    text = open({str(root / '.env')!r}).read()\n"
        "    try:\n"
        "        int(text)\n"
        "    except ValueError as problem:\n"
        "        raise RuntimeError(text) from problem\n"
        "p.load_project = fail\n"
        "from keychange.cli import main; main()"
    )
    done = subprocess.run(
        [*MIGRATE[:2], program, "-C", root, "plan", *debug],
        capture_output=True,
        text=True,
        check=False,
    )
    assert CANARY not in done.stdout + done.stderr
    assert "RuntimeError" in done.stderr
    assert ("Traceback" in done.stderr) == bool(debug)


def test_what_a_killed_run_leaves_is_private(root):
    program = (
        "import os, signal\n"
        "from keychange.transaction import files\n"
        "replace = type(files.system).replace\n"
        "def once(self, source, target, folder):\n"
        "    replace(self, source, target, folder)\n"
        "    if target == '.env': os.kill(os.getpid(), signal.SIGKILL)\n"
        "type(files.system).replace = once\n"
        "from keychange.cli import main; main()"
    )
    done = subprocess.run(
        [*MIGRATE[:2], program, "-C", root, "up", "--yes"], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    journal = root / ".keychange" / "journal" / "prepared"
    assert CANARY.encode() in journal.read_bytes()
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert stat.S_IMODE((root / ".keychange").stat().st_mode) == 0o700
    assert silent(root, "recover").returncode == 0
    assert (root / ".env").read_text() == ENV
    assert not journal.exists()
