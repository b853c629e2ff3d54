"""Room of escapes: ways out of the project, and traps in it, each refused with its place."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import sys
from itertools import pairwise

import pytest

from support.faults import snapshot
from support.verb_scene import warm
from support.verbs import Forks, migrate_here
from support.workspace import MIGRATE

OLD, NEW = "org/model-a", "org/model-b"
MIGRATION = f"""\
format: 1
id: 0001_first
title: A to B
operations:
  - json: conf/*.json
    set: {{/model: {{from: {OLD}, to: {NEW}}}}}
"""


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "project"
    (root / "conf").mkdir(parents=True)
    (root / "conf/a.json").write_text(json.dumps({"model": OLD}))
    (root / "migrations").mkdir()
    write_migration(root)
    warm(root)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.json").write_text(json.dumps({"model": OLD}))
    return root


def write_migration(root, *change):
    assert not change or change[0] in MIGRATION
    text = MIGRATION.replace(*change) if change else MIGRATION
    (root / "migrations/0001_first.yaml").write_text(text)


def refused(root, place, code, *, exit_code=1):
    """`plan` and `up` both refuse at that place; nothing in or around the project changes."""
    before = snapshot(root.parent)
    for verb in (("plan",), ("up", "--yes")):
        done = migrate_here(root, *verb)
        assert done.code == exit_code, done
        assert re.search(rf"^{place}: error\[{code}\]", done.err, re.MULTILINE), done.err
        assert "Traceback" not in done.err
    after = {p: v for p, v in snapshot(root.parent).items() if ".keychange" not in p}
    assert after == before


@pytest.mark.parametrize(
    "target",
    [
        "../outside/*.json",
        "../outside/a.json",
        "conf/../../outside/a.json",
        "/etc/*.json",
        "~/a.json",
        ".git/*",
        "conf/.git/a.json",
        ".GIT/config",
        ".keychange/*.json",
        ".Keychange/ledger.json",
    ],
)
def test_targets_out_of_the_root_and_into_folders_of_programs(root, target):
    write_migration(root, "conf/*.json", f"'{target}'")
    refused(root, r"migrations/0001_first\.yaml:5:5", "target-outside-root")


@pytest.mark.parametrize("pattern", ["**/*.json", "*/*.json", "*", "**/*", ".*/*.json"])
def test_patterns_do_not_reach_into_folders_of_programs(root, pattern):
    write_migration(root, "conf/*.json", json.dumps(pattern))
    elsewhere = root.parent / "elsewhere"
    (root / "migrations").rename(elsewhere)
    for folder in (".git", ".git/deep", "conf/.git", ".keychange", ".GIT"):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "trap.json").write_text(json.dumps({"model": OLD}))
    done = migrate_here(root, "--migrations", str(elsewhere), "plan", "--name-only")
    assert done.code == 0, done.err
    assert set(done.out.split()) <= {"conf/a.json"}


@pytest.mark.parametrize("end", ["../outside/a.json", "/etc/hostname", "/dev/null", "/dev/tty"])
def test_links_out_of_the_root(root, end):
    (root / "conf/b.json").symlink_to(f"../{end}" if end.startswith("..") else end)
    refused(root, r"conf/b\.json", "target-outside-root")


def test_links_into_folders_of_programs(root):
    (root / ".git").mkdir()
    (root / ".git/config").write_text(json.dumps({"model": OLD}))
    (root / "conf/b.json").symlink_to("../.git/config")
    refused(root, r"conf/b\.json", "target-outside-root")


def test_folders_that_are_links_out_of_the_root(root):
    (root / "conf").rename(root / "kept")
    (root / "conf").symlink_to("../outside")
    refused(root, r"conf/a\.json", "target-outside-root")


def swap_file(root):
    (root / "conf/a.json").unlink()
    (root / "conf/a.json").symlink_to("../../outside/a.json")


def swap_folder(root):
    (root / "conf").rename(root / "kept")
    (root / "conf").symlink_to("../outside")


@pytest.mark.parametrize("swap", [swap_file, swap_folder])
def test_links_that_are_swapped_in_between_plan_and_apply(root, swap):
    """The bytes are the same there: only the place tells."""
    with Forks(root, "up", "--yes") as forks:
        swap(root)
        done = forks.run()
    assert done.code == 1, done
    assert "conf/a.json: error[outside-root]" in done.err
    assert json.loads((root.parent / "outside/a.json").read_text()) == {"model": OLD}


@pytest.mark.parametrize("swap", [swap_file, swap_folder])
@pytest.mark.parametrize(("call", "number"), [("replace(writing, prepared)", 0), ("barrier()", 3)])
def test_links_that_are_swapped_in_while_it_writes(root, swap, call, number):
    """Before anything is staged, and when all is: the barriers before are the journal's."""
    actions = {"swap": lambda made: swap(root)}
    with Forks(root, "up", "--yes", actions=actions) as forks:
        calls = forks.run().calls
        assert migrate_here(root, "down", "--yes").code == 0
        shutil.rmtree(root / ".keychange")
        at = [position for position, made in enumerate(calls) if made == call]
        done = forks.run(at[number], "swap")
    assert done.code in (3, 4), done
    assert [path.name for path in (root.parent / "outside").iterdir()] == ["a.json"]
    assert json.loads((root.parent / "outside/a.json").read_text()) == {"model": OLD}


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def make_device(path):
    """A device where that is allowed, else the next best thing that must not be opened."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero: it never ends
    except PermissionError:
        os.mkfifo(path)


def shut(monkeypatch, folder):
    """What its mode does to a folder, also for a superuser, as whom tests run in containers."""
    scan, access = os.scandir, os.access

    def scandir(path="."):
        if str(path).rstrip("/") == str(folder):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "access", lambda at, *_, **to: at != folder and access(at, *_, **to))


def test_a_folder_that_may_not_be_read_is_not_taken_for_empty(root, monkeypatch):
    (root / "other").mkdir()
    for target, folder, code in (
        ("conf/*.json", "conf", 1),
        ("**/a.json", "other", 0),  # it fits by chance, and may well be somebody else's
        ("**/a.json", "migrations", 2),
    ):
        write_migration(root, "conf/*.json", f"'{target}'")
        with monkeypatch.context() as patch:
            shut(patch, root / folder)
            done = migrate_here(root, "up", "--yes")
        assert done.code == code, done
        assert f"{folder}` may not be read" in done.err


