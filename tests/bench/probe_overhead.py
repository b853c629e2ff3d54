"""Room of the probe's price: its loading and speaking against a bare load_model and generate.

python tests/bench/probe_overhead.py --rounds 7

Both run in a fresh process of the same interpreter, on the same tiny made-up checkpoint, and speak
twice: cold and warm. What the probe measures beside that is shown apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "engine"), str(HERE.parent)]

from keychange.probing.client import run_probe, worker_environment  # noqa: E402 - path first
from support.probe import PYTHON, hub, request  # noqa: E402 - path first

BARE = """
import json, os, sys, time
import mlx.core as mx
import numpy as np
from mlx_audio.tts.utils import load_model
from mlx_audio.utils import load_audio
asked = json.loads(sys.argv[1])
start = time.perf_counter()
model = load_model(asked["model"])
times = {"load": time.perf_counter() - start}
voice = mx.array(np.asarray(load_audio(asked["audio"], sample_rate=model.sample_rate)))
for name in ("synthesis", "repeat"):
    mx.random.seed(0)
    start = time.perf_counter()
    parts = model.generate(text=asked["text"], ref_audio=voice, ref_text=asked["transcript"],
                           lang_code="english", max_tokens=144, verbose=False)
    audio = np.concatenate([np.asarray(each.audio, dtype=np.float32).reshape(-1) for each in parts])
    times[name] = time.perf_counter() - start
os.write(3, json.dumps(times).encode())
os._exit(0)
"""


def bare(asked: object, environment: dict[str, str], folder: Path) -> dict[str, float]:
    """Seconds of loading and of two syntheses, without the probe."""
    words = {
        "model": asked.model,
        "audio": str(asked.ref_audio),
        "transcript": asked.ref_text.read_text("utf-8").strip(),
        "text": asked.text,
    }
    target = folder / "times.json"
    redirect = f'exec "$0" -c "$1" "$2" 3>{target} >/dev/null 2>&1'
    command = ["sh", "-c", redirect, str(PYTHON), BARE, json.dumps(words)]
    start = time.perf_counter()
    subprocess.run(command, env=environment, cwd=folder, check=True)
    return {**json.loads(target.read_text()), "whole": time.perf_counter() - start}


def probed(asked: object) -> dict[str, float]:
    """Seconds of the same stages inside the probe."""
    start = time.perf_counter()
    report = run_probe(asked)
    if report.code:
        raise SystemExit(f"{report.code}: {report.message}")
    stages = report.perf["stages"]
    kept = {name: stages[name] for name in ("load", "synthesis", "repeat")}
    return {**kept, "whole": time.perf_counter() - start}


def main() -> int:
    """Print the medians side by side; the status is 1 where the overhead is 10 % or more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rows: dict[str, list[dict[str, float]]] = {"bare": [], "probe": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        asked = request(hub(folder / "hub"), repeat=True)
        environment = worker_environment(dict(asked.environment))
        for number in range(options.rounds + 1):
            first, second = bare(asked, environment, folder), probed(asked)
            if number:  # the first round fills the caches of the disk
                rows["bare"].append(first)
                rows["probe"].append(second)
    names = ("load", "synthesis", "repeat")
    work = {side: statistics.median(sum(r[n] for n in names) for r in rows[side]) for side in rows}
    for name in (*names, "whole"):
        a, b = (statistics.median(each[name] for each in rows[side]) for side in rows)
        print(f"{name:10} bare {a:7.3f} s   probe {b:7.3f} s")
    overhead = work["probe"] / work["bare"] - 1
    print(f"loading and speaking: {work['bare']:.3f} s and {work['probe']:.3f} s, {overhead:+.1%}")
    print(f"on {os.cpu_count()} processors, median of {options.rounds} rounds")
    return int(overhead >= 0.1)


if __name__ == "__main__":
    sys.exit(main())
