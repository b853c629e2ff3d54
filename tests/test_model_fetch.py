"""The download of a model: the real huggingface_hub against a hub on the loopback."""

import json
import os
import shutil
import socket
import sys

import pytest

from keychange.probing.checkpoint import make_checkpoint
from keychange.probing.known_failures.download import DOWNLOADING
from keychange.resources import data_dir
from keychange.verification.model.cache import inspect_model
from keychange.verification.model.download import Transfer, fetch_model, size_in_words
from keychange.verification.model.downloader import CODES, code_of
from support.hub import Hub
from support.probe import PYTHON, interpreter, snapshot_of
from support.workspace import changed, files, migrate

MODEL = "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"
MAIN = "model.safetensors"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("origin")
    make_checkpoint(folder, MODEL)
    return snapshot_of(folder, MODEL)


@pytest.fixture
def hub(snapshot):
    with Hub(MODEL, snapshot) as running:
        yield running


def environment_of(hub, home):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS_"))}
    url = hub if isinstance(hub, str) else hub.url
    return {**clean, "HF_HOME": str(home), "HF_ENDPOINT": url, "HF_HUB_ETAG_TIMEOUT": "2"}


def fetch(hub, home, **options):
    return fetch_model(MODEL, PYTHON, environment_of(hub, home), **options)


def test_a_model_is_downloaded_and_compared(hub, tmp_path):
    said, seen = [], []
    done = fetch(hub, tmp_path, stage=said.append, live=seen.append)
    assert done.ok, done.problem
    assert done.files == len(hub.files)
    assert done.size == sum(map(len, hub.files.values()))
    assert f"into {tmp_path / 'hub'} (from HF_HOME)" in said[0]
    assert inspect_model(MODEL, {"HF_HOME": str(tmp_path)}).checkpoint.bits == 8
    hub.asked.clear()
    again = fetch(hub, tmp_path)
    assert (again.ok, again.files, hub.asked) == (True, 0, [])


def test_a_connection_that_breaks_is_continued_within_the_file(hub, tmp_path):
    hub.files["extra.bin"] = bytes(24 << 20)  # huggingface_hub keeps pieces of 10 MiB
    hub.cuts = {"extra.bin": 1}
    assert fetch(hub, tmp_path).ok
    assert [span for name, span in hub.got() if name == "extra.bin"] == ["", f"bytes={10 << 20}-"]


def test_an_interrupted_download_is_resumed_and_what_is_whole_is_kept(hub, tmp_path):
    hub.cuts = {MAIN: 99}
    done = fetch(hub, tmp_path)
    assert done.problem is not None
    assert done.problem.code == "download-interrupted"
    assert done.problem.command == f"migrate model fetch {MODEL}"
    first = {name for name, _ in hub.got()}
    hub.cuts = {}
    hub.asked.clear()
    resumed = fetch(hub, tmp_path)
    assert resumed.ok, resumed.problem
    assert {name for name, _ in hub.got()} == {MAIN} | (hub.files.keys() - first)
    assert not list(tmp_path.rglob("*.incomplete"))


def test_what_a_killed_download_left_is_taken_away_and_a_short_blob_is_replaced(hub, tmp_path):
    assert fetch(hub, tmp_path).ok
    folder = inspect_model(MODEL, {"HF_HOME": str(tmp_path)}).folder
    blob = (folder / "snapshots").glob(f"*/{MAIN}")
    path = next(blob).resolve()
    path.write_bytes(path.read_bytes()[:1000])
    (folder / "blobs" / f"{path.name}.0123abcd.incomplete").write_bytes(b"half")
    assert inspect_model(MODEL, {"HF_HOME": str(tmp_path)}).diagnostics[0].is_error
    again = fetch(hub, tmp_path)
    assert again.ok, (again.problem, again.inspection.diagnostics)
    assert again.files == 1
    assert not list(folder.rglob("*.incomplete"))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((404, "RepoNotFound"), "download-not-found"),
        ((401, "GatedRepo"), "download-gated"),
        ((403, ""), "download-gated"),
        ((500, ""), "download-failed"),
    ],
)
def test_what_the_hub_refuses_has_its_code(hub, tmp_path, answer, code):
    hub.answer = answer
    done = fetch(hub, tmp_path)
    assert done.problem is not None
    assert done.problem.code == code
    assert done.problem.hint