TRAPS = {"fifo": os.mkfifo, "socket": make_socket, "device": make_device}


@pytest.mark.parametrize("make", TRAPS.values(), ids=TRAPS)
def test_what_is_no_file_is_no_trap(root, make, monkeypatch):
    monkeypatch.chdir(root / "conf")  # the path of a socket must be short
    make("b.json")
    refused(root, r"conf/b\.json", "unreadable-target")


@pytest.mark.parametrize("make", TRAPS.values(), ids=TRAPS)
def test_a_migration_that_is_no_file_is_no_trap(root, make, monkeypatch):
    monkeypatch.chdir(root / "migrations")
    make("0002_b.yaml")
    refused(root, r"migrations/0002_b\.yaml", "unreadable-migration", exit_code=2)


def test_settings_that_are_no_file_are_no_trap(root):
    os.mkfifo(root / "pyproject.toml")
    assert migrate_here(root, "plan").code == 0


def test_a_trap_in_the_folder_of_state_is_none(root):
    assert migrate_here(root, "up", "--yes").code == 0
    state = root / ".keychange"
    for name in ("lock", "journal/prepared"):
        (state / name).unlink(missing_ok=True)
        os.mkfifo(state / name)
        done = migrate_here(root, "down", "--yes")
        assert "Traceback" not in done.err
        (state / name).unlink()


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize(
    ("place", "verb", "code"),
    [
        (".keychange/key", ("plan", "--out", "p.plan"), 1),
        ("p.plan", ("up", "--plan", "p.plan"), 2),
        ("p.plan", ("plan", "--out", "p.plan"), 1),
        ("code.py", ("sites", "code.py"), 1),
        ("conf/a.json", ("check",), 1),
        (".pre-commit-config.yaml", ("init",), 0),
    ],
)
def test_whatever_is_read_is_a_file(root, make, place, verb, code):
    """Also where it was one when it was looked at last, as by a `check` before."""
    arguments = [*MIGRATE, "-C", str(root)]
    path = root / place
    if place == ".env":
        write_migration(
            root, "operations:\n", "operations:\n  - env: .env\n    set: {A: {to: b}}\n"
        )
        path.write_text("A=a\n")
    if verb == ("init",):
        shutil.rmtree(root / "migrations")
    if verb == ("check",):
        assert migrate_here(root, "up", "--yes").code == 0
        subprocess.run([*arguments, "check"], check=True, capture_output=True)
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    make(path)
    done = subprocess.run(
        [*arguments, *verb], cwd=root, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "internal-error" in done.stderr) == (code, False), done.stderr


