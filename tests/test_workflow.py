"""The way through the program, by the command line, on small projects made here."""

import json
import os
import sys
from pathlib import Path

import pytest

from support.workspace import changed, files, migrate

HISTORY = {
    "0001_first": """\
format: 1
id: 0001_first
title: A to B
vars: {a: org/model-a, b: org/model-b}
operations:
  - env: .env
    missing: create
    set: {MODEL: {from: "${a}", to: "${b}"}, MODE: {to: fast}}
  - python: app.py
    strings: [{from: "${a}", to: "${b}"}]
  - json: conf/*.json
    set: {/model: {to: "${b}"}}
""",
    "0002_second": """\
format: 1
id: 0002_second
title: B to C
vars: {b: org/model-b, c: org/model-c}
operations:
  - env: .env
    set: {MODEL: {from: "${b}", to: "${c}"}}
  - python: app.py
    strings: [{from: "${b}", to: "${c}"}]
  - json: conf/*.json
    set: {/model: {from: "${b}", to: "${c}"}}
""",
}


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "project"
    write(root, ".env", "# voice\nTOKEN=hf_canarycanarycanary\nMODEL=org/model-a  # now\n")
    write(root, "app.py", "MODEL = 'org/model-a'\nprint(MODEL)\n")
    write(root, "conf/one.json", '{"model": "org/model-a", "n": 1.0}')
    write(root, "conf/two.json", '{\r\n\t"model": "org/model-x"\r\n}\r\n')
    for name, text in HISTORY.items():
        write(root, f"migrations/{name}.yaml", text)
    return root


def write(root, path, text):
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode())


def bad(root, *arguments):
    """Run a verb that must refuse; nothing may have changed."""
    before = files(root)
    done = migrate(root, *arguments)
    assert changed(before, files(root)) == set()
    assert "Traceback" not in done.stderr
    return done


def only(root, name, text):
    """Replace the history by one migration."""
    for path in (root / "migrations").iterdir():
        path.unlink()
    write(root, f"migrations/{name}.yaml", text)


def test_up_through_two_migrations_and_all_the_way_back(root):
    before = files(root)
    done = migrate(root, "up", "--yes")
    assert done.returncode == 0, done.stderr
    assert (root / ".env").read_text() == (
        "# voice\nTOKEN=hf_canarycanarycanary\nMODEL=org/model-c  # now\nMODE=fast\n"
    )
    assert (root / "app.py").read_text() == "MODEL = 'org/model-c'\nprint(MODEL)\n"
    assert (root / "conf/one.json").read_text() == '{"model": "org/model-c", "n": 1.0}'
    assert (root / "conf/two.json").read_bytes() == b'{\r\n\t"model": "org/model-c"\r\n}\r\n'
    assert migrate(root, "check").returncode == 0
    assert migrate(root, "down", "--to", "base", "--yes").returncode == 0
    assert changed(before, files(root)) == set()


def test_a_site_at_the_last_value_is_drift_of_no_migration(root):
    write(root, ".env", "MODEL=org/model-c\nMODE=fast\n")
    write(root, "app.py", "MODEL = 'org/model-c'\n")
    write(root, "conf/one.json", '{"model": "org/model-c"}')
    write(root, "conf/two.json", '{"model": "org/model-c"}')
    before = files(root)
    assert migrate(root, "check").returncode == 0
    assert migrate(root, "up", "--yes").returncode == 0
    assert changed(before, files(root)) == set()
    status = json.loads(migrate(root, "status", "--format", "json").stdout)
    assert [each["standing"] for each in status["migrations"]] == ["applied", "applied"]


def test_one_step_down_and_up_again(root):
    migrate(root, "up", "--yes")
    after = files(root)
    assert migrate(root, "down", "--yes").returncode == 0
    assert "org/model-b" in (root / "app.py").read_text()
    assert migrate(root, "check").returncode == 1
    assert migrate(root, "up", "--yes").returncode == 0
    assert changed(after, files(root)) == set()


def test_up_to_a_revision(root):
    assert migrate(root, "up", "--yes", "--to", "1").returncode == 0
    assert "org/model-b" in (root / "app.py").read_text()


