"""The verb new: a migration to start from, filled in with what the project holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from keychange.cli import option
from keychange.cli.session import Session
from keychange.cli.verb import verb
from keychange.diagnostics import error
from keychange.errors import RefusedError, UsageProblem
from keychange.secrets import looks_secret

if TYPE_CHECKING:
    from keychange.authoring.drafting import Draft
    from keychange.authoring.proposals import Pair

_SLUG = re.compile(r"[a-z0-9][a-z0-9_]*")
_EXAMPLES = """\
migrate new larger_voice --from org/voice-4bit --to org/voice-8bit  # every place of it
migrate new larger_voice --title 'The larger voice'  # from where the last one ends"""


@verb("new", _EXAMPLES)
@click.argument("slug")
@click.option(
    "--from",
    "olds",
    metavar="OLD",
    multiple=True,
    help="A value that is in use now; it may be given more than once.",
)
@click.option("--to", "news", metavar="NEW", multiple=True, help="The value that takes its place.")
@click.option("--title", default="", metavar="TEXT", help="One line that says what it is for.")
@click.option("--dry-run", is_flag=True, help="Print it; write nothing.")
@option.lock_timeout
def command(
    session: Session,
    *,
    slug: str,
    olds: tuple[str, ...],
    news: tuple[str, ...],
    title: str,
    dry_run: bool,
    lock_timeout: float,
) -> int:
    """Write a migration with the next free number into the folder of migrations.

    With --from and --to it changes OLD to NEW wherever it stands: in keys of env files, in strings
    of Python sources and in fields of JSON configs, whether git tracks them or not. It is planned
    before it is written, so that `migrate plan` shows it at once.

    Without them, the old values are those that the last migration sets, else the models that are
    found; the new ones are yours to write.
    """
    from keychange.authoring.drafting import draft
    from keychange.authoring.writing import write

    name, pairs = _slug(slug), _pairs(olds, news)
    project, made = session.read(
        lambda here: (here, draft(here, name, pairs, title=title)), own=True
    )
    written = () if dry_run else write(project.settings, made, lock_timeout=lock_timeout)
    return _show(session, made, written)


def _slug(text: str) -> str:
    """A slug as the name of a migration needs it.

    Raises:
        UsageProblem: it is none.
    """
    slug = text.lower().replace("-", "_")
    if not _SLUG.fullmatch(slug):
        hint = "lower-case letters, digits and underscores, such as larger_model"
        raise UsageProblem(error("usage", f"`{text}` is not a slug", hint=hint))
    return slug


def _pairs(olds: Sequence[str], news: Sequence[str]) -> tuple[Pair, ...]:
    """The values to change, as the options name them; the first is called ``model``, or ``value``.

    Raises:
        UsageProblem: there is not one new value for each old one, or two old ones are the same.
        RefusedError: a value looks like a secret: migrations are committed.
    """
    from keychange.authoring.proposals import Pair

    if len(olds) != len(news) or len(set(olds)) != len(olds):
        message = "each --from needs a --to of its own, and each old value stands once"
        raise UsageProblem(
            error("usage", message, hint="--from OLD --to NEW --from OLD2 --to NEW2")
        )
    if any(not each for each in (*olds, *news)):
        raise UsageProblem(error("usage", "--from and --to need a value that is not empty"))
    for each in (*olds, *news):
        if looks_secret("", each):
            message = "a value that looks like a secret is not written into a migration"
            hint = "keep it in .env alone: migrations are committed, and everybody can read them"
            raise RefusedError(error("secret-not-written", message, hint=hint))
    base = "model" if all("/" in each or ":" in each for each in olds) else "value"
    return tuple(
        Pair(base if at == 1 else f"{base}_{at}", old, new)
        for at, (old, new) in enumerate(zip(olds, news, strict=True), 1)
    )


def _show(session: Session, made: Draft, written: tuple[str, ...]) -> int:
    from keychange.cli.authoring import as_data, in_words, where_next

    if written:
        session.settle(0, f"Written: {', '.join(written)}")
    if session.format == "json":
        return session.emit(0, made.behind, revision=made.revision, **as_data(made, written))
    session.show([made.path] if written else made.text.splitlines())
    session.say(*in_words(made))
    session.report(made.behind)
    session.say(*(where_next(session, made) if written else ()))
    return 0
