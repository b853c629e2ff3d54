"""The verb check: drift, pending changes and integrity, for pre-commit and CI."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb
from keychange.diagnostics import Diagnostic, Severity, errors_in, in_order
from keychange.warm.replay import Asked, asked, clean_names

if TYPE_CHECKING:
    from keychange.model import Json
    from keychange.project import Project
    from keychange.standing import Report

_EXAMPLES = """\
migrate check  # everything, as it is on the disk
migrate check --index --left-behind fail  # what is staged, strictly
migrate check .env app/voice.py  # these files alone
migrate check --format github  # annotations in GitHub Actions
"""


@verb("check", _EXAMPLES)
@click.argument("names", nargs=-1, metavar="[FILE]...")
@click.option("--index", is_flag=True, help="Judge what is staged, as a commit would hold it.")
@click.option(
    "--left-behind",
    type=click.Choice(["fail", "warn", "ignore"]),
    default="warn",
    show_default=True,
    help="What an old value in a file that no operation governs means.",
)
@click.option("--exhaustive", is_flag=True, help="Find old values behind escapes as well; slower.")
@click.option("--fix", is_flag=True, help="Show what `up` would do about it; do nothing.")
def command(
    session: Session,
    *,
    names: tuple[str, ...],
    index: bool,
    left_behind: str,
    exhaustive: bool,
    fix: bool,
) -> int:
    """Find everything that is not as the migrations say, and write nothing.

    With FILEs or folders, judges those alone. Ends with 1 if something has drifted or is pending,
    or if an applied migration was edited.

    Old values are searched for as they are written. One that is spelled with escapes or in
    pieces in a file that no operation governs is found with --exhaustive.
    """
    from keychange.cli.planning import show_plan
    from keychange.standing import report

    started = time.time_ns()
    wanted = asked(sys.argv[1:])
    out, err = _Copy(sys.stdout), _Copy(sys.stderr)
    with redirect_stdout(out), redirect_stderr(err):

        def judged(project: Project) -> tuple[Project, Report]:
            inside = {path for each in names for path in _inside(each, project.root)}
            wanted_alone = frozenset(inside) if names and "." not in inside else None
            search = left_behind != "ignore"
            return project, report(
                project, search=search, names=wanted_alone, exhaustive=exhaustive
            )

        project, found = session.read(judged, staged=index, cached=True)
        named = _number(names, project.root, found) if names else None
        code = _show(session, found, named, strict=left_behind == "fail", fix=fix)
    usual = session.recovery is None and not fix
    if wanted is not None and wanted.names == names and usual:
        _remember(wanted, project, found, (out.getvalue(), err.getvalue(), code), started)
    if fix and code and session.format == "text":
        if errors_in(found.plan.diagnostics):
            session.say("`up` would refuse, until these errors are mended.")
        else:
            show_plan(session, found.plan, ())
    return code


def _show(session: Session, found: Report, named: int | None, *, strict: bool, fix: bool) -> int:
    from keychange.render import document
    from keychange.render.style import count

    notes = [_judged(each, strict=strict) for each in found.notes]
    behind = [each for each in notes if each.code == "left-behind"]
    wrong = [*found.problems, *(each for each in behind if each.is_error)]
    code = 1 if wrong else 0
    shown = in_order((*found.problems, *notes))
    if session.format == "json":
        plan: dict[str, Json] = {"plan": document.plan(found.plan)} if fix and code else {}
        rows = document.standing(found)
        return session.emit(code, shown, clean=not wrong, migrations=rows, **plan)
    quiet = () if session.verbose else ("no-match",)
    session.report((each for each in shown if each.code not in quiet), total=False)
    if wrong:
        files = {each.location.path for each in wrong if each.location}
        where = f" in {count(len(files), 'file')}" if len(files) > 1 else ""
        left = f"{count(len(behind), 'old value')} left behind"
        session.say(f"Check: {count(len(wrong), 'problem')}{where}, {left}.")
    elif named == 0:
        session.say("Check: nothing was judged: no file of these names is in the project.")
    elif named is not None:
        session.say(clean_names(named))
    else:
        session.say(f"Check: clean; {count(len(behind), 'old value')} left behind.")
    return code


def _judged(found: Diagnostic, *, strict: bool) -> Diagnostic:
    """An old value that is left behind is an error to who says so: it is why the answer is no."""
    wrong = strict and found.code == "left-behind"
    return found._replace(severity=Severity.ERROR) if wrong else found


def _inside(name: str, root: Path) -> frozenset[str]:
    """The path of a name from the root; both that as written and that without links above it."""
    written = os.path.abspath(name)  # noqa: PTH100 (a link stays a link)
    folder, _, last = written.rpartition("/")
    paths = (written, f"{os.path.realpath(folder or '/')}/{last}")
    return frozenset(
        os.path.relpath(each, root) for each in paths if f"{each}/".startswith(f"{root}/")
    )


def _number(names: Sequence[str], root: Path, found: Report) -> int:
    """How many of the names are there, in the project."""
    gone = {each.location.path for each in found.notes if each.code == "not-here" and each.location}
    return sum(not _inside(each, root) <= gone for each in names)


def _remember(
    wanted: Asked, project: Project, found: Report, said: tuple[str, str, int], started: int
) -> None:
    """Keep the answer for the next time, unless it was made from what cannot be sealed.

    Such are bytes that are not on the disk, every file of a folder that is no checkout, and where
    a link leads.
    """
    from keychange.warm.record import record

    if not (project.instead or found.everywhere or project.settings.linked):
        record(wanted, project, found, said, started)


class _Copy(io.StringIO):
    """A stream that also keeps what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(text)
        return super().write(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()
