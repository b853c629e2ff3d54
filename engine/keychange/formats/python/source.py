"""Python source as bytes: encoding, syntax tree, and the way from its positions to byte spans."""

from __future__ import annotations

import ast
import gc
import warnings
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, NamedTuple, cast

from keychange.formats.python.encoding import InvalidPython, encoding_of
from keychange.spans import BOM, Span


class PythonSource(NamedTuple):
    """One parsed file.

    ``text`` is the file in UTF-8 without its byte order mark: the interpreter counts columns in
    it, whatever the encoding of the file. Offsets are into ``text`` unless a name says otherwise.
    """

    data: bytes
    text: bytes
    encoding: str
    tree: ast.Module
    starts: list[int]

    @property
    def newline(self) -> str:
        """The line end of the file, the first one it has."""
        first = self.text[: self.starts[1]] if len(self.starts) > 1 else b"\n"
        return "\r\n" if first.endswith(b"\r\n") else "\r" if first.endswith(b"\r") else "\n"

    def extent(self, node: ast.AST) -> tuple[int, int]:
        """First and last offset of a node; decorators are part of what they decorate."""
        return extent(node, self.text, self.starts)

    def line(self, offset: int) -> int:
        """The line (from 1) of an offset."""
        return bisect_right(self.starts, offset)

    def span(self, start: int, end: int) -> Span:
        """The span of the file itself.

        Raises:
            InvalidPython: the encoding has no bytes of its own for a part of the text.
        """
        lead = len(BOM) if self.data.startswith(BOM) else 0
        if self.encoding == "utf-8":
            return Span(start + lead, end + lead)
        head = self.text[:start].decode()
        piece = self.text[start:end].decode()
        first = len(head.encode(self.encoding)) + lead
        last = first + len(piece.encode(self.encoding))
        if self.data[first:last].decode(self.encoding, "replace") != piece:
            message = f"{self.encoding} cannot be edited in place"
            raise InvalidPython(message, self.line(start), 1)
        return Span(first, last)

    def encode(self, text: str) -> bytes:
        """Text as bytes of this file."""
        return text.encode(self.encoding)

    def can_encode(self, text: str) -> bool:
        """Whether the encoding of the file holds this text."""
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True


def extent(node: ast.AST, text: bytes, starts: Sequence[int]) -> tuple[int, int]:
    """First and last offset of a node in the text that it was read from, by its line starts."""
    at: Any = node
    first: Any = next(iter(getattr(node, "decorator_list", ())), node)
    start = starts[first.lineno - 1] + first.col_offset
    end = starts[at.end_lineno - 1] + at.end_col_offset
    if first is not node:
        start = text.rfind(b"@", 0, start)
    return start, end


def parse(data: bytes) -> PythonSource:
    """Read a file as Python.

    Raises:
        InvalidPython: it is not, or it is too deep, or too large, or in an unknown encoding.
    """
    if b"\0" in data:
        raise InvalidPython("it holds a null byte", len(line_starts(data[: data.find(b"\0")])), 1)
    tree = syntax_tree(data)
    text, encoding = text_of(data)
    return PythonSource(data, text, encoding, tree, line_starts(text))


def text_of(data: bytes) -> tuple[bytes, str]:
    """A file in UTF-8 without its byte order mark, and its encoding.

    Raises:
        InvalidPython: it is not in its encoding, or some other bytes would mean the same in it.
    """
    encoding = encoding_of(data)
    body = data.removeprefix(BOM)
    try:
        decoded = body.decode(encoding)
    except UnicodeDecodeError as problem:
        line = len(line_starts(body[: problem.start]))
        raise InvalidPython(f"it is not {encoding}", line, 1) from None
    text = body if encoding == "utf-8" else decoded.encode("utf-8")
    if text is not body and decoded.encode(encoding) != body:
        raise InvalidPython(f"{encoding} cannot be edited in place", 1, 1)
    return text, encoding


def syntax_tree(code: bytes | str) -> ast.Module:
    """The tree of a file, or of some of its lines as text.

    Raises:
        InvalidPython: see ``parse``.
    """
    with _no_collection():
        return cast("ast.Module", _compiled(code, ast.PyCF_ONLY_AST))


def check_compiles(data: bytes) -> None:
    """Read a file down to code, which finds also what the grammar allows and the compiler does not.

    Raises:
        InvalidPython: it does not compile.
    """
    _compiled(data, 0)


def _compiled(code: bytes | str, flags: int) -> object:
    """What the compiler makes of code; its warnings are no business of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return compile(code, "<file>", "exec", flags, dont_inherit=True)
        except SyntaxError as problem:
            column = problem.offset or 1
            raise InvalidPython(problem.msg, problem.lineno or 1, column) from None
        except (RecursionError, MemoryError):
            raise InvalidPython("too deeply nested for this Python", 1, 1) from None
        except ValueError as problem:
            raise InvalidPython(str(problem), 1, 1) from None


@contextmanager
def _no_collection() -> Iterator[None]:
    """A tree is many objects and no cycle: to look for garbage while it grows doubles the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def line_starts(text: bytes) -> list[int]:
    r"""The offset of each line, as the interpreter counts them: ``\n``, ``\r\n`` or ``\r``."""
    starts = [0, *accumulate(map(len, text.splitlines(keepends=True)))]
    if text and not text.endswith((b"\n", b"\r")):
        starts.pop()
    return starts
