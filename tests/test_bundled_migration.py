"""The bundled migration, through the command line, on a copy of the sample workspace."""

import json
import posixpath
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from keychange.loader import load_migration
from keychange.resources import bundled_schema, data_dir
from keychange.settings import migration_files
from keychange.templates import Templates
from keychange.verification.commands import commands_of
from support.workspace import changed, files, migrate, sourced, track

OLD = "mlx-community/Qwen3-TTS-12Hz-0.6B-Base-4bit"
TORCH = "Qwen/Qwen3-TTS-12Hz-1.7B-Base"
NEW = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"
SOURCES = {
    "scripts/qwen_tts_mediator.py",
    "scripts/prepare_qwen_voice.py",
    "flaming_horse_voice/mlx_cached.py",
    "flaming_horse_voice/mlx_tts_service.py",
}
# In an index without entries the scripts would adopt the old audio: this one names no narration.
HOLDER = {"narration_key": "", "text": "", "audio_file": "", "model_id": NEW}
SECRETS = ("fake-xai-key", "fake-elevenlabs-key", "fake-hf-token")
MIGRATIONS = data_dir("migrations")


@pytest.fixture
def root(tmp_path):
    return checkout(tmp_path)


def checkout(folder):
    """The sample as a real checkout keeps it: .env and generated/ ignored, the rest tracked."""
    root = folder / "project with a space"
    shutil.copytree(data_dir("sample"), root)
    (root / ".gitignore").write_text(".env\ngenerated/\n")
    track(root)
    return root


def run(root, *arguments):
    done = migrate(root, *arguments, migrations=MIGRATIONS)
    for secret in SECRETS:
        assert secret not in done.stdout + done.stderr
    return done


