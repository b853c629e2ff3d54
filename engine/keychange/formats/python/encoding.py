"""The encoding of a Python file, and the word for a file that is none."""

from __future__ import annotations


class InvalidPython(Exception):
    """The running interpreter does not accept the file: what it says, and where, from 1."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def encoding_of(data: bytes) -> str:
    """The codec of a source file by its cookie or byte order mark, ``utf-8`` without one.

    Like the interpreter, and unlike ``tokenize.detect_encoding``, a lone CR ends a line here.

    Raises:
        InvalidPython: the cookie names no codec, or contradicts the byte order mark.
    """
    start = data[:4096]
    head = start.splitlines()[:2] if b"coding" in start else ()
    if not any(b"coding" in line for line in head):
        return "utf-8"
    import tokenize

    lines = iter([line + b"\n" for line in head])
    try:
        name, _ = tokenize.detect_encoding(lambda: next(lines, b""))
    except SyntaxError as problem:
        raise InvalidPython(problem.msg, 1, 1) from None
    return name.removesuffix("-sig")
