"""What `check` and `validate` print for machines, and the one line of `status --brief`."""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from support.voice_project import FILES, MIGRATION, NEW, OLD, write
from support.workspace import MIGRATE, migrate, migrate_here, track


@pytest.fixture
def drifted(tmp_path):
    write(tmp_path, {**FILES, "app/voice.py": f'x = 1\nVOICE = "{OLD}"\n'})
    return tmp_path


def test_concise_is_one_line_for_each_diagnostic(drifted):
    done = migrate(drifted, "check", "--format", "concise")
    (line,) = done.stdout.splitlines()
    path, _, said = line.partition(":")
    assert said == "2:9: error[pending]: `VOICE` does not hold what 0001_voice sets"
    assert Path(path).samefile(drifted / "app/voice.py"), "it can be opened from here"
    assert (done.returncode, done.stderr) == (1, "")


def test_sarif_names_rule_level_and_place(drifted):
    done = migrate(drifted, "check", "--format", "sarif")
    log = json.loads(done.stdout)
    (run,) = log["runs"]
    (result,) = run["results"]
    assert (log["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "keychange")
    assert (
        run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "pending"
    )
    assert result["level"] == "error"
    assert f"migrate -C {drifted} up" in result["message"]["text"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "app/voice.py"
    assert (place["region"]["startLine"], place["region"]["startColumn"]) == (2, 9)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("form", ["github", "sarif"])
def test_a_service_is_told_paths_from_the_top_of_the_checkout(tmp_path, form):
    write(tmp_path / "part", {**FILES, "app/voice.py": f'VOICE = "{OLD}"\n'})
    track(tmp_path)
    said = migrate(tmp_path / "part", "check", "--format", form).stdout
    assert ("file=part/app/voice.py," if form == "github" else '"part/app/voice.py"') in said


def test_a_name_that_is_no_text_is_told_in_every_form(tmp_path):
    name = os.fsdecode(b"generated/\xff,%\n/voice.json")
    write(tmp_path, {**FILES, name: f'{{"model": "{OLD}"}}\n'})
    for form, told in {
        "text": r"generated/\udcff,%␊/voice.json:1:11: ",
        "concise": r"generated/\udcff,%␊/voice.json:1:11: ",
        "json": r'"path": "generated/\udcff,%\n/voice.json"',
        "sarif": '"uri": "generated/%FF%2C%25%0A/voice.json"',
    }.items():
        done = migrate(tmp_path, "check", "--format", form)
        assert done.returncode == 1
        assert told in done.stdout + done.stderr


@pytest.mark.parametrize("form", ["concise", "sarif", "github"])
def test_a_wrong_option_is_told_in_the_form_that_was_asked_for(tmp_path, form):
    done = migrate(tmp_path, "check", "--format", form, "--bogus")
    assert (done.returncode, done.stderr) == (2, "")
    assert "there is no option `--bogus`" in done.stdout


@pytest.mark.parametrize("form", ["concise", "sarif", "github", "json"])
def test_a_file_that_is_not_valid_has_its_diagnostics_in_every_form(tmp_path, form):
    write(tmp_path, {"migrations/0001_voice.yaml": MIGRATION.replace("title: voice", "titel: v")})
    done = migrate(tmp_path, "validate", "--format", form)
    assert done.returncode == 2
    assert "titel" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("form", ["concise", "sarif"])
def test_forms_of_diagnostics_are_for_the_verbs_that_find_them(drifted, form):
    done = migrate(drifted, "plan", "--format", form)
    assert done.returncode == 2
    assert f"--format {form} is for check and validate and lint" in done.stderr


def test_validate_reads_the_migrations_and_nothing_else(tmp_path):
    write(tmp_path, {**FILES, ".env": b"\xff".decode("latin-1")})
    done = migrate(tmp_path, "validate")
    assert (done.returncode, done.stderr) == (0, "Validate: 1 migration, every one valid.\n")
    write(tmp_path, {"migrations/0003_gap.yaml": MIGRATION.replace("0001_voice", "0003_gap")})
    done = migrate(tmp_path, "validate")
    assert done.returncode == 1
    assert "migrations/0003_gap.yaml:2:1: error[history-gap]" in done.stderr


def test_brief_says_one_line_or_nothing(drifted):
    line = "1 migration behind (0001_voice); next: migrate up\n"
    assert migrate(drifted, "status", "--brief").stdout == line
    write(drifted, {"app/voice.py": f'VOICE = "{NEW}"\n'})
    done = migrate(drifted, "status", "--brief")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("verb", ["plan", "check"])
def test_what_an_operation_leaves_on_purpose_is_told_once(tmp_path, verb):
    source = f'VOICE = "{OLD}"\nif VOICE == "{OLD}":\n    pass  # {OLD}\nX = "{OLD}" " and more"\n'
    write(tmp_path, {**FILES, "app/voice.py": source})
    said = migrate(tmp_path, verb, "--format", "json").stdout
    told = [
        (each["code"], each["line"])
        for each in json.loads(said)["diagnostics"]
        if each["code"] in ("left-behind", "implicit-concatenation")
    ]
    assert told == [("left-behind", 2), ("left-behind", 3), ("implicit-concatenation", 4)]


def test_verify_says_why_there_is_nothing_to_verify(tmp_path):
    write(tmp_path, FILES)
    assert "no migration is applied here" in migrate(tmp_path, "verify").stdout
    write(tmp_path, {".env": f"VOICE={OLD}\n"})
    assert migrate(tmp_path, "up", "--yes").returncode == 0
    said = "Nothing to verify: every applied migration has passed its checks.\n"
    assert migrate(tmp_path, "verify").stdout == said
    said = "Verified: 0001_voice. No check is declared by 0001_voice.\n"
    assert migrate(tmp_path, "verify", "--again").stdout == said


def test_fix_says_what_up_would_do_also_to_machines_and_where_it_would_refuse(drifted):
    said = json.loads(migrate(drifted, "check", "--fix", "--format", "json").stdout)
    (step,) = said["plan"]["steps"]
    assert [each["path"] for each in step["files"]] == ["app/voice.py"]
    write(drifted, {".env": "VOICE=org/third\n"})
    done = migrate(drifted, "check", "--fix")
    assert done.returncode == 1
    assert done.stderr.count("foreign-value") == 1
    assert done.stderr.endswith("`up` would refuse, until these errors are mended.\n")


def test_an_old_value_in_a_large_file_is_left_behind_too(tmp_path, monkeypatch):
    write(tmp_path, {**FILES, "data.jsonl": '{"x": 1}\n' * 600_000 + f'{{"model": "{OLD}"}}\n'})
    track(tmp_path)
    assert "data.jsonl:600001:12: note[left-behind]" in migrate(tmp_path, "check").stderr
    monkeypatch.setattr("keychange.left_behind._LONGEST", 1000)
    said = migrate_here(tmp_path, "check").stderr
    assert "data.jsonl: note[left-behind]: holds an old value; the file is too large" in said


@pytest.mark.parametrize(
    ("streams", "code", "said"),
    [(">&-", 1, ""), ("2>&-", 1, ""), ("<&- >&- 2>&-", 1, ""), ("> /dev/full", 2, "Cannot write")],
)
def test_streams_that_are_closed_or_full_make_no_traceback(drifted, streams, code, said):
    command = shlex.join([*MIGRATE, "-C", str(drifted), "check", "--format", "concise"])
    for _ in range(2):
        done = subprocess.run(
            f"{command} {streams}", shell=True, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr[: len(said)]) == (code, said)
        assert "Traceback" not in done.stderr


def test_a_run_whose_answer_cannot_be_written_says_how_it_ended(drifted):
    command = shlex.join([*MIGRATE, "-C", str(drifted), "up", "--yes", "--no-verify"])
    done = subprocess.run(
        f"{command} > /dev/full", shell=True, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.endswith(
        "Cannot write what there is to say: No space left on device."
        " The run itself ended with exit code 0.\n"
    )
    assert "bug" not in done.stderr
    assert migrate(drifted, "check").returncode == 0


def test_brief_says_one_line_and_does_not_fail_where_a_migration_is_not_valid(drifted):
    write(drifted, {"migrations/0001_voice.yaml": MIGRATION.replace("title: voice", "titel: v")})
    done = migrate(drifted, "status", "--brief")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert "migrations/0001_voice.yaml:1:1: it cannot be said" in done.stdout
