"""Run the real project's own scripts as checks after a real `up`, with a tiny made-up model.

`python tests/real/flaming_horse_scripts.py CLONE --mlx-env FOLDER --qwen-env FOLDER`

CLONE is a local git directory of github.com/zfifteen/flaming-horse. The two folders are virtual
environments, as the project has them: one with mlx-audio and soundfile, one with torch (a CPU
build will do), transformers, numpy and soundfile; ffmpeg must be on PATH, and PortAudio installed
on Linux. One line per claim; the exit status is 0 if all hold.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from flaming_horse import NEW, OLD, REPOSITORY, SECRETS, Claims, make, say

from keychange.probing.checkpoint import make_checkpoint
from support.workspace import changed, files, migrate

PROJECT = "generated/aa-with-narration"  # the first one: the checks take one project
VOICEOVERS = f"{PROJECT}/media/voiceovers/qwen"
SCRIPT = {"scene_00": "The first sentence of this video.", "scene_01": "It was read by hand."}
STALE = b"the old model's audio"


def narrate(root, qwen_env, entries):
    """A project with a narration, and audio and index entries as the old model left them."""
    folder = root / VOICEOVERS
    folder.mkdir(parents=True)
    config = {
        "qwen_python": str(qwen_env / "bin" / "python"),
        "model_id": OLD,
        "device": "cpu",
        "dtype": "float32",
        "ref_audio": "assets/voice_ref/ref.wav",
        "ref_text": "assets/voice_ref/ref.txt",
    }
    (root / PROJECT / "voice_clone_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (root / PROJECT / "narration_script.py").write_text(f"SCRIPT = {SCRIPT!r}\n")
    for entry in entries:
        (folder / entry["audio_file"]).write_bytes(STALE)
    (folder / "cache.json").write_text(json.dumps(entries, indent=2) + "\n")


def entry(key, **model):
    """An index entry as the scripts write it."""
    return {"narration_key": key, "text": SCRIPT[key], "audio_file": f"{key}.mp3", **model}


def prepared(options, scratch, name, entries):
    """The real project with its environments and one narrated project."""
    root = scratch / name
    root.mkdir()
    make(options.clone.resolve(), root)
    sample = REPOSITORY / "assets" / "sample" / "assets" / "voice_ref_2" / "ref.txt"
    shutil.copy(sample, root / "assets" / "voice_ref_2" / "ref.txt")
    models = root / "models" / "qwen3-tts-local"
    models.mkdir(parents=True)
    (models / "mlx_env312").symlink_to(options.mlx_env.absolute())
    narrate(root, options.qwen_env.absolute(), entries)
    return root


def up(root, scratch):
    """`migrate up` with its checks, on a CPU and with the made-up model."""
    environment = {"HF_HOME": str(scratch / "hf"), "MLX_DISABLE_COMPILE": "1"}
    arguments = ("--format", "json", "up", "--yes", "--allow-cpu")
    return migrate(root, *arguments, migrations=REPOSITORY / "migrations", environment=environment)


def prove(options, scratch, claims):
    """All claims."""
    make_checkpoint(scratch / "hf" / "hub", NEW)
    root = prepared(options, scratch, "mixed", [entry("scene_00", model_id=OLD), entry("scene_01")])
    done = up(root, scratch)
    claims.that("up runs the probe, prepare and precache, and exits 0", done.returncode == 0)
    if done.returncode:
        say(done.stdout + done.stderr)
    index = {
        each["narration_key"]: each
        for each in json.loads((root / VOICEOVERS / "cache.json").read_bytes())
    }
    audio = {key: (root / VOICEOVERS / f"{key}.mp3").read_bytes() for key in SCRIPT}
    claims.that(
        "cache.json is updated: the stale entry is spoken anew by the new model",
        index["scene_00"].get("model_id") == NEW and index["scene_00"]["duration_seconds"] > 0,
    )
    claims.that("the old model's audio is not served", audio["scene_00"] != STALE)
    claims.that(
        "the entry that names no model is served as it was",
        index["scene_01"] == entry("scene_01") and audio["scene_01"] == STALE,
    )
    said = done.stdout + done.stderr
    claims.that("no secret of .env is shown", not any(secret in said for secret in SECRETS))

    root = prepared(options, scratch, "stale", [entry(key, model_id=OLD) for key in SCRIPT])
    before = files(root)
    done = up(root, scratch)
    audio = [(root / VOICEOVERS / f"{key}.mp3").read_bytes() for key in SCRIPT]
    if done.returncode == 0:
        claims.that("an index with stale entries only is spoken anew", STALE not in audio)
    else:
        refused = done.returncode == 3 and "signal-unwanted" in done.stdout
        claims.that("old audio that the script adopts is no pass: signal-unwanted, exit 3", refused)
        if not refused:
            say(done.stdout + done.stderr)
        after = files(root)
        claims.that(
            "and every file that was there is as it was, byte for byte",
            not changed(before, {path: file for path, file in after.items() if path in before}),
        )
        for path in sorted(after.keys() - before.keys()):
            say(f"     the project's scripts have also written {path}")


def main():
    """Run the claims."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clone", type=Path, help="a local git directory of the project")
    parser.add_argument("--mlx-env", type=Path, required=True, help="has mlx-audio and soundfile")
    parser.add_argument("--qwen-env", type=Path, required=True, help="has torch and transformers")
    options = parser.parse_args()
    claims = Claims()
    with tempfile.TemporaryDirectory() as scratch:
        prove(options, Path(scratch).resolve(), claims)
    return 0 if claims.held else 1


if __name__ == "__main__":
    sys.exit(main())
