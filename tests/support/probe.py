"""What the tests of the probe share: made-up snapshots, and interpreters that misbehave."""

import json
import shutil
import sys
from pathlib import Path

from keychange.probing.checkpoint import MODEL_ID, make_checkpoint
from keychange.probing.request import ProbeRequest

VOICE = Path(__file__).parents[2] / "assets" / "sample" / "assets" / "voice_ref_2"
PYTHON = Path(sys.executable)
# Without it, the CPU back end of MLX calls a C++ compiler for every new kernel.
FAST = {"MLX_DISABLE_COMPILE": "1"}


def hub(folder, **options):
    """A hub cache with a tiny made-up checkpoint; the options are those of its maker."""
    make_checkpoint(folder, **options)
    return folder


def copy_of(cache, folder):
    """A copy of a hub cache that a test may damage."""
    return Path(shutil.copytree(cache, folder, symlinks=True))


def snapshot_of(cache, model=MODEL_ID):
    """The only snapshot of a made-up checkpoint."""
    (snapshot,) = (cache / ("models--" + model.replace("/", "--")) / "snapshots").iterdir()
    return snapshot


def replace_file(path, data):
    """Give a linked file of a snapshot another content, without touching its blob."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def edit_json(path, change):
    """Change the parsed content of a JSON file of a snapshot."""
    document = json.loads(path.read_text("utf-8"))
    change(document)
    replace_file(path, json.dumps(document).encode())


def edit_header(path, change):
    """Change the parsed header of a safetensors file of a snapshot; the data stay."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    change(header)
    raw = json.dumps(header).encode()
    replace_file(path, len(raw).to_bytes(8, "little") + raw + data[8 + length :])


def request(cache, **changes):
    """A probe of the made-up model in this interpreter, on whatever device there is."""
    options = {
        "model": MODEL_ID,
        "python": PYTHON,
        "ref_audio": VOICE / "ref.wav",
        "ref_text": VOICE / "ref.txt",
        "require_gpu": False,
        "environment": {**FAST, "HF_HUB_CACHE": str(cache)},
        "repeat": False,
    }
    return ProbeRequest(**{**options, **changes})


def interpreter(folder, body):
    """An executable that is run as if it were a Python: a program in Python with `body`."""
    path = folder / "interpreter"
    path.write_text(f"#!{sys.executable}\n{body}\n")
    path.chmod(0o755)
    return path


def fake_mlx(folder, body):
    """A folder for PYTHONPATH whose `mlx.core` is `body`; the worker itself is the real one."""
    package = folder / "site" / "mlx"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "core.py").write_text(body)
    return {"PYTHONPATH": str(package.parent)}