def test_no_network(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = fetch(url, tmp_path)
    assert done.problem is not None
    assert done.problem.code == "download-no-network"


def test_a_disk_that_is_too_small_is_refused_before_a_byte_is_downloaded(hub, tmp_path):
    hub.pretended = 1 << 50
    done = fetch(hub, tmp_path)
    assert done.problem is not None
    assert done.problem.code == "download-disk-full"
    assert hub.got() == []


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_is_respected_and_said(hub, tmp_path, variable):
    environment = {**environment_of(hub, tmp_path), variable: "yes"}
    done = fetch_model(MODEL, PYTHON, environment)
    assert done.problem is not None
    assert done.problem.code == "download-offline"
    assert variable in done.problem.message
    assert hub.asked == []


def test_interpreters_that_cannot_download(hub, tmp_path):
    absent = fetch_model(MODEL, tmp_path / "none", environment_of(hub, tmp_path))
    assert absent.problem is not None
    assert absent.problem.code == "python-missing"
    body = "import os, sys\nos.execv(sys.executable, [sys.executable, '-S', *sys.argv[1:]])"
    bare = interpreter(tmp_path, body)
    bare.write_text(
        bare.read_text().replace("sys.executable", repr(sys.base_prefix + "/bin/python3"))
    )
    done = fetch_model(MODEL, bare, environment_of(hub, tmp_path))
    assert done.problem is not None
    assert done.problem.code == "hub-missing"


class GoneError(Exception):
    pass


def test_errors_are_known_by_the_names_that_all_versions_share():
    for name, code in CODES.items():
        assert code_of(type(name, (Exception,), {})("x")) == code
    outer = GoneError("outer")
    outer.__cause__ = ConnectionError("inner")
    assert code_of(outer) == "download-no-network"
    assert code_of(OSError(28, "No space left on device")) == "download-disk-full"
    assert code_of(GoneError("?")) == "download-failed"
    assert {*CODES.values()} <= {each.code for each in DOWNLOADING}


def test_the_bar_and_the_sizes():
    assert str(Transfer(0, 0, 0.0)).startswith("[########################] 100%")
    half = str(Transfer(1_500_000_000, 3_000_000_000, 10.0))
    assert half == "[############............]  50%  1.5 GB of 3.0 GB, 150 MB/s, 10 s left"
    assert [size_in_words(n) for n in (0, 999, 1000, 2_417_321_488)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "2.4 GB",
    ]


# ---------------------------------------------------------------- through the command line


MIGRATION = """\
format: 1
id: 0001_voice
title: A voice
require:
  - path: voice.txt
  - {{runtime: mlx, python: "{python}", device: any}}
  - model: {model}
    fetch: true
operations:
  - env: .env
    missing: create
    set: {{MODEL: {{to: "{model}"}}}}
verify:
  - run: ["{python}", -c, "print('spoken')"]
"""


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "project"
    (root / "migrations").mkdir(parents=True)
    text = MIGRATION.format(python=sys.executable, model=MODEL)
    (root / "migrations" / "0001_voice.yaml").write_text(text)
    (root / "voice.txt").write_text("hello\n")
    return root


def run(root, hub, *arguments, **more):
    given = {**environment_of(hub, root.parent / "hf"), "HF_HUB_OFFLINE": "0"}
    return migrate(root, *arguments, environment={**given, **more})


def test_model_fetch_takes_the_model_of_the_next_migration(root, hub):
    before = files(root)
    done = run(root, hub, "model", "fetch", "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert [(each["model"], each["ok"]) for each in document["models"]] == [(MODEL, True)]
    assert changed(before, files(root)) == set()
    again = run(root, hub, "model", "fetch")
    assert "was there already" in again.stdout
    assert "\r" not in again.stderr


def test_model_fetch_without_anything_to_fetch_with(root, hub):
    (root / "migrations" / "0001_voice.yaml").write_text(
        "format: 1\nid: 0001_voice\ntitle: none\noperations:\n"
        "  - {env: .env, missing: create, set: {A: {to: b}}}\n"
    )
    done = run(root, hub, "model", "fetch")
    assert done.returncode == 1
    assert "no-model" in done.stderr
    done = run(root, hub, "model", "fetch", MODEL)
    assert "no-interpreter" in done.stderr
    done = run(root, hub, "model", "fetch", MODEL, "--python", sys.executable)
    assert done.returncode == 0, done.stderr


def test_up_fetches_before_anything_is_written(root, hub):
    done = run(root, hub, "up", "--yes")
    assert done.returncode == 0, done.stderr
    assert (root / ".env").read_text() == f"MODEL={MODEL}\n"
    assert "fetch: downloading" in done.stderr


def test_up_that_cannot_fetch_writes_nothing(root, hub):
    before = files(root)
    hub.answer = (401, "GatedRepo")
    done = run(root, hub, "up", "--yes", "--format", "json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["ending"]) == (1, "refused")
    (problem,) = document["diagnostics"]
    assert (problem["code"], problem["line"]) == ("download-gated", 7)
    assert changed(before, files(root)) == set()
    offline = run(root, hub, "up", "--yes", HF_HUB_OFFLINE="1")
    assert "download-offline" in offline.stderr


def test_nothing_is_downloaded_where_another_requirement_fails(root, hub):
    (root / "voice.txt").unlink()
    done = run(root, hub, "up", "--yes")
    assert done.returncode == 1
    assert "path-missing" in done.stderr
    assert "model-not-cached" in done.stderr
    assert hub.asked == []


def test_other_verbs_never_download(root, hub):
    shutil.copytree(data_dir("sample") / "assets", root / "assets")
    for arguments in (("plan",), ("check",), ("verify",), ("up", "--yes", "--no-verify")):
        run(root, hub, *arguments)
    assert hub.asked == []
