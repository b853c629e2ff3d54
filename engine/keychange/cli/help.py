"""Help: how the help of the program and of every verb is laid out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import click

from keychange.render.style import Style

VERB_GROUPS: Final = MappingProxyType(
    {
        "Look; nothing is written": ("plan", "status", "check", "history", "report"),
        "Change the project": ("up", "down", "rebase", "stamp", "recover"),
        "Run the model": ("verify", "probe", "doctor", "model"),
        "Write migrations": ("init", "new", "sites", "lint", "validate", "schema"),
        "Learn": ("demo", "explain", "completion"),
    }
)
OPTION_GROUPS: Final = MappingProxyType(
    {
        "What to work on": (
            *("to", "steps", "plan_file", "index", "left_behind", "exhaustive", "again"),
            *("on_request", "onto", "check", "by", "jsonc", "interrupted"),
            *("olds", "news", "title", "bare"),
        ),
        "Checks and models": ("no_verify", "baseline", "allow_cpu", "python"),
        "What is shown": (
            *(
                "summary",
                "name_only",
                "each_one",
                "context",
                "brief",
                "markdown",
                "fix",
                "exit_code",
            ),
            *("no_pager",),
        ),
        "Safety": ("dry_run", "yes", "keep", "lock_timeout", "out", "force"),
    }
)
"""Options by what they are for; one that is in none of these stands under "Options"."""

_WRITES: Final = MappingProxyType(
    {
        0: "done, or nothing to do",
        1: "refused before anything was written, or you said no",
        2: "could not run: usage, settings, an invalid migration file",
        3: "writing failed; everything was restored and compared",
        4: "the restore failed or could not be confirmed: each file and its backup is named",
        130: "interrupted (143: terminated); what the files hold is said",
    }
)
_LOOKS: Final = MappingProxyType({each: _WRITES[each] for each in (0, 1, 2)})
EXITS: Final[Mapping[str, Mapping[int, str]]] = MappingProxyType(
    {
        "up": {
            **_WRITES,
            3: "writing or a check failed; everything was restored and compared, or kept (--keep)",
        },
        "down": _WRITES,
        "rebase": _WRITES,
        "stamp": _WRITES,
        "init": _WRITES,
        "new": _WRITES,
        "recover": {each: _WRITES[each] for each in (0, 1, 4)},
        "verify": {**_LOOKS, 3: "a check did not pass; nothing was rolled back"},
        "probe": {
            **_LOOKS,
            0: "the model works",
            1: "refused: no probe, or a requirement is not met",
            3: "it does not work, or could not be tested here",
        },
        "check": {
            **_LOOKS,
            0: "clean",
            1: "drift, pending changes, or an applied migration that was edited",
        },
        "plan": {**_LOOKS, 0: "planned", 1: "with --exit-code: something would change; or refused"},
        "report": {**_LOOKS, 0: "written", 1: "nothing is known of it here, or not written"},
        "lint": {
            **_LOOKS,
            0: "nothing wrong; there may be warnings",
            1: "with --strict: a warning; or a number is doubled or missing",
        },
        "validate": {**_LOOKS, 0: "every file is valid", 1: "a number is doubled or missing"},
        "doctor": {**_LOOKS, 0: "nothing is wrong", 1: "something is wrong"},
        "model": {**_LOOKS, 0: "every model is whole", 1: "a model could not be had"},
        "schema": {**_LOOKS, 1: "with --check: a file is not valid"},
    }
)
"""What the exit codes of a verb mean, where that is more than done and not done."""

_PROGRAM_EXITS: Final = MappingProxyType(
    {
        **_WRITES,
        1: "the answer is no: drift or pending; or refused before anything was written",
        3: "writing or a check failed; everything was restored and compared",
        130: "interrupted; 143 terminated, 129 hung up",
    }
)
_ENVIRONMENT: Final = MappingProxyType(
    {
        "KEYCHANGE_ROOT": "as --root, where that is not given",
        "KEYCHANGE_MIGRATIONS": "as --migrations, where that is not given",
        "KEYCHANGE_YES": "as --yes: write without a question",
        "NO_COLOR, FORCE_COLOR": "no colour; colour also where no terminal is",
        "CI": "no question, no moving line",
        "KEYCHANGE_PAGER, PAGER": "shows what is longer than the terminal",
        "COLUMNS": "the width, where no terminal says it",
    }
)

_TERM: Final = 27  # columns of an option, at most, for its words to stand beside it
_EXAMPLE: Final = 52  # and of an example

Rows = Iterable[tuple[str, str]]


class Formatter(click.HelpFormatter):
    """Click's, with headings in bold where there is colour."""

    style = Style()

    def write_heading(self, heading: str) -> None:
        """A heading of a section."""
        self.write(f"{'':>{self.current_indent}}{self.style(f'{heading}:', 'bold')}\n")

    def rows(self, title: str, rows: Rows, width: int = 0) -> None:
        """A section of two columns, if it has rows; lines without a second one are whole.

        ``width`` is that of the first column at least.
        """
        rows = [(first.ljust(min(width, _TERM)), said) for first, said in rows]
        if not rows:
            return
        with self.section(title):
            if any(said for _, said in rows):
                self.write_dl(rows, col_max=_EXAMPLE if title == "Examples" else _TERM)
            else:
                for first, _ in rows:
                    self.write(f"{'':>{self.current_indent}}{first}\n")

    def sections(self, sections: Iterable[tuple[str, Rows]]) -> None:
        """Sections whose second columns stand under one another."""
        kept = [(title, list(rows)) for title, rows in sections]
        width = max((len(first) for _, rows in kept for first, _ in rows), default=0)
        for title, rows in kept:
            self.rows(title, rows, width)


