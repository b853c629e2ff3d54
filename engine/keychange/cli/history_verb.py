"""The verb history: all migrations in order, with what the ledger knows of them."""

from __future__ import annotations

from keychange.cli.session import Session
from keychange.cli.verb import verb

_EXAMPLES = """\
migrate history
migrate history --format json  # with the time of each
"""


@verb("history", _EXAMPLES)
def command(session: Session) -> int:
    """List all migrations in order, and which are recorded as applied here."""
    from keychange.render.style import visible

    project = session.read(lambda here: here)
    entries = {each.revision: each for each in project.ledger.entries}
    titles = {each.revision: each.title for each in project.history.migrations}
    titles |= {revision: each.title for revision, each in entries.items() if revision not in titles}
    damage = [project.damage] if project.damage else []
    if session.format == "json":
        return session.emit(
            0,
            damage,
            migrations=[
                {
                    "revision": revision,
                    "title": title,
                    "recorded": entries[revision].status.value if revision in entries else None,
                    "applied_at": entries[revision].applied_at if revision in entries else None,
                }
                for revision, title in sorted(titles.items())
            ],
        )
    style = session.style()
    for revision, title in sorted(titles.items()):
        entry = entries.get(revision)
        said = f"{entry.status.value}, {entry.applied_at}" if entry else "not recorded"
        session.show([f"{style(revision, 'bold')}  {visible(title)}  ({said})"])
    session.report(damage)
    return 0