def test_a_project_that_appears_later_is_drift_and_up_brings_it_along(root):
    migrate(root, "up", "--yes")
    write(root, "conf/three.json", '{"model": "org/model-z"}')
    found = migrate(root, "check")
    assert found.returncode == 1
    assert "conf/three.json:1:" in found.stderr
    assert "error[drift]" in found.stderr
    assert migrate(root, "up", "--yes").returncode == 0
    assert (root / "conf/three.json").read_text() == '{"model": "org/model-c"}'
    assert migrate(root, "check").returncode == 0
    assert migrate(root, "down", "--to", "base", "--yes").returncode == 0
    assert (root / "conf/three.json").read_text() == '{"model": "org/model-z"}'


def test_down_restores_sites_and_keeps_what_the_user_edited_elsewhere(root):
    before = {path: (root / path).read_bytes() for path in (".env", "app.py", "conf/one.json")}
    migrate(root, "up", "--yes")
    for path, added in ((".env", b"MINE=1\n"), ("app.py", b"print('mine')\n")):
        (root / path).write_bytes((root / path).read_bytes() + added)
    changed_json = (root / "conf/one.json").read_bytes().replace(b'"n": 1.0', b'"n": 2.50')
    (root / "conf/one.json").write_bytes(changed_json)
    done = migrate(root, "down", "--to", "base", "--yes")
    assert done.returncode == 0, done.stderr
    assert (root / ".env").read_bytes() == before[".env"] + b"MINE=1\n"
    assert (root / "app.py").read_bytes() == before["app.py"] + b"print('mine')\n"
    assert (root / "conf/one.json").read_bytes() == b'{"model": "org/model-a", "n": 2.50}'


def test_a_value_that_the_user_chose_since_stops_up_and_down(root):
    migrate(root, "up", "--yes")
    write(root, "app.py", "MODEL = 'org/mine'\n")
    assert bad(root, "up", "--yes").returncode == 1
    done = bad(root, "down", "--yes")
    assert done.returncode == 1
    assert "app.py:1:" in done.stderr


def test_down_works_without_the_migration_files(root):
    before = files(root)
    migrate(root, "up", "--yes")
    for path in (root / "migrations").iterdir():
        path.unlink()
    assert (
        migrate(root, "down", "--to", "base", "--yes", "--migrations", "migrations").returncode == 0
    )
    gone = {f"migrations/{name}.yaml" for name in HISTORY}
    assert changed(before, files(root)) == gone


def test_an_edited_applied_migration_is_an_error_that_says_what_changed(root):
    migrate(root, "up", "--yes")
    edited = HISTORY["0002_second"].replace("c: org/model-c", "c: org/model-d")
    write(root, "migrations/0002_second.yaml", edited)
    done = bad(root, "check")
    assert done.returncode == 1
    assert "edited-after-apply" in done.stderr
    assert "/vars/c changed" in done.stderr
    assert "migrations/0002_second.yaml:4:24: error[edited-after-apply]" in done.stderr


def test_a_comment_in_an_applied_migration_is_no_edit(root):
    migrate(root, "up", "--yes")
    text = "# why\n" + HISTORY["0002_second"].replace("\n", "\r\n")
    write(root, "migrations/0002_second.yaml", text)
    assert migrate(root, "check").returncode == 0


def test_a_second_up_does_nothing(root):
    migrate(root, "up", "--yes")
    stamps = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    done = migrate(root, "up", "--yes")
    assert done.returncode == 0
    assert "Nothing to do" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == stamps


def test_plan_and_dry_run_are_the_same_and_write_nothing(root):
    before = files(root)
    plan = migrate(root, "plan")
    assert plan.returncode == 0
    assert migrate(root, "up", "--dry-run").stdout == plan.stdout
    assert migrate(root, "plan", "--exit-code").returncode == 1
    assert changed(before, files(root)) == set()
    assert not (root / ".keychange").exists()


def test_nobody_to_ask_is_a_refusal(root):
    done = bad(root, "up")
    assert done.returncode == 1
    assert "needs-approval" in done.stderr


