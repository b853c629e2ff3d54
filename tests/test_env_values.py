"""What must be masked in a `.env` file, what sourcing it sets, and what looks like a secret."""

import pytest

from keychange.formats.dotenv.text import environment, values
from keychange.secrets import looks_secret


def masked(data: bytes) -> bytes:
    result, position = b"", 0
    for key, span in values(data):
        result += data[position : span.start] + b"<" + key.encode() + b">"
        position = span.end
    return result + data[position:]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"A=canary\n", b"A=<A>\n"),
        (b"export A='canary # x'  # why\r\n", b"export A=<A>  # why\r\n"),
        (b"\xef\xbb\xbfA=canary", b"\xef\xbb\xbfA=<A>"),
        (b"A=caf\xe9 # \x80\n", b"A=<A> # \x80\n"),
        (b"A='x\ncanary'\nB=\n", b"A=<A>\nB=\n"),
        (b"# A=canary\n#export B='canary' # c\n", b"# A=<>\n#export B=<>\n"),
        (b"# the key, see: the docs\n", b"# the key, see: the docs\n"),
        (b"# API_KEY: canary canary\n", b"# API_KEY: <>\n"),
        (b"# run me with TOKEN=canary now\n", b"# run me with TOKEN=<>\n"),
        (b"# old one: sk-canarycanary12 gone\n", b"# old one: <> gone\n"),
        (b"A=1 # before: hf_canarycanary1\n", b"A=<A> # before: <>\n"),
        (b"canary canary\n=canary\n", b"<>\n<>\n"),
        (b"canary\nA=1\n", b"<>\nA=<A>\n"),
        (b'A="canary\nB=1\n', b"<>\nB=<B>\n"),
        (b"A=1 B=canary\n", b"A=<A> <>\n"),
        (b"A=one canary # canary\n", b"A=<A> <>\n"),
        (b'A="x"#canary\n', b"A=<A><>\n"),
        (b"A=`canary # canary`\n", b"A=<A> <>\n"),
        (b"export A\n", b"export A\n"),
        (
            b"A=-----BEGIN KEY-----\nMIICANARY=\ncanary==\n-----END KEY-----\nB=2\n",
            b"A=<A>\n<>\nB=<B>\n",
        ),
    ],
)
def test_all_that_is_not_structure_is_masked(data, shown):
    assert masked(data) == shown


def test_no_canary_is_left_wherever_a_file_begins():
    data = b"A='canary'\n# B=canary\nexport C=\"canary\ncanary\"\nD=canary # E=canary\n"
    for cut in range(len(data)):
        assert b"canary" not in masked(data[cut:])


@pytest.mark.parametrize(
    ("data", "exported", "others"),
    [
        (b"export A=1\nB=2\n", {"A": "1"}, {"B": "2"}),
        (b"A=1\nexport A\n", {"A": "1"}, {}),
        (b"set -a\nA=1\nset +a\nB=2\n", {"A": "1"}, {"B": "2"}),
        (b"A=1\nB=$A/${A}/${NOT:-d}\n", {}, {"A": "1", "B": "1/1/d"}),
        (b"A=$HOME B=$(pwd)\nC=`pwd`\n", {}, {"A": "/home/me"}),
        (b"A=two words\nB=1\nunset B\nC=a;D=b\n", {}, {"C": "a", "D": "b"}),
        (b"A=1\nB=it's\nC=3\n", {}, {"A": "1"}),
        (b"A=1\nif true; then B=2; fi\n", {}, {"A": "1"}),
        (b"A=1\r\n", {}, {"A": "1\r"}),
        (b"A=~/x\n", {}, {"A": "/home/me/x"}),
    ],
)
def test_the_environment_that_sourcing_gives(data, exported, others):
    ambient = {"HOME": "/home/me"}
    assert environment(data, ambient=ambient) == {**exported, **others}
    assert environment(data, ambient=ambient, only_exported=True) == exported


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HF_TOKEN", "x"),
        ("openaiApiKey", "x"),
        ("KEY", ""),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("DB_PASSWORD", "x"),
        ("X", "sk-proj-abcdefgh"),
        ("X", "hf_abcdefghij"),
        ("X", "ghp_abcdefghij"),
        ("X", "AKIAABCDEFGHIJKLMNOP"),
        ("X", "xoxb-123456-abc"),
        ("X", "-----BEGIN PRIVATE KEY-----"),
        ("X", "eyJhbGciOi.eyJzdWIiOi.sig"),
        ("DATABASE_URL", "postgres://me:hunter2@db/x"),
        ("X", "9f86d081884c7d659a2feaa0c55ad015"),
    ],
)
def test_what_looks_like_a_secret(name, value):
    assert looks_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MONKEY", "x"),
        ("KEYBOARD", "x"),
        ("TOKENIZER", "x"),
        ("KEY_PATH", "/etc/key.pem"),
        ("MODEL_ID", "mlx-community/Qwen3-TTS-12Hz-1.7B-Base-8bit"),
        ("MODEL_REVISION", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"),
        ("PYTHON", "/Users/me/models/qwen3-tts-local/mlx_env312/bin/python"),
        ("URL", "http://localhost:8080/x"),
        ("PORT", "8080"),
    ],
)
def test_what_does_not(name, value):
    assert not looks_secret(name, value)
