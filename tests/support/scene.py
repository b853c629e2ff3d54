"""Room of one project with files of every sort, for the transaction to write up and down."""

from __future__ import annotations

import os
from pathlib import Path

from keychange.transaction.preflight import FileWrite
from support.faults import LEDGER, run


class Scene:
    """A project and two lists of writes, up and down, over files of every sort.

    Replaced, made and removed files, in folders that exist and that do not; a hard link, links
    to a file and to a folder, and the ledger.
    """

    def __init__(self, root: Path, replaced: int = 40) -> None:
        self.root = root
        self._old: dict[str, bytes] = {}
        self._new: dict[str, bytes] = {}
        for number in range(replaced):
            path = f"generated/p{number % 7}/config-{number}.json"
            self._old[path] = b'{"model": "old", "number": %d}\n' % number
            self._new[path] = self._old[path].replace(b"old", b"a longer new one" * (number % 3))
        self._old[".env"], self._new[".env"] = b"TOKEN=s\n", b"TOKEN=s\nexport MODEL=new\n"
        self._old["hard-1"], self._new["hard-1"] = b"linked: old, and longer\n", b"linked: new\n"
        self._old["linked/real"], self._new["linked/real"] = b"old end", b"new end"
        self._old["linked/through"], self._new["linked/through"] = b"old", b"new"
        for number in range(4):
            self._new[f"made/by/up-{number}"] = b"made %d" % number
            self._old[f"removed/by-up-{number}"] = b"removed %d" % number
        self._names = {"linked/real": "link", "linked/through": "folder-link/through"}
        self._ledgers = b'{"format": 1, "applied": []}', b'{"format": 1, "applied": ["0001"]}'

    def build(self) -> None:
        for path, data in self._old.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            file.chmod(0o600 if path == ".env" else 0o755 if path.endswith("3.json") else 0o644)
        os.link(self.root / "hard-1", self.root / "hard-2")
        (self.root / "link").symlink_to("linked/real")
        (self.root / "folder-link").symlink_to("linked")
        (self.root / "removed/bystander").write_bytes(b"")
        (self.root / "made").mkdir()
        run(self.root, [], FileWrite(LEDGER, None, self._ledgers[0], mode=0o600))

    def up(self) -> None:
        self._run(self._old, self._new, self._ledgers)

    def down(self) -> None:
        self._run(self._new, self._old, self._ledgers[::-1])

    def _run(self, old, new, ledgers) -> None:
        writes = [
            FileWrite(self._names.get(path, path), old.get(path), new.get(path))
            for path in sorted(old.keys() | new.keys())
        ]
        run(self.root, writes, FileWrite(LEDGER, *ledgers))
