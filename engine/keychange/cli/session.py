"""The session: the options that all verbs share, and how a verb speaks to the user."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

import click

from keychange.diagnostics import Diagnostic, Location, Severity, error, in_order, warning
from keychange.errors import KeychangeError
from keychange.secrets import without_secrets

if TYPE_CHECKING:
    from keychange.cli.live import Live
    from keychange.model import Json
    from keychange.project import Project
    from keychange.render.style import Style
    from keychange.settings import Settings
    from keychange.transaction.recovery import Recovery

_CLOSING = {
    "refused": ("Refused: nothing was written.", "Refused: nothing else was written."),
    "rolled-back": (
        "Rolled back: every file was restored and compared.",
        "Rolled back: every file of this step was restored and compared.",
    ),
    "rolled-back-unconfirmed": ("Rolled back, not confirmed: look at the files named above.",) * 2,
    "rollback-failed": ("Not restored: the files named above need your hand.",) * 2,
}
"""The last line for an ending: where nothing was done before, and where something was."""

_NOTHING = "nothing was written"
_UNTOUCHED = {
    "model": "no file of the project was written; what was fetched is kept, and goes on from there",
    "verify": "no file was written; what passed before is recorded",
    "demo": "no file was written but those of the demo",
}
"""What an interruption leaves where no step was begun."""

T = TypeVar("T")
FORMATS = ("text", "concise", "json", "github", "sarif", "html")
CHECKING = ("check", "validate", "lint")
_ONLY_FOR = {"concise": CHECKING, "sarif": CHECKING, "html": ("plan",)}
"""Formats that some verbs have alone: two of diagnostics, and a page."""
_AT_ONCE = ("text", "concise", "github", "html")
"""Formats in which diagnostics may be written at once; of the others there is one document."""


def COMMON_OPTIONS() -> list[click.Option]:  # noqa: N802 (it makes a constant list anew for each command)
    """The options that stand before or after a verb."""
    folder = click.Path(file_okay=False, path_type=Path)
    return [
        click.Option(
            ["-C", "--root"],
            type=folder,
            metavar="DIR",
            envvar="KEYCHANGE_ROOT",
            show_envvar=True,
            help="Root of the project.  [default: the nearest parent with migrations]",
        ),
        click.Option(
            ["--migrations"],
            type=folder,
            metavar="DIR",
            envvar="KEYCHANGE_MIGRATIONS",
            show_envvar=True,
            help="Folder of the migrations.  [default: ROOT/migrations]",
        ),
        click.Option(
            ["--format"], type=click.Choice(FORMATS), help="Form of the result.  [default: text]"
        ),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            help="Colour; auto heeds NO_COLOR, FORCE_COLOR and the terminal.  [default: auto]",
        ),
        click.Option(["-v", "--verbose"], is_flag=True, help="Say more."),
        click.Option(["-q", "--quiet"], is_flag=True, help="Say only what is wrong."),
        click.Option(["--debug"], is_flag=True, help="Show a traceback for an unexpected error."),
    ]


class Session:
    """What the shared options say, and the two streams: results on one, narration on the other."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.verb = ""
        self.announces = True
        self.recovery: Recovery | None = None
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
    ) -> T:
        """What some work makes of the project that the options and the working folder name.

        With ``staged`` it sees of every file that git tracks the bytes that are staged; with
        ``cached``, migrations are not parsed and validated again that have been before. With
        ``own`` it has the migrations of the project alone, not those that ship with keychange.

        It sees one state of the files, also while another process writes; nothing it does may
        last, for it is done again when a transaction began or ended meanwhile. What an interrupted
        run left is undone or finished first, and the user is told.
        """
        from keychange.opening import opened

        settings = self.settings(own=own)
        self.watches()
        if settings.bundled and self.announces and not self.quiet:
            self.say(f"{settings.root} has no migrations; using those that ship with keychange.")
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
                    print(without_secrets(line), file=sys.stderr, flush=True)

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

    def _wipe(self) -> None:
        self.close()
        if sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            print("\r\x1b[K", end="", file=sys.stderr)

    def close(self) -> None:
        """Leave nothing on the line, and no timer."""
        if self._started is not None:
            self._started.stop()

    def show(self, lines: Iterable[str]) -> None:
        """A result in text, on standard output."""
        self.live("")
        with self.printing():
            for line in lines:
                print(without_secrets(line))

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

    def emit(self, code: int, diagnostics: Iterable[Diagnostic] = (), **parts: Json) -> int:
        """The result as one JSON document; returns the exit code."""
        from keychange.render.document import document

        if self.recovery:
            parts.setdefault("recovered", self.recovery.ending.value)
        diagnostics = map(self._pasted, (*self._waiting, *in_order(diagnostics)))
        result = document(self.verb, code, diagnostics, **parts)
        self._print_data(result)
        return code

    def _print_data(self, data: Json) -> None:
        from keychange.render import masking

        text = json.dumps(masking.data(data), indent=2, ensure_ascii=False)
        # A byte of a file's name that is no text; as itself it would be no UTF-8.
        print(re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text))

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
        if self.format in ("github", "sarif", "concise"):
            diagnostics = [self._located(each) for each in diagnostics]
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
                    print(without_secrets(line), file=sys.stderr)

    def pasted(self, text: str, before: str = "") -> str:
        """Words with the options that say which project is meant, in each ``migrate`` they name.

        So every command that is shown works where it was shown. ``before`` is what a ``migrate``
        must stand after, to tell it from the word.
        """
        shared = [
            f" {flag} {shlex.quote(str(self.options[name]))}"
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
            command = f"cd {shlex.quote(str(folder))} && {command}"
        return each._replace(command=command, hint=self.pasted(each.hint, "`"))

    def _located(self, found: Diagnostic) -> Diagnostic:
        """A diagnostic with paths as their readers take them, who do not know of the root.

        An editor opens a file from the working folder; a service for code knows the checkout.
        """
        root = self._root
        if root is None:
            return found
        tops = (each for each in (root, *root.parents) if (each / ".git").exists())
        base = Path.cwd() if self.format == "concise" else next(tops, root)

        def seen(place: Location) -> Location:
            if not place.path or os.path.isabs(place.path):  # noqa: PTH117 (a text)
                return place
            path = os.path.relpath(os.path.join(root, place.path), base)  # noqa: PTH118 (a text)
            return place._replace(path=path.replace(os.sep, "/"))

        related = tuple(each._replace(location=seen(each.location)) for each in found.related)
        location = seen(found.location) if found.location else None
        return found._replace(location=location, related=related)

    def fail(self, problem: KeychangeError) -> int:
        """End with an error of ours: what is wrong, where, and what to do."""
        code = problem.exit_code
        if self.format == "json":
            done: list[Json] = [*problem.done]
            return self.emit(code, problem.diagnostics, ending=problem.ending, done=done)
        self.report(problem.diagnostics)
        if problem.ending in _CLOSING:
            self.say(self.stays(problem.done) + _CLOSING[problem.ending][bool(problem.done)])
        return code

    def stays(self, done: Iterable[str]) -> str:
        """Words for the revisions that a run had finished before it stopped."""
        names = ", ".join(done)
        how = "taken back" if self.verb == "down" else "applied"
        return f"Stopped. {how.capitalize()} before, and left so: {names}. " if names else ""

    def interrupted(
        self,
        code: int,
        *,
        committed: bool | None,
        done: tuple[str, ...],
        diagnostics: Iterable[Diagnostic] = (),
    ) -> int:
        """End where a signal stopped the run, with what the files hold.

        ``committed`` says that those of the step under way are all new, or all old; None where
        none was begun.
        """
        if self.format == "json":
            named: list[Json] = [*done]
            return self.emit(
                code, diagnostics, ending="interrupted", committed=committed, done=named
            )
        self.report(diagnostics)
        other = "other " if done else ""
        words = {
            None: _UNTOUCHED.get(self.verb, "nothing else was written" if done else _NOTHING),
            False: f"every {other}file is as it was before",
            True: "every file holds its new value",
        }[committed]
        if committed and self.verb == "up":
            words += ", not verified; `migrate up` goes on with the checks"
        self._wipe()  # what the terminal shows of the key
        print(without_secrets(f"{self.stays(done)}Interrupted; {words}."), file=sys.stderr)
        return code

    def crash(self, problem: Exception) -> int:
        """End with an error that nobody foresaw; its text may hold anything, so it is not shown."""
        if self.debug:
            self._trace(problem)
        message = f"unexpected {type(problem).__name__}; this is a bug in keychange"
        again = "" if self.debug else "run it again with --debug and "
        hint = f"{again}report what it shows"
        return self.fail(KeychangeError(error("internal-error", message, hint=hint)))

    def _trace(self, problem: BaseException) -> None:
        """The way to an error and to its causes, without their texts: those may quote a file."""
        import traceback

        cause = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
        if cause is not None:
            self._trace(cause)
        print("Traceback (most recent call last):", file=sys.stderr)
        print("".join(traceback.format_tb(problem.__traceback__)), end="", file=sys.stderr)
        print(f"{type(problem).__qualname__} (its text may quote a file)", file=sys.stderr)


def _columns() -> int:
    """The width of the terminal, as ``shutil`` finds it; that module loads three archivers."""
    with suppress(KeyError, ValueError):
        if (columns := int(os.environ["COLUMNS"])) > 0:
            return columns
    with suppress(AttributeError, ValueError, OSError):  # no stream, a closed one, no terminal
        return os.get_terminal_size(cast("TextIO", sys.__stdout__).fileno()).columns or 80
    return 80


class Verb(click.Command):
    """A verb: takes the shared options too, so that they may stand after it."""

    def __init__(self, *arguments: Any, examples: str = "", **options: Any) -> None:  # noqa: ANN401 (click's own)
        super().__init__(*arguments, **options)
        self.examples = examples
        for param in self.params:
            if isinstance(param, click.Option):
                param.show_envvar = True
                if param.show_default is None and param.default not in (None, "", False):
                    param.show_default = True
        self._shared = [option.name or "" for option in COMMON_OPTIONS()]
        for option in COMMON_OPTIONS():
            if option.name == "format":
                fit = (each for each in FORMATS if self.name in _ONLY_FOR.get(each, (self.name,)))
                option.metavar = f"[{'|'.join(fit)}]"
            self.params.append(option)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (click's own)
        """Hand shared options to the session, and the rest to the verb."""
        session = ctx.ensure_object(Session)
        given = {name: ctx.params.pop(name, None) for name in self._shared}
        # What the environment says has been taken with the options before the verb.
        typed = click.core.ParameterSource.COMMANDLINE
        session.take({k: v for k, v in given.items() if ctx.get_parameter_source(k) is typed})
        session.verb = self.name or ""
        if session.verb not in _ONLY_FOR.get(session.format, (session.verb,)):
            form = session.options.pop("format")
            message = f"--format {form} is for {' and '.join(_ONLY_FOR[form])}; not for {self.name}"
            raise click.UsageError(message, ctx)
        return super().invoke(ctx)

    def get_help(self, ctx: click.Context) -> str:
        """Usage, what it does, examples, options by what they are for, and exit codes."""
        from keychange.cli import help as layout

        style = Session().style()
        ctx.color = style.colour
        formatter = layout.formatter(ctx, style)
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        formatter.rows("Examples", layout.examples(self.examples))
        formatter.sections(layout.options(ctx, self._shared))
        formatter.rows("Exit codes", layout.exits(self.name or ""))
        return formatter.getvalue().rstrip("\n")


Decorator = Callable[[Callable[..., Any]], click.Command]


def verb(name: str, examples: str) -> Decorator:
    """Declare a verb; its function's docstring is its help.

    ``examples`` are commands, a line each; two spaces, a `#` and what it is for may follow.
    """

    def decorate(function: Callable[..., Any]) -> click.Command:
        return click.command(name, cls=Verb, examples=examples)(click.pass_obj(function))

    return decorate
