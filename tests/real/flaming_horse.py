"""Prove the bundled migration on the real project: `python tests/real/flaming_horse.py CLONE`.

CLONE is a local git directory of github.com/zfifteen/flaming-horse. The state before the owner's
own upgrade is unpacked into a temporary folder, a hand-made .env and a dozen generated projects
are added, and `migrate` runs on them. One line per claim; the exit status is 0 if all hold.
"""

import argparse
import json
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))

from dotenv import dotenv_values  # noqa: E402 (support must be importable first)

from support.workspace import changed, files, migrate, sourced, track  # noqa: E402

UPGRADE = "62b5e93"  # the owner's commit; what we start from is its parent
OLD = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-4bit"
TORCH = "Qwen/Qwen3-TTS-12Hz-1.7B-Base"
NEW = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"
SOURCES = (
    "scripts/qwen_tts_mediator.py",
    "scripts/prepare_qwen_voice.py",
    "flaming_horse_voice/mlx_cached.py",
    "flaming_horse_voice/mlx_tts_service.py",
)
SECRETS = ("not-a-real-xai-key-123", "n0t-a real # token", "fake-eleven-456")
ENV = f"""\
# my keys, do not commit
XAI_API_KEY="{SECRETS[0]}"
export  HF_TOKEN='{SECRETS[1]}'   # spaces and a hash
ELEVENLABS_API_KEY={SECRETS[2]}

AGENT_MODEL=xai/grok-4-1-fast
FLAMING_HORSE_TTS_BACKEND=qwen
export FLAMING_HORSE_MLX_MODEL_ID="{OLD}" # small
#FLAMING_HORSE_VOICE_REF_DIR=/somewhere/else

PARALLEL_RENDERS=0"""
HOLDER = {"narration_key": "", "text": "", "audio_file": "", "model_id": NEW}
MODELS = ({"model_id": OLD}, {}, {"model_id": NEW}, {"model_id": TORCH})  # of cached narration
LAYOUTS = (  # indentation, line end, last line end
    ("  ", "\n", "\n"),
    ("    ", "\r\n", "\r\n"),
    ("  ", "\n", ""),
    ("    ", "\n", "\n"),
    ("  ", "\r\n", ""),
    ("    ", "\n", "\n\n"),
)


class Claims:
    """Claims, printed one per line, and whether all of them held."""

    def __init__(self):
        self.held = True

    def that(self, words, truth):
        """State a claim."""
        self.held &= bool(truth)
        say(f"{'ok  ' if truth else 'FAIL'} {words}")


def say(words):
    """One line of the result."""
    print(words, flush=True)


def text_of(document, layout):
    """A JSON document in a layout."""
    indentation, line_end, last = layout
    text = json.dumps(document, indent=indentation, ensure_ascii=False)
    return (text.replace("\n", line_end) + last).encode()


def config(index):
    """The config of one project, as new_project.sh writes it, with variations."""
    voice = "assets/voice_ref/ref" if index % 3 else "../../assets/voice_ref/ref"
    return {
        "qwen_python": "~/qwen3-tts-local/.venv/bin/python",
        "model_id": (TORCH, OLD, NEW)[index % 3],
        "device": "cpu",
        "dtype": "float32",
        "language": "English",
        "ref_audio": f"{voice}.wav",
        "ref_text": f"{voice}.txt",
        "output_dir": "media/voiceovers/qwen",
        **({"note": "später — nicht ändern"} if index % 2 else {}),
    }


