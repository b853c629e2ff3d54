"""Renumbering after a merge: the same for two people, lossless, in one transaction."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keychange import renumbering
from keychange.git import landed
from keychange.loader import parse_migration
from support import faults
from support.history import build, codes, declare, own, paste, recorded, say, write
from support.workspace import files, git, migrate_here


@pytest.fixture
def origin(tmp_path):
    origin = build(tmp_path / "origin")
    git(origin, "init", "-q")
    declare(origin, own("0001_first", "FIRST"))
    save(origin)
    return origin


def save(root, message="work"):
    git(root, "add", ".")
    git(root, "commit", "-qm", message)


def clone(origin, name):
    git(origin.parent, "clone", "-q", origin, name)
    return origin.parent / name


def names(root):
    return sorted(path.stem for path in (root / "migrations").iterdir())


def contents(root):
    return {path.name: path.read_bytes() for path in (root / "migrations").iterdir()}


def land(root, text):
    """A pull request: a branch of one commit, merged into main of the origin."""
    git(root, "checkout", "-qb", "topic", "main")
    declare(root, text)
    save(root)
    git(root, "checkout", "-q", "main")


def test_what_is_shared_keeps_its_number_and_ones_own_moves(origin):
    mine = clone(origin, "mine")
    declare(mine, own("0002_a_mine", "MINE"), own("0003_b_mine", "MORE"))
    save(mine)
    declare(origin, own("0002_theirs", "THEIRS"))
    save(origin)
    git(mine, "pull", "-q", "--no-rebase", "--no-edit")
    said = say(mine, "plan")
    assert codes(said)[0] == "duplicate-revision"
    done = paste(mine, said, "duplicate-revision")
    assert done.returncode == 0, done.stderr
    assert names(mine) == ["0001_first", "0002_theirs", "0003_a_mine", "0004_b_mine"]
    assert (mine / "migrations/0003_a_mine.yaml").read_text() == (
        own("0002_a_mine", "MINE").replace("id: 0002_a_mine", "id: 0003_a_mine")
    )
    assert say(mine, "up", "--yes")["exit_code"] == 0
    assert say(mine, "rebase", "--yes")["ending"] == "nothing-to-do"


def test_two_people_at_one_merge_make_the_same_files(origin):
    """Both landed with one number, and nobody noticed: the one that came first keeps it."""
    for name in ("0002_z", "0002_a"):
        git(origin, "checkout", "-qb", name, "main~0" if name == "0002_z" else "main~1")
        declare(origin, own(name, name[5:].upper()))
        save(origin)
        git(origin, "checkout", "-q", "main")
        git(origin, "merge", "-q", "--no-ff", "--no-edit", name)
    one, two = clone(origin, "one"), clone(origin, "two")
    migrate_here(two, "stamp", "1", "--yes")  # what is applied where makes no difference
    for each in (one, two):
        assert migrate_here(each, "rebase", "--yes").returncode == 0
    assert names(one) == ["0001_first", "0002_z", "0003_a"]
    assert contents(one) == contents(two)


def test_the_ledger_follows_here_and_where_the_fix_is_pulled(origin):
    one, two = clone(origin, "one"), clone(origin, "two")
    for each in (one, two):
        declare(each, own("0002_mine", "MINE"))
        assert migrate_here(each, "up", "--yes").returncode == 0
    declare(origin, own("0002_theirs", "THEIRS"))
    save(origin)
    git(one, "pull", "-q")
    assert migrate_here(one, "rebase", "--yes").returncode == 0
    assert list(recorded(one)) == ["0001_first", "0003_mine"]
    said = say(one, "up", "--yes")
    assert codes(said) == ["late-migration"]
    assert paste(one, said, "late-migration").returncode == 0
    assert say(one, "up", "--yes")["exit_code"] == 0
    # The other one gets the files as they were renamed.
    git(two, "pull", "-q")
    (two / "migrations/0002_mine.yaml").unlink()
    write(two, "migrations/0003_mine.yaml", (one / "migrations/0003_mine.yaml").read_text())
    said = say(two, "check")
    assert any("`0003_mine` is the same migration" in d["message"] for d in said["diagnostics"])
    assert paste(two, said, "missing-migration").returncode == 0
    assert list(recorded(two)) == ["0001_first", "0003_mine"]
    assert migrate_here(two, "down", "--yes").returncode == 0
    assert "MINE" not in (two / ".env").read_text()


def test_without_git_or_a_shared_branch_number_and_name_decide(tmp_path):
    root = build(tmp_path)
    declare(root, own("0001_b", "B"), own("0001_a", "A"), own("0004_c", "C"))
    dry = say(root, "rebase", "--dry-run")
    assert dry["renames"] == {"0001_b": "0002_b", "0004_c": "0003_c"}
    assert names(root) == ["0001_a", "0001_b", "0004_c"]
    assert say(root, "rebase", "--yes")["onto"] is None
    assert names(root) == ["0001_a", "0002_b", "0003_c"]
    assert migrate_here(root, "rebase", "--onto", "no/such", "--yes").returncode == 2


def test_one_name_under_two_numbers(tmp_path):
    root = build(tmp_path)
    declare(root, own("0001_x", "A"), own("0003_x", "B"), own("0004_x", "C"))
    assert say(root, "rebase", "--yes")["exit_code"] == 0
    assert names(root) == ["0001_x", "0002_x", "0003_x"]
    assert "B:" in (root / "migrations/0002_x.yaml").read_text()
    assert say(root, "plan")["exit_code"] == 0


@pytest.mark.parametrize(
    "spelled",
    [
        "0002_old",
        "'0002_old'",
        '"0002_old"',
        '"0002_\\x6fld"',
        "0002_old # 0002_old",
        "!!str 0002_old",
    ],
)
@pytest.mark.parametrize("frame", ["{}", "\ufeff{}", "# é 0002_old\r\n{}\r\n"])
def test_only_the_id_changes(spelled, frame):
    text = frame.format(own("0002_old", "K").replace("0002_old   # mine", spelled)).encode()
    before = parse_migration(text, "m.yaml")
    result = renumbering.with_id(text, before, "0003_old")
    assert parse_migration(result, "m.yaml").revision == "0003_old"
    at = text.index(b"id:")
    assert result[: at + 3] == text[: at + 3]
    assert result[result.index(b"\n", at) :] == text[text.index(b"\n", at) :]
    quotes = {each for each in spelled if each in "'\"#!"}
    assert all(text.count(each.encode()) == result.count(each.encode()) for each in quotes) or (
        "\\" in spelled
    )


def test_a_rebase_that_is_killed_is_all_or_nothing(tmp_path):
    with faults.quick_folder(tmp_path) as folder:
        at = 0
        while True:
            root = build(folder / str(at))
            declare(root, own("0001_b", "B"), own("0001_a", "A"), own("0004_c", "C"))
            old = contents(root)
            injected = faults.Faults(at, faults.killed)

            def act(root=root, injected=injected):
                with faults.injected(injected):
                    migrate_here(root, "rebase", "--yes")
                os._exit(7)

            status = faults.in_child(act)
            if not faults.was_killed(status):
                break
            seen = say(root, "rebase", "--dry-run")  # a reader sees one state of the two
            assert seen["renames"] in ({}, {"0001_b": "0002_b", "0004_c": "0003_c"})
            assert migrate_here(root, "recover").returncode == 0
            done = names(root) == ["0001_a", "0002_b", "0003_c"]
            assert done or contents(root) == old
            assert bool(seen["renames"]) is not done
            at += 7  # the transaction's own tests stop at every call
        assert names(root) == ["0001_a", "0002_b", "0003_c"]
    assert at > 30


def test_migrations_outside_the_root_are_left_alone(tmp_path):
    root = build(tmp_path / "here")
    other = build(tmp_path / "there")
    declare(other, own("0001_a", "A"), own("0003_b", "B"))
    before = files(other)
    folder = ("--migrations", other / "migrations")
    done = migrate_here(root, *folder, "rebase", "--yes")
    assert (done.returncode, "migrations-elsewhere" in done.stderr) == (1, True)
    assert files(other) == before


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from("abc")), unique=True, min_size=1))
def test_any_names_come_into_an_order_that_stays(tmp_path_factory, pairs):
    root = build(tmp_path_factory.mktemp("any"))
    declare(root, *(own(f"{number:04d}_{slug}", slug.upper()) for number, slug in pairs))
    assert say(root, "rebase", "--yes")["exit_code"] == 0
    numbers = [int(name[:4]) for name in names(root)]
    assert numbers == list(range(numbers[0], numbers[0] + len(pairs)))
    assert say(root, "rebase", "--yes")["ending"] == "nothing-to-do"
    assert say(root, "plan")["exit_code"] == 0


def test_the_order_on_a_branch_is_that_of_its_first_parents(origin):
    declare(origin, own("0002_b", "B"), own("0003_a", "A"))
    save(origin)
    git(origin, "mv", "migrations/0003_a.yaml", "migrations/0004_a.yaml")
    declare(origin, own("0003_c", "C"))
    save(origin)
    listed = landed(origin / "migrations", "main")
    assert listed == ("0001_first.yaml", "0002_b.yaml", "0003_c.yaml", "0004_a.yaml")
    assert landed(origin / "migrations", "nowhere") is None
