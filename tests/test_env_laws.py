"""The laws of the env kind, over files and operations of every shape, by the real readers."""

from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from keychange.edits import apply_edits, inverse
from keychange.formats.dotenv.text import EnvFile, values
from keychange.formats.dotenv.writing import Spelling, UnwritableError
from support.env_kind import down, errors, examine, unnamed_lines
from support.env_oracles import ShellDied, bash, docker_compose, python_dotenv

NAMES = ["A", "B", "FOO", "FOO_A", "FOO_A_B", "BAR_X", "BAR_Y", "Z"]
KEYS = st.sampled_from(NAMES)
NASTY = st.text(st.sampled_from("aX1 _-./:=#'\"\\$`~!&|;<>(){}[]*?%\t\né→\u00a0"), max_size=8)
VALUES = st.one_of(st.sampled_from(["", "x", "mlx-community/Qwen3-TTS", "a b", "it's"]), NASTY)
PLAIN = st.sampled_from(["", "1", "x/y.z:8", "a,b", "v#1"])
EXPORT = st.sampled_from(["", "", "export ", "export  "])


@st.composite
def tame_line(draw) -> str:
    """A line that both readers read alike."""
    value = draw(PLAIN)
    quote = draw(st.sampled_from(["", "", '"', "'"]))
    if quote:
        value += draw(st.sampled_from(["", " b", "#c", "\nsecond line", " = &;"]))
    comment = draw(st.sampled_from(["", "", "  ", " # it's a comment"]))
    return f"{draw(EXPORT)}{draw(KEYS)}={quote}{value}{quote}{comment}"


ASIDE = st.sampled_from(["", "# comment", "   ", "# A=commented", "#", "\t# it's `odd`"])
WILD = st.one_of(
    st.builds("{}{} = {}".format, EXPORT, KEYS, PLAIN),
    st.builds("{}{}={}".format, EXPORT, KEYS, NASTY.map(lambda text: text.replace("$", ""))),
    st.sampled_from(["just words", "export B", "=x", "'Q' = 1", "A.B=1", "B=1 Z=2", "A"]),
)


