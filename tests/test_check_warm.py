"""The warm path of `check` gives the answer that a check from nothing would give, or none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from keychange.warm.seals import matches
from keychange.warm.store import FOLDER
from support.answers import run
from support.voice_project import FILES, MIGRATION, NEW, OLD, write
from support.workspace import MIGRATE, migrate, track

LONG_AGO = 1_600_000_000


def age(root):
    """Give everything a time well before the next check, so that it can be sealed by it."""
    for path in (*root.rglob("*"), root):
        if ".git" not in path.parts:
            os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project that is clean, old enough to be sealed, and checked once."""
    monkeypatch.setattr("keychange.regular._TICK_NS", -(10**18))
    root = tmp_path / "project"
    write(root, FILES)
    track(root)
    assert run(root)[1][2] == 0
    return root


def test_nothing_changed_is_answered_from_what_is_kept(project):
    warm, said = run(project)
    assert (warm, said) == (True, run(project, cold=True)[1])
    assert said[1] == "Check: clean; 0 old values left behind.\n"


def test_a_problem_is_told_again_too(project):
    write(project, {".env": f"VOICE={OLD}\n", "README.md": f"once {OLD}\n"})
    first, again = run(project), run(project)
    assert (first[0], again[0]) == (False, True)
    assert first[1] == again[1]
    assert first[1][2] == 1


