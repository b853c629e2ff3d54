"""Scale: time and memory of the verbs as a project grows; what grows faster than its size shows."""

from __future__ import annotations

from measure import Contender, Spent, spend
from places import Kept, Places, commit

from checking import workspace  # isort: skip


def scale(places: Places, sizes: tuple[int, ...]) -> list[dict[str, object]]:
    """For each number of configs one run of each verb."""
    rows = []
    for size in sizes:
        root = places.fresh("scale") / "project"
        workspace(root, size)
        commit(root)
        kept = Kept(root)
        migrate = places.ours / "migrate"
        for verb, *words in (
            ("plan", "--name-only"),
            ("up", "--yes", "--no-verify", "-q"),
            ("check",),
            ("check",),
            ("down", "--yes", "-q"),
        ):
            spent = spend(Contender(verb, [migrate, verb, *words]), root)
            again = verb == "check" and rows[-1]["verb"] == "check"
            rows.append(_row("check, warm" if again else verb, size, spent))
        assert not kept.changed(), "down did not bring back every byte"
    return rows


def _row(verb: str, size: int, spent: Spent) -> dict[str, object]:
    return {
        "verb": verb,
        "configs": size,
        "wall_ms": spent.wall * 1000,
        "cpu_ms": spent.cpu * 1000,
        "peak_mb": spent.peak / 1e6,
    }


def table(rows: list[dict[str, object]]) -> str:
    """Verbs by size: wall time, and the peak of memory."""
    sizes = sorted({int(str(row["configs"])) for row in rows})
    verbs = list(dict.fromkeys(str(row["verb"]) for row in rows))
    lines = [
        "| verb | " + " | ".join(f"{size:,} configs" for size in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    for verb in verbs:
        cells = []
        for size in sizes:
            row = next(row for row in rows if row["verb"] == verb and row["configs"] == size)
            cells.append(f"{float(str(row['wall_ms'])) / 1000:.2f} s, {row['peak_mb']:.0f} MB")
        lines.append(f"| `{verb}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)
