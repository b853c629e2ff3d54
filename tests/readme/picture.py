"""The picture of the README: a real run in a terminal, drawn as SVG.

The window has its own dark ground, so that it reads on a light page and on a dark one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import escape, unescape
from pathlib import Path

from support.recorder import COLUMNS
from support.scenes import PROBING, Scene
from support.stage import MODEL, OLD_MODEL, Stage

FILE = Path(__file__).parents[2] / "assets" / "pictures" / "run.svg"
_MIGRATION = f"""\
format: 1
id: 0001_larger_voice
title: The voice model, from 0.6B at 4 bits to 1.7B at 8
vars:
  old: {OLD_MODEL}
  new: {MODEL}
operations:
  - env: .env
    set:
      TTS_MODEL: {{from: "${{old}}", to: "${{new}}"}}
  - python: app/voice.py
    strings:
      - {{from: "${{old}}", to: "${{new}}"}}
  - json: projects/*/voice.json
    set:
      /model: {{from: "${{old}}", to: "${{new}}"}}
verify:
{PROBING.replace("${new_model}", "${new}")}"""
_PROJECT = {
    ".env": f"HF_TOKEN=hf_canarycanarycanary\nTTS_MODEL={OLD_MODEL}  # fits into 8 GB\n",
    "app/voice.py": f'LANGUAGE = "english"\nMODEL = "{OLD_MODEL}"\n',
    "projects/hello/voice.json": f'{{ "speed": 1.0, "model": "{OLD_MODEL}" }}\n',
    "projects/world/voice.json": None,
    "migrations/0001_larger_voice.yaml": _MIGRATION,
    "migrations/0002_english.yaml": None,
}
SCENE = Scene(("migrate up --allow-cpu",), start="model", keys="y", plain=False, write=_PROJECT)
DECLINED = replace(SCENE, keys="n")
"""The same up to the question, without the model."""
_WIDTH, _HEIGHT, _MARGIN = 8.4, 18, 16
_COLOURS = {
    "ground": "#0d1117",
    "text": "#e6edf3",
    "dim": "#8b949e",
    "31": "#ff7b72",
    "32": "#7ee787",
    "33": "#e3b341",
    "34": "#79c0ff",
    "35": "#d2a8ff",
    "36": "#56d4dd",
}


def record(folder: Path) -> str:
    """The run as the terminal got it, with the model of the tests."""
    return Stage(folder).play(SCENE, coloured=True, settle=False)


def again(folder: Path) -> str:
    """The picture: the one that there is, where only what was measured would differ."""
    drawn = svg(record(folder))
    before = FILE.read_text() if FILE.exists() else ""
    same = re.sub(r"[\d.]+", "0", text_of(before)) == re.sub(r"[\d.]+", "0", text_of(drawn))
    return before if same else drawn


_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"
 height="{height:.0f}" role="img" aria-labelledby="t"><title id="t">{title}</title>
<style>text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;\
fill:{text}}}{rules}.b{{font-weight:700}}</style>
<rect width="100%" height="100%" rx="10" class="cground"/>
{body}
</svg>
"""


def svg(recorded: str) -> str:
    """A recording, in which `\\e` is the escape character, as a picture."""
    rows = [row for line in recorded.rstrip("\n").split("\n") for row in _rows(line)]
    return _FRAME.format(
        width=COLUMNS * _WIDTH + 2 * _MARGIN,
        height=len(rows) * _HEIGHT + 2 * _MARGIN,
        title=escape(recorded.partition("\n")[0]),
        text=_COLOURS["text"],
        rules="".join(f".c{name}{{fill:{value}}}" for name, value in _COLOURS.items()),
        body="\n".join(
            part
            for number, row in enumerate(rows, 1)
            for part in _drawn(row, _MARGIN + number * _HEIGHT - 5)
        ),
    )


def text_of(picture: str) -> str:
    """What a picture says; lines that were too long for the terminal are whole again."""
    rows = [
        unescape(re.sub(r"<[^>]*>", "", inner))
        for inner in re.findall(r"<text .*?>(.*)</text>", picture)
    ]
    return "".join(row if len(row) == COLUMNS else f"{row}\n" for row in rows)


def _rows(line: str) -> Iterator[list[tuple[str, tuple[str, ...]]]]:
    """A line as a terminal breaks it: rows of runs, each with its style."""
    row: list[tuple[str, tuple[str, ...]]] = []
    room, style = COLUMNS, ()
    for piece in re.split(r"(\\e\[[0-9;]*m)", line):
        if found := re.fullmatch(r"\\e\[([0-9;]*)m", piece):
            style = () if found[1] in ("", "0") else (*style, *found[1].split(";"))
            continue
        while len(piece) > room:
            yield [*row, (piece[:room], style)]
            piece, row, room = piece[room:], [], COLUMNS  # noqa: PLW2901 (what is left of it)
        row.append((piece, style))
        room -= len(piece)
    yield row


def _drawn(row: list[tuple[str, tuple[str, ...]]], y: float) -> Iterator[str]:
    spans, column = [], 0
    for text, style in row:
        x = _MARGIN + column * _WIDTH
        colour = next((each for each in style if each in _COLOURS), "")
        if "7" in style and colour:
            yield (
                f'<rect x="{x:.1f}" y="{y - 13:.1f}" width="{len(text) * _WIDTH:.1f}"'
                f' height="{_HEIGHT}" class="c{colour}" opacity=".3"/>'
            )
        names = [f"c{colour}"] if colour else ["cdim"] if "2" in style else []
        names += ["b"] if "1" in style else []
        kind = f' class="{" ".join(names)}"' if names else ""
        spans.append(
            f'<tspan x="{x:.1f}"{kind}>{escape(text, quote=False)}</tspan>' if text else ""
        )
        column += len(text)
    yield f'<text xml:space="preserve" y="{y:.1f}">{"".join(spans)}</text>'