CHANGES = {
    "drift in an ignored file": lambda root: write(root, {".env": f"VOICE={OLD}\n"}),
    "drift in a tracked one": lambda root: write(root, {"app/voice.py": f'VOICE = "{OLD}"\n'}),
    "drift in one without a site": lambda root: write(
        root, {"app/deep/other.py": f'OTHER = "{OLD}"\n'}
    ),
    "a config that appeared": lambda root: write(
        root, {"generated/two/voice.json": f'{{"model": "{OLD}"}}\n'}
    ),
    "a source that appeared": lambda root: write(root, {"app/new/mine.py": f'X = "{OLD}"\n'}),
    "an old value left behind": lambda root: write(root, {"README.md": f"It was {OLD}.\n"}),
    "an edited migration": lambda root: write(
        root, {"migrations/0001_voice.yaml": MIGRATION.replace("1.7B", "1.8B")}
    ),
    "a further migration": lambda root: write(
        root, {"migrations/0003_gap.yaml": MIGRATION.replace("0001_voice", "0003_gap")}
    ),
    "settings that appeared": lambda root: write(
        root, {"pyproject.toml": '[tool.keychange]\nmigrations = "elsewhere"\n'}
    ),
    "an interrupted run": lambda root: write(root, {".keychange/journal/prepared": "junk"}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changed_is_seen(project, change):
    before = run(project)[1]
    change(project)
    warm, said = run(project)
    assert not warm
    assert said != before
    assert said == run(project, cold=True)[1]


def test_a_file_that_was_only_touched_is_unchanged(project):
    for path in ("app/voice.py", ".env", "migrations/0001_voice.yaml"):
        os.utime(project / path)
        shutil.copy(project / path, project / "copy")
        (project / "copy").replace(project / path)
    assert run(project)[0]


def test_named_files_are_judged_alone(project, monkeypatch):
    monkeypatch.chdir(project)
    write(project, {"app/voice.py": f'VOICE = "{OLD}"\n', "notes.txt": f"{OLD}\n"})
    warm, said = run(project, "README.md", "app/deep/other.py")
    assert said == ("", "Check: clean; 2 named files.\n", 0)
    assert run(project, "README.md", "app/deep/other.py") == (True, said)
    assert run(project, "README.md") == (True, ("", "Check: clean; 1 named file.\n", 0))
    for name, code in (("app/voice.py", 1), ("notes.txt", 0), ("generated/one/voice.json", 0)):
        warm, said = run(project, name)
        assert said == run(project, name, cold=True)[1]
        assert (said[2], warm and name != "generated/one/voice.json") == (code, False)
    assert "left-behind" in run(project, "notes.txt")[1][1]


def test_names_may_be_folders_or_lead_through_links_or_be_misspelt(project, monkeypatch):
    monkeypatch.chdir(project)
    write(project, {"app/voice.py": f'VOICE = "{OLD}"\n', "docs/a.txt": f"{OLD}\n"})
    subprocess.run(["git", "add", "docs"], cwd=project, check=True)
    (project.parent / "link").symlink_to(project)
    for name in ("app", "app/", ".", "../link/app/voice.py", str(project.parent / "link/app")):
        for _ in range(2):
            assert "app/voice.py:1:9: error[pending]" in run(project, name)[1][1], name
    assert "docs/a.txt:1:1: note[left-behind]" in run(project, "docs")[1][1]
    for _ in range(2):
        code, said = run(project, "app/voce.py", "/etc/hosts")[1][2], run(project, "app/voce.py")
        assert code == 0
        assert "app/voce.py: note[not-here]" in said[1][1]
        assert "nothing was judged" in said[1][1]
    assert run(project, "/etc/hosts", "README.md")[1] == ("", "Check: clean; 1 named file.\n", 0)


def test_without_git_what_is_left_behind_is_searched_for_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr("keychange.regular._TICK_NS", -(10**18))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    root = tmp_path / "project"
    write(root, FILES)
    assert run(root)[1][2] == 0
    assert run(root)[1][2] == 0
    write(root, {"docs/new.md": f"{OLD}\n"})
    assert "docs/new.md:1:1: note[left-behind]" in run(root)[1][1]


def test_the_cache_is_written_and_read_through_no_link_and_from_no_pipe(project):
    said = run(project)[1]
    (file,) = (project / FOLDER).glob("check-*")
    file.unlink()
    os.mkfifo(file, 0o600)
    assert run(project) == (False, said)
    assert run(project) == (True, said)
    shutil.rmtree(project / FOLDER)
    others = project.parent / "others"
    write(others, {f"check-{each}": "mine" for each in range(30)})
    (project / FOLDER).symlink_to(others)
    assert run(project) == (False, said)
    assert run(project) == (False, said)
    assert {each.name for each in others.iterdir()} == {f"check-{each}" for each in range(30)}


def test_a_value_spelled_in_another_way_in_a_governed_source_is_seen(project):
    write(project, {"app/deep/other.py": "A = 'org/voice-' '0.6B-4bit'\n"})
    assert "app/deep/other.py:1:5: error[pending]" in run(project)[1][1]


@pytest.mark.parametrize("damage", ["empty", "half", "flipped", "other", "foreign"])
def test_a_damaged_cache_is_made_anew(project, damage):
    said = run(project)[1]
    (file,) = (project / FOLDER).glob("check-*")
    data = file.read_bytes()
    file.write_bytes(
        {
            "empty": b"",
            "half": data[: len(data) // 2],
            "flipped": data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
            "other": data.replace(b"keychange cache 1", b"keychange cache 2"),
            "foreign": b"\x80" * 500,
        }[damage]
    )
    assert run(project) == (False, said)
    assert run(project) == (True, said)


def test_a_cache_that_came_with_a_checkout_is_not_read(project):
    said = run(project)[1]
    for file in (project / FOLDER).iterdir():
        file.chmod(0o644)
    assert run(project) == (False, said)


def test_a_folder_whose_time_was_set_back_is_looked_into(project):
    age(project)
    run(project)
    run(project)
    write(project, {"generated/two/voice.json": f'{{"model": "{OLD}"}}\n'})
    age(project)
    assert run(project)[1][2] == 1


def test_a_cache_that_cannot_be_written_changes_nothing(project, monkeypatch):
    said = run(project)[1]
    shutil.rmtree(project / FOLDER)

    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("keychange.warm.record.save", refuse)
    assert run(project) == (False, said)
    assert run(project) == (False, said)


def test_what_changes_within_a_tick_is_not_trusted(project, monkeypatch):
    monkeypatch.setattr("keychange.regular._TICK_NS", 10**18)
    run(project, cold=True)
    assert not (project / FOLDER).exists() or not list((project / FOLDER).glob("check-*"))
    assert not run(project)[0]


@pytest.mark.parametrize("targets", ["'src/*.py'", "[src/app.py, src/second.py]"])
def test_a_link_that_leads_elsewhere_since_is_noticed(project, targets):
    """Its name is the same, and the file that it led to was read under another one."""
    text = f"""\
format: 1
id: 0001_voice
title: voice
operations:
  - python: {targets}
    strings: [{{from: {OLD}, to: {NEW}}}]
"""
    written = {"src/app.py": f"M = '{NEW}'\n", "lib/other.py": f"M = '{OLD}'\n"}
    write(project, {"migrations/0001_voice.yaml": text, **written})
    (project / "src/second.py").symlink_to("app.py")
    run(project)
    assert run(project)[0]
    (project / "src/second.py").unlink()
    (project / "src/second.py").symlink_to("../lib/other.py")
    warm, said = run(project)
    assert (warm, said) == (False, run(project, cold=True)[1])


def test_the_warm_path_imports_next_to_nothing(project):
    code = "import sys; sys.argv[1:] = ['-C', {!r}, 'check']; from keychange.__main__ import main; "
    code = code.format(str(project)) + (
        "import atexit; before = set(sys.modules); "
        "atexit.register(lambda: print(*sorted(set(sys.modules) - before))); main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # The first run is cold, for its surroundings are those of another process.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    ours = {f"keychange.warm{name}" for name in ("", ".replay", ".seals", ".checkout", ".store")}
    assert ours <= loaded
    assert loaded - ours <= {
        "keychange.regular",
        "errno",
        "marshal",
        "zlib",
        "_sha256",
        "_sha2",
        "__future__",
    }


def test_a_check_writes_to_its_cache_alone(project):
    hook = """
import sys
written = []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & 3:
        written.append(arguments[0])
    elif event in {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink",
                   "os.chmod", "os.chown", "os.truncate", "os.utime"}:
        written.append(arguments[0])
sys.addaudithook(hook)
import atexit
atexit.register(lambda: print(*map(str, written), sep="\\n"))
"""
    root = str(project)
    shutil.rmtree(project / ".keychange")
    for _ in range(2):
        command = hook + f"sys.argv[1:] = ['-C', {root!r}, 'check']\n"
        command += "from keychange.__main__ import main; main()"
        done = subprocess.run(
            [sys.executable, "-B", "-c", command], capture_output=True, text=True, check=True
        )
        written = [each for each in done.stdout.split("\n") if each and not each.isdigit()]
        inside = (".keychange", f"{root}/.keychange", ".gitignore", "cache", os.devnull)
        assert [each for each in written if not each.startswith(inside)] == []


def test_the_index_is_judged_where_it_is_asked_for(project):
    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=project, check=True)

    write(project, {"app/voice.py": f'VOICE = "{OLD}"\n'})
    git("add", "app/voice.py")
    write(project, {"app/voice.py": f'VOICE = "{NEW}"\n'})
    assert run(project)[1][2] == 0
    warm, said = run(project, "--index")
    assert (warm, said[2]) == (False, 1)
    assert "app/voice.py:1:9: error[pending]" in said[1]
    git("add", "app/voice.py")
    write(project, {"app/voice.py": f'VOICE = "{OLD}"\n', "README.md": f"{OLD}\n"})
    assert run(project, "--index")[1] == ("", "Check: clean; 0 old values left behind.\n", 0)
    write(project, {".env": f"VOICE={OLD}\n"})  # no commit would hold it: judged as it is
    assert run(project, "--index")[1][2] == 1


def test_the_index_of_a_clean_checkout_is_answered_warm(project):
    subprocess.run(["git", "status", "--short"], cwd=project, check=True, capture_output=True)
    assert run(project, "--index") == (False, run(project)[1])
    assert run(project, "--index") == (True, run(project)[1])
    write(project, {"README.md": "Two voices.\n"})
    assert not run(project, "--index")[0]


def test_a_named_file_that_is_partly_staged_is_left_to_the_full_check(project, monkeypatch):
    monkeypatch.chdir(project)
    run(project, "--index", "README.md")
    assert run(project, "--index", "README.md", "app/voice.py")[0]
    write(project, {"README.md": f"{OLD}\n"})
    subprocess.run(["git", "add", "README.md"], cwd=project, check=True)
    write(project, {"README.md": "A voice.\n"})
    warm, said = run(project, "--index", "README.md")
    assert not warm
    assert "README.md:1:1: note[left-behind]" in said[1]


def test_an_old_value_behind_escapes_needs_the_exhaustive_search(project):
    hidden = f'"{OLD}"'.replace("v", r"\x76")
    write(project, {"tools.py": f"A = {hidden}\nB = 'org/voice-' '0.6B-4bit'\nC = '{OLD}'\n"})
    subprocess.run(["git", "add", "tools.py"], cwd=project, check=True)
    plain, whole = run(project)[1][1], run(project, "--exhaustive")[1][1]
    assert [each.split(":")[1] for each in plain.split("\n") if "left-behind" in each] == ["3"]
    lines = [each.split(":")[1] for each in whole.split("\n") if "left-behind" in each]
    assert lines == ["1", "2", "3"]


def test_fix_shows_what_up_would_do_and_does_nothing(tmp_path):
    write(tmp_path, {**FILES, ".env": f"VOICE={OLD}\n"})
    done = migrate(tmp_path, "check", "--fix")
    assert done.returncode == 1
    assert f"+VOICE={NEW}" in done.stdout
    assert (tmp_path / ".env").read_text() == f"VOICE={OLD}\n"


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("a/b.py", "a/*.py", True),
        ("a/b.pyc", "a/*.py", False),
        ("a/b/c.py", "a/*.py", False),
        ("a/b/c.py", "a/**/*.py", True),
        ("a/c.py", "a/**/*.py", True),
        ("c.py", "**", True),
        ("ab", "a*b*b", False),
        ("axbyb", "a*b*b", True),
        ("aba", "ab*ba", False),
        ("x/y", "x", False),
        ("a", "[ab]", True),
    ],
)
def test_patterns(path, pattern, expected):
    assert matches(path, pattern) is expected


class Changes(RuleBasedStateMachine):
    """Whatever is done to a project between checks, what is kept never changes the answer."""

    paths = st.sampled_from(
        [".env", "app/voice.py", "app/deep/other.py", "app/x.py", "generated/one/voice.json",
         "generated/three/voice.json", "README.md", "notes/a.txt"]
    )  # fmt: skip
    values = st.sampled_from([OLD, NEW, "org/mine", ""])

    def __init__(self):
        super().__init__()
        self.root = None

    @initialize(tmp=st.just(None))
    def start(self, tmp):
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name).resolve() / "p"
        write(self.root, FILES)
        track(self.root)

    @rule(path=paths, value=values, young=st.booleans())
    def edit(self, path, value, young):
        text = {".env": f"VOICE={value}\n", "json": f'{{"model": "{value}"}}\n'}
        kind = path if path in text else path.rpartition(".")[2]
        write(self.root, {path: text.get(kind, f'V = "{value}"\n')})
        if not young:
            age(self.root)

    @rule(path=paths)
    def remove(self, path):
        (self.root / path).unlink(missing_ok=True)

    @rule(path=paths, other=paths)
    def exchange(self, path, other):
        first, second = self.root / path, self.root / other
        if first.is_file() and second.is_file():
            data = first.read_bytes()
            first.write_bytes(second.read_bytes())
            second.write_bytes(data)

    @rule()
    def stage(self):
        subprocess.run(["git", "add", "-A"], cwd=self.root, check=True)

    @rule(title=st.sampled_from(["voice", "other"]), to=st.sampled_from([NEW, "org/third"]))
    def migration(self, title, to):
        text = MIGRATION.replace("title: voice", f"title: {title}").replace(NEW, to)
        write(self.root, {"migrations/0001_voice.yaml": text})

    @invariant()
    def the_answer_is_that_of_a_check_from_nothing(self):
        if self.root is None:
            return
        for arguments in ((), ("--index",), (str(self.root / "README.md"),)):
            answers = [run(self.root, *arguments)[1] for _ in range(2)]
            kept = self.root / FOLDER
            aside = kept.with_name("aside")
            if kept.exists():
                kept.rename(aside)
            assert answers == [run(self.root, *arguments, cold=True)[1]] * 2
            if aside.exists():
                shutil.rmtree(kept, ignore_errors=True)
                aside.rename(kept)

    def teardown(self):
        if self.root is not None:
            self.folder.cleanup()


