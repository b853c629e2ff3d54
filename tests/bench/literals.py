"""Workload of sources: one literal in a few of thousands of files, with the full proof."""

from __future__ import annotations

import shutil

from measure import Contender, Row, contest
from places import NEW, OLD, Kept, Places, codemod, write

MIGRATION = f"""\
format: 1
id: 0001_voice
title: voice
operations:
  - python: "corpus/**/*.py"
    strings: [{{from: {OLD}, to: {NEW}}}]
"""


def literals(places: Places, runs: int, number: int) -> list[Row]:
    """The literal in so many files; keychange reads all of them, proves and journals."""
    root = places.fresh("literals") / "project"
    shutil.copytree(places.corpus(), root / "corpus")
    files = sorted((root / "corpus").rglob("*.py"))
    for path in files[:: len(files) // number][:number]:
        path.write_bytes(path.read_bytes() + f'\nBENCH_MODEL = "{OLD}"\n'.encode())
    write(root, {"migrations/0001_voice.yaml": MIGRATION})
    write(root, {".libcst.codemod.yaml": "modules: ['.']\n"})
    aside = root.parent / "tools"
    write(aside, {"swap.py": codemod(OLD, NEW)})
    kept = Kept(root)

    def exact() -> bool:
        changed = kept.changed()
        return len(changed) == number and all(
            data == kept.files[root / path].replace(OLD.encode(), NEW.encode())
            for path, data in changed.items()
        )

    aims = (4, 1 / 10) if number >= 50 else (None, None)  # for one file starting is the most
    found = f"rg -l0 --no-ignore -tpy -F {OLD} corpus | xargs -0"
    tools = {"PATH": f"{places.peers}:/usr/bin:/bin", "PYTHONPATH": str(aside)}
    grep = f"{found} ast-grep run -l python -p '\"{OLD}\"' -r '\"{NEW}\"' -U"
    perl = f"{found} perl -pi -e 's|\\Q{OLD}\\E|{NEW}|'"
    return contest(
        f"`up`, a literal in {number:,} of {len(files):,} sources",
        root,
        Contender("ours", [places.ours / "migrate", "up", "--yes", "-q"], exact=exact),
        [
            Contender("ripgrep + perl, proves nothing", ["sh", "-c", perl], None, exact, tools),
            Contender(
                "ripgrep + ast-grep, proves nothing", ["sh", "-c", grep], aims[0], exact, tools
            ),
            Contender(
                "ripgrep + libcst.tool codemod -j2",
                [
                    "sh",
                    "-c",
                    f"{found} python -m libcst.tool codemod -x --no-format swap.Swap -j 2",
                ],
                aims[1],
                environment=tools,
                runs=1 if number > 100 else 3,
            ),
        ],
        runs=runs,
        before=kept.restore,
    )
