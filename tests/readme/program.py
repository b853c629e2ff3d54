"""The reference of the program, made from itself: verbs, options, exit codes, diagnostic codes."""

from __future__ import annotations

import inspect
from collections import Counter
from importlib import import_module

import click

from keychange import explanations
from keychange.cli import VERBS
from keychange.cli import help as layout
from keychange.cli.option import shared_options
from readme.parts import code, details, prose, table


def commands() -> str:
    """Every verb in one line by what it is for, and folded all its options."""
    rows = []
    for title, verbs in layout.verbs(VERBS):
        heads = [f"**{title}**", *("" for _ in verbs)]
        rows += [
            (head, code(name), words) for head, (name, words) in zip(heads, verbs, strict=False)
        ]
    told = details("Every option and exit code of every verb", _options())
    return f"{table(('', 'verb', 'does'), rows)}\n\n{told}"


def _options() -> str:
    shared = {option.name for option in shared_options()}
    parts = []
    for name in VERBS:
        command: click.Command = import_module(f"keychange.cli.{name}_verb").command
        context = click.Context(command, info_name=name)
        arguments = [each for each in command.params if isinstance(each, click.Argument)]
        usage = " ".join(["migrate", name, *(_shown(each, context) for each in arguments)])
        own = [
            _row(each, context)
            for each in command.params
            if isinstance(each, click.Option) and each.name not in shared and not each.hidden
        ]
        said = inspect.cleandoc(command.help or "").partition("\f")[0].replace("\b\n", "")
        parts.append(f"#### {code(usage)}\n\n{prose(said)}\n")
        if own:
            parts.append(table(("option", "means"), own) + "\n")
        ends = "; ".join(f"{number}: {words}" for number, words in layout.exits(name))
        parts.append(f"Exit codes: {ends}.\n")
    rows = [_row(each, click.Context(click.Command("x"))) for each in shared_options()]
    parts.append("#### Options of all verbs, before or after the verb\n")
    parts.append(table(("option", "means"), rows))
    return "\n".join(parts)


def _shown(argument: click.Argument, context: click.Context) -> str:
    return argument.make_metavar(context)


def _row(option: click.Option, context: click.Context) -> tuple[str, str]:
    names = ", ".join(sorted(option.opts, key=len))
    if not option.is_flag and not option.count:
        names += f" {option.make_metavar(context)}"
    said = option.help or ""
    if option.envvar:
        said += f" Or set {code(str(option.envvar))}."
    return code(names), said


def exits() -> str:
    """Exit codes, as the help of the program says them."""
    return table(("exit", "means"), [*layout.exits()])


def variables() -> str:
    """Variables of the environment, as the help of the program says them."""
    rows = [(", ".join(map(code, names.split(", "))), said) for names, said in layout.environment()]
    return table(("variable", "means"), rows)


def codes() -> str:
    """The families of codes, with how many each has and one of them."""
    known = explanations.known().values()
    counts = Counter(each.family for each in known)
    first = {each.family: each.code for each in reversed(known)}
    rows = [
        (
            f"[{family}](engine/keychange/explanations/README.md#{anchor(family)})",
            str(n),
            code(first[family]),
        )
        for family, n in counts.items()
    ]
    return table(("family", "codes", "for example"), rows)


_HEAD = """\
# Codes

Every diagnostic has a code that stays. `migrate explain CODE` says all of this, with an example;
the words of an error of MLX or mlx-audio will do instead of a code. This page is made from the same
source by `make docs`.
"""


def codes_page() -> str:
    """All of engine/keychange/explanations/README.md."""
    known = list(explanations.known().values())
    lines = [_HEAD]
    for family in dict.fromkeys(each.family for each in known):
        rows = [(code(e.code), e.what, e.why, e.fix) for e in known if e.family == family]
        lines += [f"## {family}\n", table(("code", "what", "why", "fix"), rows), ""]
    return "\n".join(lines).rstrip() + "\n"


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")
