"""Workloads of many configs and many keys: one field, validation, and a long `.env`."""

from __future__ import annotations

import json
from pathlib import Path

from measure import Contender, Row, contest
from places import CHECKOUT, NEW, OLD, Kept, Places, write

MIGRATION = f"""\
format: 1
id: 0001_voice
title: voice
operations:
  - json: "configs/*.json"
    set: {{/model_id: {{from: {OLD}, to: {NEW}}}}}
"""
_LOOP = f"""
import json, os, pathlib
for path in sorted(pathlib.Path("configs").glob("*.json")):
    document = json.loads(path.read_bytes())
    document["model_id"] = {NEW!r}
    staged = path.with_suffix(".new")
    with open(staged, "w") as stream:
        json.dump(document, stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(staged, path)
"""
_JQ = f"""
for file in configs/*.json; do
  jq --arg m {NEW} '.model_id = $m' "$file" > "$file.new" && mv "$file.new" "$file"
done
"""
_READ = """
import json, pathlib
for path in sorted(pathlib.Path("configs").glob("*.json")):
    json.loads(path.read_bytes())
"""
_KEYS = """
import time
from dotenv import set_key
start = time.perf_counter()
for number in range(0, 500, 10):
    set_key(".env", f"KEY_{number:03d}", f"new-{number}", quote_mode="auto")
print(time.perf_counter() - start)
"""
_OURS = """
import gc
import time
from pathlib import Path
from keychange import operations
from keychange.edits import apply_edits
from keychange.loader import load_migration
from keychange.model import Context, Source
gc.set_threshold(200_000, 20, 20)  # as keychange.__main__ does
migration = load_migration(Path("migrations/0001_keys.yaml"), "0001_keys.yaml")
context = Context(revision=migration.revision, expand=lambda value: value)
operation, = migration.operations
kind = operations.kind("env")
kind.examine(operation, Source(".env", b"A=1\\n"), context)
start = time.perf_counter()
data = Path(".env").read_bytes()
data = apply_edits(data, kind.examine(operation, Source(".env", data), context).edits)
Path(".env.new").write_bytes(data)
Path(".env.new").replace(".env")
print(time.perf_counter() - start)
"""


def field(places: Places, runs: int, number: int) -> list[Row]:
    """One field in so many files, journal, proofs and flushes included."""
    root = places.fresh("field") / "project"
    _configs(root, number)
    write(root, {"migrations/0001_voice.yaml": MIGRATION, "loop.py": _LOOP})
    kept = Kept(root)

    def exact() -> bool:
        changed = kept.changed()
        return len(changed) == number and all(
            json.loads(data)["model_id"] == NEW for data in changed.values()
        )

    def lossless() -> bool:
        changed = kept.changed()
        return len(changed) == number and all(
            data == kept.files[root / path].replace(OLD.encode(), NEW.encode())
            for path, data in changed.items()
        )

    python = places.ours / "python"
    return contest(
        f"`up`, one field in {number:,} JSON files",
        root,
        Contender("ours", [places.ours / "migrate", "up", "--yes", "-q"], exact=lossless),
        [
            Contender("json.load/dump, one flush a file", [python, "loop.py"], 1.5, exact),
            Contender("jq for each file", ["sh", "-c", _JQ], 1 / 20, exact, runs=1),
        ],
        runs=runs,
        before=kept.restore,
    )


def validation(places: Places, runs: int, number: int) -> list[Row]:
    """All configs against their schema."""
    root = places.fresh("validation") / "project"
    _configs(root, number)
    write(root, {"loop.py": _READ})
    schema = CHECKOUT / "schemas" / "voice_clone_config.v1.schema.json"
    command = ["schema", "--check", "configs/*.json", "--by", "voice_clone_config.v1"]
    each = ["sh", "-c", f"ls configs/*.json | xargs check-jsonschema --schemafile {schema}"]
    return contest(
        f"`schema --check`, {number:,} JSON files",
        root,
        Contender("ours", [places.ours / "migrate", *command]),
        [
            Contender("a json.loads loop", [places.ours / "python", "loop.py"], 1.5),
            Contender(
                "check-jsonschema",
                each,
                1 / 5,
                environment={"PATH": f"{places.peers}:/usr/bin:/bin"},
                runs=2,
            ),
        ],
        runs=runs,
    )


def keys(places: Places, runs: int) -> list[Row]:
    """50 keys of a `.env` with 500 lines."""
    root = places.fresh("keys") / "project"
    lines = "".join(f"KEY_{number:03d}=old-{number}\n" for number in range(500))
    changes = "".join(
        f"      KEY_{number:03d}: {{to: new-{number}}}\n" for number in range(0, 500, 10)
    )
    text = f"format: 1\nid: 0001_keys\ntitle: keys\noperations:\n  - env: .env\n    set:\n{changes}"
    write(root, {".env": lines, "migrations/0001_keys.yaml": text})
    write(root, {"loop.py": _KEYS, "ours.py": _OURS})
    kept = Kept(root)
    expected = lines
    for number in range(0, 500, 10):
        expected = expected.replace(f"=old-{number}\n", f"=new-{number}\n")

    def exact() -> bool:
        return kept.changed().get(".env", b"").decode().replace("'", "") == expected

    python, theirs = places.ours / "python", places.peers / "python"
    return [
        *contest(
            "50 keys in a `.env` of 500 lines, examined, proved, written",
            root,
            Contender("ours", [python, "ours.py"], exact=exact, inside=True),
            [Contender("set_key in a loop", [theirs, "loop.py"], 1 / 50, exact, inside=True)],
            runs=runs,
            before=kept.restore,
        ),
        *contest(
            "`up` of them, the whole process",
            root,
            Contender("ours", [places.ours / "migrate", "up", "--yes", "-q"], exact=exact),
            [Contender("set_key in a loop", [theirs, "loop.py"], None, exact)],
            runs=runs,
            before=kept.restore,
        ),
    ]


def _configs(root: Path, number: int) -> None:
    document = {
        "qwen_python": "~/qwen3-tts-local/.venv/bin/python",
        "model_id": OLD,
        "device": "cpu",
        "dtype": "float32",
        "language": "English",
        "ref_audio": "assets/voice_ref/ref.wav",
        "ref_text": "assets/voice_ref/ref.txt",
        "output_dir": "media/voiceovers/qwen",
    }
    texts = (
        json.dumps(document, indent=2) + "\n",
        json.dumps(document, indent="\t") + "\n",
        json.dumps(document),
        json.dumps(document, indent=4).replace("\n", "\r\n"),
    )
    write(root, {f"configs/c{each:05d}.json": texts[each % 4] for each in range(number)})