TestChanges = Changes.TestCase
TestChanges.settings = settings(
    max_examples=15,
    stateful_step_count=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_console_command_answers_warm(project):
    done = [
        subprocess.run(
            [*MIGRATE, "-C", project, "check"], capture_output=True, text=True, check=False
        )
        for _ in range(2)
    ]
    assert [each.returncode for each in done] == [0, 0]
    assert done[0].stderr == done[1].stderr


def test_migrations_are_parsed_once_and_again_when_they_change(project, monkeypatch):
    from keychange import loader

    parsed = []
    read = loader.YamlData

    class Counted(read):
        def __init__(self, data, shown):
            parsed.append(shown)
            super().__init__(data, shown)

    monkeypatch.setattr(loader, "YamlData", Counted)
    write(project, {".env": f"VOICE={OLD}\n"})
    assert run(project)[1][2] == 1
    assert parsed == []
    write(project, {"migrations/0001_voice.yaml": MIGRATION.replace("title: v", "title: a v")})
    run(project)
    run(project, "--exhaustive")
    assert parsed == ["migrations/0001_voice.yaml"]
    write(project, {"migrations/0001_voice.yaml": MIGRATION.replace("format: 1", "format: 9")})
    assert run(project)[1][2] == run(project)[1][2] == 2
    assert len(parsed) == 3


def test_what_was_searched_instead_of_read_is_sealed_where_nothing_is_searched(
    project, monkeypatch
):
    monkeypatch.setattr("keychange.searching.FEW", 1)
    arguments = ("--left-behind", "ignore")
    assert run(project, *arguments)[1][2] == 0
    assert run(project, *arguments)[0]
    write(project, {"app/deep/other.py": f'OTHER = "{OLD[:4]}" "{OLD[4:]}"\n'})
    warm, said = run(project, *arguments)
    assert (warm, said[2]) == (False, 1)
    assert "app/deep/other.py" in said[1]


def test_migrations_that_a_link_leads_to_are_looked_for_each_time(project, monkeypatch):
    monkeypatch.chdir(project)
    text = MIGRATION.replace(NEW, "org/voice-9B")
    write(project, {"sets/one/0001_voice.yaml": MIGRATION, "sets/two/0001_voice.yaml": text})
    link = project / "chosen"
    for name, code in (("one", 0), ("one", 0), ("two", 1)):
        link.unlink(missing_ok=True)
        link.symlink_to(f"sets/{name}")
        assert run(project, "--migrations", "chosen")[1][2] == code
