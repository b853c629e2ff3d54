"""The verb report: the evidence of one migration as one page, to be shown and kept."""

from __future__ import annotations

import time
from pathlib import Path

import click

from keychange.cli.session import Session
from keychange.cli.verb import verb
from keychange.diagnostics import Diagnostic, Location, error
from keychange.errors import RefusedError
from keychange.outgoing import write_whole
from keychange.regular import read_regular


@verb("report", "migrate report\nmigrate report 0001 --out report.html\nmigrate report --out -")
@click.argument("revision", required=False, default="", metavar="[REV]")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="Write it there; - for standard output.  [default: a new file in .keychange/reports/]",
)
def command(session: Session, *, revision: str, out: Path | None) -> int:
    """Write what a migration changed and what its checks said, as one HTML page.

    Without REV, the last one applied, or the last one tried. The page holds every changed
    file side by side, the measured values, the recording of the model with its spectrogram, the
    machine and the versions. It needs no network and no script. Prints where it is.
    """
    from keychange.evidence import gather
    from keychange.render.html.report import page
    from keychange.transaction.state import ensure_own_folder

    found = session.read(lambda project: (project.root, gather(project, revision)))
    root, evidence = found
    lines = page(evidence)
    if out is not None and str(out) == "-":
        session.show(lines)
        return 0
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = out or ensure_own_folder(root, "reports") / f"{stamp}-{evidence.revision}.html"
    _write(path, "".join(f"{each}\n" for each in lines), private=out is None)
    session.settle(0, f"The report was written: {path}")
    if session.format == "json":
        return session.emit(0, revision=evidence.revision, report=str(path))
    session.show([str(path)])
    return 0


def _write(path: Path, text: str, *, private: bool) -> None:
    """Write a page, also over an older one; one in the state directory is its owner's alone.

    Raises:
        RefusedError: it cannot be written, or another file is in its place.
    """
    try:
        if path.is_file() and not _is_page(path):
            raise RefusedError(_unwritable(path, "there is a file, and it is no page of keychange"))
        if path.exists() and not path.is_file():  # a device or a pipe takes it as it comes
            path.write_text(text, "utf-8")
        else:
            write_whole(path, text.encode(), 0o600 if private else 0o666)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise RefusedError(_unwritable(path, reason)) from problem


def _unwritable(path: Path, reason: str) -> Diagnostic:
    message = f"the report cannot be written: {reason}"
    hint = "name another place with --out"
    return error("report-unwritable", message, Location(str(path)), hint=hint)


def _is_page(path: Path) -> bool:
    return b'<meta name="generator" content="keychange ' in read_regular(path)
