"""Workloads of `check`: what a hook costs, against starting Python and against git's own search."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from measure import Contender, Row, contest, say
from places import CHECKOUT, NEW, OLD, Places, commit, write

LITERALS = (OLD, *(f"bench-org/voice-{size}-4bit" for size in ("1B", "2B", "3B", "4B")))


def start(places: Places, runs: int) -> list[Row]:
    """On the sample, applied, with nothing changed since; and with ten staged names."""
    root = places.fresh("start") / "sample"
    shutil.copytree(CHECKOUT / "assets" / "sample", root)
    write(root, {".gitignore": "generated/\n.env\n"})
    write(root, {f"src/part_{number}.py": f"PART = {number}\n" for number in range(10)})
    commit(root)
    say([places.ours / "migrate", "up", "--yes", "--no-verify"], root)
    say(["git", "add", "-A"], root)
    python = places.ours / "python"
    names = [f"src/part_{number}.py" for number in range(10)]
    ours = places.ours / "migrate"
    bare = Contender("`python -c pass`", [python, "-c", "pass"], 1.5)
    click = Contender("`python -c 'import click'`", [python, "-c", "import click"], 1.2)
    schema = CHECKOUT / "schemas" / "voice_clone_config.v2.schema.json"
    configs = sorted((root / "generated").glob("*/voice_clone_config.json"))
    validate = Contender(
        "check-jsonschema, 3 configs",
        [places.peers / "check-jsonschema", "--schemafile", schema, *configs],
    )
    many = max(20, runs)
    return [
        *contest(
            "`check`, 10 staged names, warm",
            root,
            Contender("ours", [ours, "check", "--index", *names]),
            [bare],
            runs=many,
        ),
        *contest(
            "`check`, sample, unchanged",
            root,
            Contender("ours", [ours, "check", "--index"]),
            [click, validate],
            runs=many,
        ),
    ]


def real(places: Places, runs: int, clone: Path) -> list[Row]:
    """On the real project before its owner's upgrade, applied, with nothing changed since."""
    sys.path[:0] = [str(CHECKOUT / "tests" / "real"), str(CHECKOUT / "tests")]
    from flaming_horse import make

    root = places.fresh("real") / "flaming-horse"
    root.mkdir()
    make(clone.resolve(), root)
    ours, python = places.ours / "migrate", places.ours / "python"
    say([ours, "up", "--yes", "--no-verify"], root)
    say(["git", "add", "-A"], root)
    click = Contender("`python -c 'import click'`", [python, "-c", "import click"], 1.2)
    check = Contender("ours", [ours, "check", "--index"])
    return contest("`check`, real project, unchanged", root, check, [click], runs=max(20, runs))


def everything(places: Places, runs: int, copies: int) -> list[Row]:
    """All files of a large checkout, for five old literals that none of them holds."""
    root = places.fresh("everything")
    for number in range(copies):
        shutil.copytree(places.corpus(), root / f"copy_{number}")
    operations = [
        {"from": old, "to": NEW, "path": f"copy_{number % copies}/stdlib/*.py"}
        for number, old in enumerate(LITERALS)
    ]
    text = "format: 1\nid: 0001_voice\ntitle: voice\noperations:\n"
    for each in operations:
        text += f'  - python: "{each["path"]}"\n'
        text += f"    strings: [{{from: {each['from']}, to: {each['to']}}}]\n"
    write(root, {"migrations/0001_voice.yaml": text})
    commit(root)
    number = len(say(["git", "ls-files", "*.py"], root).splitlines())
    patterns = [word for old in LITERALS for word in ("-e", old)]
    ours = Contender("ours", [places.ours / "migrate", "check"])
    grep = Contender(
        "`git grep -lF`, 5 literals",
        ["git", "grep", "-lF", *patterns],
        1.1 if copies > 5 else 1.3,
    )
    return contest(f"`check`, {number:,} files", root, ours, [grep], runs=runs)


def history(places: Places, runs: int) -> list[Row]:
    """200 applied migrations against one."""
    roots = {}
    for length in (1, 200):
        root = places.fresh(f"history_{length}")
        for number in range(1, length + 1):
            write(root, {f"migrations/{number:04d}_step.yaml": _step(number)})
        files = {f"app/part_{each}.py": f'MODEL = "bench-org/m-{length}"\n' for each in range(5)}
        configs = {
            f"generated/p{each}/c.json": f'{{"model": "bench-org/m-{length}"}}\n'
            for each in range(10)
        }
        write(root, {**files, **configs, ".gitignore": "generated/\n"})
        commit(root)
        say([places.ours / "migrate", "up", "--yes"], root)
        roots[length] = root
    ours = places.ours / "migrate"
    one = Contender("the same with one", [ours, "-C", roots[1], "check"], 1.2)
    many = Contender("ours", [ours, "-C", roots[200], "check"])
    return contest("`check`, 200 applied migrations", roots[200], many, [one], runs=max(20, runs))


def _step(number: int) -> str:
    values = f"from: bench-org/m-{number - 1}, to: bench-org/m-{number}"
    return (
        f"format: 1\nid: {number:04d}_step\ntitle: step {number}\noperations:\n"
        f'  - python: "app/*.py"\n    strings: [{{{values}}}]\n'
        f'  - json: "generated/*/c.json"\n    set: {{/model: {{{values}}}}}\n'
    )


def workspace(root: Path, configs: int) -> None:
    """The sample with so many configs, each in a project of its own."""
    shutil.copytree(CHECKOUT / "assets" / "sample", root, dirs_exist_ok=True)
    for path in (root / "generated").glob("*/media"):
        shutil.rmtree(path)
    model = next((root / "generated").glob("*/voice_clone_config.json")).read_text()
    write(
        root,
        {f"generated/p{n:05d}/voice_clone_config.json": model for n in range(configs)},
    )
    write(root, {".gitignore": "generated/\n.env\n"})
