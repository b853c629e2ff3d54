"""The laws of the env kind over real `.env` files, by the real readers.

    python tests/corpus/env_files.py DIR... [--seed 1] [--rounds 3]

Every file below the folders is edited with random operations (keys set, added, renamed, removed),
read back by bash and python-dotenv, edited a second time and put back. Only counts are printed,
and the names of files that break a law.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests")]

# The path is set first, so that the command runs from a checkout as it is.
from keychange.edits import apply_edits, inverse  # noqa: E402
from keychange.formats.dotenv.text import EnvFile  # noqa: E402
from support.env_kind import codes, down, errors, examine, unnamed_lines  # noqa: E402
from support.env_oracles import ShellDied, bash, python_dotenv  # noqa: E402

VALUES = (
    "", "x", "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit", "two words", "it's", 'say "hi"',
    "/Users/me/my models/bin/python", "pa$$word", "a#b #c", "C:\\new\\dir", "line one\nline two",
    "https://host/path?a=1&b=2", '{"json": [1, 2]}', "`date`", "~/x", "é → ü", "!@%^&*()",
)  # fmt: skip


def random_operation(data: bytes, chance: random.Random) -> dict:
    """Up to six keys of the file and two new ones, each named once."""
    env = EnvFile(data)
    keys = [key for key in env.by_key if key.isidentifier() and key.isascii()]
    chosen = chance.sample(keys, min(len(keys), chance.randint(1, 6)))
    rename = {chosen[0]: f"{chosen[0]}_RENAMED"} if len(chosen) > 2 else {}
    remove = chosen[1:2] if len(chosen) > 3 else []
    written = [key for key in chosen if key not in rename and key not in remove]
    written += [f"{chance.choice(keys or ['NEW'])}_ADDED", "KEYCHANGE_ADDED"]
    export = chance.choice([None, True, "keep"])
    return {
        "set": {key: {"to": chance.choice(VALUES)} for key in written},
        "rename": rename,
        "remove": remove,
        "comment": chance.random() < 0.5,
        **({} if export is None else {"export": export}),
    }


def broken_laws(data: bytes, node: dict, folder: Path, counts: Counter[str]) -> list[str]:
    """The names of the laws that one operation breaks on one file."""
    finding = examine(data, node)
    counts.update(f"said {code}" for code in codes(finding))
    if errors(finding):
        counts["refused"] += 1
        return []
    counts["edited"] += 1
    counts["sites"] += len(finding.sites)
    after = apply_edits(data, finding.edits)
    named = {*node["set"], *node["remove"], *node["rename"], *node["rename"].values()}
    comment = ["# 0001_env"] if node["comment"] else []
    broken = []
    if [each for each in unnamed_lines(after, named) if each not in comment] != unnamed_lines(
        data, named
    ):
        broken.append("bytes outside the edits")
    if examine(after, node).edits:
        broken.append("up twice")
    if apply_edits(after, inverse(data, finding.edits)) != data:
        broken.append("inverse")
    if apply_edits(after, down(after, finding).edits) != data:
        broken.append("down")
    broken += misread(data, after, node, named, folder=folder, counts=counts)
    counts["bytes kept"] += len(data) - sum(len(edit.span) for edit in finding.edits)
    return broken


def misread(
    data: bytes,
    after: bytes,
    node: dict,
    named: set[str],
    *,
    folder: Path,
    counts: Counter[str],
) -> list[str]:
    """The readers that do not give back what was written, or change what was not named."""
    broken = []
    encoding = EnvFile(data).encoding
    old = python_dotenv(data, folder, encoding=encoding)
    new = python_dotenv(after, folder, encoding=encoding)
    plain = python_dotenv(after, folder, encoding=encoding, interpolate=False)
    uses = {key for key, value in old.items() if value != (plain.get(key))}
    for key, setting in node["set"].items():
        counts["values read by python-dotenv"] += 1
        if new.get(key) != setting["to"] or plain.get(key) != setting["to"]:
            broken.append("read back by python-dotenv")
    if any(new.get(key) != old[key] for key in old.keys() - named - uses):
        broken.append("other keys in python-dotenv")
    env = EnvFile(after)
    spoiled = data.startswith(b"\xef\xbb\xbf") or b"\r" in data or encoding != "utf-8"
    try:
        shells = None if spoiled else (bash(data, folder), bash(after, folder))
    except ShellDied:
        shells = None
    if shells is None:
        counts["files not compared in bash (CRLF, BOM, encoding, or it dies)"] += 1
        return broken
    for key, setting in node["set"].items():
        binding = env.by_key[key][-1]
        if env.bash.reaches(binding.start) and env.agreed(binding):
            counts["values read by bash"] += 1
            if shells[1].get(key) != setting["to"]:
                broken.append("read back by bash")
        else:
            counts["values that bash never reached, before as after"] += 1
    before = EnvFile(data).bash.values()
    settled = {
        key
        for key, parts in before.items()
        if parts is not None and all(isinstance(part, str) for part in parts)
    }
    if any(shells[1].get(key) != shells[0].get(key) for key in settled - named):
        broken.append("other keys in bash")
    return broken


def main(arguments: list[str] | None = None) -> int:
    """Run the laws and print the counts; 1 if one is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    chance = random.Random(options.seed)
    files = sorted(path for each in options.folders for path in each.rglob("*") if path.is_file())
    counts: Counter[str] = Counter(files=len(files))
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            data = path.read_bytes()
            counts["bytes"] += len(data)
            for _ in range(options.rounds):
                node = random_operation(data, chance)
                failures += [
                    f"{path}: {law}" for law in broken_laws(data, node, Path(folder), counts)
                ]
    for name, count in sorted(counts.items()):
        print(f"{count:>9,}  {name}")
    print(f"{len(failures):>9,}  broken laws")
    for failure in dict.fromkeys(failures):
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
