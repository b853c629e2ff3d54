"""Endings: words, JSON, exit code and ledger agree with the bytes on disk, whatever went wrong.

One cell for each way to fail, at each stage, in the first or in a later migration of a run.
"""

import contextlib
import errno
import json
import os
import shlex
import shutil
import signal
import stat
import subprocess
from pathlib import Path
from unittest import mock

import pytest

from keychange import checks as checks_module
from keychange import workflow
from keychange.diagnostics import error
from keychange.errors import UsageProblem
from keychange.outcome import CheckOutcome
from keychange.probing.verdict import Verdict
from keychange.transaction import files as files_module
from support import faults
from support.documents import printed
from support.history import build, checking, codes, declare, migration, paste, recorded, say, write
from support.verbs import Forks
from support.workspace import changed, files, migrate_here

VALUES = "abcd"
REVISIONS = ("0001_one", "0002_two", "0003_three")
WORDS = {
    (1, "refused"): "Refused: nothing {else}was written.",
    (3, "rolled-back"): "Rolled back: ",
    (3, "rolled-back-inconclusive"): "could not be tested here. Every file was restored",
    (4, "rolled-back-unconfirmed"): "Rolled back, not confirmed: ",
    (4, "rollback-failed"): "Not restored: ",
    (130, "interrupted"): "Interrupted; every {other}file is as it was before.",
}


@pytest.fixture
def root(tmp_path):
    root = build(tmp_path / "project")
    for revision, before, after in zip(REVISIONS, VALUES[:-1], VALUES[1:], strict=True):
        declare(root, migration(revision, before, after, more=checking("pass")))
    return root


def project_files(root):
    """The files that migrations govern; not these, nor what a test needs beside them."""
    aside = ("migrations/", "any.json", "after.json", "extra.json")
    return {path: file for path, file in files(root).items() if not path.startswith(aside)}


def at(root, value):
    """Whether every file is what it is at a value; what is not there is said."""
    other = build(root.parent / f"at-{value}", value)
    return changed(project_files(other), project_files(root))


@contextlib.contextmanager
def checks(revision="", act=lambda root: ()):
    """Checks that pass, but for one migration, where they come to what ``act`` returns."""

    def run_checks(root, migration, templates, options):
        good = CheckOutcome(name="run", verdict=Verdict.PASS, headline="fine")
        return (*(act(root) if migration.revision == revision else ()), good)

    with mock.patch.object(checks_module, "run_checks", run_checks):
        yield


def outcome(verdict, code="probe-silent"):
    said = error(code, "it is silent")
    return lambda root: (CheckOutcome(name="p", verdict=verdict, headline="", diagnostics=(said,)),)


def raising(problem):
    def act(root):
        raise problem

    return act


def edited(act):
    """A user saves a file while the checks run."""

    def both(root):
        write(root, "app.py", "MODEL = 'mine'\n")
        return act(root)

    return both


class Failing(faults.Faults):
    """From the ``after``-th call of that name for that file on, all calls of that name fail."""

    def __init__(self, name, argument, after, *, once=True, kind=errno.EIO):
        super().__init__(0, self._check)
        self.wanted = (name, argument, after)
        self.failing = False
        self.seen = 0
        self.once = once
        self.kind = kind

    def _check(self, call):
        self.at += 1
        name, argument, after = self.wanted
        if call.name == name and (self.failing or argument in call.arguments):
            self.seen += 1
            if self.seen > after or self.failing:
                hit = self.failing and self.once
                self.failing = True
                if not hit:
                    raise OSError(self.kind, "the disk is broken")


def saved_meanwhile(root):
    """A user saves a file after the plan was made, before anything is written."""
    real = workflow.recover

    def recover(given):
        write(root, "conf/one.json", '{"model": "mine"}\n')
        return real(given)

    return mock.patch.object(workflow, "recover", recover)


