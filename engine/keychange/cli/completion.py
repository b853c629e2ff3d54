"""Completion: what a shell offers after what has been typed; it reads little and writes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stderr, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    _resolve_context,
    _resolve_incomplete,
)

from keychange.cli import COMPLETE, VERBS
from keychange.cli.session import FORMATS

_TITLE: Final = re.compile(rb"^title:[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_HEAD_BYTES: Final = 4096  # of a migration, in which its title is looked for

Items = Iterable[CompletionItem[str]]

_BASH: Final = """\
# migrate completion bash: verbs, options and revisions of `migrate` and `keychange`.
# To install it for good (bash 3.2 and later):
#   migrate completion bash > ~/.keychange-completion.bash
#   echo '. ~/.keychange-completion.bash' >> ~/.bashrc
# For this shell alone: eval "$(migrate completion bash)"

_keychange_complete() {
    local line program=${1/#\\~/$HOME}
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            plain,*) COMPREPLY+=("${line#plain,}") ;;
            dir,*) compopt -o dirnames ;;
            file,*) compopt -o default ;;
        esac
    done < <(IFS=$'\\n'; COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
        %(complete_var)s=bash_complete "$program")
} 2> /dev/null

complete -o nosort -F _keychange_complete migrate keychange 2> /dev/null ||
    complete -o default -F _keychange_complete migrate keychange
"""

_ZSH: Final = """\
#compdef migrate keychange
# migrate completion zsh: verbs, options and revisions of `migrate` and `keychange`.
# To install it for good, where $fpath names ~/.zfunc before `compinit` is called:
#   mkdir -p ~/.zfunc && migrate completion zsh > ~/.zfunc/_migrate
#   (in ~/.zshrc: fpath+=~/.zfunc; autoload -Uz compinit; compinit)
# For this shell alone: eval "$(migrate completion zsh)"

_keychange_complete() {
    local -a lines plain described
    local kind value said program=${words[1]/#\\~/$HOME}
    lines=("${(@f)$(COMP_WORDS="${(pj:\\n:)words}" COMP_CWORD=$((CURRENT - 1)) \\
        %(complete_var)s=zsh_complete $program 2> /dev/null)}")
    for kind value said in $lines; do
        case $kind in
            plain)
                if [[ $said == _ ]]; then plain+=("$value"); else described+=("$value:$said"); fi ;;
            dir) _path_files -/ ;;
            file) _path_files ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _keychange_complete "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit; compinit }
    compdef _keychange_complete migrate keychange
fi
"""

_FISH: Final = """\
# migrate completion fish: verbs, options and revisions of `migrate` and `keychange`.
# To install it for good:
#   migrate completion fish > ~/.config/fish/completions/migrate.fish
#   migrate completion fish > ~/.config/fish/completions/keychange.fish
# For this shell alone: migrate completion fish | source

function __keychange_complete
    set -l words (commandline -opc)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    for line in (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp) \\
            COMP_CWORD=(commandline -t) $program 2> /dev/null)
        set -l parts (string split -m 1 , -- $line)
        switch $parts[1]
            case plain
                echo $parts[2]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
        end
    end
end

complete --no-files --command migrate --arguments '(__keychange_complete)'
complete --no-files --command keychange --arguments '(__keychange_complete)'
"""


class _Completing(ShellComplete):
    """Click's machinery, with values that only this program knows."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """What may stand where the cursor is, each item as the whole word."""
        args, before = _without_equals(args), ""
        if incomplete.startswith("--") and "=" in incomplete:
            name, _, incomplete = incomplete.partition("=")
            args, before = [*args, name], f"{name}="
        incomplete = "" if incomplete == "=" else incomplete
        ctx = _resolve_context(self.cli, self.ctx_args, self.prog_name, args)
        found, incomplete = _resolve_incomplete(ctx, args, incomplete)
        values = _VALUES.get(found.name or "") if isinstance(found, click.Parameter) else None
        if found is self.cli and not incomplete.startswith("-"):
            fitting = (name for name in VERBS if name.startswith(incomplete))
            items: Items = [_item(name, VERBS[name]) for name in fitting]
        elif values is None:
            items = found.shell_complete(ctx, incomplete)
        else:
            items = [
                each
                for each in values(ctx, incomplete)
                if each.type != "plain" or each.value.startswith(incomplete)
            ]
        if before:
            for each in items:
                each.value = f"{before}{each.value}"
        return list(items)


