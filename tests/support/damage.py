"""Room of damage: documents with one thing wrong, and a project that shows what comes of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from support import faults
from support.history import declare, write
from support.workspace import Said, migrate_here

EVERY = int(os.environ.get("KEYCHANGE_DAMAGE", "0"))
"""Of the cases that run whole verbs, one of so many is tried; 0 is what each test finds fit."""

STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2.5, float("inf"), 10**30),
    *("", "x", "\0", "\ud800", "../../x", "/etc/hostname"),
    *([], {}, [[]], [None], {"a": 1}, ["x"], json.loads("[" * 300 + "]" * 300)),
)
Path_ = tuple[str | int, ...]

FIRST = """\
format: 1
id: 0001_one
title: a to b
operations:
  - env: .env
    missing: create
    export: true
    set: {MODEL: {from: a, to: b}, NEWKEY: {to: fresh}}
    rename: {OLDNAME: NEWNAME}
    remove: [GONE]
  - env: made/new.env
    missing: create
    set: {MODEL: {to: b}}
  - python: app.py
    strings:
      - {from: a, to: b}
      - {at: Voice.LANGUAGE, from: auto, to: english}
  - json: conf/*.json
    set: {/model: {from: a, to: b}}
    default: {/language: english}
    rename: {/oldkey: /newkey, /inner/deep: /moved}
    remove: [/obsolete]
    remove_items: {/voices: {where: {/id: bad}}}
"""
SECOND = """\
format: 1
id: 0002_two
title: b to c
operations:
  - env: .env
    set: {MODEL: {from: b, to: c}}
  - python: app.py
    strings: [{from: b, to: c}]
  - json: conf/*.json
    set: {/model: {from: b, to: c}}
"""
FILES = {
    ".env": "# mine\nTOKEN=canary\nMODEL=a  # now\nOLDNAME=1\n# gone\nGONE=2\nEND=3\n",
    "app.py": "MODEL = 'a'\nOTHER = 'a'\nclass Voice:\n    LANGUAGE = 'auto'\n",
    "conf/one.json": """\
{
  "model": "a",
  "n": 1.0,
  "oldkey": 1,
  "inner": {"deep": 2, "x": 1},
  "obsolete": [1],
  "voices": [{"id": "good"}, {"id": "bad"}, {"id": "fine"}]
}
""",
    "keep.txt": "keep\n",
    ".keychange-mine": "keep\n",
}


def places(node: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Every place in a document."""
    yield at
    if isinstance(node, dict):
        for name in node:
            yield from places(node[name], (*at, name))
    elif isinstance(node, list):
        for index in range(len(node)):
            yield from places(node[index], (*at, index))


def held(document: Any, at: Path_) -> Any:
    for step in at:
        document = document[step]
    return document


def damaged(document: Any) -> Iterator[tuple[tuple[str, Path_], Any]]:
    """The document with one thing wrong, and which; it is whole again for the next one."""
    for at in list(places(document)):
        old = held(document, at)
        for name, new in _instead(old):
            if not at:
                yield (name, at), new
                continue
            node = held(document, at[:-1])
            node[at[-1]] = new
            yield (name, at), document
            node[at[-1]] = old
        if at and isinstance(at[-1], str):
            node = held(document, at[:-1])
            before = dict(node)
            del node[at[-1]]
            yield ("gone", at), document
            node.clear()
            node.update(before)


def _instead(old: Any) -> Iterator[tuple[str, Any]]:
    """What may stand where a value is: all that is strange, and the value with a small change."""
    yield from (("set", new) for new in STRANGE if type(new) is not type(old) or new != old)
    if isinstance(old, dict):
        yield "more", {**old, "unknown": 1}
    elif isinstance(old, list) and old:
        yield from (("cut", old[:-1]), ("double", [*old, *old]))
        if len(old) > 1:
            yield "turned", old[::-1]
    elif isinstance(old, str) and old:
        yield from (("longer", old + "x"), ("shorter", old[:-1]))
    elif type(old) is int:
        yield from (("moved", old + step) for step in (1, -1, 1000))


def broken(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Bytes cut, flipped, doubled, and what is no document at all."""
    yield from (
        ("empty", b""),
        ("other", b"\xff\n"),
        ("deep", b"[" * 100_000),
        ("big", b"9" * 5000),
    )
    yield "double", data + data
    yield from ((f"cut {part}", data[: len(data) * part // 8]) for part in range(1, 8))
    for at in range(0, len(data), max(1, len(data) // 8)):
        flipped = bytearray(data)
        flipped[at] ^= 4
        yield f"flip {at}", bytes(flipped)


class World:
    """A project, with files around it that nothing may touch; as it was again before each case."""

    def __init__(self, folder: Path) -> None:
        self._world, self._kept = folder / "world", folder / "kept"
        self.root = self._world / "a/b/project"
        for name in ("world/x", "world/a/x", "world/a/b/x"):
            write(folder, name, "not yours\n")
        (self._world / "a/empty").mkdir()
        for path, text in FILES.items():
            write(self.root, path, text)
        declare(self.root, FIRST, SECOND)
        self._known: dict[str, set[bytes]] = {}

    def run(self, *arguments: str, code: int = 0) -> Said:
        done = migrate_here(self.root, *arguments)
        assert done.returncode == code, done
        return done

    def edit(self) -> None:
        """Change files elsewhere, so that sites are put back one by one."""
        for path in (".env", "app.py"):
            file = self.root / path
            file.write_text(f"# top\n{file.read_text()}")
        file = self.root / "conf/one.json"
        file.write_text(file.read_text().replace("1.0", "2.0"))

    def interrupt(self, stage: str) -> None:
        """Be killed in the middle of `up`: with a file written, or right after the commit."""
        last = "app.py" if stage == "prepared" else "committed"

        def fault(call: faults.Call) -> None:
            call.make()
            faults.killed(call)

        def act() -> None:
            with faults.injected(faults.at_call("replace", last)(fault)):
                migrate_here(self.root, "up", "--yes")

        assert faults.was_killed(faults.in_child(act))
        assert (self.root / ".keychange/journal" / stage).exists()

    def keep(self, *runs: tuple[tuple[str, ...], ...]) -> None:
        """This is how it is to be; ``runs`` lead to the other bytes that its files may hold."""
        shutil.copytree(self._world, self._kept, symlinks=True)
        self._note()
        for verbs in runs:
            for verb in verbs:
                migrate_here(self.root, *verb)
                self._note()
            self.again()

    def again(self) -> None:
        shutil.rmtree(self._world)
        shutil.copytree(self._kept, self._world, symlinks=True)

    def _note(self) -> None:
        for path, data in self.files().items():
            self._known.setdefault(path, set()).add(data)

    def files(self) -> dict[str, bytes]:
        own = self.root / ".keychange"
        return {
            str(path.relative_to(self._world)): path.read_bytes() if path.is_file() else b"folder"
            for path in self._world.rglob("*")
            if not path.is_relative_to(own)
        }

    def judge(
        self,
        case: tuple[str, object],
        spoil: Mapping[str, bytes | Callable[[Path], object]],
        verb: tuple[str, ...],
    ) -> int:
        """Run a verb on the project with something of it spoilt; its exit code.

        It ends as DESIGN says, and no file holds, or is gone for, what no run leads to. Where
        something is left out of a record, the files of the migrations may: it is not put back.
        ``spoil`` holds by path other bytes, or how to make what is there instead.
        """
        self.again()
        for path, instead in spoil.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.unlink(missing_ok=True)
            file.write_bytes(instead) if isinstance(instead, bytes) else instead(file)
        before = self.files()
        done = migrate_here(self.root, *verb)
        about = f"{case} {verb}: {done}"
        assert done.returncode in (0, 1, 2, 3, 4), about
        assert "internal-error" not in done.stdout + done.stderr, about
        assert "Traceback" not in done.stderr, about
        assert done.returncode in (0, 1) or "error" in done.stdout + done.stderr, about
        after = self.files()
        for path in before.keys() | after.keys():
            if after.get(path) == before.get(path) or self._is_staged(path):
                continue
            lost = path not in after and not path.endswith(("made", "new.env"))
            known = after.get(path) in self._known.get(path, ()) or path not in after
            governed = case[0] in ("gone", "cut", "double", "turned", "moved") and path.endswith(
                (".env", "app.py", ".json")
            )
            assert not lost, f"{path} is gone; {about}"
            assert known or governed, f"{path} holds {after.get(path)!r}; {about}"
        return done.returncode

    @staticmethod
    def _is_staged(path: str) -> bool:
        name = path.rpartition("/")[2]
        return name.startswith(".keychange-") and name != ".keychange-mine"
