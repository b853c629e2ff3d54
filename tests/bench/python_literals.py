"""Replace one literal in 1, 50 and 1,000 files of a corpus: keychange beside tools that do it too.

    python tests/bench/python_literals.py --corpus DIR [--ast-grep PATH] [--runs 3]

The files below DIR are copied; a literal is put into N of them; each tool searches all of them and
must change exactly those N, byte for byte. Prints the median wall time and its ratio to ours.
``perl`` is the floor: it replaces text and proves nothing.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import Pool
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine")]

# The path is set first, so that the command runs from a checkout as it is.
from keychange.edits import apply_edits  # noqa: E402
from keychange.model import Context, Source  # noqa: E402
from keychange.operations import python as kind  # noqa: E402

OLD, NEW = "bench-org/model-0.6B-4bit", "bench-org/model-1.7B-8bit"
OPERATION = kind.parse(
    {"strings": [{"from": OLD, "to": NEW}]}, {"kind": "python", "targets": ("**/*.py",)}
)
CONTEXT = Context(revision="0001_bench", expand=lambda value: value)
CODEMOD = f"""
import libcst as cst
from libcst.codemod import VisitorBasedCodemodCommand

class Swap(VisitorBasedCodemodCommand):
    def leave_SimpleString(self, original_node, updated_node):
        if original_node.evaluated_value == {OLD!r}:
            return updated_node.with_changes(value={repr(NEW)!r}.replace("'", '"'))
        return updated_node
"""


def edit(path: Path) -> None:
    """Our whole way for one file: search, find, write, prove, splice."""
    data = path.read_bytes()
    edits = kind.examine(OPERATION, Source(path.name, data), CONTEXT).edits
    if edits:
        path.write_bytes(apply_edits(data, edits))


def ours(folder: Path) -> None:
    """All files, over the processors."""
    with Pool(2) as pool:
        pool.map(edit, sorted(folder.rglob("*.py")), 64)


def command(*words: str) -> Callable[[Path], None]:
    """A peer: a shell command in the folder."""
    return lambda folder: _run(folder, *words)


def _run(folder: Path, *words: str) -> None:
    subprocess.run(words, cwd=folder, check=False, capture_output=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--ast-grep", default="ast-grep")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--codemod", action="store_true", help="libcst.tool too: it takes minutes")
    options = parser.parse_args()
    peers: dict[str, Callable[[Path], None]] = {
        "keychange": ours,
        "perl": command(
            "sh", "-c", f"grep -rlF {OLD} . | xargs perl -pi -e 's|\\Q{OLD}\\E|{NEW}|'"
        ),
        "ast-grep": command(
            options.ast_grep, "run", "-l", "python", "-p", f'"{OLD}"', "-r", f'"{NEW}"', "-U", "."
        ),
    }
    if options.codemod:
        peers["libcst.tool"] = command(
            sys.executable, "-m", "libcst.tool", "codemod", "-j", "2", "-x", "swap.Swap", "."
        )
    for number in (1, 50, 1000):
        base: float | None = None
        for name, run in peers.items():
            runs = 1 if name == "libcst.tool" else options.runs
            times, exact = zip(
                *(measure(options.corpus, number, run) for _ in range(runs)), strict=True
            )
            median = statistics.median(times)
            base = base or median
            verdict = "exact" if all(exact) else "NOT EXACT"
            print(
                f"{number:>5} files  {name:<12} {median:8.2f} s  {median / base:7.2f} x  {verdict}"
            )


def measure(corpus: Path, number: int, run: Callable[[Path], None]) -> tuple[float, bool]:
    """Wall seconds of one run on a fresh copy, and whether it changed what it should alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "corpus"
        shutil.copytree(corpus, folder, ignore=lambda _, names: [
            each for each in names if "." in each and not each.endswith(".py")
        ])  # fmt: skip
        (folder / ".libcst.codemod.yaml").write_text("modules: ['.']\n")
        files = sorted(folder.rglob("*.py"))
        wanted = {path: path.read_bytes() for path in files}
        for path in files[:: max(1, len(files) // number)][:number]:
            line = f'\nBENCH_MODEL = "{OLD}"\n'.encode()
            path.write_bytes(wanted[path] + line)
            wanted[path] += line.replace(OLD.encode(), NEW.encode())
        (folder / "swap.py").write_text(CODEMOD)
        start = time.perf_counter()
        run(folder)
        seconds = time.perf_counter() - start
        return seconds, all(path.read_bytes() == data for path, data in wanted.items())


if __name__ == "__main__":
    main()
