"""Authoring: `init` and `new` write migrations that plan, over whatever the project holds."""

import json
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from keychange.authoring.guessing import names_model
from keychange.authoring.survey import Held
from keychange.authoring.text import scalar
from support.workspace import changed, files, git, migrate_here

OLD, NEW = "org/voice-0.6B-4bit", "org/voice-0.6B-4bit-plus"
PROJECT = {
    ".gitignore": ".env\ngenerated/\nmodels/\nvenv/\n",
    ".env": f"HF_TOKEN=hf_abcdefghijkl\nexport VOICE_MODEL={OLD}  # mine\nMODELS='{OLD},org/b'\n",
    ".env.example": f"VOICE_MODEL={OLD}\nVOICE_DEVICE=cpu\n",
    "app/voice.py": f"""\
import os

MODEL = os.environ.get("VOICE_MODEL", "{OLD}")
URL = "https://hub/{OLD}/resolve"
SIZES = {{"{OLD}": 1}}


def load(model="{OLD}", dtype="float16"):
    '''Loads {OLD}.'''
    return model != "{OLD}", f"loads {OLD} as {{dtype}}"
""",
    "app/other.py": f"NAME = 'see {OLD}-2, not that'\n",
    "app/broken.py": "def (\n",
    "generated/a/voice.json": f'{{\n\t"model_id": "{OLD}", "device": "cpu"}}',
    "generated/b/voice.json": f'{{"model_id": "{OLD}",\r\n "device": "mps"}}\r\n',
    "generated/c/voice.json": '{"note": 1}\n',
    "settings.jsonc": f'{{\n  // the voice\n  "tts": {{"models": ["{OLD}"]}},\n}}\n',
    "run.sh": f"python -m app --model {OLD}\n",
    "venv/pyvenv.cfg": "",
    "venv/lib/thing.py": f"MODEL = '{OLD}'\n",
    "models/voice/config.json": f'{{"_name_or_path": "{OLD}"}}',
    "models/voice/model.safetensors": "",
}
LEFT = {("app/voice.py", 5), ("app/voice.py", 9), ("app/voice.py", 10), ("run.sh", 1)}


def make(root, project):
    for path, text in project.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "as it was")
    return root


@pytest.fixture
def root(tmp_path):
    return make(tmp_path, PROJECT)


def new(root, *arguments, code=0):
    done = migrate_here(root, "new", "larger", *arguments)
    assert done.returncode == code, done.stderr
    return done


def plan(root):
    done = migrate_here(root, "plan", "--format", "json")
    said = json.loads(done.stdout)
    assert done.returncode == 0, said["diagnostics"]
    return said["plan"]


def sites(said):
    return {(e["path"], e["address"]) for step in said["steps"] for e in step["sites"]}


def test_new_with_values_governs_every_place_and_is_taken_back_byte_for_byte(root):
    before = files(root)
    done = new(root, "--from", OLD, "--to", NEW)
    assert done.stdout == "migrations/0001_larger.yaml\n"
    written = {"migrations/0001_larger.yaml", "migrations/migration.schema.json"}
    assert changed(before, files(root)) == written
    expected = {
        (".env", "VOICE_MODEL"),
        (".env", "MODELS"),
        (".env.example", "VOICE_MODEL"),
        ("app/voice.py", 'MODEL/os.environ.get("VOICE_MODEL")'),
        ("app/voice.py", "URL"),
        ("app/voice.py", "load(model)"),
        ("app/voice.py", "load.return[1]/f[0]"),
        ("generated/a/voice.json", "/model_id"),
        ("generated/b/voice.json", "/model_id"),
        ("generated/c/voice.json", "/model_id"),  # absent, and left so
        ("settings.jsonc", "/tts/models/0"),
    }
    assert sites(plan(root)) == expected
    assert migrate_here(root, "up", "--yes").returncode == 0
    text = {path: (root / path).read_text() for path in PROJECT if path != "generated/b/voice.json"}
    assert f"MODELS='{NEW},org/b'" in text[".env"]
    assert f'URL = "https://hub/{NEW}/resolve"' in text["app/voice.py"]
    assert f'SIZES = {{"{OLD}": 1}}' in text["app/voice.py"]
    for untouched in ("generated/c/voice.json", "app/other.py", "models/voice/config.json"):
        assert text[untouched] == PROJECT[untouched]
    assert migrate_here(root, "check").returncode == 0
    assert migrate_here(root, "down", "--yes").returncode == 0
    assert changed(before, files(root)) == written


