"""Replay real edits of string literals: do before and after values reproduce what people wrote?

    python tests/corpus/python_history.py REPOSITORY... [--limit N]

Walks the commits of local git repositories. Where the only change to a Python file is the text of
string literals, a migration is made of the values before and after, run over the old file, and its
result is compared with the new one byte for byte.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests")]

# The path is set first, so that the command runs from a checkout as it is.
from keychange.edits import apply_edits  # noqa: E402
from keychange.formats.python.address import (  # noqa: E402
    ADDRESSABLE,
    Literal,
    Place,
    literals,
)
from keychange.formats.python.encoding import InvalidPython  # noqa: E402
from keychange.formats.python.literal import Unwritable, segments  # noqa: E402
from keychange.formats.python.source import PythonSource  # noqa: E402
from keychange.formats.python.source import parse as parse_source  # noqa: E402
from keychange.model import Context, Source  # noqa: E402
from keychange.operations import python as kind  # noqa: E402
from support.python_oracle import differences  # noqa: E402

CONTEXT = Context(revision="0001_history", expand=lambda value: value)
STRING = re.compile(
    rb"""(?P<comment>\#[^\r\n]*)|(?:(?<!\w)[rRbBuUfF]{1,2})?(?:
    \'{3}(?:\\.|[^\\])*?\'{3} | \"{3}(?:\\.|[^\\])*?\"{3} |
    '(?:\\.|[^\\'\r\n])*' | "(?:\\.|[^\\"\r\n])*")""",
    re.DOTALL | re.VERBOSE,
)
RULED_OUT = {
    Place.DOCSTRING: "a docstring",
    Place.ANNOTATION: "an annotation",
    Place.EXPRESSION: "a string in an expression of an f-string",
}


def skeleton(data: bytes) -> bytes:
    """A file without its strings; neighbouring ones count as one."""
    bare = STRING.sub(lambda match: match[0] if match["comment"] else b"\0", data)
    return re.sub(rb"\0(?:\s*\0)+", b"\0", bare)


def changes(repository: str) -> list[tuple[str, str]]:
    """The blobs before and after of every modified Python file, each pair once."""
    log = subprocess.run(
        ["git", "-C", repository, "log", "--all", "--no-merges", "--raw", "--no-abbrev",
         "--no-renames", "--diff-filter=M", "--format=", "--", "*.py"],
        capture_output=True, check=True, text=True, errors="replace",
    ).stdout  # fmt: skip
    fields = (line.split() for line in log.splitlines() if line.startswith(":"))
    return list(dict.fromkeys((each[2], each[3]) for each in fields))


def blobs(repository: str, names: list[str]) -> Iterator[bytes | None]:
    """The contents of blobs, None for one that is not there."""
    answer = subprocess.run(
        ["git", "-C", repository, "cat-file", "--batch"],
        input="\n".join(names).encode(), capture_output=True, check=True,
    ).stdout  # fmt: skip
    position = 0
    while position < len(answer):
        head, _, _ = answer[position : position + 200].partition(b"\n")
        position += len(head) + 1
        if head.endswith(b"missing"):
            yield None
            continue
        size = int(head.split()[2])
        yield answer[position : position + size]
        position += size + 1


def replay_some(job: tuple[str, list[tuple[str, str]]]) -> Counter[str]:
    """Judge some pairs of blobs."""
    repository, pairs = job
    contents = list(blobs(repository, [name for pair in pairs for name in pair]))
    counts: Counter[str] = Counter()
    for before, after in zip(contents[::2], contents[1::2], strict=True):
        if before is None or after is None:
            continue
        counts["modified files"] += 1
        if skeleton(before) == skeleton(after):
            counts[replay(before, after)] += 1
    return counts


def replay(before: bytes, after: bytes) -> str:
    """What became of one change of strings."""
    try:
        old, new = parse_source(before), parse_source(after)
        differences(before, after)
    except InvalidPython:
        return "out: not Python of this version"
    except (AssertionError, ValueError):
        return "out: more than the text of strings changed"
    pairs = zip(literals(old), literals(new), strict=True)
    changed = [(a, b) for a, b in pairs if a.value != b.value]
    for literal, _ in changed:
        if literal.place in RULED_OUT:
            return f"out: {RULED_OUT[literal.place]}"
    if not changed:
        return "out: no value of a string changed"
    return judge(old, new, after, changed)


def judge(
    old: PythonSource, new: PythonSource, after: bytes, changed: list[tuple[Literal, Literal]]
) -> str:
    """Whether the engine writes what the author wrote, and why not."""
    entries = []
    for literal, wanted in changed:
        if literal.part is not None or literal.place not in ADDRESSABLE:
            entry = {"from": literal.value, "to": wanted.value, "in": "any"}
        else:
            numbered = re.search(r"#\d+$", literal.address)
            at = literal.address if numbered else f"{literal.address}#1"
            entry = {"at": at, "from": literal.value, "to": wanted.value}
        if entry not in entries:
            entries.append(entry)
    operation = kind.parse({"strings": entries}, {"kind": "python", "targets": ("a.py",)})
    finding = kind.examine(operation, Source("a.py", old.data), CONTEXT)
    problems = [each for each in finding.diagnostics if each.is_error]
    if problems:
        return f"refused: {problems[0].code}"
    result = apply_edits(old.data, finding.edits)
    if result == after:
        return "reproduced"
    ours = parse_source(result)
    for mine, theirs in zip(literals(ours), literals(new), strict=True):
        if mine.value != theirs.value:
            return "differs: the same text elsewhere did not change"
        texts = [text(ours, mine), text(new, theirs)]
        if texts[0] != texts[1]:
            return f"differs: {reason(*texts)}"
    return "differs: layout"


def text(source: PythonSource, literal: Literal) -> str:
    """The code of a literal."""
    return source.text[literal.start : literal.end].decode()


def reason(mine: str, theirs: str) -> str:
    """How two spellings of one value differ."""
    try:
        one, other = segments(mine), segments(theirs)
    except Unwritable:
        return "a form that is not read"
    if len(one) != len(other):
        return "the author cut the pieces anew"
    styles = [(a.style, b.style) for a, b in zip(one, other, strict=True)]
    if any(a != b for a, b in styles):
        return "the author changed quotes or prefix"
    if [each.value for each in one] != [each.value for each in other]:
        return "the author moved text between pieces"
    return "the author escaped otherwise"


def main(arguments: list[str] | None = None) -> int:
    """Run and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repositories", nargs="+")
    parser.add_argument("--limit", type=int, help="at most so many changes of each repository")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    jobs = []
    for repository in options.repositories:
        pairs = changes(repository)[: options.limit]
        jobs += [(repository, pairs[i : i + 50]) for i in range(0, len(pairs), 50)]
    with Pool(options.jobs) as pool:
        for result in pool.imap_unordered(replay_some, jobs):
            counts.update(result)
    done = counts["reproduced"]
    judged = done + sum(n for name, n in counts.items() if name.startswith(("differs", "refused")))
    for name, number in sorted(counts.items()):
        print(f"{number:>10,}  {name}")
    print(f"{done / max(judged, 1):>10.2%}  of {judged:,} reproduced")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
