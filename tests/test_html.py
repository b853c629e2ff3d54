"""The HTML of plan and report: sound, escaped, readable, and true to the files."""

import json
import shutil
import struct
import wave
from pathlib import Path

import pytest

from keychange import evidence
from keychange.evidence import LARGEST_RECORDING
from keychange.probing.worker import draw
from keychange.render import html
from keychange.render.html.page import escaped, tag
from support.history import build, checking, declare, migration
from support.markup import Page, colours, contrast
from support.workspace import migrate_here

OLD, NEW = "org/voice-0.6B-4bit", "org/voice-1.7B-8bit"
EVIL = "<script>alert(1)</script>&\u202e\u200b\x1b[31m\"'"
MIGRATION = f"""\
format: 1
id: 0001_voice
title: From <b>small</b> to large
description: Why & wherefore
operations:
  - env: .env
    missing: create
    set: {{VOICE: {{to: {NEW}}}, API_KEY: {{to: never-shown-1}}}}
  - json: "generated/*/voice.json"
    set: {{/model: {{from: {OLD}, to: {NEW}}}}}
  - json: made.json
    missing: skip
    set: {{/model: {{from: {OLD}, to: {NEW}}}}}
verify:
  - run: [sh, -c, "echo well; echo $API_KEY"]
"""


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "project"
    (root / "migrations").mkdir(parents=True)
    (root / "migrations/0001_voice.yaml").write_text(MIGRATION)
    (root / ".env").write_text(f"# mine {EVIL}\nVOICE={OLD}\nAPI_KEY=never-shown-2\n")
    for name in ("one", "two", "three", "four <i>", "five"):
        folder = root / "generated" / name
        folder.mkdir(parents=True)
        said = json.dumps(EVIL if name == "one" else name, ensure_ascii=False)
        (folder / "voice.json").write_text(f'{{\n  "said": {said},\n  "model": "{OLD}"\n}}\n')
    return root


def planned(root):
    done = migrate_here(root, "plan", "--format", "html")
    assert done.returncode == 0, done.stderr
    return done.stdout


def reported(root, *arguments):
    done = migrate_here(root, "report", *arguments)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip()).read_text("utf-8")


def applied(root):
    done = migrate_here(root, "up", "--yes")
    assert done.returncode == 0, done.stderr


