"""The verb completion: a script that completes verbs, options and revisions in a shell."""

from __future__ import annotations

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb

_EXAMPLES = """\
eval "$(migrate completion bash)"  # in bash or zsh, for this shell
migrate completion fish | source  # in fish, for this shell
migrate completion zsh > ~/.zfunc/_migrate  # for good, where $fpath names ~/.zfunc
"""


@verb("completion", _EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="bash|zsh|fish")
def command(session: Session, *, shell: str) -> int:
    """Print a script that completes verbs, options and revisions in a shell.

    How it is installed for good stands at its top. It serves `migrate` and `keychange`, and
    completes also codes, schemas, branches and files.
    """
    from keychange.cli import group
    from keychange.cli.completion import script

    text = script(group, shell)
    if session.format == "json":
        return session.emit(0, shell=shell, script=text)
    session.show([text.rstrip("\n")])
    return 0