def ends(root, arguments, stop, *, code, ending, value, done=(), ledger, problem=None):
    """Run a verb under some trouble in words and as JSON, and hold both against the disk."""
    twin = root.parent / "twin"
    shutil.copytree(root, twin)
    with stop(twin):
        text = migrate_here(twin, *arguments)
    with stop(root):
        document = printed(migrate_here(root, "--format", "json", *arguments).stdout)
    for each in (root, twin):
        assert at(each, value) == set(), text
        assert recorded(each) == ledger, text
    assert (text.returncode, document["exit_code"]) == (code, code), text
    assert (document["ending"], document["done"]) == (ending, list(done)), document
    if problem:
        assert problem in codes(document)
        assert f"[{problem}]" in text.stderr
    said = text.stdout + text.stderr
    words = WORDS[code, ending].replace("{else}", "else " if done else "")
    assert words.replace("{other}", "other " if done else "") in said
    assert all(revision in said for revision in done)
    assert ("left so" in said) == bool(done)
    return document


def entries(count, *more):
    return dict.fromkeys(REVISIONS[:count], "verified") | dict(more)


# ---------------------------------------------------------------- up: refused before anything

SCHEMA = "  - json: conf/*.json\n    schema: {before: any.json, after: after.json}\n"


def requirement(root, path):
    path.write_text(path.read_text() + "require:\n  - path: not/here\n")


def foreign(root, path):
    path.write_text(path.read_text().replace("from: ", "from: un"))


def schema(root, path):
    write(root, "any.json", "{}")
    write(root, "after.json", '{"properties": {"n": {"type": "string"}}}')
    path.write_text(path.read_text().replace("  - json: conf/*.json\n", SCHEMA))


def unreadable(root, path):
    write(root, "extra.json", "{")
    more = "  - json: extra.json\n    set: {/a: {to: 1}}\nverify:"
    path.write_text(path.read_text().replace("verify:", more))


def missing(root, path):
    path.write_text(path.read_text().replace("python: app.py", "python: nope.py"))


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        (requirement, "path-missing"),
        (foreign, "foreign-value"),
        (schema, "schema-violation"),
        (unreadable, "invalid-json"),
        (missing, "missing-target"),
    ],
)
def test_what_can_be_seen_before_refuses_the_whole_run(root, prepare, problem, failing):
    prepare(root, root / f"migrations/{REVISIONS[failing]}.yaml")
    refused = {"code": 1, "ending": "refused", "value": "a", "ledger": {}, "problem": problem}
    ends(root, ("up", "--yes"), lambda _: checks(), **refused)


# ---------------------------------------------------------------- up: at a stage of one migration


def stale(root, failing):
    """A user saves a file: before the first write, or while the first migration is checked."""
    if failing == 0:
        return saved_meanwhile(root)

    def act(root):
        write(root, "conf/two.json", '{"model": "b"}')
        write(root, "conf/one.json", '{"model": "b", "n": 2}\n')
        return ()

    return checks(REVISIONS[0], act)


def cut(name, argument, **options):
    """A call of the transaction fails, in the commit of one migration."""

    def stop(root, failing):
        stack = contextlib.ExitStack()
        stack.enter_context(checks())
        stack.enter_context(faults.injected(Failing(name, argument, failing, **options)))
        return stack

    return stop


def staging(root, failing):
    """The new bytes of a file cannot be written beside it."""
    written = memoryview(f"MODEL = '{VALUES[failing + 1]}'\n".encode())
    stack = contextlib.ExitStack()
    stack.enter_context(checks())
    stack.enter_context(faults.injected(Failing("write", written, 0)))
    return stack


def checked(act):
    return lambda root, failing: checks(REVISIONS[failing], act)


def unrecorded(root, failing):
    """The checks pass, and the verdict cannot be written."""
    return unwritable_after(root, failing, outcome_of_nothing, once=True)


def outcome_of_nothing(root):
    return ()


def unwritable_after(root, failing, act, *, once):
    """Once the checks of one migration are through, the disk does not take the ledger any more."""
    stack = contextlib.ExitStack()

    def both(root):
        found = act(root)
        stack.enter_context(faults.injected(Failing("replace", "ledger.json", 0, once=once)))
        return found

    stack.enter_context(checks(REVISIONS[failing], both))
    return stack