def test_folders_of_state_that_lead_elsewhere_are_not_written_to(root):
    assert migrate_here(root, "up", "--yes").code == 0
    before = snapshot(root.parent / "outside")
    for name, verb in (("reports", "report"), ("cache", "check"), ("rescued", "up")):
        shutil.rmtree(root / ".keychange" / name, ignore_errors=True)
        (root / ".keychange" / name).symlink_to("../../outside")
        if verb == "up":
            (root / ".keychange/ledger.json").write_text("damaged")
        done = migrate_here(root, verb, *(["--yes"] if verb == "up" else []))
        assert ("state-unwritable" in done.err) == (verb != "check"), done.err
    assert snapshot(root.parent / "outside") == before


def huge(path):
    with path.open("wb") as file:
        file.truncate(1 << 30)  # sparse: it takes no room


@pytest.mark.parametrize(
    ("path", "verb", "code"),
    [
        ("conf/b.json", "plan", "unreadable-target"),
        (".env", "doctor", "unreadable-file"),
        ("migrations/0002_b.yaml", "plan", "unreadable-migration"),
        (".keychange/ledger.json", "plan", "unreadable-ledger"),
    ],
)
def test_a_huge_file_is_refused_before_it_is_read(root, path, verb, code):
    """In less memory than it would take, where the system can be told so."""
    (root / ".keychange").mkdir(mode=0o700)
    write_migration(root, "operations:\n", "operations:\n  - {env: .env, set: {A: {to: b}}}\n")
    huge(root / path)
    program = shlex.join([*MIGRATE, "-C", str(root), verb])
    done = subprocess.run(
        ["sh", "-c", f"ulimit -v 1000000 2>/dev/null; exec {program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(rf"^{re.escape(path)}: error\[{code}\]", done.stderr, re.MULTILINE), done


def test_a_target_that_became_huge_is_refused_before_it_is_read(root):
    with Forks(root, "up", "--yes") as forks:
        huge(root / "conf/a.json")
        done = forks.run()
    assert done.code == 1
    assert "conf/a.json: error[unreadable-file]" in done.err


BOMB = "\n".join(
    ["a: &a [x, x, x, x, x, x, x, x, x]"]
    + [f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}]" for a, b in pairwise("abcdefg")]
)
YAML = {
    "bomb": (BOMB, "1:4"),
    "alias": ("title: &a One\nid: *a\n", "1:8"),
    "merge": ("a: &a {x: 1}\nb:\n  <<: *a\n", "1:4"),
    "object": ("title: !!python/object/apply:os.system [touch pwned]\n", "1:8"),
    "name": ("title: !!python/name:os.system ''\n", "1:8"),
    "binary": ("title: !!binary aGk=\n", "1:8"),
    "set": ("title: !!set {a, b}\n", "1:8"),
    "tag": ("!mine\ntitle: One\n", "1:1"),
    "deep": ("a: " + "[" * 60 + "]" * 60, r"1:\d+"),
    "deep-map": ("".join(f"{'  ' * depth}a:\n" for depth in range(200)), r"\d+:\d+"),
    "documents": ("a: 1\n---\nb: 2\n", r"\d+:\d+"),
    "key": ("? [a, b]\n: 1\n", "1:3"),
}


@pytest.mark.parametrize(("text", "place"), YAML.values(), ids=YAML)
def test_yaml_is_data_and_nothing_else(root, text, place):
    (root / "migrations/0001_first.yaml").write_text(text)
    refused(root, rf"migrations/0001_first\.yaml:{place}", "invalid-yaml", exit_code=2)
    assert not (root / "pwned").exists()


@pytest.mark.parametrize("text", ["[" * 200_000, '{"model":' * 50_000, "[" * 900 + "]" * 900])
def test_deep_json_is_no_trap(root, text):
    (root / "conf/b.json").write_text(text)
    done = migrate_here(root, "plan")
    assert "Traceback" not in done.err
    assert "internal-error" not in done.err
    assert done.code in (0, 1)


@pytest.mark.parametrize("deep", ["(" * 5_000, "-" * 20_000 + "1", "f(" * 500 + ")" * 500])
def test_deep_python_is_no_trap(root, deep):
    (root / "app.py").write_text(f"A = '{OLD}'\nB = {deep}\n")
    change = ("  - json: conf/*.json\n    set: {/model:", "  - python: app.py\n    strings: [")
    text = MIGRATION.replace(*change).replace("}}", "}]")
    (root / "migrations/0001_first.yaml").write_text(text)
    done = migrate_here(root, "plan")
    assert "internal-error" not in done.err, done.err
    assert done.code in (0, 1), done


def test_values_that_come_from_files_are_never_templates(root):
    """Neither on the way up nor when they are put back."""
    held = "${root}/$HOME/$(id)/`id`"
    (root / "conf/a.json").write_text(json.dumps({"model": held, "name": "${root}"}))
    (root / ".env").write_text(f"MODEL='{held}'\n")
    write_migration(
        root,
        f"{{/model: {{from: {OLD}, to: {NEW}}}}}",
        f"{{/model: {{to: {NEW}}}}}\n  - env: .env\n    set: {{MODEL: {{to: {NEW}}}}}",
    )
    before = snapshot(root)
    done = migrate_here(root, "up", "--yes")
    assert done.code == 0, done.err
    assert json.loads((root / "conf/a.json").read_text()) == {"model": NEW, "name": "${root}"}
    (root / ".env").write_text((root / ".env").read_text() + "MINE=1\n")
    assert migrate_here(root, "down", "--yes").code == 0
    assert json.loads((root / "conf/a.json").read_text())["model"] == held
    assert (root / ".env").read_text() == f"MODEL='{held}'\nMINE=1\n"
    assert snapshot(root)["conf/a.json"] == before["conf/a.json"]


def test_commands_are_never_words_of_a_shell(root):
    argv = [
        sys.executable,
        "-c",
        "import sys; print(sys.argv[1:])",
        "; touch pwned",
        "$(touch pwned)",
    ]
    text = MIGRATION + f"verify:\n  - run: {json.dumps(argv)}\n    expect: ['$(touch pwned)']\n"
    (root / "migrations/0001_first.yaml").write_text(text)
    done = migrate_here(root, "up", "--yes")
    assert done.code == 0, done
    assert not (root / "pwned").exists()
    (root / "migrations/0001_first.yaml").write_text(MIGRATION + "verify:\n  - run: touch pwned\n")
    done = migrate_here(root, "check")
    assert done.code == 2
    assert "migrations/0001_first.yaml:8:5: error[wrong-type]" in done.err


def test_a_migration_says_what_it_would_run_before_it_is_applied(root):
    text = MIGRATION.replace("title: A to B", "title: A to B\nvars: {tool: scripts/tool.py}")
    text += 'verify:\n  - run: [python, "${tool}", --in, "${root}", "; touch pwned"]\n'
    (root / "migrations/0001_first.yaml").write_text(text)
    words = ["python", "scripts/tool.py", "--in", str(root), "; touch pwned"]
    said = f"Runs {shlex.join(words)} "
    assert said in " ".join(migrate_here(root, "plan").out.split())
    assert said in " ".join(migrate_here(root, "plan", "--summary").out.split())
    (step,) = json.loads(migrate_here(root, "plan", "--format", "json").out)["plan"]["steps"]
    assert step["runs"] == [words]
    for asked in (("up",), ("up", "--yes")):
        done = migrate_here(root, *asked)
        assert said in " ".join(done.err.split()), done
        assert done.code != 0
    assert json.loads((root / "conf/a.json").read_text()) == {"model": OLD}


def test_what_runs_for_each_folder_is_said_as_it_will_run(root):
    text = MIGRATION + 'verify:\n  - {run: [true, "${project}"], for_each: "conf/*/"}\n'
    (root / "migrations/0001_first.yaml").write_text(text.replace("[true", '["true"'))
    for each in range(7):
        (root / f"conf/{each}").mkdir()
    out = migrate_here(root, "plan").out
    shown = "".join(f"  true conf/{each}\n" for each in range(4))
    assert f"Runs\n{shown}  and 3 more\n" in out
    (step,) = json.loads(migrate_here(root, "plan", "--format", "json").out)["plan"]["steps"]
    assert step["runs"] == [["true", f"conf/{each}"] for each in range(7)]


def test_a_state_folder_that_leads_elsewhere_is_not_used(root):
    (root / ".keychange").symlink_to("../outside")
    before = snapshot(root.parent)
    done = migrate_here(root, "up", "--yes")
    assert (done.code, "error[state-unwritable]" in done.err) == (1, True), done
    assert snapshot(root.parent) == before


@pytest.mark.parametrize("end", ["../../outside/ledger.json", "../keep.txt"])
def test_a_ledger_that_leads_elsewhere_is_not_written(root, end):
    (root / "keep.txt").write_text("keep\n")
    (root / ".keychange").mkdir(mode=0o700)
    (root / ".keychange/ledger.json").symlink_to(end)
    done = migrate_here(root, "up", "--yes")
    assert (done.code, "error[unreadable-ledger]" in done.err) == (1, True), done
    assert not (root.parent / "outside/ledger.json").exists()
    assert (root / "keep.txt").read_text() == "keep\n"
    assert json.loads((root / "conf/a.json").read_text()) == {"model": OLD}