class _Bash(_Completing, BashComplete):
    source_template = _BASH

    def source(self) -> str:
        """The script, which needs no certain version of bash."""
        return ShellComplete.source(self)


class _Zsh(_Completing, ZshComplete):
    source_template = _ZSH


class _Fish(_Completing, FishComplete):
    source_template = _FISH


_SHELLS: Final[Mapping[str, type[ShellComplete]]] = MappingProxyType(
    {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}
)
SHELLS: Final = tuple(_SHELLS)


def script(cli: click.Command, shell: str) -> str:
    """The script that a shell reads once, with how to install it."""
    return _SHELLS[shell](cli, {}, "migrate", COMPLETE).source()


def answer(cli: click.Command, asked: str) -> None:
    """Print what a shell asks for; nothing where there is nothing, or anything is wrong.

    Args:
        cli: the program.
        asked: what the script set ``COMPLETE`` to, such as ``bash_complete``.
    """
    shell = asked.partition("_")[0]
    if shell not in _SHELLS:
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, suppress(Exception):  # noqa: PTH123
        with redirect_stderr(nowhere):
            said = _SHELLS[shell](cli, {}, "migrate", COMPLETE).complete()
        if said:
            print(said, flush=True)


def _without_equals(args: list[str]) -> list[str]:
    """The words without the `=` that bash makes a word of its own: `--to = head`."""
    pairs = zip(["", *args], args, strict=False)
    return [word for before, word in pairs if not (word == "=" and before.startswith("--"))]


# ------------------------------------------------------------------------------ values


def _item(value: str, said: str = "") -> CompletionItem[str]:
    return CompletionItem(value, help=said or None)


def _option(ctx: click.Context, name: str) -> Path | None:
    """A shared option, which may stand before or after the verb."""
    found = (each.params.get(name) for each in (ctx, ctx.parent) if each is not None)
    return next((each for each in found if isinstance(each, Path)), None)


def _revisions(ctx: click.Context, _incomplete: str) -> Iterator[CompletionItem[str]]:
    """The revisions of the project, the newest first, with their titles; then head and base."""
    from keychange.settings import find_settings, migration_files

    settings = find_settings(_option(ctx, "root"), _option(ctx, "migrations"), Path.cwd())
    for path in reversed(list(migration_files(settings.migrations))):
        with path.open("rb") as file:
            found = _TITLE.search(file.read(_HEAD_BYTES))
        title = found[1].decode("utf-8", "replace").strip("\"'") if found else ""
        yield _item(path.stem, title if title.isprintable() else "")
    yield _item("head", "the last migration")
    if ctx.info_name in ("down", "stamp"):
        yield _item("base", "before the first migration")


def _codes(_ctx: click.Context, _incomplete: str) -> Iterator[CompletionItem[str]]:
    from keychange.explanations import known

    for code, each in known().items():
        yield _item(code, each.what)


def _schemas(_ctx: click.Context, _incomplete: str) -> Iterator[CompletionItem[str]]:
    from keychange.resources import schema_names

    for name in schema_names():
        yield _item(name)


def _names(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem[str]]:
    """What `names` are: of schema, those of schemas; with --check, and of check, files."""
    if ctx.info_name == "schema" and not ctx.params.get("check"):
        yield from _schemas(ctx, incomplete)
    else:
        yield CompletionItem(incomplete, type="file")


def _schema_or_file(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem[str]]:
    found = [each for each in _schemas(ctx, incomplete) if each.value.startswith(incomplete)]
    yield from found or [CompletionItem(incomplete, type="file")]


def _branches(ctx: click.Context, _incomplete: str) -> Iterator[CompletionItem[str]]:
    from keychange.git import git

    root = _option(ctx, "root") or Path.cwd()
    listed = git(root, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes")
    for name in (listed or b"").decode("utf-8", "replace").splitlines():
        yield _item(name)


def _formats(ctx: click.Context, _incomplete: str) -> Iterator[CompletionItem[str]]:
    declared = next(each for each in ctx.command.params if each.name == "format")
    fit = declared.metavar.strip("[]").split("|") if declared.metavar else FORMATS
    for name in fit:
        yield _item(name)


_VALUES: Final[Mapping[str, Callable[[click.Context, str], Items]]] = MappingProxyType(
    {
        "to": _revisions,
        "revision": _revisions,
        "words": _codes,
        "names": _names,
        "by": _schema_or_file,
        "onto": _branches,
        "format": _formats,
    }
)
"""What may stand for a parameter, by its name, which means the same with every verb."""
