"""A state machine over one history: edits, branch switches, clones, runs and kills in any order.

The laws: what was planned and applied leaves nothing to plan; `down` after `up` gives every site
back; what the user wrote elsewhere survives; the ledger agrees with the files. A longer run:
`KEYCHANGE_MACHINE=500 python -m pytest tests/test_history_machine.py`.
"""

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from support import faults
from support.history import build, codes, declare, migration, own, paste, recorded, say, value
from support.workspace import migrate_here

VALUES = "abcde"
REVISIONS = ("0001_one", "0002_two", "0003_three", "0004_four")
LENGTH = len(REVISIONS)


class Histories(RuleBasedStateMachine):
    """One project with as many migrations as its branch has, and a model of what it should be."""

    @initialize(length=st.integers(1, LENGTH))
    def start(self, length):
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.root = build(self.folder / "project")
        self.applied = 0
        self.notes = 0
        self.clones = 0
        self.switch(length)

    def teardown(self):
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    # ------------------------------------------------------------ what a user does

    @rule(length=st.integers(1, LENGTH))
    def switch(self, length):
        """Check a branch out that has more or fewer migrations; what is applied stays so."""
        shutil.rmtree(self.root / "migrations", ignore_errors=True)
        for each in range(length):
            declare(self.root, migration(REVISIONS[each], VALUES[each], VALUES[each + 1]))
        self.length = length

    @rule()
    def edit_elsewhere(self):
        self.notes += 1
        for path, text in ((".env", f"MINE_{self.notes}=1\n"), ("app.py", f"x = {self.notes}\n")):
            file = self.root / path
            file.write_text(file.read_text() + text)

    @rule()
    def comment_a_migration(self):
        path = self.root / f"migrations/{REVISIONS[0]}.yaml"
        path.write_text("# why\n" + path.read_text().replace("\n", "\r\n"))

    @rule()
    def clone(self):
        """A copy without keychange's folder, as git makes one, with the local files."""
        self.clones += 1
        fresh = self.folder / f"clone-{self.clones}"
        shutil.copytree(self.root, fresh, ignore=shutil.ignore_patterns(".keychange"))
        self.root = fresh
        found, self.applied = self.applied, 0
        if found <= self.length:
            said = say(self.root, "up", "--to", REVISIONS[found - 1] if found else "base", "--yes")
            assert said["exit_code"] == 0, said
            # What was found done is recorded, and taking it back changes nothing.
            assert list(recorded(self.root)) == list(REVISIONS[:found])
            assert say(self.root, "down", "--to", "base", "--yes")["exit_code"] == 0
        self.restore(found)

    def restore(self, found):
        """Give a clone old values again, so that the model goes on from a known state."""
        shutil.rmtree(self.root / ".keychange", ignore_errors=True)
        for path in (".env", "app.py", "conf/one.json"):
            file = self.root / path
            text = file.read_text()
            for quote in ("MODEL={}  #", "MODEL = '{}'", '"model": "{}"'):
                text = text.replace(quote.format(VALUES[found]), quote.format("a"))
            file.write_text(text)

    # ------------------------------------------------------------ what keychange does

    @rule(steps=st.integers(1, LENGTH))
    def up(self, steps):
        target = min(self.applied + steps, self.length)
        if not target or self.applied > self.length:
            return
        self.run("up", "--to", REVISIONS[max(target, 1) - 1], "--yes")
        self.applied = max(self.applied, target)

    @rule(steps=st.integers(1, LENGTH))
    def down(self, steps):
        self.run("down", "--steps", str(steps), "--yes")
        self.applied = max(0, self.applied - steps)

    @precondition(lambda self: self.applied < self.length)
    @rule()
    def up_and_down_is_nothing(self):
        before = self.bytes()
        self.run("up", "--to", REVISIONS[self.applied], "--yes")
        self.run("down", "--yes")
        assert self.bytes() == before

    @precondition(lambda self: self.applied < self.length)
    @rule(edited=st.booleans())
    def saved_plan(self, edited):
        file = self.folder / "plan"
        self.run("plan", "--out", file)
        if edited:
            self.edit_elsewhere()
            assert set(codes(say(self.root, "up", "--plan", file))) == {"stale-plan"}
            return
        self.run("up", "--plan", file)
        self.applied = self.length
        self.run("down", "--yes")
        self.applied -= 1
        assert set(codes(say(self.root, "up", "--plan", file))) == {"stale-plan"}

    @precondition(lambda self: self.applied <= self.length)
    @rule(at=st.integers(0, 120), direction=st.sampled_from(["up", "down"]))
    def killed(self, at, direction):
        """The process dies at some write; the next command makes it old or new."""
        before = self.applied
        arguments = ("up", "--yes") if direction == "up" else ("down", "--to", "base", "--yes")

        def act():
            with faults.injected(faults.Faults(at, faults.killed)):
                migrate_here(self.root, *arguments)

        faults.in_child(act)
        said = say(self.root, "recover")
        assert said["exit_code"] == 0
        self.applied = len(recorded(self.root))
        bounds = (before, self.length) if direction == "up" else (0, before)
        assert bounds[0] <= self.applied <= bounds[1]

    @rule(garbage=st.sampled_from([b"", b"{", b'{"format": 1}', b"\xff"]))
    def damage_the_ledger(self, garbage):
        """Only what the files say is left; `up` finds it done, and the damage is kept aside."""
        ledger = self.root / ".keychange/ledger.json"
        if not ledger.exists() or self.applied > self.length:
            return
        whole = ledger.read_bytes()
        ledger.write_bytes(garbage)
        assert codes(say(self.root, "down", "--yes")) == ["unreadable-ledger"]
        assert ledger.read_bytes() == garbage
        if self.applied:
            self.run("up", "--to", REVISIONS[self.applied - 1], "--yes")
            assert list(recorded(self.root)) == list(REVISIONS[: self.applied])
        ledger.write_bytes(whole)

    @precondition(lambda self: self.applied == self.length)
    @rule()
    def late(self):
        """A migration takes the number of an applied one; the commands that are named end that."""
        taken = f"{self.length:04d}_a_late"
        declare(self.root, own(taken, "LATE"))
        for _ in range(6):
            said = say(self.root, "up", "--yes")
            if said["exit_code"] == 0:
                break
            done = paste(self.root, said, codes(said)[0])
            assert done.returncode == 0, done.stderr
        assert say(self.root, "check")["clean"]
        assert len(recorded(self.root)) == self.length + 1
        self.run("down", "--to", "base", "--yes")
        self.applied = 0
        self.switch(self.length)

    # ------------------------------------------------------------ what holds at any time

    @invariant()
    def ledger_and_files_agree(self):
        if not hasattr(self, "root"):
            return
        assert value(self.root) == VALUES[self.applied]
        assert list(recorded(self.root)) == list(REVISIONS[: self.applied])
        for number in range(1, self.notes + 1):
            assert f"MINE_{number}=1\n" in (self.root / ".env").read_text()
            assert f"x = {number}\n" in (self.root / "app.py").read_text()
        assert "TOKEN=hf_canarycanarycanary\n" in (self.root / ".env").read_text()
        ours = {"rescued", "key", "cache"}
        assert {Path(each).name for each in faults.leftovers(self.root)} <= ours

    @invariant()
    def check_says_what_is_so(self):
        if not hasattr(self, "root"):
            return
        said = say(self.root, "check")
        found = set(codes(said))
        if self.applied > self.length:
            assert "missing-migration" in found <= {"missing-migration", "foreign-value"}, said
        elif self.applied < self.length:
            assert found == {"pending"}, said
        else:
            assert said["clean"], said
            assert say(self.root, "plan")["plan"]["steps"] == []

    def bytes(self):
        return {
            path: (self.root / path).read_bytes() for path in (".env", "app.py", "conf/one.json")
        }

    def run(self, *arguments):
        said = say(self.root, *arguments)
        if self.applied > self.length and arguments[0] != "down":
            assert "missing-migration" in codes(said)
        else:
            assert said["exit_code"] == 0, said
        return said


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=int(os.environ.get("KEYCHANGE_MACHINE", "8")), stateful_step_count=15
)
