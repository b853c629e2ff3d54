"""The session: what the shared options say, and how a verb speaks to the user."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

from keychange.cli.streams import narrate, result
from keychange.diagnostics import Diagnostic, Location, Severity, in_order, shell_word, warning
from keychange.interruption import Deferral
from keychange.secrets import without_secrets

if TYPE_CHECKING:
    from keychange.cli.live import Live
    from keychange.model import Json
    from keychange.project import Project
    from keychange.render.style import Style
    from keychange.settings import Settings
    from keychange.transaction.recovery import Recovery

T = TypeVar("T")
FORMATS = ("text", "concise", "json", "github", "sarif", "html")
CHECKING = ("check", "validate", "lint")
_AT_ONCE = ("text", "concise", "github", "html")
"""Formats in which diagnostics may be written at once; of the others there is one document."""


class Session:
    """What the shared options say, and the two streams: results on one, narration on the other."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.verb = ""
        self.announces = True
        self.recovery: Recovery | None = None
        self.settled: tuple[int, tuple[str, ...]] | None = None
        self.ended: int | None = None
        self._waiting: list[Diagnostic] = []
        self._root: Path | None = None

    def take(self, options: Mapping[str, Any]) -> None:
        """Take shared options from before or after the verb; the later one counts."""
        self.options.update({name: value for name, value in options.items() if value})

    def overhear(self, words: Sequence[str], verbs: Container[str]) -> None:
        """The verb, and whether a machine listens: to be known where a wrong option ends it all."""
        self.verb = next((each for each in words if each in verbs), "")
        checking = ("concise", "sarif") if self.verb in CHECKING else ()
        for form in ("json", "github", *checking):
            if f"--format={form}" in words or ("--format", form) in pairwise(words):
                self.options["format"] = form

    @property
    def format(self) -> str:
        """One of ``FORMATS``."""
        return str(self.options.get("format", "text"))

    @property
    def debug(self) -> bool:
        """Whether an unexpected error shows its traceback."""
        return bool(self.options.get("debug"))

    @property
    def quiet(self) -> bool:
        """Whether only what is wrong is said."""
        return bool(self.options.get("quiet"))

    @property
    def verbose(self) -> bool:
        """Whether notes are shown in full."""
        return bool(self.options.get("verbose"))

    def read(
        self,
        work: Callable[[Project], T],
        *,
        staged: bool = False,
        cached: bool = False,
        own: bool = False,
        wait: float = 0.0,
    ) -> T:
        """What some work makes of the project that the options and the working folder name.

        With ``staged`` it sees of every file that git tracks the bytes that are staged; with
        ``cached``, migrations are not parsed and validated again that have been before. With
        ``own`` it has the migrations of the project alone, not those that ship with keychange. It
        begins when another run has ended, which it waits for so many seconds: what is made of the
        files before that would be stale after it.

        It sees one state of the files, also while another process writes; nothing it does may
        last, for it is done again when a transaction began or ended meanwhile. What an interrupted
        run left is undone or finished first, and the user is told.
        """
        from keychange.opening import opened
        from keychange.settings import STATE_DIRECTORY

        settings = self.settings(own=own)
        self.watches()
        if settings.bundled and self.announces and not self.quiet:
            self.say(f"{settings.root} has no migrations; using those that ship with keychange.")
        if wait and (settings.root / STATE_DIRECTORY).is_dir():
            from keychange.transaction.lock import lock

            with lock(settings.root, wait):
                pass
        return opened(settings, work, staged=staged, cached=cached, recovered=self._recovered)

    def _recovered(self, found: Recovery) -> None:
        from keychange.settings import STATE_DIRECTORY

        self.recovery = found
        hint = "what you see now is the state after that"
        place = Location(STATE_DIRECTORY)
        self._waiting = [warning("recovered", str(found), place, hint=hint)]
        if self.format in _AT_ONCE:
            self.report(())

    def settings(self, *, own: bool = False) -> Settings:
        """Where the root and the migrations are; with ``own``, as ``find_settings`` says."""
        from keychange.settings import find_settings

        options = (self.options.get("root"), self.options.get("migrations"))
        found = find_settings(*options, Path.cwd(), own=own)
        self._root = found.root
        return found

    def style(self, stream: Any = None) -> Style:  # noqa: ANN401 (a text stream)
        """Colour and width for a stream, by default that of results."""
        from keychange.render.style import Style

        stream = stream or sys.stdout
        return Style(colour=self._colour(stream), width=_columns(), terminal=stream.isatty())

    def _colour(self, stream: Any) -> bool:  # noqa: ANN401 (a text stream)
        choice = self.options.get("color", "auto")
        if choice != "auto":
            return bool(choice == "always")
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"

    @property
    def interactive(self) -> bool:
        """Whether a question can be asked: a terminal on both sides, and not CI."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")

    def say(self, *lines: str) -> None:
        """Narration, on standard error; silent for the quiet and for machines."""
        if self.format == "text" and not self.quiet:
            with self.printing():
                for line in lines:
                    narrate(without_secrets(line))

    def stage(self, line: str) -> None:
        """A stage of the work: in the live line of a terminal, else as a line of its own."""
        live = self._live
        if live is not None:
            live.stage(line)
        if live is None or self.verbose:
            self.say(line)

    def watches(self) -> bool:
        """Show from now on what goes on; whether that can be seen here."""
        return self._live is not None

    def live(self, text: str, hidden: Iterable[str] = ()) -> None:
        """What is going on this moment, in a line that the next one replaces; on a terminal only.

        An empty text takes it away. ``hidden`` are values that must not be shown.
        """
        live = self._live if text else self._started
        if live is not None:
            live.say(text, hidden)

    @property
    def _started(self) -> Live | None:
        live: Live | None = self.__dict__.get("_live")
        return live

    @cached_property
    def _live(self) -> Live | None:
        """The live line, started where one is wanted and the terminal can show it."""
        wanted = self.format == "text" and not self.quiet
        capable = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        if not wanted or not capable or os.environ.get("CI"):
            return None
        from keychange.cli.live import Live

        made = Live()
        made.start()
        return made

    def printing(self) -> AbstractContextManager[None]:
        """A block that writes to the terminal, or leaves it to somebody else, such as a pager."""
        return self._started.hushed() if self._started is not None else nullcontext()

    def wipe(self) -> None:
        """Leave the line as if nothing had been typed on it."""
        self.close()
        if sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            narrate("\r\x1b[K", end="")

    def close(self) -> None:
        """Leave nothing on the line, and no timer."""
        if self._started is not None:
            self._started.stop()

    def settle(self, code: int, *lines: str) -> None:
        """Say what the run came to, before that is printed.

        Where it cannot be printed, the lines are told on standard error, and the code counts.
        """
        self.settled = code, lines

    def show(self, lines: Iterable[str]) -> None:
        """A result in text, on standard output."""
        self.live("")
        with self.printing():
            for line in lines:
                result(without_secrets(line))

    def page(self, lines: Iterable[str]) -> None:
        """A result in text that may be long: through a pager where a person sits at a terminal."""
        shown = [without_secrets(line) for line in lines]
        if sys.stdout.isatty() and sys.stdin.isatty():
            from keychange.cli.pager import page

            self.live("")
            with self.printing():
                if page(shown):
                    return
        self.show(shown)

    @contextmanager
    def telling(self, code: int) -> Iterator[None]:
        """A block that says how it ends, with this exit code.

        A signal neither cuts that short, nor may it be told afterwards that nothing was done.
        """
        with Deferral():
            self.ended = code
            yield

    def emit(self, code: int, diagnostics: Iterable[Diagnostic] = (), **parts: Json) -> int:
        """The result as one JSON document; returns the exit code."""
        from keychange.render.document import document

        if self.recovery:
            parts.setdefault("recovered", self.recovery.ending.value)
        diagnostics = map(self._pasted, (*self._waiting, *in_order(diagnostics)))
        told = document(self.verb, code, diagnostics, **parts)
        with self.telling(code):
            self._print_data(told)
        return code

    def _print_data(self, data: Json) -> None:
        from keychange.render import masking

        text = json.dumps(masking.data(data), indent=2, ensure_ascii=False)
        # A byte of a file's name that is no text; as itself it would be no UTF-8.
        result(re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text))

    def report(self, diagnostics: Iterable[Diagnostic], *, total: bool = True) -> None:
        """Diagnostics: text on standard error; for machines, in their form, on standard output.

        They come in the order of their places. ``total`` says how many there are, if many.
        """
        diagnostics = tuple(map(self._pasted, (*self._waiting, *in_order(diagnostics))))
        self._waiting = []
        self.live("")
        if not diagnostics and self.format != "sarif":  # which is a document all the same
            return
        from keychange.render import diagnostics as rendering

        if self.quiet:
            diagnostics = [each for each in diagnostics if each.severity is not Severity.NOTE]
        if self.format in ("github", "sarif", "concise") and (root := self._root):
            base = self._base(root)
            diagnostics = [rendering.told_from(base, each, root) for each in diagnostics]
        if self.format == "github":
            self.show(rendering.github(diagnostics))
        elif self.format == "concise":
            self.show(rendering.head(each, self.style()) for each in diagnostics)
        elif self.format == "sarif":
            from keychange.render import sarif

            self._print_data(sarif.log(diagnostics))
        elif self.format in ("text", "html"):
            with self.printing():
                style = self.style(sys.stderr)
                for line in rendering.full(diagnostics, style, verbose=self.verbose, total=total):
                    narrate(without_secrets(line))

    def pasted(self, text: str, before: str = "") -> str:
        """Words with the options that say which project is meant, in each ``migrate`` they name.

        So every command that is shown works where it was shown. ``before`` is what a ``migrate``
        must stand after, to tell it from the word.
        """
        shared = [
            f" {flag} {shell_word(str(self.options[name]))}"
            for flag, name in (("-C", "root"), ("--migrations", "migrations"))
            if name in self.options
        ]
        if not shared:
            return text
        return re.sub(rf"{before}\bmigrate(?= [a-z])", lambda at: at[0] + "".join(shared), text)

    def _pasted(self, each: Diagnostic) -> Diagnostic:
        """A diagnostic whose commands work when they are pasted here."""
        command = self.pasted(each.command)
        if command and "migrate " not in command and self._root not in (None, Path.cwd()):
            folder = self.options.get("root") or os.path.relpath(str(self._root))
            command = f"cd {shell_word(str(folder))} && {command}"
        return each._replace(command=command, hint=self.pasted(each.hint, "`"))

    def _base(self, root: Path) -> Path:
        """From where paths are told to who does not know of the root.

        An editor opens a file from the working folder; a service for code knows the checkout.
        """
        tops = (each for each in (root, *root.parents) if (each / ".git").exists())
        return Path.cwd() if self.format == "concise" else next(tops, root)


def _columns() -> int:
    """The width of the terminal, as ``shutil`` finds it; that module loads three archivers."""
    with suppress(KeyError, ValueError):
        if (columns := int(os.environ["COLUMNS"])) > 0:
            return columns
    with suppress(AttributeError, ValueError, OSError):  # no stream, a closed one, no terminal
        return os.get_terminal_size(cast("TextIO", sys.__stdout__).fileno()).columns or 80
    return 80