FAIL, UNSURE = outcome(Verdict.FAIL), outcome(Verdict.INCONCLUSIVE, "probe-no-gpu")
TIMEOUT = outcome(Verdict.FAIL, "command-timeout")
ROLLED_BACK = (3, "rolled-back")
STAGES = {
    "io-error-staging": (staging, *ROLLED_BACK, "write-failed"),
    "io-error-first-file": (cut("replace", ".env"), *ROLLED_BACK, "write-failed"),
    "io-error-last-file": (cut("replace", "one.json"), *ROLLED_BACK, "write-failed"),
    "no-space-ledger": (
        cut("replace", "ledger.json", kind=errno.ENOSPC),
        *ROLLED_BACK,
        "write-failed",
    ),
    "check-failed": (checked(FAIL), *ROLLED_BACK, "probe-silent"),
    "check-timed-out": (checked(TIMEOUT), *ROLLED_BACK, "command-timeout"),
    "check-inconclusive": (checked(UNSURE), 3, "rolled-back-inconclusive", "probe-no-gpu"),
    "check-crashed": (checked(raising(KeyError("x"))), *ROLLED_BACK, "check-crashed"),
    "check-unusable": (
        checked(raising(UsageProblem(error("usage", "not a pattern")))),
        *ROLLED_BACK,
        "usage",
    ),
    "interrupted": (checked(raising(KeyboardInterrupt())), 130, "interrupted", None),
    "edited-and-failed": (checked(edited(FAIL)), *ROLLED_BACK, "probe-silent"),
    "unrecorded": (unrecorded, *ROLLED_BACK, "write-failed"),
}


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("stage", STAGES)
def test_up_stops_honestly_where_it_fails(root, stage, failing):
    stop, code, ending, problem = STAGES[stage]
    told = {"code": code, "ending": ending, "problem": problem, "done": REVISIONS[:failing]}
    state = {"value": VALUES[failing], "ledger": entries(failing)}
    number = 2 * failing if stage == "no-space-ledger" else failing  # a verdict is a write too
    ends(root, ("up", "--yes"), lambda each: stop(each, number), **told, **state)
    assert faults.leftovers(root) == [] or stage == "edited-and-failed"
    if stage == "edited-and-failed":
        (kept,) = (root / ".keychange/rescued").rglob("app.py")
        assert kept.read_text() == "MODEL = 'mine'\n"
    with checks():  # nothing stands in the way of the next one
        assert say(root, "up", "--yes")["exit_code"] == 0
    assert at(root, "d") == set()


@pytest.mark.parametrize("failing", [0, 1])
def test_a_file_that_changes_meanwhile_stops_the_run_there(root, failing):
    with stale(root, failing):
        text = migrate_here(root, "up", "--yes")
    assert text.returncode == 1
    assert "error[stale-plan]: conf/one.json" in text.stderr
    assert (f"left so: {REVISIONS[0]}" in text.stderr) == bool(failing)
    assert recorded(root) == entries(failing)
    assert (root / "app.py").read_text() == f"MODEL = '{VALUES[failing]}'\n"
    assert ("mine" if failing == 0 else '"n": 2') in (root / "conf/one.json").read_text()


@pytest.mark.parametrize("failing", [0, 1])
def test_an_edit_while_checks_pass_survives(root, failing):
    def act(root):
        write(root, "README.md", "mine\n")
        return ()

    with checks(REVISIONS[failing], act):
        assert say(root, "up", "--yes")["exit_code"] == 0
    assert (root / "README.md").read_text() == "mine\n"


def way_back_fails(root, failing):
    return unwritable_after(root, failing, FAIL, once=True)


def in_place(failing, make):
    """A check takes a file away, leaves something else there, and fails."""

    def act(root):
        (root / "app.py").unlink()
        make(root / "app.py")
        return FAIL(root)

    return checks(REVISIONS[failing], act)


@pytest.mark.parametrize("failing", [0, 1])
def test_a_rollback_that_fails_says_so_and_can_be_had_later(root, failing):
    value, done = VALUES[failing + 1], REVISIONS[:failing]
    ledger = entries(failing, (REVISIONS[failing], "interrupted"))
    state = {"value": value, "done": done, "ledger": ledger, "problem": "restore-failed"}
    document = ends(
        root,
        ("up", "--yes"),
        lambda each: way_back_fails(each, failing),
        code=4,
        ending="rollback-failed",
        **state,
    )
    named = {d["path"] for d in document["diagnostics"] if d["code"] == "restore-failed"}
    assert {".env", "app.py", "conf/one.json"} <= named
    assert paste(root, document, "restore-failed").returncode == 0
    assert (at(root, VALUES[failing]), recorded(root)) == (set(), entries(failing))


