"""Prove a distribution where it is installed: `python tests/real/installed.py WHEEL [PYTHON...]`.

WHEEL is a wheel or a source distribution, made by `make wheel`; each PYTHON is an interpreter, by
default this one. For each a fresh environment is made outside the checkout, twice: with the newest
versions of the dependencies, and with the lowest that are declared. In it the sample is upgraded
and taken back, a migration is written for a project of one's own, and the functions are called; no
connection may be opened. Last, pipx installs it. One line per claim; the exit status is 0 if all
hold. It needs a package index, and uses the one that pip is set up for.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))

from real.flaming_horse import Claims  # noqa: E402 (same)
from support.workspace import changed, files  # noqa: E402 (support must be importable first)

SEES = """\
import os, sys
def told(event, values):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"):
        with open(os.environ["CONNECTIONS"], "a") as log:
            print(event, *sys.argv[:2], file=log)
sys.addaudithook(told)
"""
OWN = {
    ".env": "MODEL=org/voice-4bit\n",
    "app.py": "MODEL = 'org/voice-4bit'\n",
    "conf/a.json": '{"model": "org/voice-4bit"}\n',
}
CALLS = (
    "import sys, keychange; print(keychange.check(sys.argv[1]).clean, keychange.up(sys.argv[1]))"
)


class Installed:
    """One environment with keychange in it, and a folder to work in, both outside the checkout."""

    def __init__(self, folder: Path, scripts: Path, python: Path) -> None:
        self.folder = folder
        self.scripts = scripts
        self.python = python
        self.log = folder / "connections"
        (folder / "sees").mkdir(exist_ok=True)
        (folder / "sees/sitecustomize.py").write_text(SEES)

    def run(self, *command: object) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in its folder, with nothing around it."""
        home = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        seen = {"PYTHONPATH": str(self.folder / "sees"), "CONNECTIONS": str(self.log)}
        program, *arguments = map(str, command)
        return subprocess.run(
            [self.python if program == "python" else self.scripts / str(program), *arguments],
            cwd=self.folder,
            env={**home, **seen, "NO_COLOR": "1", "HF_HUB_OFFLINE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def prove(claims: Claims, name: str, here: Installed) -> None:
    """All claims about one environment."""

    def claim(text: str, *, holds: bool, done: subprocess.CompletedProcess[str]) -> None:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] if not holds else []
        claims.that(": ".join([f"{name}: {text}", *last]), holds)

    done = here.run("migrate", "--version")
    claim("both programs start", holds=not done.returncode and done.stdout
          == here.run("keychange", "--version").stdout, done=done)  # fmt: skip
    copy = (
        "import shutil; from keychange.resources import data_dir;"
        "shutil.copytree(data_dir('sample'), 'sample'); print(data_dir('sample'))"
    )
    done = here.run("python", "-c", copy)
    outside = REPOSITORY.as_posix() not in done.stdout
    claim("the sample is its own", holds=outside and not done.returncode, done=done)
    sample = here.folder / "sample"
    before = files(sample)
    done = here.run("migrate", "-C", "sample", "plan", "--exit-code")
    claim("plan shows what is pending", holds=done.returncode == 1, done=done)
    done = here.run("migrate", "-C", "sample", "up", "--yes", "--no-verify")
    moved = len(changed(before, files(sample)))
    claim(f"up writes {moved} files", holds=not done.returncode and moved == 10, done=done)
    done = here.run("migrate", "-C", "sample", "check")
    claim("check is clean", holds=done.returncode == 0, done=done)
    done = here.run("migrate", "-C", "sample", "down", "--to", "base", "--yes")
    back = not changed(before, files(sample))
    claim("down brings every byte back", holds=not done.returncode and back, done=done)
    own = here.folder / "own"
    for path, text in OWN.items():
        (own / path).parent.mkdir(parents=True, exist_ok=True)
        (own / path).write_text(text)
    done = here.run("migrate", "-C", "own", "new", "x", "--from", "org/voice-4bit", "--to", "org/b")
    schema = (own / "migrations/migration.schema.json").is_file()
    claim("new writes a migration with its schema", holds=not done.returncode and schema, done=done)
    done = here.run("python", "-c", CALLS, own)
    applied = "False Outcome(ending=<Ending.APPLIED" in done.stdout
    claim("the functions check and apply it", holds=applied, done=done)
    connections = here.log.read_text() if here.log.exists() else ""
    claims.that(f"{name}: no connection was opened {connections[:200]}".rstrip(), not connections)
    look = "import socket; socket.getaddrinfo('127.0.0.1', 9)"
    done = here.run("python", "-c", look)
    claim("(one would have been seen)", holds=here.log.exists() and not done.returncode, done=done)


def environments(
    folder: Path, wheel: Path, pythons: list[str]
) -> Iterator[tuple[str, Installed | None, str]]:
    """Each environment with its name, or what went wrong."""
    for number, python in enumerate(pythons):
        words = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
        version = subprocess.run([python, "-c", words], capture_output=True, text=True, check=False)
        for which in ("newest", "lowest"):
            place = folder / f"{number}-{which}"
            name = f"Python {version.stdout.strip() or python}, {which}"
            pins = lowest(wheel) if which == "lowest" else []
            done = subprocess.run([python, "-m", "venv", place / "venv"], capture_output=True,
                                  text=True, check=False)  # fmt: skip
            if not done.returncode:
                pip = (place / "venv/bin/python", "-m", "pip", "-q", "--disable-pip-version-check")
                done = subprocess.run([*pip, "install", wheel, *pins], capture_output=True,
                                      text=True, check=False, cwd=folder)  # fmt: skip
            made = (
                None
                if done.returncode
                else Installed(place, place / "venv/bin", place / "venv/bin/python")
            )
            yield name, made, done.stderr.strip()[-300:]


def lowest(wheel: Path) -> list[str]:
    """The lowest versions that a wheel declares for the dependencies of its core."""
    if wheel.suffix != ".whl":
        return []
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    declared = re.findall(r"^Requires-Dist: ([\w.-]+)>=([\w.]+)$", metadata, re.MULTILINE)
    return [f"{package}=={version}" for package, version in declared]


def with_pipx(folder: Path, wheel: Path, python: str) -> tuple[Installed | None, str]:
    """What `pipx install` makes, with its own folders for everything."""
    place = folder / "pipx"
    own = {"PIPX_HOME": str(place / "home"), "PIPX_BIN_DIR": str(place / "bin"),
           "PIPX_MAN_DIR": str(place / "man")}  # fmt: skip
    steps = (
        [python, "-m", "venv", place / "venv"],
        [place / "venv/bin/python", "-m", "pip", "-q", "install", "pipx"],
        [place / "venv/bin/pipx", "install", "--python", python, wheel],
    )
    for step in steps:
        done = subprocess.run(
            step, env={**os.environ, **own}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return None, done.stderr.strip()[-300:]
    return Installed(place, place / "bin", place / "home/venvs/keychange/bin/python"), ""


def main() -> int:
    """Print every claim; 0 if all hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", type=lambda each: Path(each).resolve())
    parser.add_argument("pythons", nargs="*", default=[sys.executable])
    given = parser.parse_args()
    claims = Claims()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for title, made, wrong in environments(folder, given.wheel, given.pythons):
            claims.that(f"{title}: installs {'' if made else wrong}".rstrip(), made)
            if made:
                prove(claims, title, made)
        made, wrong = with_pipx(folder, given.wheel, given.pythons[-1])
        claims.that(f"pipx: installs {wrong}".rstrip(), made)
        if made:
            prove(claims, "pipx", made)
    return 0 if claims.held else 1


if __name__ == "__main__":
    sys.exit(main())
