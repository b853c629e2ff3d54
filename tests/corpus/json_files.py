"""Edit real JSON files through the engine, read them back, and put every byte back.

    python tests/corpus/json_files.py DIR... [--each 3] [--seed 1]

Nothing is written. Every file that `json` reads gets some random operations of every verb. What
is read back must be what the operation means in plain Python, a second run must change nothing,
the bytes outside the edits must be the same, and the way back must give the same file. A file
that is refused must be one that `json` refuses too, or has a member twice, or NaN.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests")]

# The path is set first, so that the command runs from a checkout as it is.
from keychange.edits import apply_edits, inverse  # noqa: E402
from keychange.formats.json.problem import InvalidJsonError  # noqa: E402
from keychange.formats.json.text import read  # noqa: E402
from keychange.model import same  # noqa: E402
from support.json_kind import examine, put_back, records  # noqa: E402
from support.json_operations import meaning, random_operation  # noqa: E402
from support.json_texts import strictly  # noqa: E402

LARGEST = 4_000_000
"""Bytes of a file; larger ones are measured elsewhere and would only make this slow."""


def files_in(paths: list[str]) -> Iterator[Path]:
    """All JSON files below the paths, sorted."""
    for path in map(Path, paths):
        found = path.rglob("*.json*") if path.is_dir() else [path]
        for each in sorted(found):
            if each.suffix in {".json", ".jsonc"} and each.is_file():
                yield each


def refused(data: bytes) -> bool:
    """Whether the oracle refuses the bytes."""
    try:
        strictly(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return True
    return False


def outside_is_same(before: bytes, after: bytes, edits: Any) -> bool:
    """Whether the bytes between the edits are the same, compared piece by piece."""
    position = shift = 0
    for edit in [*edits, None]:
        end = len(before) if edit is None else edit.span.start
        if before[position:end] != after[position + shift : end + shift]:
            return False
        if edit is not None:
            position = edit.span.end
            shift += len(edit.replacement) - len(edit.span)
    return len(before) + shift == len(after)


def problem(data: bytes, value: Any, node: dict[str, Any], count: Counter[str]) -> str:
    """What went wrong with one operation on one file; empty if nothing did."""
    finding = examine(data, node)
    if finding.diagnostics:
        return f"refused: {finding.diagnostics[0].message}"
    after = apply_edits(data, finding.edits)
    known = records(finding)
    count["operations"] += 1
    count["sites"] += len(known)
    count["edits"] += len(finding.edits)
    jsonc = node["syntax"] == "jsonc"
    if not same(read(after, jsonc=jsonc).value, meaning(value, node)):
        return "what is read back is not what was declared"
    if not outside_is_same(data, after, finding.edits):
        return "bytes outside the edits changed"
    if apply_edits(after, inverse(data, finding.edits)) != data:
        return "the inverse edits do not give the file back"
    if examine(after, node).edits:
        return "a second run would change the file"
    back = put_back(after, known)
    if back.diagnostics or apply_edits(after, back.edits) != data:
        return "the sites are not put back byte for byte"
    return ""


def dialect(data: bytes) -> tuple[str, Any]:
    """How a file reads, `json` or else `jsonc`, and what it says.

    Raises:
        InvalidJsonError: it reads as neither.
    """
    try:
        return "json", read(data).value
    except InvalidJsonError as failure:
        try:
            return "jsonc", read(data, jsonc=True).value
        except InvalidJsonError:
            raise failure from None


def look_at(path: Path, each: int, seed: int, count: Counter[str]) -> Iterator[str]:
    """Every problem of one file."""
    data = path.read_bytes()
    count["files"] += 1
    count["bytes"] += len(data)
    if len(data) > LARGEST:
        count["too large, skipped"] += 1
        return
    try:
        syntax, value = dialect(data)
    except InvalidJsonError as failure:
        reason = failure.problem.reason.split(",")[0].split("`")[0]
        count[f"refused: {failure.problem.code}: {reason}"] += 1
        if not refused(data):
            yield f"refused, and json reads it: {failure}"
        return
    if refused(data) != (syntax == "jsonc"):
        yield f"read as {syntax}, which is not what json says"
    count[f"edited as {syntax}"] += 1
    choose = random.Random(f"{seed} {path.name}")
    for _ in range(each):
        node = {"syntax": syntax, **random_operation(value, choose)}
        if len(node) > 1 and (found := problem(data, value, node, count)):
            yield f"{found}: {json.dumps(node)[:300]}"


def main() -> int:
    """Run over the files and print the table; 1 if anything failed."""
    parser = argparse.ArgumentParser(description="edit real JSON files and put them back")
    parser.add_argument("paths", nargs="+", metavar="DIR")
    parser.add_argument("--each", type=int, default=3, help="operations per file")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    count: Counter[str] = Counter()
    failures = 0
    for path in files_in(options.paths):
        for found in look_at(path, options.each, options.seed, count):
            failures += 1
            sys.stdout.write(f"{path}: {found}\n")
    for name, number in sorted(count.items()):
        sys.stdout.write(f"{name:<60} {number:>12,}\n")
    sys.stdout.write(f"{'failures':<60} {failures:>12,}\n")
    return 1 if failures or not count["operations"] else 0


if __name__ == "__main__":
    sys.exit(main())
