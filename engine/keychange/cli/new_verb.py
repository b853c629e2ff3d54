"""The verb new: a migration to start from, filled in with what the project holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb

if TYPE_CHECKING:
    from keychange.authoring import Draft

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
@click.option(
    "--lock-timeout", metavar="SECONDS", default=0.0, help="Wait so long for another run to end."
)
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
    from keychange.authoring import draft, pairs_of, slug_of, write

    name, pairs = slug_of(slug), pairs_of(olds, news)
    project, made = session.read(
        lambda here: (here, draft(here, name, pairs, title=title)), own=True
    )
    written = () if dry_run else write(project.settings, made, lock_timeout=lock_timeout)
    return _show(session, made, written)


def _show(session: Session, made: Draft, written: tuple[str, ...]) -> int:
    from keychange.cli.authoring import as_data, in_words, where_next

    if session.format == "json":
        return session.emit(0, made.behind, revision=made.revision, **as_data(made, written))
    session.show([made.path] if written else made.text.splitlines())
    session.say(*in_words(made))
    session.report(made.behind)
    session.say(*(where_next(session, made) if written else ()))
    return 0