def must(root, *arguments):
    done = run(root, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def up(root):
    return must(root, "up", "--yes", "--no-verify")


def bundled():
    (path,) = migration_files(MIGRATIONS)
    return load_migration(path, path.name)


@dataclass
class Story:
    """One way through the program: what was there, and what it said."""

    root: Path
    before: dict
    after: dict
    again: dict
    back: dict
    env: list
    said: str


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    root = checkout(tmp_path_factory.mktemp("story"))
    before, env = files(root), [sourced(root / ".env", export=True)]
    up(root)
    after = files(root)
    env += [sourced(root / ".env", export=each) for each in (False, True)]
    up(root)
    again = files(root)
    check = must(root, "check")
    must(root, "down", "--to", "base", "--yes")
    return Story(root, before, after, again, files(root), env, check.stdout + check.stderr)


def test_up_changes_what_the_guide_says_and_nothing_else(story):
    before, after = story.before, story.after
    configs = {path for path in before if path.endswith("voice_clone_config.json")}
    caches = {
        path for path in before if path.endswith("cache.json") and "standing-waves" not in path
    }
    assert changed(before, after) == {".env"} | SOURCES | configs | caches
    for path in SOURCES:
        assert after[path].data == before[path].data.replace(OLD.encode(), NEW.encode())
    for path in configs:
        document = json.loads(after[path].data)
        assert document["model_id"] == NEW
        for name, file in (("ref_audio", "ref.wav"), ("ref_text", "ref.txt")):
            place = posixpath.normpath(posixpath.join(posixpath.dirname(path), document[name]))
            assert place == f"assets/voice_ref_2/{file}"
        assert {**json.loads(before[path].data), **document} == document
        assert after[path].data.count(b"\r\n") == before[path].data.count(b"\r\n")
    for path in caches:
        kept = [entry for entry in json.loads(before[path].data) if entry["model_id"] == NEW]
        assert json.loads(after[path].data) == (kept or [HOLDER])


def test_the_env_file_gives_every_process_the_four_keys(story):
    keys = {
        "FLAMING_HORSE_TTS_BACKEND": "mlx",
        "FLAMING_HORSE_MLX_PYTHON": f"{story.root}/models/qwen3-tts-local/mlx_env312/bin/python",
        "FLAMING_HORSE_MLX_MODEL_ID": NEW,
        "FLAMING_HORSE_VOICE_REF_DIR": f"{story.root}/assets/voice_ref_2",
    }
    all_before, exported, all_after = story.env
    assert exported.items() >= keys.items()
    assert all_after == {**all_before, **keys}
    after = story.after[".env"].data.splitlines()
    replaced = [each for each in story.before[".env"].data.splitlines() if each not in after]
    assert [line.split(b"=")[0].split()[-1] for line in replaced] == [
        b"FLAMING_HORSE_TTS_BACKEND",
        b"FLAMING_HORSE_MLX_MODEL_ID",
    ]


def test_a_second_up_changes_no_byte_and_no_time(story):
    assert story.again == story.after


def test_check_names_the_script_that_still_holds_the_old_model(story):
    text = story.after["scripts/new_project.sh"].data.decode().splitlines()
    line = next(index for index, each in enumerate(text, 1) if OLD in each)
    assert f"scripts/new_project.sh:{line}:" in story.said


def test_down_brings_every_byte_back(story):
    assert changed(story.before, story.back) == set()


def test_it_works_where_only_the_tracked_half_is_there(root):
    shutil.rmtree(root / "generated")
    (root / ".env").unlink()
    up(root)
    assert len(sourced(root / ".env", export=False)) == 4
    must(root, "down", "--to", "base", "--yes")
    assert not (root / ".env").exists()


def test_a_project_under_projects_moves_too(root):
    shutil.copytree(root / "generated" / "golden-ratio", root / "projects" / "golden-ratio")
    up(root)
    config = json.loads((root / "projects/golden-ratio/voice_clone_config.json").read_bytes())
    assert (config["model_id"], config["ref_audio"]) == (NEW, "../../assets/voice_ref_2/ref.wav")


def test_without_the_reference_voice_nothing_is_written(root):
    (root / "assets/voice_ref_2/ref.wav").unlink()
    before = files(root)
    done = run(root, "up", "--yes", "--no-verify")
    assert done.returncode == 1
    assert "assets/voice_ref_2/ref.wav" in done.stdout + done.stderr
    assert files(root) == before


def test_without_a_runtime_or_a_model_nothing_is_written(root):
    before = files(root)
    done = run(root, "up", "--yes")
    assert done.returncode == 1
    assert "python-missing" in done.stdout + done.stderr
    assert files(root) == before


def test_its_commands_are_the_guides_and_the_build_is_on_request(root):
    migration = bundled()
    templates = Templates.resolve(str(root), migration.variables)
    runs = [check for check in migration.checks if check.kind == "run"]
    commands = [commands_of(check, root, templates)[0] for check in runs]
    assert [command.argv[1:] for command in commands] == [
        (
            "scripts/prepare_qwen_voice.py",
            "--project-dir",
            "generated/standing-waves",
            "--force",
        ),
        ("scripts/precache_voiceovers_qwen.py", "generated/standing-waves"),
        ("generated/standing-waves",),
    ]
    assert [check.on_request for check in runs] == [False, False, True]


# What the real project's history holds, in our own words: three homes of the interpreter, hub ids
# and local folders as model, the reference voice in the project or shared by all.
HISTORIC = [
    {
        "qwen_python": python,
        "model_id": model,
        "ref_audio": voice + "wav",
        "ref_text": voice + "txt",
    }
    for python in ("~/a/.venv/bin/python", "/usr/bin/python3", "~/b/c/.venv/bin/python")
    for model in (TORCH, OLD, "/tmp/some-folder", "some-test-model")
    for voice in ("assets/voice_ref/ref.", "../../assets/voice_ref/ref.")
]


@pytest.mark.parametrize("config", HISTORIC)
def test_the_first_schema_accepts_every_historic_config_and_the_second_none(config):
    common = {"device": "cpu", "dtype": "float32", "language": "English", "output_dir": "media/v"}
    before = Draft202012Validator(bundled_schema("voice_clone_config.v1"))
    after = Draft202012Validator(bundled_schema("voice_clone_config.v2"))
    for document in ({**config, **common}, config, {**config, "key_of_tomorrow": [1]}):
        assert before.is_valid(document)
        assert after.is_valid(document) is document["model_id"].startswith("mlx-community/Qwen3")
        assert after.is_valid({**document, "model_id": NEW})


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "wrong",
    [
        {"qwen_python": None},
        {"qwen_python": ""},
        {"model_id": 1},
        {"ref_audio": ["a"]},
        {"dtype": ""},
    ],
)
def test_the_schemas_refuse_what_the_scripts_would_choke_on(version, wrong):
    schema = bundled_schema(f"voice_clone_config.v{version}")
    Draft202012Validator.check_schema(schema)
    (good,) = schema["examples"]
    validator = Draft202012Validator(schema)
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, **wrong})
    assert not validator.is_valid({k: v for k, v in good.items() if k != "qwen_python"})


@pytest.mark.parametrize("version", [1, 2])
def test_every_property_of_the_schemas_explains_itself(version):
    schema = bundled_schema(f"voice_clone_config.v{version}")
    for each in (schema, *schema["properties"].values()):
        assert each["title"]
        assert each["description"]
        assert each["examples"]