@pytest.mark.parametrize("failing", [0, 1])
def test_a_rollback_that_is_cut_short_for_good_is_finished_later(root, failing):
    with unwritable_after(root, failing, FAIL, once=False):
        document = say(root, "up", "--yes")
    assert (document["exit_code"], document["ending"]) == (4, "rollback-failed")
    assert document["done"] == list(REVISIONS[:failing])
    named = next(each["code"] for each in document["diagnostics"] if "command" in each)
    assert paste(root, document, named).returncode == 0
    assert at(root, VALUES[failing + 1]) == set()
    assert recorded(root) == entries(failing, (REVISIONS[failing], "interrupted"))
    assert say(root, "up", "--interrupted", "roll-back", "--yes")["exit_code"] == 0
    assert (at(root, VALUES[failing]), recorded(root)) == (set(), entries(failing))


@pytest.mark.parametrize("verdict", [FAIL, outcome_of_nothing], ids=["fail", "pass"])
@pytest.mark.parametrize("failing", [0, 1])
def test_without_a_ledger_to_go_back_by_the_bytes_are_kept_beside_it(root, failing, verdict):
    """A check removes what git ignores, and keychange's own records with it."""

    def act(root):
        shutil.rmtree(root / ".keychange")
        return verdict(root)

    with checks(REVISIONS[failing], act):
        document = say(root, "up", "--yes")
    assert (document["exit_code"], document["ending"]) == (4, "rollback-failed")
    assert at(root, VALUES[failing + 1]) == set()
    assert "nothing was written" not in json.dumps(document["diagnostics"]).lower()
    commands = [d["command"] for d in document["diagnostics"] if d["code"] == "restore-failed"]
    for each in commands:
        subprocess.run(shlex.split(each.partition(" && ")[2]), cwd=root, check=True)
    assert (at(root, VALUES[failing]), recorded(root)) == (set(), {})


IN_PLACE = {
    "folder": Path.mkdir,
    "fifo": os.mkfifo,
    "link": lambda path: path.symlink_to("/etc/hostname"),
}


@pytest.mark.parametrize("make", IN_PLACE.values(), ids=IN_PLACE)
@pytest.mark.parametrize("failing", [0, 1])
def test_what_a_check_left_in_place_of_a_file_is_named_and_the_bytes_are_kept(root, make, failing):
    before = f"MODEL = '{VALUES[failing]}'\n".encode()
    with in_place(failing, make):
        document = say(root, "up", "--yes")
    assert (document["exit_code"], document["ending"]) == (4, "rollback-failed")
    (named,) = [d for d in document["diagnostics"] if d["code"] == "restore-failed"]
    assert named["path"] == "app.py"
    assert recorded(root)[REVISIONS[failing]] == "interrupted"
    kept = root / named["message"].rpartition(" ")[2]
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (before, 0o600)
    (root / "app.py").rename(root / "any.json")
    write(root, "app.py", kept.read_text())
    assert paste(root, document, "restore-failed").returncode == 0
    assert (at(root, VALUES[failing]), recorded(root)) == (set(), entries(failing))


@pytest.mark.parametrize("failing", [0, 1])
def test_a_commit_whose_way_back_fails_too_is_recovered_by_the_next_command(root, failing):
    stop = cut("replace", "one.json", once=False)
    with stop(root, failing):
        document = say(root, "up", "--yes")
    assert (document["exit_code"], document["ending"]) == (4, "rollback-failed")
    assert document["done"] == list(REVISIONS[:failing])
    assert say(root, "recover")["recovered"] == "rolled-back"
    assert (at(root, VALUES[failing]), recorded(root)) == (set(), entries(failing))


def is_folder(descriptor):
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


