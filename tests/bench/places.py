"""Places: an installed wheel, the peers by name, a corpus, and projects made for the bench."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

from measure import say

OLD, NEW = "bench-org/voice-0.6B-4bit", "bench-org/voice-1.7B-8bit"
CHECKOUT = Path(__file__).resolve().parents[2]
PEERS = (
    *("ripgrep", "ast-grep-cli", "libcst", "check-jsonschema", "python-dotenv"),
    *("ansible-core", "click"),
)
CORPUS = ("django", "pandas", "sqlalchemy", "sympy", "transformers")
"""With the standard library about 9,000 sources."""


class Places:
    """Folders below one that is kept between runs, so that installing is done once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ours = self._environment("ours")
        self.peers = self._environment("peers")
        wheels = self.folder / "wheel"
        shutil.rmtree(wheels, ignore_errors=True)
        say([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels], CHECKOUT)
        (wheel,) = wheels.glob("*.whl")
        pip = [self.ours / "python", "-m", "pip", "install", "-q", "-c", _constraints()]
        say([*pip, "-U", "pip", wheel])
        say([*pip, "--force-reinstall", "--no-deps", wheel])

    def install_peers(self) -> None:
        """Fetch the peers, where they are not yet here; one that cannot be had is left out."""
        if (self.peers / "ansible-playbook").exists():
            return
        for name in ("pip", *PEERS):
            pip = [self.peers / "python", "-m", "pip", "install", "-q", "--prefer-binary", "-U"]
            try:
                say([*pip, name])
            except SystemExit as problem:
                print(f"{name} cannot be installed: {problem}", file=sys.stderr)

    def _environment(self, name: str) -> Path:
        folder = self.folder / name
        if not folder.exists():
            say([sys.executable, "-m", "venv", folder])
        return folder / "bin"

    def corpus(self) -> Path:
        """Sources that nobody here wrote: the standard library and some large packages."""
        folder = self.folder / "corpus"
        if folder.exists():
            return folder
        staged = self.folder / "corpus.staged"
        shutil.rmtree(staged, ignore_errors=True)
        pip = [self.peers / "python", "-m", "pip", "install", "-q", "--no-deps", "--no-compile"]
        say([*pip, "--target", staged / "packages", *CORPUS])
        library = sysconfig.get_path("stdlib")
        ignored = shutil.ignore_patterns("site-packages", "__pycache__", "*.so", "*.a")
        shutil.copytree(library, staged / "stdlib", ignore=ignored, symlinks=True)
        for path in staged.rglob("*"):
            if path.is_file() and path.suffix != ".py":
                path.unlink()
        staged.rename(folder)
        return folder

    def fresh(self, name: str) -> Path:
        """An empty folder of that name."""
        folder = self.folder / "work" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def _constraints() -> Path:
    return CHECKOUT / "constraints.txt"


def codemod(old: str, new: str) -> str:
    """The module ``swap`` for ``libcst.tool``: one string literal for another."""
    return f"""
import libcst as cst
from libcst.codemod import VisitorBasedCodemodCommand

class Swap(VisitorBasedCodemodCommand):
    def leave_SimpleString(self, original_node, updated_node):
        if original_node.evaluated_value == {old!r}:
            return updated_node.with_changes(value='"{new}"')
        return updated_node
"""


def write(root: Path, files: dict[str, str]) -> None:
    """Write texts by path from a root."""
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")


def commit(root: Path) -> None:
    """Make a folder a git checkout with all that it does not ignore."""
    for words in (
        ("init", "-q"),
        ("add", "-A"),
        (
            *("-c", "user.name=bench", "-c", "user.email=bench@example.invalid"),
            "commit",
            "-qm",
            "x",
        ),
    ):
        say(["git", *words], root)


class Kept:
    """A tree as it was, to go back to between runs; only what differs is written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = {path: path.read_bytes() for path in _files(root)}

    def restore(self) -> None:
        """Put every file back, and drop keychange's own records."""
        shutil.rmtree(self.root / ".keychange", ignore_errors=True)
        for path in _files(self.root):
            if path not in self.files:
                path.unlink()
        for path, data in self.files.items():
            if not path.exists() or path.read_bytes() != data:
                path.write_bytes(data)
        os.sync()

    def changed(self) -> dict[str, bytes]:
        """What differs now, by path from the root."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in _files(self.root)
            if self.files.get(path) != path.read_bytes()
        }


def digests(root: Path) -> dict[Path, bytes]:
    """SHA-256 by path, for whoever measures memory: what it holds counts as the child's too."""
    return {path: hashlib.sha256(path.read_bytes()).digest() for path in _files(root)}


def _files(root: Path) -> list[Path]:
    found = []
    for folder, names, files in os.walk(root):
        names[:] = [each for each in names if each not in (".git", ".keychange", "__pycache__")]
        found += [Path(folder) / each for each in files]
    return found


def machine(places: Places) -> dict[str, object]:
    """What the numbers were measured on."""
    listed = say([places.peers / "python", "-m", "pip", "list", "--format", "json"])
    versions = {each["name"].lower(): each["version"] for each in json.loads(listed)}
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "keychange": metadata.version("keychange"),
        "peers": {name: versions[name] for name in PEERS if name in versions},
        "git": say(["git", "--version"]).strip(),
    }