def test_a_missing_env_is_a_note_in_check_and_created_by_up(root):
    migrate(root, "up", "--yes")
    (root / ".env").unlink()
    found = migrate(root, "check")
    assert found.returncode == 0
    assert "note[not-here]: `.env`" in found.stderr


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("set: {MODEL", "sett: {MODEL"), 2, "0001_first.yaml:8:5: error[unknown-field]"),
        (("format: 1", "format: [1"), 2, "error[invalid-yaml]"),
        (("conf/*.json", "../*.json"), 1, "error[target-outside-root]"),
        (("conf/*.json", "/etc/*.json"), 1, "error[target-outside-root]"),
        (("conf/*.json", ".git/*"), 1, "error[target-outside-root]"),
        (("python: app.py", "python: nope.py"), 1, "error[missing-target]"),
        (("a: org/model-a,", "a: org/model-q,"), 1, "error[foreign-value]"),
    ],
)
def test_a_bad_migration_is_located_and_nothing_is_written(root, change, code, said):
    assert change[0] in HISTORY["0001_first"]
    only(root, "0001_first", HISTORY["0001_first"].replace(*change))
    done = bad(root, "up", "--yes")
    assert done.returncode == code, done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("conf/two.json", '{"model": "x",}', "conf/two.json:1:14: error[invalid-json]"),
        ("conf/two.json", '{"model": "x", "model": "y"}', "error[duplicate-member]"),
        ("app.py", "MODEL = ('org/model-a'\n", "app.py:1:9: error[invalid-python]"),
    ],
)
def test_a_bad_file_is_located_and_nothing_is_written(root, path, text, said):
    write(root, path, text)
    done = bad(root, "up", "--yes")
    assert done.returncode == 1, done.stderr
    assert said in done.stderr


def test_every_problem_of_a_run_is_reported_at_once(root):
    write(root, "conf/two.json", "{")
    write(root, "app.py", "x = ('org/model-a'")
    write(root, ".env", "MODEL=mine\n")
    done = bad(root, "up", "--yes")
    assert {"conf/two.json:1", "app.py:1", ".env:1"} <= {
        line.rpartition(": error")[0].rpartition(":")[0]
        for line in done.stderr.splitlines()
        if ": error[" in line
    }


@pytest.mark.parametrize("where", ["one.json", "linked"])
def test_a_link_out_of_the_root_is_refused(root, where):
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "one.json").write_text('{"model": "org/model-a"}')
    if where == "linked":
        (root / "conf").rename(root / "kept")
        (root / "conf").symlink_to(outside, target_is_directory=True)
    else:
        (root / "conf/one.json").unlink()
        (root / "conf/one.json").symlink_to(outside / "one.json")
    done = bad(root, "up", "--yes")
    assert done.returncode == 1
    assert "target-outside-root" in done.stderr
    assert (outside / "one.json").read_text() == '{"model": "org/model-a"}'


def test_a_pipe_does_not_hang(root):
    os.mkfifo(root / "conf" / "pipe.json")
    done = migrate(root, "plan")
    assert done.returncode == 1
    assert "conf/pipe.json: error[unreadable-target]" in done.stderr


@pytest.mark.parametrize(
    ("names", "code"),
    [(("0001_a", "0001_b"), "duplicate-revision"), (("0001_a", "0003_b"), "history-gap")],
)
def test_a_history_out_of_order_is_refused(root, names, code):
    only(root, names[0], HISTORY["0001_first"].replace("0001_first", names[0]))
    write(
        root, f"migrations/{names[1]}.yaml", HISTORY["0001_first"].replace("0001_first", names[1])
    )
    done = bad(root, "plan")
    assert done.returncode == 1
    assert f"migrations/{names[1]}.yaml:2:1: error[{code}]" in done.stderr


def test_an_irreversible_step_stops_down_before_anything_is_written(root):
    text = HISTORY["0001_first"].replace(
        "  - python:", "    irreversible: the old cache is gone\n  - python:"
    )
    only(root, "0001_first", text)
    assert migrate(root, "up", "--yes").returncode == 0
    done = bad(root, "down", "--yes")
    assert done.returncode == 1
    assert "irreversible-step" in done.stderr
    assert "the old cache is gone" in done.stderr