def test_new_says_what_it_does_not_govern(root):
    said = json.loads(new(root, "--from", OLD, "--to", NEW, "--format", "json").stdout)
    behind = {(e["path"], e["line"]) for e in said["diagnostics"] if e["code"] == "left-behind"}
    assert behind == LEFT
    assert [e["place"] for e in said["left"]] == ["key", "docstring", "comparison"]
    shutil.rmtree(root / "migrations")
    (root / "app/broken.py").write_text(f"def (\n'{OLD}'\n")
    said = json.loads(new(root, "--from", OLD, "--to", NEW, "--format", "json").stdout)
    assert ("not-surveyed", "app/broken.py") in {
        (e["code"], e["path"]) for e in said["diagnostics"]
    }


def test_a_migration_that_is_drafted_is_valid_yaml_with_a_schema_that_is_there(root):
    new(root, "--from", OLD, "--to", NEW, "--title", "Larger: yes # really")
    text = (root / "migrations/0001_larger.yaml").read_text()
    schema = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    known = json.loads((root / "migrations" / schema).read_text())
    assert YAML(typ="safe").load(text)["title"] == "Larger: yes # really"
    assert known["$id"] == "migration.schema.json"


def test_several_values_at_once_also_where_one_file_holds_two(root):
    arguments = ("--from", OLD, "--to", NEW, "--from", "cpu", "--to", "mps")
    new(root, *arguments, "--from", "float16", "--to", "bfloat16")
    found = sites(plan(root))
    assert {(".env.example", "VOICE_DEVICE"), ("generated/a/voice.json", "/device")} <= found
    assert ("app/voice.py", "load(dtype)") in found
    assert migrate_here(root, "up", "--yes").returncode == 0
    assert json.loads((root / "generated/a/voice.json").read_text())["device"] == "mps"
    assert 'dtype="bfloat16"' in (root / "app/voice.py").read_text()


def test_configs_that_differ_are_named_one_by_one(tmp_path):
    texts = [f'{{"model": "{OLD}"}}', f'{{"model": "{OLD}"}}', '{"model": "org/another"}']
    make(tmp_path, {f"generated/{at}/voice.json": text for at, text in enumerate(texts)})
    new(tmp_path, "--from", OLD, "--to", NEW)
    document = YAML(typ="safe").load((tmp_path / "migrations/0001_larger.yaml").read_text())
    (operation,) = document["operations"]
    assert operation["json"] == ["generated/0/voice.json", "generated/1/voice.json"]
    assert len(sites(plan(tmp_path))) == 2


def test_an_env_file_of_which_only_the_example_is_here_is_governed_too(tmp_path):
    make(tmp_path, {".gitignore": ".env\n", ".env.example": f"MODEL={OLD}\n"})
    new(tmp_path, "--from", OLD, "--to", NEW)
    assert sites(plan(tmp_path)) == {(".env.example", "MODEL")}
    (tmp_path / ".env").write_text(f"MODEL={OLD}\n")
    assert (".env", "MODEL") in sites(plan(tmp_path))


def test_an_operation_that_cannot_be_planned_is_left_out_and_said(tmp_path):
    make(tmp_path, {"conf.json": f'{{"model": "{OLD}"}}'})
    (tmp_path / ".env").write_bytes(f"# café\nMODEL={OLD}\n".encode("latin-1"))
    done = new(tmp_path, "--from", OLD, "--to", "org/模型")
    assert ".env is left out: " in done.stderr
    assert sites(plan(tmp_path)) == {("conf.json", "/model")}
    text = (tmp_path / "migrations/0001_larger.yaml").read_text()
    assert "\n  # - env: .env\n" in text


def test_the_next_migration_starts_where_the_last_one_ends(root):
    new(root, "--from", OLD, "--to", NEW)
    new(root, "--from", NEW, "--to", "org/third", "--title", "On top")  # nothing is applied yet
    found = [{e["path"] for e in step["sites"]} for step in plan(root)["steps"]]
    assert found[0] == found[1]
    assert migrate_here(root, "up", "--yes").returncode == 0
    assert "export VOICE_MODEL=org/third  # mine" in (root / ".env").read_text()
    assert new(root).stdout == "migrations/0003_larger.yaml\n"
    text = (root / "migrations/0003_larger.yaml").read_text()
    assert "  old_model: org/third\n  new_model: org/third   # <- write the new value" in text
    assert not any(step["files"] for step in plan(root)["steps"])
    assert migrate_here(root, "check").returncode == 0


