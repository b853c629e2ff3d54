"""Room where the scenes are played: the project in its states, and the transcript of a scene."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support import recorder
from support.faults import at_call, in_child, injected, killed
from support.scenes import FILES, LARGE, PROBING, SMALL, Scene
from support.workspace import git

OLD_MODEL = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-4bit"
MODEL = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"


class Stage:
    """The states that scenes start from, each made once and then copied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = {str(Path(sys.executable).parent): "/opt/bin"}
        self._made: dict[str, Path] = {}

    def play(self, scene: Scene, *, coloured: bool, settle: bool = True) -> str:
        """The transcript: the commands with what they print, and exit codes that are not 0.

        With ``settle``, what depends on the run or the machine is made equal.
        """
        with self._copy(scene.start) as home:
            root = home / "voices"
            environment = self._environment(home, scene.start)
            for path, text in scene.write.items():
                _write(root, path, text)
            for command in scene.first:
                done = recorder.in_pipes(recorder.action(command), root, environment)
                assert done.code == 0, done.err
            for path, (old, new) in scene.replace.items():
                text = (root / path).read_text()
                assert old in text
                _write(root, path, text.replace(old, new))
            lines: list[str] = []
            for command in scene.commands:
                keys = scene.keys if coloured else None
                lines += self._command(command, root, environment, keys)
            text = "\n".join(lines) + "\n"
            places = {str(home): "/home/you/stuff", **self.names}
            text = (recorder.settled if settle else recorder.moved)(text, places)
            return recorder.readable(_unmeasured(text) if scene.measured else text)

    def _command(
        self, command: str, root: Path, environment: Mapping[str, str], keys: str | None
    ) -> Iterator[str]:
        """One command with what it prints; in a terminal where there are keys, if only none."""
        run = recorder.action(command)
        if keys is None:
            done = recorder.in_pipes(run, root, environment)
        else:
            done = recorder.in_terminal(run, root, {**environment, **recorder.TERMINAL}, keys)
        yield f"$ {command}"
        yield from done.out.removesuffix("\n").split("\n") if done.out else ()
        if done.err:
            yield "--- standard error"
            yield from done.err.removesuffix("\n").split("\n")
        if done.code:
            yield f"--- exit {done.code}"

    def _environment(self, home: Path, start: str) -> Mapping[str, str]:
        more = {"MLX_DISABLE_COMPILE": "1", "HF_HOME": str(home / "hf")}
        return recorder.environment(home, **(more if start == "model" else {}))

    @contextmanager
    def _copy(self, start: str) -> Iterator[Path]:
        source = self._state(start)
        # The name is as long each time, so that lines with it are wrapped alike.
        with tempfile.TemporaryDirectory(prefix="kc-", dir="/tmp") as folder:
            home = Path(folder)
            shutil.copytree(source / "voices", home / "voices", symlinks=True)
            if (source / "hf").exists():
                (home / "hf").symlink_to(source / "hf")
            yield home

    def _state(self, name: str) -> Path:
        if name not in self._made:
            home = self.folder / name
            self._made[name] = home
            getattr(self, f"_make_{name}")(home, home / "voices")
        return self._made[name]

    def _make_empty(self, home: Path, root: Path) -> None:
        root.mkdir(parents=True)

    def _make_bare(self, home: Path, root: Path) -> None:
        self._commit(root, {p: text for p, text in FILES.items() if "migrations/" not in p})

    def _make_fresh(self, home: Path, root: Path) -> None:
        self._commit(root, FILES)

    def _commit(self, root: Path, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            _write(root, path, text)
        git(root, "init", "-q")
        git(root, "add", ".")
        git(root, "commit", "-qm", "as it was")

    def _make_applied(self, home: Path, root: Path) -> None:
        shutil.copytree(self._state("fresh") / "voices", root)
        self._run(home, "migrate up --yes")

    def _make_interrupted(self, home: Path, root: Path) -> None:
        """Killed between the files of the first migration."""
        shutil.copytree(self._state("fresh") / "voices", root)
        with injected(at_call("replace", "voice.py")(killed)):
            status = in_child(
                lambda: recorder.become(
                    recorder.migrate(["-q", "up", "--yes"]), root, recorder.environment(home)
                )
            )
        assert status == 9

    def _make_model(self, home: Path, root: Path) -> None:
        """A migration with a probe, and the model that it runs, with made-up weights."""
        from keychange.probing.checkpoint import make_checkpoint
        from support.probe import VOICE

        shutil.copytree(self._state("fresh") / "voices", root)
        for path, text in FILES.items():
            _write(root, path, text.replace(SMALL, OLD_MODEL).replace(LARGE, MODEL))
        for name in ("ref.wav", "ref.txt"):
            shutil.copy(VOICE / name, root / "voices" / name)
        first = root / "migrations/0001_larger_voice.yaml"
        required = f"require:\n  - model: {MODEL}\n"
        first.write_text(first.read_text().replace("require:\n", required) + PROBING)
        python = root / ".venv/bin/python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        make_checkpoint(home / "hf/hub", MODEL)

    def _run(self, home: Path, command: str) -> None:
        done = recorder.in_pipes(
            recorder.action(command), home / "voices", recorder.environment(home)
        )
        assert done.code == 0, done.err


def _write(root: Path, path: str, text: str | None) -> None:
    target = root / path
    if text is None:
        target.unlink()
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def _unmeasured(text: str) -> str:
    """The text without what a machine measured, which stands in the outcome of a probe."""
    return re.sub(r"( probe: .*?) on Device\(.*(\n {6}.*)*", r"\1 ...", text)