def test_an_unknown_revision_and_an_unknown_verb_are_usage_errors(root):
    assert bad(root, "up", "--to", "0009", "--yes").returncode == 2
    assert "did you mean `0002_second`" in bad(root, "plan", "--to", "0002_secnd").stderr.lower()
    assert bad(root, "plna").returncode == 2


# ---------------------------------------------------------------- verification


def verifying(*argv, expect=""):
    words = json.dumps([sys.executable, *argv])
    text = HISTORY["0001_first"] + f"verify:\n  - run: {words}\n"
    return text + (f"    expect: [{json.dumps(expect)}]\n" if expect else "")


def test_a_check_that_passes_is_recorded_as_verified(root):
    only(root, "0001_first", verifying("-c", "print('all well')", expect="all well"))
    done = migrate(root, "up", "--yes")
    assert done.returncode == 0, done.stderr
    status = json.loads(migrate(root, "status", "--format", "json").stdout)
    assert status["migrations"][0]["recorded"] == "verified"


@pytest.mark.parametrize("code", ["raise SystemExit(7)", "print('nothing')"])
def test_a_check_that_fails_rolls_every_byte_back(root, code):
    only(root, "0001_first", verifying("-c", code, expect="all well"))
    before = files(root)
    done = migrate(root, "up", "--yes")
    assert done.returncode == 3
    assert "Every file was restored and compared." in done.stdout
    assert changed(before, files(root)) == set()
    status = json.loads(migrate(root, "status", "--format", "json").stdout)
    assert status["migrations"][0]["recorded"] is None


def test_only_the_step_that_failed_is_rolled_back(root):
    text = HISTORY["0002_second"] + f"verify:\n  - run: {json.dumps([sys.executable, '-c', 'x'])}\n"
    write(root, "migrations/0002_second.yaml", text)
    done = migrate(root, "up", "--yes", "--format", "json")
    outcome = json.loads(done.stdout)
    assert (done.returncode, outcome["exit_code"]) == (3, 3)
    assert (outcome["ending"], outcome["done"], outcome["undone"]) == (
        "rolled-back",
        ["0001_first"],
        "0002_second",
    )
    assert "org/model-b" in (root / "app.py").read_text()


