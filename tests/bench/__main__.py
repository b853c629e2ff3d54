"""The bench: keychange beside what people use today, in one run on one machine.

    python tests/bench [--quick] [--only WORKLOAD ...] [--folder DIR] [--real CLONE]

Builds a wheel, installs it and the peers by name, and prints ratios of medians as Markdown; as
JSON they lie in DIR/results.json. CLONE is a local git directory of
github.com/zfifteen/flaming-horse, whose workload is left out without it. Each run passes a gate:
the bytes that were meant, no others.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import measure
import scale
from checking import everything, history, real, start
from fields import field, keys, validation
from literals import literals
from measure import Row
from places import CHECKOUT, Places, machine
from transaction import transaction
from upgrading import upgrade

Grown: TypeAlias = list[dict[str, object]]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the files, three runs")
    parser.add_argument("--only", nargs="*", default=None, metavar="WORKLOAD")
    parser.add_argument("--folder", type=Path, default=CHECKOUT / ".bench")
    parser.add_argument("--real", type=Path, metavar="CLONE")
    options = parser.parse_args()
    quick, runs = options.quick, 3 if options.quick else 7
    many = 1_000 if quick else 10_000
    places = Places(options.folder)
    workloads: dict[str, Callable[[], list[Row]]] = {
        "start": lambda: start(places, runs * 5),
        "history": lambda: history(places, runs * 3),
        "everything": lambda: everything(places, runs, 1),
        "hundred-thousand": lambda: everything(places, runs, 11),
        "upgrade": lambda: upgrade(places, runs),
        "literal-1": lambda: literals(places, runs, 1),
        "literal-50": lambda: literals(places, runs, 50),
        "literal-1000": lambda: literals(places, min(runs, 3), 1000),
        "field": lambda: field(places, min(runs, 5), many),
        "validation": lambda: validation(places, min(runs, 5), many),
        "keys": lambda: keys(places, runs),
        "transaction": lambda: [
            transaction(places.fresh("transaction"), runs * 3, number) for number in (105, 400)
        ],
    }
    if options.real:
        workloads["real"] = lambda: real(places, runs * 5, options.real)
    sizes = (100, 1_000) if quick else (100, 1_000, 10_000)
    growing: dict[str, Callable[[], Grown]] = {
        "scale": lambda: [*scale.configs(places, sizes), *scale.sources(places, sizes[1:])],
        "document": lambda: scale.document(places, 10 if quick else 100),
    }
    slow = {"hundred-thousand", "literal-1000"}
    names = (*workloads, *growing)
    chosen = options.only
    if chosen is None:
        chosen = [name for name in names if not (quick and name in slow)]
    if unknown := set(chosen) - set(names):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if not workloads.keys().isdisjoint(chosen):  # the others have no peers
        places.install_peers()
    rows: list[Row] = []
    grown: dict[str, Grown] = {name: [] for name in growing}
    broken = []
    for name in chosen:
        try:
            if name in growing:
                grown[name] = growing[name]()
            else:
                rows += workloads[name]()
        except SystemExit as problem:  # the others are worth having all the same
            broken.append(f"{name}: {problem}")
    about = machine(places)
    data = measure.data(rows)
    result = {"format_version": 1, "machine": about, "rows": data, **grown}
    (options.folder / "results.json").write_text(json.dumps(result, indent=2) + "\n")
    _show(rows, grown)
    print(f"\n{about['system']}, {about['processors']} processors, Python {about['python']}")
    missed = [row for row in rows if not row.met]
    print(f"{len(rows) - len(missed)} of {len(rows)} rows as aimed at", file=sys.stderr)
    for each in broken:
        print(each, file=sys.stderr)
    return 1 if broken else 0


def _show(rows: list[Row], grown: dict[str, Grown]) -> None:
    if rows:
        print(measure.table(rows))
    for tables in grown.values():
        for unit in dict.fromkeys(str(each["unit"]) for each in tables):
            print("\n" + scale.table([each for each in tables if each["unit"] == unit]))


if __name__ == "__main__":
    sys.exit(main())
