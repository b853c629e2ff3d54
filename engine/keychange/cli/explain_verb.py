"""The verb explain: what a diagnostic code means, and what to do."""

from __future__ import annotations

from dataclasses import asdict

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb
from keychange.diagnostics import error
from keychange.errors import UsageProblem

_EXAMPLES = """\
migrate explain  # all codes
migrate explain metal-no-device
migrate explain "NSRangeException"  # the words of an error of MLX
"""


@verb("explain", _EXAMPLES)
@click.argument("words", nargs=-1, metavar="[CODE]")
def command(session: Session, *, words: tuple[str, ...]) -> int:
    """Say what a code means: what, why, an example, the fix. Without one, list all codes.

    The words of an error of MLX or mlx-audio will do instead of a code.
    """
    from keychange import explanations
    from keychange.render import explanation as rendering

    asked = " ".join(words)
    if not asked:
        rows = explanations.known().values()
        if session.format == "json":
            return session.emit(0, codes=[asdict(each) for each in rows])
        session.show(rendering.listed(rows, session.style()))
        return 0
    found = explanations.explain(asked)
    if found is None:
        near = " or ".join(f"`{each}`" for each in explanations.closest(asked))
        hint = f"did you mean {near}?" if near else "`migrate explain` lists all codes"
        message = f"there is no code `{asked}`"
        raise UsageProblem(error("unknown-code", message, hint=hint, command="migrate explain"))
    if session.format == "json":
        return session.emit(0, explanation=asdict(found))
    session.show(rendering.full(found, session.style()))
    return 0
