"""Python source as bytes: encoding, syntax tree, and the way from its positions to byte spans."""

from __future__ import annotations

import ast
import gc
import warnings
from bisect import bisect_right
from collections.abc import Iterator
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
        at: Any = node
        first: Any = next(iter(getattr(node, "decorator_list", ())), node)
        start = self.starts[first.lineno - 1] + first.col_offset
        end = self.starts[at.end_lineno - 1] + at.end_col_offset
        if first is not node:
            start = self.text.rfind(b"@", 0, start)
        return start, end

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


def parse(data: bytes) -> PythonSource:
    """Read a file as Python.

    Raises:
        InvalidPython: it is not, or it is too deep, or too large, or in an unknown encoding.
    """
    if b"\0" in data:
        raise InvalidPython("it holds a null byte", len(line_starts(data[: data.find(b"\0")])), 1)
    tree = syntax_tree(data)
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
    return PythonSource(data, text, encoding, tree, line_starts(text))


def syntax_tree(data: bytes) -> ast.Module:
    """The tree of a file; the warnings of the compiler are no business of ours.

    Raises:
        InvalidPython: see ``parse``.
    """
    with warnings.catch_warnings(), _no_collection():
        warnings.simplefilter("ignore")
        try:
            tree = compile(data, "<file>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
            return cast("ast.Module", tree)
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


def check_compiles(tree: ast.Module) -> None:
    """Go on from the tree to code, which finds what the grammar allows and the compiler does not.

    Raises:
        InvalidPython: it does not compile.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(tree, "<file>", "exec", dont_inherit=True)
        except SyntaxError as problem:
            column = problem.offset or 1
            raise InvalidPython(problem.msg, problem.lineno or 1, column) from None
        except (RecursionError, MemoryError):
            raise InvalidPython("too deeply nested for this Python", 1, 1) from None
        except ValueError as problem:
            raise InvalidPython(str(problem), 1, 1) from None


def line_starts(text: bytes) -> list[int]:
    r"""The offset of each line, as the interpreter counts them: ``\n``, ``\r\n`` or ``\r``."""
    starts = [0, *accumulate(map(len, text.splitlines(keepends=True)))]
    if text and not text.endswith((b"\n", b"\r")):
        starts.pop()
    return starts