@pytest.mark.parametrize("failing", [0, 1])
def test_a_rollback_that_the_disk_does_not_confirm_says_so(root, failing):
    class Unconfirmed(Failing):
        """A file cannot be replaced, and after that no folder can be flushed."""

        def _check(self, call):
            super()._check(call)
            if self.failing and call.name == "flush" and is_folder(*call.arguments):
                raise OSError(errno.EIO, "the disk is broken")

    with checks(), faults.injected(Unconfirmed("replace", "one.json", failing)):
        document = say(root, "up", "--yes")
    assert (document["exit_code"], document["ending"]) == (4, "rolled-back-unconfirmed")
    assert at(root, VALUES[failing]) == set()
    assert say(root, "status")["exit_code"] == 0  # it tries again, and now it is confirmed
    assert (at(root, VALUES[failing]), recorded(root)) == (set(), entries(failing))


# ---------------------------------------------------------------- down


def irreversible(root):
    path = root / ".keychange/ledger.json"
    text = path.read_text()
    path.write_text(
        text.replace('"missing": "create"', '"missing": "create", "irreversible": "no"')
    )


def own_value(root):
    write(root, ".env", (root / ".env").read_text().replace("MODEL=d", "MODEL=mine"))


@pytest.mark.parametrize("steps", ["1", "2"])
@pytest.mark.parametrize(
    ("prepare", "problem"), [(irreversible, "irreversible-step"), (own_value, "foreign-value")]
)
def test_down_refuses_before_anything_is_written(root, prepare, problem, steps):
    with checks():
        assert say(root, "up", "--yes")["exit_code"] == 0
    prepare(root)
    before = files(root)
    document = say(root, "down", "--steps", steps, "--yes")
    assert (document["exit_code"], document["ending"]) == (1, "refused")
    assert problem in codes(document)
    assert (changed(before, files(root)), recorded(root)) == (set(), entries(3))


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("stage", [each for each in STAGES if each.startswith(("io", "no"))])
def test_down_stops_honestly_where_it_fails(root, stage, failing):
    with checks():
        assert say(root, "up", "--yes")["exit_code"] == 0
    stop, code, ending, problem = STAGES[stage]
    told = {"code": code, "ending": ending, "problem": problem, "done": REVISIONS[::-1][:failing]}
    state = {"value": VALUES[3 - failing], "ledger": entries(3 - failing)}
    arguments = ("down", "--to", "base", "--yes")
    number = 1 - failing if stage == "io-error-staging" else failing  # values go the other way
    ends(root, arguments, lambda each: stop(each, number), **told, **state)
    assert say(root, *arguments)["exit_code"] == 0
    assert (at(root, "a"), recorded(root)) == (set(), {})


def test_down_that_finds_a_file_changed_meanwhile_stops_there(root):
    with checks():
        say(root, "up", "--yes")
    with saved_meanwhile(root):
        document = say(root, "down", "--yes")
    assert (document["ending"], codes(document)) == ("refused", ["stale-plan"])
    assert recorded(root) == entries(3)


# ---------------------------------------------------------------- verify, cut short


def test_killed_while_checking_is_applied_unverified_and_up_goes_on(root):
    kill(root)
    assert at(root, "b") == set()
    row = say(root, "status")["migrations"][0]
    assert (row["standing"], row["recorded"]) == ("applied", "interrupted")
    assert "applied, unverified" in migrate_here(root, "status").stdout
    assert "unverified" in [each["code"] for each in say(root, "check")["diagnostics"]]
    with checks():
        said = say(root, "up", "--yes")
    assert (said["exit_code"], said["done"]) == (0, list(REVISIONS))
    assert recorded(root) == entries(3)


def test_killed_while_checking_is_rolled_back_where_that_is_asked(root):
    before = files(root)
    kill(root)
    assert say(root, "up", "--interrupted", "roll-back")["exit_code"] == 1  # nobody can be asked
    said = say(root, "up", "--interrupted", "roll-back", "--yes")
    assert (said["exit_code"], said["ending"], said["done"]) == (0, "taken-back", [REVISIONS[0]])
    assert (changed(before, files(root)), recorded(root)) == (set(), {})
    assert say(root, "up", "--interrupted", "roll-back", "--yes")["ending"] == "nothing-to-do"


def test_killed_while_checking_and_failing_the_next_time_is_rolled_back(root):
    before = files(root)
    kill(root)
    with checks(REVISIONS[0], FAIL):
        said = say(root, "up", "--yes")
    assert (said["exit_code"], said["ending"], said["undone"]) == (3, "rolled-back", REVISIONS[0])
    assert (changed(before, files(root)), recorded(root)) == (set(), {})


