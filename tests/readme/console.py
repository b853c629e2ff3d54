"""The commands of a document, really run: blocks marked `console`, and files that others are.

A fence such as ```` ```python app.py ```` is a file to write; in ```` ```console ```` a line that
begins with `$ ` is a command, `> ` goes on with it, and the rest is what it prints. They run from
top to bottom in one folder, in a terminal of 80 columns without colour. A line `...` stands for the
lines between those before and after it. What differs from run to run, such as a time, stays as it
is written.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support import recorder

LEFT_OUT = "..."
_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A command as it is typed, and the lines that are said to follow."""

    lines: tuple[str, ...]
    output: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(line[2:] for line in self.lines)


def commands(block: str) -> Iterator[Command]:
    """The commands of a block."""
    typed: list[str] = []
    output: list[str] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            if typed:
                yield Command(tuple(typed), tuple(output))
            typed, output = [line], []
        elif line.startswith("> ") and typed and not output:
            typed.append(line)
        else:
            output.append(line)
    if typed:
        yield Command(tuple(typed), tuple(output))


def kept(said: tuple[str, ...], seen: tuple[str, ...]) -> tuple[str, ...]:
    """What a document says, if that is what was seen; else what was seen, as much of it."""
    same = [tuple(recorder.settled("\n".join(each), {}).split("\n")) for each in (said, seen)]
    if same[0] == same[1]:
        return said
    if said.count(LEFT_OUT) != 1:
        return seen
    before = said.index(LEFT_OUT)
    after = len(said) - before - 1
    ends = seen[:before], seen[len(seen) - after :]
    same_ends = same[1][:before], same[1][len(seen) - after :]
    if (same[0][:before], same[0][before + 1 :]) == same_ends:
        return said
    return (*ends[0], LEFT_OUT, *ends[1])


def played(text: str) -> str:
    """The document with the output of its commands as it is now; `...` stays where it fits."""
    with tempfile.TemporaryDirectory(prefix="kc-", dir="/tmp") as folder:
        home = Path(folder)
        stage = _Stage(home, home / "talker")

        def again(found: re.Match[str]) -> str:
            language, path, body = found.groups()
            if path:
                stage.write(path, body)
            if language != "console":
                return found[0]
            return f"```console\n{''.join(map(stage.play, commands(body)))}```"

        return _FENCE.sub(again, text)


class _Stage:
    """A home with one project; `cd` is remembered from command to command."""

    def __init__(self, home: Path, root: Path) -> None:
        self.home = home
        self.folder = self.root = root
        root.mkdir()
        self.places: Mapping[str, str] = {str(home): "/home/you/stuff"}

    def write(self, path: str, body: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(body)

    def play(self, command: Command) -> str:
        """The command with what it prints now, as it stands in a block."""
        words = command.text.split()
        if words[0] == "cd":
            self.folder = (self.folder / words[1]).resolve()
            return "".join(f"{line}\n" for line in command.lines)
        person = {
            f"GIT_{who}_{what}": "you"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        environment = recorder.environment(self.home, NO_COLOR="1", **recorder.TERMINAL, **person)
        run = recorder.action(command.text)
        done = recorder.in_terminal(run, self.folder, environment, keys="y\ny")
        text = recorder.moved(done.out, self.places).removesuffix("\n")
        seen = tuple(line.rstrip() for line in text.split("\n")) if text else ()
        lines = (*command.lines, *kept(command.output, seen))
        return "".join(f"{line}\n" for line in lines)
