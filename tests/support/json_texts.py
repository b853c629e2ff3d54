"""JSON documents as people and programs write them: every spelling that means the same."""

import json

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "model_id", "é", "a/b", "m~n", "", "0", "-", "ref audio", "𝄞"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.sampled_from(["a/b", "é", '"', "\\", "// no comment", "/* */", ",]", "\ud800"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=14,
)
DOCUMENTS = st.one_of(
    st.dictionaries(NAMES, VALUES, max_size=6), st.lists(VALUES, max_size=4), VALUES
)

INDENTS = ("  ", "    ", "\t", " ", "")
LINE_ENDS = ("\n", "\r\n")


class Writer:
    """Writes a value with choices of its own; ``jsonc`` adds comments and trailing commas."""

    def __init__(self, random, *, jsonc=False):
        self.random = random
        self.jsonc = jsonc
        self.indent = random.choice(INDENTS)
        self.line_end = random.choice(LINE_ENDS)
        self.colon = random.choice([": ", ":", " : ", ":\t"])
        self.wild = random.random() < 0.3
        self.inline = random.random() < 0.3

    def document(self, value):
        text = self.value(value, 0)
        before = self.random.choice(["", "\ufeff"])
        before += "// head" + self.line_end if self.jsonc and self.random.random() < 0.3 else ""
        after = self.random.choice(["", self.line_end, " " + self.line_end * 2])
        return (before + text + after).encode("utf-8", "backslashreplace")

    def space(self, depth):
        """The white space between two tokens where a line may end."""
        if self.wild:
            text = "".join(self.random.choices(" \t\n\r", k=self.random.randrange(3)))
        elif self.inline:
            text = self.random.choice(["", " "]) if self.random.random() < 0.1 else ""
        else:
            text = self.line_end + self.indent * depth
        return text

    def comment(self):
        if not self.jsonc or self.random.random() < 0.6:
            return ""
        return self.random.choice([" // a, b ] }" + self.line_end, "/* , } */", " /* \n * é */ "])

    def value(self, value, depth):
        if isinstance(value, dict):
            members = [
                self.string(name) + self.colon + self.value(each, depth + 1)
                for name, each in value.items()
            ]
            return self.container("{", "}", members, depth)
        if isinstance(value, list):
            return self.container("[", "]", [self.value(e, depth + 1) for e in value], depth)
        if isinstance(value, str):
            return self.string(value)
        text = json.dumps(value)
        return text.replace("e+", self.random.choice(["e+", "E+", "e"])) if "e+" in text else text

    def container(self, opening, closing, entries, depth):
        if not entries:
            inner = self.random.choice(["", "", " ", self.line_end])
            return opening + inner + self.comment() + closing
        text = opening
        for at, entry in enumerate(entries):
            text += self.comment() + self.space(depth + 1) + entry + self.comment()
            if at + 1 < len(entries) or (self.jsonc and self.random.random() < 0.3):
                text += ","
        return text + self.comment() + self.space(depth) + closing

    def string(self, text):
        pieces = []
        for character in text:
            plain = json.dumps(character, ensure_ascii=False)[1:-1]
            escaped = json.dumps(character)[1:-1]
            choices = [
                plain,
                plain,
                escaped,
                "".join(f"\\u{unit:04x}" for unit in units(character)),
            ]
            if character == "/":
                choices.append("\\/")
            if "\ud800" <= character <= "\udfff":
                choices = [escaped]
            pieces.append(self.random.choice(choices))
        return '"' + "".join(pieces) + '"'


def units(character):
    """The UTF-16 code units of a character, as JSON escapes it."""
    raw = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


@st.composite
def json_files(draw, values=DOCUMENTS, *, jsonc=False):
    """A value, and bytes that mean it."""
    value = draw(values)
    random = draw(st.randoms(use_true_random=False))
    data = Writer(random, jsonc=jsonc).document(value)
    return read_back(value), data


def read_back(value):
    """The value as a reader has it: two lone surrogates side by side are one character."""
    return json.loads(json.dumps(value))


def strictly(text):
    """What ``json`` reads, with the two things refused that keychange refuses."""

    def unique(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)

    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