def test_other_variables_are_carried_over(root):
    new(root, "--from", OLD, "--to", NEW)
    path = root / "migrations/0001_larger.yaml"
    path.write_text(
        path.read_text().replace("vars:\n", 'vars:\n  py: "${root}/.venv/bin/python"\n')
    )
    new(root)
    text = (root / "migrations/0002_larger.yaml").read_text()
    assert '  py: "${root}/.venv/bin/python"\n  old_model:' in text
    plan(root)


def test_a_value_that_nothing_holds_is_refused_with_what_is_near(root):
    before = files(root)
    said = new(root, "--from", "org/voice-0.6B-4bti", "--to", NEW, code=1).stderr
    assert f"did you mean `{OLD}`" in said
    assert "found instead: " in new(root, "--from", "xyzzy/1", "--to", NEW, code=1).stderr
    (root / "only.py").write_text("if x == 'org/compared':\n    pass\n")
    said = new(root, "--from", "org/compared", "--to", NEW, code=1).stderr
    assert "only.py:1:1: error[value-not-found]" in said
    del before["app/voice.py"]
    assert changed(before, files(root)) == {"only.py", "app/voice.py"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--from", OLD], 2, "each --from needs a --to"),
        (["--from", OLD, "--to", "a", "--from", OLD, "--to", "b"], 2, "each old value stands once"),
        (["--from", "hf_abcdefghijkl", "--to", "x"], 1, "error[secret-not-written]"),
        (["--from", "", "--to", "x"], 2, "not empty"),
    ],
)
def test_values_that_make_no_sense_are_refused(root, arguments, code, said):
    assert said in new(root, *arguments, code=code).stderr
    assert not (root / "migrations").exists()


def test_no_secret_is_drafted(tmp_path):
    make(tmp_path, {".env": f"A={OLD}\nAPI_KEY={OLD}\nU=http://me:pass@host/{OLD}\n"})
    done = new(tmp_path, "--from", OLD, "--to", NEW)
    text = (tmp_path / "migrations/0001_larger.yaml").read_text()
    assert "pass@" not in text + done.stdout + done.stderr
    assert "API_KEY" not in text
    assert sites(plan(tmp_path)) == {(".env", "A")}


def test_new_prints_and_writes_nothing_on_a_dry_run(root):
    before = files(root)
    done = new(root, "--from", OLD, "--to", NEW, "--dry-run")
    assert f"  new_model: {NEW}\n" in done.stdout
    assert changed(before, files(root)) == set()


def test_nothing_is_found_and_the_placeholder_is_plain(tmp_path):
    assert new(tmp_path).stdout == "migrations/0001_larger.yaml\n"
    (tmp_path / ".env").write_text("OTHER=1\n")
    said = migrate_here(tmp_path, "plan").stdout
    assert "NAME_OF_A_KEY" in said


# ---------------------------------------------------------------- init


def test_init_finds_out_by_itself_and_its_migration_has_nothing_to_do(root):
    before = files(root)
    said = json.loads(migrate_here(root, "init", "--format", "json").stdout)
    found = said["found"]
    assert list(found["models"]) == [OLD]
    grouped = {e["pattern"]: (len(e["paths"]), e["ignored"]) for e in found["configs"]}
    assert grouped == {"generated/*/voice.json": (3, True), "settings.jsonc": (1, False)}
    assert {e["pattern"]: e["ignored"] for e in found["env_files"]} == {
        ".env": True,
        ".env.example": False,
    }
    assert found["sources"] == ["app/voice.py"]
    assert {(e["path"], e["value"]) for e in found["settings"]} >= {
        (".env.example", "cpu"),
        ("app/voice.py", "float16"),
    }
    assert (found["pyproject"], found["pre_commit"]) == ("", None)
    assert said["open"] == ["new_model"]
    assert changed(before, files(root)) == {*said["written"]}
    assert not any(step["files"] for step in plan(root)["steps"])
    path = root / said["path"]
    path.write_text(path.read_text().replace(f"new_model: {OLD}", f"new_model: {NEW}"))
    assert migrate_here(root, "up", "--yes").returncode == 0
    assert f"VOICE_MODEL={NEW}" in (root / ".env").read_text()