def test_what_was_verified_before_stays_when_a_later_run_is_rolled_back(root):
    """A new file came with old values; only what that run did is taken back."""
    with checks():
        say(root, "up", "--yes")
    write(root, "conf/late.json", '{"model": "a"}')
    kill(root)
    assert recorded(root)[REVISIONS[0]] == "interrupted"
    assert say(root, "up", "--interrupted", "roll-back", "--yes")["exit_code"] == 0
    assert (root / "conf/late.json").read_text() == '{"model": "a"}'
    (root / "conf/late.json").unlink()
    assert (at(root, "d"), recorded(root)) == (set(), entries(3))


# ---------------------------------------------------------------- interrupted, at every write


@pytest.mark.parametrize(("form", "first"), [("text", 0), ("json", 1)])
def test_a_signal_at_any_write_is_told_as_the_files_are(root, form, first):
    """Those of a verdict and of the lock count too; the checks of both migrations pass."""
    original = root.parent / "original"
    shutil.copytree(root, original)
    states = set()
    arguments = ("--format", form, "up", "--yes", "--to", REVISIONS[1])
    actions = {"signal": signalled_twice}
    with checks(), Forks(root, *arguments, actions=actions) as forks:
        calls = forks.run().calls
        for at, call in [*enumerate(calls)][first::2]:
            for each in root.iterdir():  # the folder itself is open there
                shutil.rmtree(each) if each.is_dir() else each.unlink()
            shutil.copytree(original, root, dirs_exist_ok=True)
            ended = forks.run(at, "signal")
            waiting = "interrupted" in recorded(root).values()
            verified = [r for r, status in recorded(root).items() if status == "verified"]
            assert at_value(root) == VALUES[len(recorded(root))], call
            assert told(form, ended) == (verified, waiting), (call, ended)
            states.add((len(verified), waiting))
    assert {(0, False), (0, True), (1, False), (1, True), (2, False)} <= states


def signalled_twice(call):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        os.kill(os.getpid(), signal.SIGINT)


def told(form, ended):
    """The revisions that were said to be done, and whether one is applied and not verified."""
    if form == "json":
        document = printed(ended.out)
        assert document["exit_code"] == ended.code
        assert (document["ending"] == "applied") == (ended.code == 0)
        return document["done"], document.get("committed") is True
    assert ended.code == (143 if "Interrupted; " in ended.err else 0)
    said = ended.out + ended.err.partition("Stopped. ")[2]
    unverified = "every file holds its new value, not verified" in said or (
        "Interrupted; every file holds its new value, not verified" in ended.err
    )
    return [each for each in REVISIONS if each in said], unverified


def at_value(root):
    return next(each for each in VALUES if at(root, each) == set())


def test_state_of_another_user_is_no_half_of_an_answer(root):
    """Root was killed while it wrote: whoever may not look at the journal knows nothing."""
    kill_while_writing(root)

    @contextlib.contextmanager
    def as_another_user():
        real = Path.iterdir

        def listed(path):
            if path.name == "journal":
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return real(path)

        with (
            mock.patch.object(Path, "iterdir", listed),
            mock.patch("os.geteuid", return_value=54321),
        ):
            yield

    for verb in (("status",), ("check",), ("plan",), ("up", "--yes"), ("down", "--yes")):
        with as_another_user():
            document = say(root, *verb)
        assert (document["exit_code"], codes(document)) == (1, ["state-unwritable"]), verb
        (said,) = document["diagnostics"]
        assert said["command"].endswith('sudo chown -R "$(id -u)" .keychange')
    assert say(root, "status")["recovered"] == "rolled-back"
    assert at(root, "a") == set()


def kill_while_writing(root):
    def child():
        with faults.injected(faults.Faults(0, last)):
            migrate_here(root, "up", "--yes")

    def last(call):
        files_module.system.at += 1
        if call.name == "replace" and "app.py" in call.arguments:
            faults.killed(call)

    assert faults.was_killed(faults.in_child(child))


def kill(root):
    def act(root):
        os.kill(os.getpid(), signal.SIGKILL)

    def child():
        with checks(REVISIONS[0], act):
            migrate_here(root, "up", "--yes")

    assert faults.was_killed(faults.in_child(child))