def make(clone, root):
    """The real project before its upgrade, with what its git does not hold."""
    command = ["git", "--git-dir", clone, "archive", "--format=tar", f"{UPGRADE}^"]
    archive = subprocess.run(command, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", root], input=archive, check=True)
    track(root)
    voice = REPOSITORY / "assets" / "sample" / "assets" / "voice_ref_2" / "ref.wav"
    shutil.copy(voice, root / "assets" / "voice_ref_2" / "ref.wav")
    (root / ".env").write_text(ENV)
    (root / ".env").chmod(0o600)
    for index in range(12):
        base = "projects" if index % 4 == 3 else "generated"
        layout = LAYOUTS[index % len(LAYOUTS)]
        folder = root / base / f"project-{index:02}"
        voiceovers = folder / "media" / "voiceovers" / "qwen"
        voiceovers.mkdir(parents=True)
        (folder / "voice_clone_config.json").write_bytes(text_of(config(index), layout))
        (folder / "project_state.json").write_text('{"phase": "plan"}\n')
        entries = [
            {"narration_key": f"scene_{number:02}", "text": "é " * number, **model}
            for number, model in enumerate(MODELS)
        ]
        if index % 2:
            (voiceovers / "cache.json").write_bytes(text_of(entries, layout))
            (voiceovers / "scene_00.mp3").write_bytes(bytes(range(256)))


def at_the_upgrade(clone, path, before):
    """A source with the lines of the owner's commit where they differ in the model id only."""
    command = ["git", "--git-dir", clone, "show", f"{UPGRADE}:{path}"]
    upgraded = subprocess.run(command, capture_output=True, check=True).stdout
    if OLD.encode() in upgraded:
        raise SystemExit(f"{path}: the owner's commit left an old model id")
    owners = upgraded.splitlines(keepends=True)
    lines = before.splitlines(keepends=True)
    replaced = [line.replace(OLD.encode(), NEW.encode()) for line in lines]
    return b"".join(
        new if old != new and new in owners else old
        for old, new in zip(lines, replaced, strict=True)
    )


def left_behind(root):
    """Every place, as file:line, of an old value in a tracked file that no operation governs."""
    command = ["git", "grep", "-nIF", "-e", OLD, "-e", TORCH]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return {":".join(line.split(":")[:2]) for line in done.stdout.splitlines()}


def main():
    """Run the claims."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clone", type=Path, help="a local git directory of the project")
    parser.add_argument("--keep", type=Path, help="work in this new folder and leave it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = (options.keep or Path(scratch) / "flaming-horse").resolve()
        root.mkdir()
        make(options.clone.resolve(), root)
        claims = Claims()
        prove(options.clone.resolve(), root, claims)
    return 0 if claims.held else 1


def prove(clone, root, claims):
    """All claims, in the order of a user's work."""
    said = []

    def run(*arguments):
        done = migrate(root, *arguments, migrations=REPOSITORY / "migrations")
        said.append(done.stdout + done.stderr)
        return done

    before = files(root)
    done = run("plan")
    claims.that("plan exits 0 and writes nothing", done.returncode == 0 and files(root) == before)
    done = run("up", "--yes", "--no-verify")
    claims.that("up --yes --no-verify exits 0", done.returncode == 0)
    if done.returncode:
        say(said[-1])
        return
    reported = said[-1]
    after = files(root)

    expected = {path: at_the_upgrade(clone, path, before[path].data) for path in SOURCES}
    claims.that(
        "the four Python files change exactly where the owner's commit changed the model id",
        all(after[path].data == data != before[path].data for path, data in expected.items()),
    )
    prove_env(root, claims)

    configs = {path for path in before if path.endswith("voice_clone_config.json")}
    caches = {path for path in before if path.endswith("cache.json")}
    claims.that(
        f"all {len(configs)} configs hold the new model, everything else in them is the same",
        all(config_is_moved(before[path].data, after[path].data) for path in configs),
    )
    claims.that(
        "every ref_audio and ref_text resolves to assets/voice_ref_2",
        all(voice_resolves(root, path, after[path].data) for path in configs),
    )
    claims.that(
        f"all {len(caches)} caches lose the entries of other models and no more; none is empty",
        all(cache_is_clean(before[path].data, after[path].data) for path in caches),
    )
    allowed = {".env", *SOURCES, *configs, *caches}
    untouched = [path for path in before if path not in allowed]
    claims.that(
        f"no other file is touched ({len(untouched)} files, bytes, modes and times)",
        changed(before, after) <= allowed and all(before[p] == after[p] for p in untouched),
    )
    claims.that("the mode of .env is still 0600", after[".env"].mode & 0o777 == 0o600)

    done = run("up", "--yes", "--no-verify")
    claims.that(
        "a second up changes no byte and no time", done.returncode == 0 and files(root) == after
    )
    done = run("check")
    claims.that("check exits 0", done.returncode == 0)

    places = left_behind(root)
    shown = {place for place in places if f"{place}:" in reported + done.stdout + done.stderr}
    claims.that(
        f"all {len(places)} places that still hold an old value are reported as file:line",
        places and shown == places,
    )
    for place in sorted(places - shown):
        say(f"     not reported: {place}")

    done = run("down", "--to", "base", "--yes")
    claims.that(
        "down --to base returns every byte and every mode",
        done.returncode == 0 and not changed(before, files(root)),
    )
    for arguments in (("status",), ("plan", "--format", "json"), ("check", "--format", "json")):
        run(*arguments)
    claims.that(
        f"no secret of .env appears in the output of {len(said)} commands",
        not any(secret in text for secret in SECRETS for text in said),
    )


def prove_env(root, claims):
    """The four keys reach a process, and no other byte of .env has changed."""
    keys = {
        "FLAMING_HORSE_TTS_BACKEND": "mlx",
        "FLAMING_HORSE_MLX_PYTHON": f"{root}/models/qwen3-tts-local/mlx_env312/bin/python",
        "FLAMING_HORSE_MLX_MODEL_ID": NEW,
        "FLAMING_HORSE_VOICE_REF_DIR": f"{root}/assets/voice_ref_2",
    }
    claims.that(
        ".env gives the guide's four exported keys to bash and to python-dotenv",
        sourced(root / ".env", export=False).items() >= keys.items()
        and dotenv_values(root / ".env", interpolate=False).items() >= keys.items(),
    )
    text = (root / ".env").read_text()
    rest = [line for line in text.splitlines() if not re.search("|".join(keys), line)]
    original = [line for line in ENV.splitlines() if not re.search("|".join(keys), line)]
    claims.that(
        "every other line of .env stays",
        [line for line in rest if line] == [line for line in original if line]
        and "#FLAMING_HORSE_VOICE_REF_DIR=/somewhere/else\n" in text
        and " # small\n" in text,
    )


def config_is_moved(before, after):
    """The three values are new; the bytes are the old ones with these values replaced."""
    old, new = json.loads(before), json.loads(after)
    expected = before
    for name in ("model_id", "ref_audio", "ref_text"):
        line = f'"{name}": "{old[name]}"'.encode()
        expected = expected.replace(line, f'"{name}": "{new[name]}"'.encode())
    return new["model_id"] == NEW and after == expected


def voice_resolves(root, path, data):
    """Both parts of the reference voice are the files of assets/voice_ref_2."""
    document = json.loads(data)
    places = [
        posixpath.normpath(posixpath.join(posixpath.dirname(path), document[name]))
        for name in ("ref_audio", "ref_text")
    ]
    return places == ["assets/voice_ref_2/ref.wav", "assets/voice_ref_2/ref.txt"] and all(
        (root / place).is_file() for place in places
    )


def cache_is_clean(before, after):
    """The entries of the new model, and those that name none, in their order."""
    kept = [entry for entry in json.loads(before) if entry.get("model_id", NEW) == NEW]
    one_newline = after.count(b"\r\n") in (0, after.count(b"\n"))
    return json.loads(after) == (kept or [HOLDER]) and one_newline


if __name__ == "__main__":
    sys.exit(main())