def begun(command: click.Command, ctx: click.Context, style: Style) -> Formatter:
    """A page with its usage and what it is for, as wide as the terminal, up to 100 columns."""
    ctx.color = style.colour
    made = Formatter(width=max(min(style.width, ctx.max_content_width or 100) - 2, 50))
    made.style = style
    command.format_usage(ctx, made)
    command.format_help_text(ctx, made)
    return made


def examples(lines: str) -> Iterator[tuple[str, str]]:
    """Examples as commands and what they are for, which stands behind a `#`."""
    for line in lines.strip().splitlines():
        command, _, said = line.partition("  # ")
        yield command.strip(), said.strip()


def verbs(named: Mapping[str, str]) -> Iterator[tuple[str, Rows]]:
    """The verbs under their headings, each with its line; new ones come last."""
    left = dict(named)
    for title, names in VERB_GROUPS.items():
        yield title, [(name, left.pop(name)) for name in names if name in left]
    yield "Further", left.items()


def options(ctx: click.Context, shared: Iterable[str]) -> Iterator[tuple[str, Rows]]:
    """The options of a verb under their headings; the shared ones come last."""
    titles = {name: title for title, names in OPTION_GROUPS.items() for name in names}
    titles |= dict.fromkeys(shared, "Shared options")
    order = ("What to work on", "Options", *tuple(OPTION_GROUPS)[1:], "Shared options")
    found: dict[str, list[tuple[str, str]]] = {title: [] for title in order}
    asks = ctx.command.get_help_option(ctx)
    for param in ctx.command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is not None and any(record[1:]):  # an argument is in the usage, without words
            title = titles.get(param.name or "", "Options")
            found["Shared options" if shared and param is asks else title].append(record)
    yield from found.items()


def exits(verb: str = "") -> Iterator[tuple[str, str]]:
    """Exit codes and what they mean; of the whole program where no verb is named."""
    known = EXITS.get(verb, _LOOKS) if verb else _PROGRAM_EXITS
    for code, said in sorted(known.items()):
        yield str(code), said


def environment() -> Iterator[tuple[str, str]]:
    """The variables that the program heeds, and what each does."""
    yield from _ENVIRONMENT.items()