def kept(root, *, seconds=1.0, verdict="pass", name="20260102T030405Z-0001_voice"):
    """What a probe keeps: a recording, its picture and its report."""
    folder = root / ".keychange/reports" / name
    folder.mkdir(parents=True)
    samples = [round(9000 * (at % 80) / 80) for at in range(int(24000 * seconds))]
    with wave.open(str(folder / "audio.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24000)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    (folder / "audio.svg").write_text(draw([each / 32768 for each in samples[:24000]], 24000))
    report = {
        "verdict": verdict,
        "headline": "voice 1.7B & more",
        "model": NEW,
        "code": "" if verdict == "pass" else "probe-silent",
        "checks": [
            {"name": "level", "verdict": "pass", "value": -19.5, "unit": "dBFS", "limit": ">= -45"},
            {"name": "words", "verdict": "skipped", "value": None, "message": EVIL},
        ],
        "device": {"backend": "cpu"},
        "checkpoint": {"made_up": True, "weights": 1234567},
        "versions": {"mlx": "0.32.4"},
        "artifacts": [str(folder / "audio.wav")],
    }
    (folder / "report.json").write_text(json.dumps(report))
    return folder, report


def test_the_plan_is_sound_and_shows_every_file_and_site(root):
    text = planned(root)
    page = Page(text)
    page.sound()
    shown = page.root.text
    assert "Apply it with migrate -C" in shown
    assert "1 file" not in shown
    for path in root.glob("generated/*/voice.json"):
        assert path.relative_to(root).as_posix() in shown
    old = "".join(each.text for each in page.every("del"))
    new = "".join(each.text for each in page.every("ins"))
    assert ("0.6B" in old, "4bit" in old) == (True, True)
    assert ("1.7B" in new, "8bit" in new) == (True, True)


def test_nothing_of_a_file_is_markup_and_nothing_of_it_is_unseen(root):
    for text in (planned(root), (applied(root), reported(root))[1]):
        page = Page(text)
        page.sound()
        assert not page.every("i", "script")
        assert all(each.isprintable() or each == "\n" for each in text)
        assert "<script>alert(1)</script>&\\u202e\\u200b␛[31m" in page.root.text
        assert "From <b>small</b> to large" in page.root.text
        assert "never-shown" not in text


def test_equal_changes_are_told_once_and_no_name_is_left_out(root):
    page = Page(planned(root))
    files = [each for each in page.every("details") if each.attributes["class"] == "file"]
    assert len(files) == 2
    others = [f"generated/{name}/voice.json" for name in ("four <i>", "one", "three", "two")]
    folded = [each for each in page.every("details") if each.attributes["class"] == "more"]
    assert [[item.text for item in each.every("li")] for each in folded] == [others, others]


def test_a_file_that_stands_otherwise_now_is_told_apart(root):
    applied(root)
    drifted = root / "generated/two/voice.json"
    drifted.write_text(drifted.read_text().replace(NEW, "org/other"))
    page = Page(reported(root))
    sites = next(each for each in page.every("table") if "Every site" in each.text)
    states = {row.every("th")[0].text: row.every("td")[0].text for row in sites.every("tr")[1:]}
    assert states["generated/two/voice.json"] == "foreign"
    assert {each for path, each in states.items() if "two" not in path} == {"done"}


def test_a_report_rebuilds_what_changed(root):
    applied(root)
    page = Page(reported(root))
    page.sound()
    rows = [
        [cell.text for cell in row.every("td")]
        for table in page.every("table")
        if "What changes in .env" in table.every("caption")[0].text
        for row in table.every("tr")
    ]
    assert ["2", f"-VOICE={OLD}", "2", f"+VOICE={NEW}"] in rows
    assert ["3", "-API_KEY=•••• (old)", "3", "+API_KEY=•••• (new)"] in rows
    shown = page.root.text
    assert "applied and verified" in shown
    assert "The files at the time of this report: applied" in shown
    assert "2 other keys" not in shown
    assert "Proved: " in shown


def test_the_output_of_a_command_is_evidence_without_its_secrets(root):
    applied(root)
    text = reported(root)
    assert "sh -c 'echo well; echo $API_KEY'" in Page(text).root.text
    assert "never-shown" not in text


def test_a_file_that_was_edited_since_shows_its_sites_and_says_so(root):
    applied(root)
    edited = root / "generated/two/voice.json"
    edited.write_text(edited.read_text().replace("two", "2"))
    shutil.rmtree(root / "generated/three")
    page = Page(reported(root, "0001"))
    page.sound()
    shown = page.root.text
    assert "generated/two/voice.json: it was edited since." in shown
    assert "generated/three/voice.json: it is not here any more." in shown
    changed = [each.text for each in page.every("caption")]
    assert "What changes in generated/two/voice.json" not in changed
    sites = next(each for each in page.every("table") if "Every site" in each.text)
    assert "generated/two/voice.json" in sites.text
    assert "generated/three/voice.json" in sites.text


def test_a_later_migration_on_the_same_file_does_not_hide_what_this_one_did(root):
    applied(root)
    second = MIGRATION.replace("0001_voice", "0002_next").replace(NEW, "org/c").replace(OLD, NEW)
    (root / "migrations/0002_next.yaml").write_text(second)
    applied(root)
    for revision, old, new in (("0001", OLD, NEW), ("0002", NEW, "org/c")):
        rows = [
            [cell.text for cell in row.every("td")]
            for row in Page(reported(root, revision)).every("tr")
        ]
        assert ["2", f"-VOICE={old}", "2", f"+VOICE={new}"] in rows


def test_a_recording_is_part_of_the_page(root):
    applied(root)
    folder, report = kept(root)
    ledger = root / ".keychange/ledger.json"
    document = json.loads(ledger.read_text())
    probe = {"name": "probe", "verdict": "pass", "headline": "well", "report": report}
    document["entries"][0]["evidence"]["checks"].insert(0, probe)
    document["entries"][0]["document"]["verify"] = [{"probe": "mlx_speech", "text": "Say <this>."}]
    ledger.write_text(json.dumps(document))
    page = Page(reported(root, "1"))
    page.sound()
    (player,) = page.every("audio")
    assert "controls" in player.attributes
    assert page.every("blockquote")[0].text == "Say <this>."
    assert page.every("svg")[0].every("path")[0].attributes["d"].startswith("M0 ")
    assert "Spectrogram of 1.0 seconds" in page.every("img")[0].attributes["alt"]
    shown = page.root.text
    assert "-19.5 dBFS" in shown
    assert "It ran on a CPU: nothing is proven about a GPU." in shown
    assert "1,234,567" in shown
    shutil.rmtree(folder)
    page = Page(reported(root, "1"))
    page.sound()
    assert not page.every("audio", "figure")


def test_a_recording_that_is_too_large_is_left_out_and_that_is_said(root):
    kept(root, seconds=LARGEST_RECORDING / 48000 + 1)
    page = Page(reported(root, "1"))
    page.sound()
    assert not page.every("audio")
    assert "The recording is left out: it has 4.2 MB, and 4.2 MB is the most." in page.root.text


def test_a_run_that_was_rolled_back_has_its_report(root):
    kept(root, verdict="fail", name="20260102T030405Z-0001_voice")
    kept(root, verdict="inconclusive", name="20260101T030405Z-0001_voice")
    page = Page(reported(root, "1"))
    page.sound()
    shown = page.root.text
    assert "failed voice 1.7B & more" in shown
    assert "What to do: " in shown
    assert "not applied here" in shown
    assert not page.every("del", "ins")


def test_what_commands_printed_before_a_rollback_is_shown(tmp_path):
    """Also after `verify`, whose verdict is in the entry; and no secret in it."""
    root = build(tmp_path)
    said = "print('no voice <here>'); print('at', open('.env').read()); exit(3)"
    declare(root, migration("0001_one", "a", "b", more=checking(said)))
    assert migrate_here(root, "up", "--yes").returncode == 3
    rolled_back = Page(reported(root))
    assert migrate_here(root, "up", "--yes", "--no-verify").returncode == 0
    assert "no voice" not in Page(reported(root)).root.text
    assert migrate_here(root, "verify").returncode == 3
    for page in (rolled_back, Page(reported(root))):
        page.sound()
        shown = page.root.text
        assert "no voice <here>" in shown.partition("The end of the output of")[2]
        assert "canarycanary" not in shown
    assert "rolled back: a check failed, every file was restored" in rolled_back.root.text


def test_a_report_of_an_earlier_run_is_no_evidence_of_what_is_applied(root):
    kept(root, verdict="fail")
    assert migrate_here(root, "up", "--yes", "--no-verify").returncode == 0
    shown = Page(reported(root)).root.text
    assert "applied, not verified" in shown
    assert "No check of this migration has been run here" in shown
    assert "1.7B & more" not in shown


def test_what_a_damaged_report_holds_is_not_taken_for_one(root):
    folder, _ = kept(root)
    for damage in ("{", "[]", '{"verdict": "pass"}'):
        (folder / "report.json").write_text(damage)
        assert migrate_here(root, "report", "1").returncode == 1


def test_where_nothing_is_known_that_is_said(root):
    for arguments in ((), ("0001",)):
        done = migrate_here(root, "report", *arguments)
        assert done.returncode == 1
        assert "error[nothing-to-report]" in done.stderr
    assert migrate_here(root, "report", "9").returncode == 2
    applied(root)
    done = migrate_here(root, "report", "--out", root / "nowhere/report.html")
    assert (done.returncode, "error[report-unwritable]" in done.stderr) == (1, True)


def test_a_report_is_written_where_it_is_asked_for(root):
    applied(root)
    done = migrate_here(root, "report", "--format", "json")
    written = Path(json.loads(done.stdout)["report"])
    assert written.parent == root / ".keychange/reports"
    assert written.stat().st_mode & 0o777 == 0o600
    there = root / "report.html"
    assert migrate_here(root, "report", "--out", there).stdout == f"{there}\n"
    assert migrate_here(root, "report", "--out", "-").stdout == there.read_text()


def test_a_report_replaces_a_page_and_no_other_file(root):
    applied(root)
    there = root / "report.html"
    assert migrate_here(root, "report", "--out", there).returncode == 0
    assert migrate_here(root, "report", "--out", there).returncode == 0
    for mine in (root / ".env", root / "conf.bin"):
        if not mine.exists():
            mine.write_bytes(b"\xff\0")
        before = mine.read_bytes()
        done = migrate_here(root, "report", "--out", mine)
        assert (done.returncode, mine.read_bytes()) == (1, before)
        assert f"{mine}: error[report-unwritable]" in done.stderr
    assert migrate_here(root, "report", "--out", "/dev/null").returncode == 0
    assert not list(root.glob(".keychange-*"))


def test_only_a_plan_is_html(root):
    done = migrate_here(root, "status", "--format", "html")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--format html is for plan" in done.stderr


def test_a_plan_that_is_refused_is_no_page(root):
    (root / "generated/one/voice.json").write_text('{"model": "other"}')
    done = migrate_here(root, "plan", "--format", "html")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error[foreign-value]" in done.stderr


def test_a_plan_with_nothing_to_do_says_so(root):
    applied(root)
    page = Page(planned(root))
    page.sound()
    assert "There is nothing to do" in page.root.text


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_every_text_can_be_read_on_what_is_behind_it(scheme):
    css = Path(html.__file__).with_name("page.css").read_text()
    palettes = colours(css)
    assert len(palettes) == 3
    colour = {**palettes[0], **palettes[scheme]}
    grounds = ("paper", "panel", "old", "new", "ok-back", "bad-back", "warn-back")
    pairs = [("ink", each) for each in (*grounds, "old-word", "new-word")]
    pairs += [("muted", each) for each in ("paper", "panel", "old", "new")]
    pairs += [("accent", each) for each in ("paper", "panel")]
    pairs += [(tone, f"{tone}-back") for tone in ("ok", "bad", "warn")] + [("ok", "panel")]
    weak = {pair: contrast(*map(colour.get, pair)) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
    assert contrast(colour["wave"], colour["panel"]) >= 3


def test_an_element_escapes_what_it_holds():
    assert (
        tag("p", "<b>", tag("b", "&"), title='"') == '<p title="&quot;">&lt;b&gt;<b>&amp;</b></p>'
    )
    assert escaped("a\u202eb") == "a\\u202eb"
    assert evidence.REPORTS == ".keychange/reports"