def test_bytes_that_a_check_wrote_into_a_target_are_kept_aside(root):
    code = "open('conf/one.json', 'w').write('mine'); raise SystemExit(1)"
    only(root, "0001_first", verifying("-c", code))
    before = files(root)
    done = migrate(root, "up", "--yes")
    assert done.returncode == 3
    assert changed(before, files(root)) == set()
    assert "changed-during-checks" in done.stderr
    (kept,) = (root / ".keychange/rescued").rglob("one.json")
    assert kept.read_text() == "mine"
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("change", ["write_text('mine')", "unlink()"])
def test_a_check_that_passes_and_changes_what_was_written_is_told(root, change):
    """As one does that runs a formatter, or ``git stash``."""
    code = f"from pathlib import Path; Path('conf/one.json').{change}"
    only(root, "0001_first", verifying("-c", code))
    done = migrate(root, "up", "--yes", "--format", "json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["ending"]) == (0, "applied")
    told = [each for each in said["diagnostics"] if each["severity"] == "warning"]
    assert [(each["code"], each["path"]) for each in told] == [
        ("changed-during-checks", "conf/one.json")
    ]


def test_no_verify_is_recorded_and_verify_mends_it(root):
    marker = root.parent / "ready"
    code = f"import os; raise SystemExit(not os.path.exists({str(marker)!r}))"
    only(root, "0001_first", verifying("-c", code))
    assert migrate(root, "up", "--yes", "--no-verify").returncode == 0
    recorded = json.loads(migrate(root, "status", "--format", "json").stdout)["migrations"][0]
    assert recorded["recorded"] == "unverified"
    before = files(root)
    assert migrate(root, "verify").returncode == 3
    assert changed(before, files(root)) == set()
    marker.touch()
    assert migrate(root, "verify").returncode == 0
    recorded = json.loads(migrate(root, "status", "--format", "json").stdout)["migrations"][0]
    assert recorded["recorded"] == "verified"


def test_a_requirement_that_is_not_met_refuses_before_writing(root):
    only(root, "0001_first", HISTORY["0001_first"] + "require:\n  - path: voice/ref.wav\n")
    done = bad(root, "up", "--yes")
    assert done.returncode == 1
    assert "migrations/0001_first.yaml:14:5: error[path-missing]" in done.stderr


def test_a_command_gets_what_env_exports(root):
    write(root, ".env", "export MODEL=org/model-a\nHIDDEN=1\n")
    code = "import os; print(os.environ.get('MODEL'), os.environ.get('HIDDEN'))"
    only(root, "0001_first", verifying("-c", code, expect="org/model-b None"))
    assert migrate(root, "up", "--yes").returncode == 0


# ---------------------------------------------------------------- machines and secrets


@pytest.mark.parametrize(
    "verb", [("plan",), ("up", "--yes"), ("status",), ("check",), ("down", "--yes")]
)
def test_json_is_one_document_on_success_and_on_failure(root, verb):
    good = json.loads(migrate(root, *verb, "--format", "json").stdout)
    assert (good["format_version"], good["verb"]) == (1, verb[0])
    write(root, "migrations/0001_first.yaml", "format: 9\n")
    done = migrate(root, *verb, "--format", "json")
    wrong = json.loads(done.stdout)
    assert (done.returncode, wrong["exit_code"]) == (2, 2)
    assert all(each["path"] == "migrations/0001_first.yaml" for each in wrong["diagnostics"])


def test_a_secret_reaches_no_output(root):
    canary = "canarycanarycanary"
    write(root, "app.py", f"KEY, MODEL = 'sk-{canary}', 'org/model-a'\nAPI_KEY = '{canary}'\n")
    write(root, "conf/one.json", f'{{"model": "org/model-a", "api_key": "{canary}"}}')
    said = ""
    verbs = [("plan",), ("plan", "--format", "json"), ("check", "--format", "github"), ("check",)]
    verbs += [("up", "--yes"), ("status", "-v"), ("down", "--yes", "--format", "json")]
    for verb in verbs:
        done = migrate(root, *verb, "--debug")
        said += done.stdout + done.stderr
    assert "org/model-b" in said
    assert canary not in said
    private = [path for path in (root / ".keychange").rglob("*") if path.is_file()]
    assert all(path.stat().st_mode & 0o077 == 0 for path in private if path.name != ".gitignore")
    assert not any(canary.encode() in path.read_bytes() for path in private)


def test_results_go_to_one_stream_and_narration_to_the_other(root):
    done = migrate(root, "plan")
    assert done.stdout.startswith("0001_first (up)  A to B\n")
    assert "Nothing was written." in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x1b[" in migrate(root, "plan", "--color", "always").stdout


def test_control_characters_from_a_file_do_not_reach_the_terminal(root):
    write(root, "app.py", "MODEL = 'org/model-a'  # \x1b]0;title\x07\n")
    done = migrate(root, "plan")
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "␛" in done.stdout


def test_left_behind_values_are_reported_with_their_place(root):
    write(root, "docs/notes.md", "We use org/model-a here,\nnot org/model-a-large.\n")
    assert "docs/notes.md:1:8: note[left-behind]" in migrate(root, "check").stderr
    done = migrate(root, "-q", "check", "--left-behind", "fail")
    assert "docs/notes.md:1:8: error[left-behind]" in done.stderr
    assert "docs/notes.md:2" not in done.stderr
    assert done.returncode == 1


def test_github_annotations(root):
    done = migrate(root, "check", "--format", "github")
    assert done.returncode == 1
    assert "::error title=pending,file=app.py,line=1,col=" in done.stdout


def test_the_folder_of_state_is_private_and_ignored(root: Path):
    migrate(root, "up", "--yes")
    state = root / ".keychange"
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / ".gitignore").read_text() == "*\n"
    assert (state / "ledger.json").stat().st_mode & 0o777 == 0o600


# ---------------------------------------------------------------- authoring


def test_a_new_migration_gets_the_next_number_and_loads(root):
    done = migrate(root, "new", "larger-model", "--title", "The larger model")
    assert (done.returncode, done.stdout) == (0, "migrations/0003_larger_model.yaml\n")
    listed = json.loads(migrate(root, "history", "--format", "json").stdout)["migrations"]
    assert [each["title"] for each in listed] == ["A to B", "B to C", "The larger model"]
    assert bad(root, "new", "No/Slug").returncode == 2


def test_history_says_what_is_applied_also_without_its_file(root):
    migrate(root, "up", "--yes")
    (root / "migrations/0002_second.yaml").unlink()
    rows = migrate(root, "history").stdout.splitlines()
    assert [row.split()[0] for row in rows] == ["0001_first", "0002_second"]
    assert all("(verified, " in row for row in rows)


def test_sites_lists_addresses_that_a_migration_can_use(root):
    write(root, "app.py", "class Voice:\n    MODEL = 'org/model-a'\n")
    (row,) = json.loads(migrate(root, "sites", "app.py", "--format", "json").stdout)["sites"]
    assert (row["address"], row["line"]) == ("Voice.MODEL", 2)
    text = HISTORY["0001_first"].replace('strings: [{from: "${a}"', "strings: [{at: Voice.MODEL")
    only(root, "0001_first", text)
    assert migrate(root, "up", "--yes").returncode == 0
    assert "MODEL = 'org/model-b'" in (root / "app.py").read_text()


def test_every_verb_has_help_with_examples(root):
    from keychange.cli import VERBS

    for name in VERBS:
        done = migrate(root, name, "--help")
        assert done.returncode == 0
        assert done.stdout.count(f"migrate {name}") >= 2 or name == "recover", done.stdout


@pytest.mark.parametrize(
    ("command", "verdict", "ending", "code"),
    [
        ("[python, -c, 'raise SystemExit(3)']", "fail", "rolled-back", "command-failed"),
        ("[no-such-program]", "inconclusive", "rolled-back-inconclusive", "command-not-found"),
    ],
)
def test_failed_and_inconclusive_differ_and_both_can_be_kept(root, command, verdict, ending, code):
    only(root, "0001_first", HISTORY["0001_first"] + f"verify:\n  - run: {command}\n")
    before = files(root)
    done = migrate(root, "up", "--yes", "--format", "json")
    said = json.loads(done.stdout)
    found = (done.returncode, said["verdict"], said["ending"], said["diagnostics"][-1]["code"])
    assert found == (3, verdict, ending, code)
    assert changed(before, files(root)) == set()
    done = migrate(root, "up", "--yes", "--keep", "--format", "json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["verdict"], said["ending"]) == (3, verdict, "kept-unverified")
    assert "org/model-b" in (root / "app.py").read_text()
    words = {"fail": "a check failed", "inconclusive": "it could not be tested here"}
    assert words[verdict] in migrate(root, "verify").stdout
    path = root / "migrations" / "0001_first.yaml"
    path.write_text(path.read_text().replace(command, "[python, -c, pass]"))
    assert migrate(root, "down", "--yes").returncode == 0
    assert migrate(root, "up", "--yes", "--no-verify").returncode == 0
    assert "Verified: 0001_first." in migrate(root, "verify").stdout


def test_an_old_value_that_is_no_text_is_replaced_and_not_looked_for(tmp_path):
    operation = '  - json: a.json\n    set: {/m: {from: "\\ud800", to: new}}\n'
    head = "format: 1\nid: 0001_x\ntitle: x\noperations:\n"
    write(tmp_path, "migrations/0001_x.yaml", head + operation)
    write(tmp_path, "a.json", '{"m": "\\ud800"}')
    write(tmp_path, "other.txt", "nothing\n")
    assert migrate(tmp_path, "plan").returncode == 0
    assert migrate(tmp_path, "up", "--yes").returncode == 0
    assert (tmp_path / "a.json").read_text() == '{"m": "new"}'
    assert migrate(tmp_path, "check").returncode == 0
