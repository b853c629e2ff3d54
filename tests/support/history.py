"""Room of small projects with a history: numbered migrations that hand one value on to the next."""

import json
import shlex
import sys

from support.documents import judged, printed
from support.workspace import migrate_here

KEYS = (".env", "app.py", "conf/one.json")


def migration(revision, before, after, *, extra="", more=""):
    """A migration of one value in three files; ``extra`` are further operations."""
    return f"""\
# what {before} becomes
format: 1
id: {revision}
title: {before} to {after}
operations:
  - env: .env
    missing: create
    set: {{MODEL: {{from: {before}, to: {after}}}}}
  - python: app.py
    strings: [{{from: {before}, to: {after}}}]
  - json: conf/*.json
    set: {{/model: {{from: {before}, to: {after}}}}}
{extra}{more}"""


def own(revision, key, *, path=None):
    """A migration that only adds a key of its own, so that its place in the order is free."""
    path = path or ".env"
    return f"""\
format: 1
id: {revision}   # mine
title: {key}
operations:
  - env: {path}
    missing: create
    set: {{{key}: {{to: "{revision[5:]}"}}}}
"""


def write(root, path, text):
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode())


def build(root, value="a"):
    """Files that hold a value, and nothing of keychange."""
    write(root, ".env", f"# mine\nTOKEN=hf_canarycanarycanary\nMODEL={value}  # now\n")
    write(root, "app.py", f"MODEL = '{value}'\n")
    write(root, "conf/one.json", f'{{"model": "{value}", "n": 1.0}}\n')
    write(root, ".gitignore", ".env\n.keychange\n")
    return root


def declare(root, *texts):
    """Put migrations in place, each under the name of its id."""
    for text in texts:
        name = text.partition("id: ")[2].split()[0]
        write(root, f"migrations/{name}.yaml", text)


def value(root):
    """The value that all three files hold, or all three where they differ."""
    env = (root / ".env").read_text().partition("MODEL=")[2].split()[0]
    source = (root / "app.py").read_text().split("'")[1]
    config = json.loads((root / "conf/one.json").read_bytes())["model"]
    return env if env == source == config else (env, source, config)


def recorded(root):
    """What the ledger says is applied, with how far it is confirmed."""
    path = root / ".keychange/ledger.json"
    if not path.exists():
        return {}
    held = judged("ledger", json.loads(path.read_bytes()))
    return {each["revision"]: each["status"] for each in held["entries"]}


def say(root, *arguments):
    """A verb's JSON document, whose exit code is the process's."""
    done = migrate_here(root, "--format", "json", *arguments)
    document = printed(done.stdout)
    assert document["exit_code"] == done.returncode
    return document


def codes(document):
    """The codes of a document's errors."""
    return [each["code"] for each in document["diagnostics"] if each["severity"] == "error"]


def paste(root, document, code):
    """Run the command that a diagnostic names, as a user would who agrees."""
    command = next(e["command"] for e in document["diagnostics"] if e["code"] == code)
    program, option, folder, verb, *rest = shlex.split(command)
    assert (program, option, folder) == ("migrate", "-C", str(root)), "it names this project"
    asks = verb in ("up", "down", "stamp", "rebase")
    return migrate_here(root, verb, *rest, *(["--yes"] if asks else []))


def checking(code):
    """The ``verify`` section that runs a line of Python."""
    return f"verify:\n  - run: {json.dumps([sys.executable, '-c', code])}\n"
