"""The verb demo: the whole upgrade on a copy of the sample workspace, with a real synthesis."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from keychange.cli.session import Session
from keychange.cli.streams import finish
from keychange.cli.verb import verb
from keychange.diagnostics import error
from keychange.errors import KeychangeError, RefusedError

MODEL = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"
INTERPRETER = "models/qwen3-tts-local/mlx_env312/bin/python"

_EXAMPLES = """\
migrate demo  # in a folder that is removed afterwards
migrate demo --folder keychange-demo  # in one that is kept, to look around
"""


@verb("demo", _EXAMPLES)
@click.option(
    "--folder", type=click.Path(path_type=Path), metavar="DIR", help="Work here, and keep it."
)
def command(session: Session, *, folder: Path | None) -> int:
    """Run the whole upgrade on a copy of the sample workspace.

    Plan, up with a real synthesis by MLX, check, a drift that check finds, down, and a comparison
    of every byte. The model is made here: the true architecture, tiny, with made-up weights. It
    needs the extra: pip install 'keychange[mlx]'.
    """
    _require_mlx()
    place = folder or Path(tempfile.mkdtemp(prefix="keychange-demo-"))
    try:
        _Demo(session, place.resolve()).run()
    finally:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)
    return 0


class _Demo:
    """One run of the demo in one folder."""

    def __init__(self, session: Session, place: Path) -> None:
        self.session = session
        self.root = place / "flaming-horse"
        self.hub = place / "huggingface"
        # What the user's shell says about a project of his own must not lead out of this one.
        own = {k: v for k, v in os.environ.items() if not k.startswith("KEYCHANGE_")}
        self.environment = {
            **own,
            "HF_HOME": str(self.hub),
            "HF_HUB_OFFLINE": "1",
            # Without it, the CPU back-end of MLX calls a C++ compiler for every new kernel.
            "MLX_DISABLE_COMPILE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            # In a file or a pipe, too, results and narration come in their order.
            "PYTHONUNBUFFERED": "1",
        }
        self.environment.pop("HF_HUB_CACHE", None)

    def run(self) -> None:
        self._prepare()
        before = digests(self.root)
        self._title("1. What would change? Nothing is written.")
        self._migrate("plan")
        self._title("2. Change it, run the model, and keep it only if it works.")
        self._migrate("up", "--yes", "--allow-cpu")
        self._title("3. Nothing has drifted.")
        self._migrate("check")
        self._title("4. An old project arrives, as from a backup: check finds it.")
        late = self.root / "generated" / "from-a-backup"
        late.mkdir()
        sample = self.root / "generated" / "golden-ratio" / "voice_clone_config.json"
        text = sample.read_bytes().replace(MODEL.encode(), b"Qwen/Qwen3-TTS-12Hz-1.7B-Base")
        (late / "voice_clone_config.json").write_bytes(text)
        self._migrate("check", expected=1)
        shutil.rmtree(late)
        self._title("5. Take it back.")
        self._migrate("down", "--to", "base", "--yes")
        after = digests(self.root)
        self._title("6. Compare every byte with the beginning.")
        if before != after:
            names = sorted(p for p in {*before, *after} if before.get(p) != after.get(p))
            raise KeychangeError(*(error("demo-failed", f"{name} differs") for name in names))
        self.session.show(
            (
                f"{len(after)} files, and every byte of each is what it was.",
                "",
                (
                    "The model of this demo has made-up weights and the true architecture."
                    " See the verdict"
                ),
                "of step 2 for the device that it ran on; a CPU proves nothing about a GPU.",
            )
        )

    def _prepare(self) -> None:
        from keychange.probing.checkpoint import make_checkpoint
        from keychange.resources import data_dir

        if self.root.exists():
            message = f"`{self.root}` exists already"
            raise RefusedError(error("demo-exists", message, hint="name another --folder"))
        shutil.copytree(data_dir("sample"), self.root)
        shutil.copytree(data_dir("migrations"), self.root / "migrations")
        make_checkpoint(self.hub / "hub", MODEL)
        # The project's MLX interpreter: here the one that runs this demo.
        interpreter = self.root / INTERPRETER
        interpreter.parent.mkdir(parents=True)
        interpreter.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        interpreter.chmod(0o755)

    def _title(self, text: str) -> None:
        self._show(f"\n{self.session.style()(text, 'bold')}")

    def _show(self, line: str) -> None:
        """Before what the next command prints."""
        self.session.show([line])
        finish()

    def _migrate(self, *arguments: str, expected: int = 0) -> None:
        self._show(f"$ migrate {shlex.join(arguments)}")
        colour = "always" if self.session.style().colour else "never"
        words = [sys.executable, "-m", "keychange", "--color", colour, *arguments]
        with subprocess.Popen(words, cwd=self.root, env=self.environment) as process:
            try:
                status = process.wait()
            except KeyboardInterrupt:
                process.terminate()  # it puts back what it has written, and says so
                status = process.wait()
                if 0 <= status < 128:
                    raise
                raise click.exceptions.Exit(status if status > 0 else 128 - status) from None
        if status != expected:
            message = f"`migrate {shlex.join(arguments)}` ended with {status}"
            raise KeychangeError(error("demo-failed", f"{message}, not {expected}"))


def digests(root: Path) -> Mapping[str, str]:
    """The SHA-256 of every file under a folder but keychange's own, by path from it."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    named = ((path.relative_to(root), path) for path in files)
    return {
        name.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in named
        if name.parts[0] != ".keychange"
    }


def _require_mlx() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("mlx", "mlx_audio") if find_spec(name) is None]
    if missing:
        message = f"the demo runs a model, and {' and '.join(missing)} cannot be imported here"
        hint = "install the extra: pip install 'keychange[mlx]'"
        raise RefusedError(error("no-mlx", message, hint=hint))
