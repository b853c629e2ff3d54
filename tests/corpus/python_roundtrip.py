"""Replace string literals of real code through the engine, and put them back.

    python tests/corpus/python_roundtrip.py --paths DIR... --sample 20000 --seed 1

Every sampled literal gets a value with quotes, backslashes, braces and non-ASCII text. The edit
must be proved by the engine, mean the new value and nothing else to an independent judge (the
standard library's dump of the whole tree), and the way back must give the same bytes.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(ROOT / "tests")]

# The path is set first, so that the command runs from a checkout as it is.
from keychange.edits import apply_edits  # noqa: E402
from keychange.formats.python.address import Literal, Place, literals  # noqa: E402
from keychange.formats.python.encoding import InvalidPython  # noqa: E402
from keychange.formats.python.source import parse as parse_source  # noqa: E402
from keychange.model import Context, Recorded, Source  # noqa: E402
from keychange.operations import python as kind  # noqa: E402
from support.python_oracle import differences  # noqa: E402

CONTEXT = Context(revision="0001_corpus", expand=lambda value: value)
ENDINGS = ("\\", '"', "'", "}", "\n", "''' \"\"\"", "\t", "é", "🎙", "")


def files_in(paths: list[str]) -> Iterator[str]:
    """All Python files below the paths, sorted."""
    for path in map(Path, paths):
        found = path.rglob("*.py") if path.is_dir() else (path,)
        yield from sorted(str(each) for each in found if each.suffix == ".py" and each.is_file())


def survey(path: str) -> tuple[str, list[int], int, str]:
    """The indexes of the value literals of a file, the number of all, and why it was not read."""
    try:
        found = literals(parse_source(Path(path).read_bytes()))
    except InvalidPython as problem:
        return path, [], 0, problem.message.split("(")[0].strip()
    places = [index for index, each in enumerate(found) if each.place is Place.VALUE]
    return path, places, len(found), ""


def replace_some(job: tuple[str, list[int], int]) -> Counter[str]:
    """Replace the chosen literals of one file: together, and one by one where that is refused."""
    path, chosen, seed = job
    data = Path(path).read_bytes()
    found = literals(parse_source(data))
    counts: Counter[str] = Counter({"literals": len(chosen)})
    wanted = []
    for index in chosen:
        ending = random.Random(f"{seed} {path} {index}").choice(ENDINGS)
        value = f'it\'s "new" \\d {index} {{x}} naïve 漢字{ending}'
        wanted.append((found[index], value))
    whole = [each for each in wanted if each[0].part is None]
    groups = [whole, *([each] for each in wanted if each[0].part is not None)]
    while groups:
        group = groups.pop()
        outcomes = list(there_and_back(path, data, group)) if group else []
        if len(group) > 1 and outcomes[0].startswith("refused"):
            groups += ([each] for each in group)
            continue
        for outcome in outcomes:
            counts[outcome] += len(group)
            if outcome.startswith("WRONG"):
                print(f"{path}: {[each.address for each, _ in group]}: {outcome}", file=sys.stderr)
    return counts


def there_and_back(path: str, data: bytes, wanted: list[tuple[Literal, str]]) -> Iterator[str]:
    """The stages that some literals of a file pass together, or what stopped them."""
    entries = []
    for literal, new in wanted:
        numbered = re.search(r"#\d+$", literal.address)
        if literal.part is None:
            at = literal.address if numbered else f"{literal.address}#1"
            entries.append({"at": at, "to": new})
        else:
            entries.append({"from": literal.value, "to": new, "in": "any"})
    operation = kind.parse({"strings": entries}, {"kind": "python", "targets": (path,)})
    finding = kind.examine(operation, Source(path, data), CONTEXT)
    for problem in finding.diagnostics:
        if problem.is_error:
            message = problem.message.replace(f"{path} ", "").split(": ", 1)[-1]
            reason = re.split(r"[\'\"]", message)[0].strip()
            yield f"refused: {problem.code}: {reason}"
            return
    sites = [site for site in finding.sites if site.changes]
    if not {literal.address for literal, _ in wanted} <= {site.address for site in sites}:
        yield "WRONG: a literal is no site"
        return
    yield "replaced"
    if finding.proof:
        yield "proved"
    edited = apply_edits(data, finding.edits)
    try:
        pairs = differences(data, edited)
    except RecursionError:
        yield "too deep for the judge"
    except (AssertionError, SyntaxError, ValueError) as problem:
        yield f"WRONG: {type(problem).__name__}"
    else:
        right = Counter(pairs) == Counter((site.before, site.after) for site in sites)
        yield "evaluated equal" if right else "WRONG: values differ"
    records = [
        Recorded(path, "python", site.address, site.before, site.after, site.undo) for site in sites
    ]
    back = kind.revert(records, Source(path, edited), CONTEXT)
    same = apply_edits(edited, back.edits) == data
    yield "byte-identical" if same else "WRONG: the way back differs"


def main(arguments: list[str] | None = None) -> int:
    """Run, print a table, and end with 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paths", nargs="+", required=True)
    parser.add_argument("--sample", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    rows: list[tuple[str, int]] = []
    with Pool(options.jobs) as pool:
        for path, places, total, problem in pool.imap(survey, files_in(options.paths), 64):
            counts["files"] += 1
            counts["all literals"] += total
            counts["in value position"] += len(places)
            if problem:
                counts[f"not read: {problem}"] += 1
            rows += ((path, index) for index in places)
        chosen: dict[str, list[int]] = {}
        size = min(options.sample, len(rows))
        for path, index in random.Random(options.seed).sample(rows, size):
            chosen.setdefault(path, []).append(index)
        jobs = [(path, sorted(chosen[path]), options.seed) for path in sorted(chosen)]
        counts["files sampled"] = len(jobs)
        for result in pool.imap_unordered(replace_some, jobs, 8):
            counts.update(result)
    stages = [
        "files",
        "all literals",
        "in value position",
        "files sampled",
        "literals",
        "replaced",
        "proved",
        "evaluated equal",
        "byte-identical",
    ]
    others = sorted(set(counts) - set(stages))
    for name in (*stages, *others):
        print(f"{counts[name]:>10,}  {name}")
    return int(any(name.startswith("WRONG") for name in counts))


if __name__ == "__main__":
    raise SystemExit(main())
