"""Scale: time and memory of the verbs as a project grows; what grows faster than its size shows."""

from __future__ import annotations

import hashlib
import itertools
import json
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from literals import MIGRATION
from measure import Contender, Spent, spend
from places import NEW, OLD, Places, commit, digests, write

from checking import workspace  # isort: skip


def configs(places: Places, sizes: tuple[int, ...]) -> list[dict[str, object]]:
    """The sample with so many configs."""
    rows = []
    for size in sizes:
        root = places.fresh("scale") / "project"
        workspace(root, size)
        rows += _verbs(places, root, size, "configs")
    return rows


def sources(places: Places, sizes: tuple[int, ...]) -> list[dict[str, object]]:
    """So many Python sources that nobody here wrote; one in twenty holds the literal."""
    rows = []
    for size in sizes:
        root = places.fresh("scale") / "project"
        found = itertools.cycle(filter(_is_python, sorted(places.corpus().rglob("*.py"))))
        for number, path in enumerate(itertools.islice(found, size)):
            target = root / "corpus" / f"part_{number:05d}.py"
            target.parent.mkdir(parents=True, exist_ok=True)
            held = "" if number % 20 else f'\nBENCH_MODEL = "{OLD}"\n'
            target.write_bytes(path.read_bytes() + held.encode())
        write(root, {"migrations/0001_voice.yaml": MIGRATION})
        rows += _verbs(places, root, size, "sources")
    return rows


def _is_python(path: Path) -> bool:
    """Whether this Python reads it; a library holds sources of other versions for its tests."""
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(path.read_bytes(), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def _verbs(places: Places, root: Path, size: int, unit: str) -> list[dict[str, object]]:
    """One run of each verb, there and back."""
    rows: list[dict[str, object]] = []
    commit(root)
    before = digests(root)
    migrate = places.ours / "migrate"
    for name, *words in (
        ("plan", "plan", "--name-only"),
        ("up", "up", "--yes", "--no-verify", "-q"),
        ("check", "check"),
        ("check, warm", "check"),
        ("down", "down", "--yes", "-q"),
    ):
        spent = spend(Contender(name, [migrate, *words]), root)
        rows.append(_row(name, size, spent, unit))
        if name == "up":
            changed = sum(before[path] != now for path, now in digests(root).items())
            assert changed >= size // 20, "up did not change what was meant"
    assert digests(root) == before, "down did not bring back every byte"
    return rows


def document(places: Places, megabytes: int) -> list[dict[str, object]]:
    """One field of one document of a tenth of that size, and of all of it."""
    rows = []
    for size in (megabytes // 10, megabytes):
        root = places.fresh("document") / "project"
        change = f"    set: {{/model_id: {{from: {OLD}, to: {NEW}}}}}\n"
        head = "format: 1\nid: 0001_voice\ntitle: voice\noperations:\n  - json: large.json\n"
        write(root, {"migrations/0001_voice.yaml": head + change})
        with (root / "large.json").open("wb") as file:
            file.writelines(_large(size, OLD))
        old, new = (_digest(_large(size, model)) for model in (OLD, NEW))
        migrate = places.ours / "migrate"
        for verb, *words in (("plan",), ("up", "--yes", "-q"), ("down", "--yes", "-q")):
            spent = spend(Contender(verb, [migrate, verb, *words]), root)
            with (root / "large.json").open("rb") as file:
                found = _digest(iter(lambda: file.read(1 << 20), b""))
            assert found == (new if verb == "up" else old), f"{verb}: not the bytes meant"
            rows.append(_row(verb, size, spent, "MB in one document"))
    return rows


def _large(megabytes: int, model: str) -> Iterator[bytes]:
    """A document of that size in pieces: the bench must not hold it, for it measures memory."""
    record = {"id": 0, "name": "é", "score": 0.5, "tags": ["a", "b"], "last": None}
    written = json.dumps(record, ensure_ascii=False).encode()
    yield f'{{"model_id": "{model}", "records": ['.encode()
    for _ in range(megabytes * 1_000_000 // (len(written) + 2) // 1000):
        yield (written + b", ") * 1000
    yield written + b'], "last": 1}'


def _digest(pieces: Iterable[bytes]) -> bytes:
    made = hashlib.sha256()
    for each in pieces:
        made.update(each)
    return made.digest()


def _row(verb: str, size: int, spent: Spent, unit: str) -> dict[str, object]:
    return {
        "verb": verb,
        "size": size,
        "unit": unit,
        "wall_ms": spent.wall * 1000,
        "cpu_ms": spent.cpu * 1000,
        "peak_mb": spent.peak / 1e6,
    }


def table(rows: list[dict[str, object]]) -> str:
    """Verbs by size: wall time, and the peak of memory."""
    sizes = sorted({int(str(row["size"])) for row in rows})
    verbs = list(dict.fromkeys(str(row["verb"]) for row in rows))
    lines = [
        "| verb | " + " | ".join(f"{size:,} {rows[0]['unit']}" for size in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    for verb in verbs:
        cells = []
        for size in sizes:
            row = next(row for row in rows if row["verb"] == verb and row["size"] == size)
            cells.append(f"{float(str(row['wall_ms'])) / 1000:.2f} s, {row['peak_mb']:.0f} MB")
        lines.append(f"| `{verb}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)