def test_what_init_shows_as_comments_plans_too(root):
    migrate_here(root, "init")
    (path,) = (root / "migrations").glob("*.yaml")
    lines = path.read_text().splitlines(keepends=True)
    start = next(at for at, line in enumerate(lines) if "Found as well" in line)
    end = lines.index("\n", start)
    shown = [line.replace("  # ", "  ", 1) for line in lines[start + 1 : end]]
    path.write_text("".join([*lines[:start], *shown, *lines[end:]]))
    found = sites(plan(root))
    assert {(".env.example", "VOICE_DEVICE"), ("generated/b/voice.json", "/device")} <= found


def test_init_in_words(root):
    (root / ".pre-commit-config.yaml").write_text("repos: []\n")
    done = migrate_here(root, "init")
    assert done.returncode == 0
    assert "generated/*/voice.json  (3 files, ignored by git)" in done.stdout
    assert ".env:2 VOICE_MODEL" in done.stdout
    assert "hf_abc" not in done.stdout + done.stderr
    assert "then: migrate" in done.stderr
    assert "pre-commit can run keychange" in done.stderr


def test_init_refuses_a_history_and_overwrites_nothing(root):
    migrate_here(root, "init")
    before = files(root)
    done = migrate_here(root, "init")
    assert (done.returncode, done.stdout) == (1, "")
    assert "migrations/0001_model_upgrade.yaml:3:1: error[history-exists]" in done.stderr
    assert changed(before, files(root)) == set()


def test_a_bare_init_makes_the_folder_alone(root):
    before = files(root)
    assert migrate_here(root, "init", "--bare").returncode == 0
    assert changed(before, files(root)) == {"migrations/migration.schema.json"}
    assert new(root, "--from", OLD, "--to", NEW).stdout == "migrations/0001_larger.yaml\n"


def test_a_dry_run_of_init_writes_nothing(root):
    before = files(root)
    assert OLD in migrate_here(root, "init", "--dry-run").stdout
    assert changed(before, files(root)) == set()


def test_init_leaves_the_migrations_of_another_tool_alone(root):
    (root / "migrations").mkdir()
    (root / "migrations/env.py").write_text("# alembic\n")
    done = migrate_here(root, "init")
    assert (root / "config_migrations/0001_model_upgrade.yaml").is_file()
    assert '[tool.keychange]\n  migrations = "config_migrations"' in done.stderr
    (root / "pyproject.toml").write_text('[tool.keychange]\nmigrations = "config_migrations"\n')
    assert [step["revision"] for step in plan(root)["steps"]] == ["0001_model_upgrade"]


def test_init_names_the_schema_that_every_config_fits(tmp_path):
    from keychange.resources import data_dir

    for path in data_dir("sample").glob("generated/*/*.json"):
        copy = tmp_path / path.relative_to(data_dir("sample"))
        copy.parent.mkdir(parents=True)
        copy.write_bytes(path.read_bytes())
    found = json.loads(migrate_here(tmp_path, "init", "--format", "json").stdout)["found"]
    assert "voice_clone_config.v1" in found["schemas"]["generated/*/voice_clone_config.json"]


# ---------------------------------------------------------------- parts


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_scalar_is_read_back_as_it_was(text):
    from keychange.yaml_data import YamlData

    written = f"a: {scalar(text)}\nb: {{c: {scalar(text)}, d: [{scalar(text)}]}}\n"
    read = YamlData(written.encode(), "x.yaml").document
    assert read == {"a": text, "b": {"c": text, "d": [text]}}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MODEL_ID", "acme/thing", True),
        ("name", "mlx-community/Kokoro-82M-bf16", True),
        ("repo", "Qwen/Qwen3-8B", True),
        ("LLM_MODEL", "llama3.1:8b", True),
        ("OPENAI_MODEL", "gpt-4o", True),
        ("path", "scripts/run", False),
        ("model", "models/voice.py", False),
        ("mime", "application/json", False),
        ("API_KEY", "org/voice-8bit", False),
        ("model", "a sentence", False),
        ("MODEL", "cpu", False),
    ],
)
def test_what_looks_like_a_model(name, value, expected):
    held = Held(path=".env", kind="env", address=name, value=value, line=1)
    assert names_model(held) is expected