def files(*lines: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    def encoded(lines: list[str], end: str, last: str, mark: bytes) -> bytes:
        text = end.join(line.replace("\n", end) for line in lines) + last.replace("\n", end)
        return mark + text.encode()

    return st.builds(
        encoded,
        st.lists(st.one_of(*lines), max_size=8),
        st.sampled_from(["\n", "\n", "\n", "\r\n"]),
        st.sampled_from(["", "\n"]),
        st.sampled_from([b"", b"", b"", b"\xef\xbb\xbf"]),
    )


TAME = files(tame_line(), ASIDE)
ANY = files(tame_line(), ASIDE, WILD)


@st.composite
def operations(draw) -> dict:
    names = draw(st.permutations(NAMES))
    settings = {
        key: {
            "to": draw(VALUES),
            **draw(st.sampled_from([{}, {}, {"export": True}, {"export": False}])),
        }
        for key in names[: draw(st.integers(0, 4))]
    }
    rest = names[4:]
    return {
        "set": settings,
        "remove": rest[: draw(st.integers(0, 2))],
        "rename": draw(st.sampled_from([{}, {rest[2]: "NEW"}, {rest[2]: names[0]}])),
        "comment": draw(st.booleans()),
        "export": draw(st.sampled_from(["keep", True, False])),
    }


LAWS = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


def applied(before: bytes, node: dict):
    finding = examine(before, node)
    assume(not errors(finding))
    return finding, apply_edits(before, finding.edits)


def named(node: dict) -> set[str]:
    return {*node["set"], *node["remove"], *node["rename"], *node["rename"].values()}


@LAWS
@given(TAME, operations())
def test_what_was_written_is_what_the_readers_give_back(tmp_path: Path, before, node):
    _, after = applied(before, node)
    readings = [python_dotenv(after, tmp_path), python_dotenv(after, tmp_path, interpolate=False)]
    if b"\r" not in before and not before.startswith(b"\xef"):
        readings.append(bash(after, tmp_path))
    for reading in readings:
        for key, setting in node["set"].items():
            assert reading.get(key) == setting["to"]
        for key in {*node["remove"], *node["rename"]} - {*node["set"]}:
            assert key not in reading


@LAWS
@given(TAME, operations())
def test_a_key_that_must_be_exported_is_exported_by_sourcing_alone(tmp_path, before, node):
    assume(b"\r" not in before and not before.startswith(b"\xef"))
    _, after = applied(before, node)
    exported = bash(after, tmp_path, allexport=False)
    for key, setting in node["set"].items():
        if setting.get("export", node["export"]) is True:
            assert exported.get(key) == setting["to"]


@LAWS
@given(ANY, operations())
def test_keys_not_named_keep_their_value_under_every_reader(tmp_path: Path, before, node):
    _, after = applied(before, node)
    readers = [python_dotenv]
    if b"\r" not in before and not before.startswith(b"\xef"):
        readers.append(bash)
    for reader in readers:
        try:
            old, new = reader(before, tmp_path), reader(after, tmp_path)
        except ShellDied:
            continue
        for key in old.keys() - named(node):
            assert key in new
            assert new[key] == old[key]


@LAWS
@given(ANY, operations())
def test_lines_that_hold_no_named_key_stay_as_they_are(before, node):
    _, after = applied(before, node)
    added = ["# 0001_env"] if node["comment"] else []
    old = unnamed_lines(before, named(node))
    new = [each for each in unnamed_lines(after, named(node)) if each not in added]
    assert new == old
    assert after.startswith(b"\xef\xbb\xbf") == before.startswith(b"\xef\xbb\xbf")
    if b"\r\n" in before and old:
        assert after.count(b"\n") - after.count(b"\r\n") <= sum(
            setting["to"].count("\n") for setting in node["set"].values()
        )


@LAWS
@given(ANY, operations())
def test_up_twice_changes_nothing(before, node):
    _, after = applied(before, node)
    again = examine(after, node)
    assert again.edits == ()
    assert not errors(again)


@LAWS
@given(ANY, operations())
def test_down_brings_every_byte_back(before, node):
    finding, after = applied(before, node)
    assert apply_edits(after, inverse(before, finding.edits)) == before
    back = down(after, finding)
    assert not errors(back)
    assert apply_edits(after, back.edits) == before
    assert down(before, finding).edits == ()


@LAWS
@given(ANY, operations())
def test_down_leaves_what_was_written_elsewhere_since(before, node):
    assume(not before.startswith(b"\xef"))
    end = b"\r\n" if b"\r\n" in before else b"\n"
    before = b"FIRST=1" + end + before
    finding, after = applied(before, node)
    top = b"# mine" + end + b"MINE=1" + end
    edited = top + after
    back = down(edited, finding)
    assert not errors(back)
    assert apply_edits(edited, back.edits) == top + before


@LAWS
@given(st.lists(VALUES, min_size=1, max_size=12))
def test_a_value_is_written_so_that_all_read_it_or_refused(tmp_path: Path, wanted):
    lines, expected = [], {}
    for number, value in enumerate(wanted):
        key = f"K{number}"
        try:
            spelling = Spelling("", "=", "").holding(value, key)
        except UnwritableError:
            continue
        lines.append(spelling.line(key))
        expected[key] = value
    data = "".join(f"{line}\n" for line in lines).encode()
    assert bash(data, tmp_path) == expected
    assert python_dotenv(data, tmp_path) == expected
    assert python_dotenv(data, tmp_path, interpolate=False) == expected
    if "$" not in data.decode():
        assert docker_compose(data.decode()) == expected


@LAWS
@given(ANY)
def test_masking_leaves_no_value_of_any_reader(before):
    shown, position = b"", 0
    for _, span in values(before):
        assert position <= span.start
        shown += before[position : span.start] + b"\0"
        position = span.end
    shown += before[position:]
    for binding in EnvFile(before).python.bindings:
        value = (binding.value or "").strip()
        if len(value) > 2 and binding.value_end > binding.value_start:
            assert EnvFile(shown).by_key.get(binding.key, ()) == () or all(
                value not in (each.value or "") for each in EnvFile(shown).by_key[binding.key]
            )
