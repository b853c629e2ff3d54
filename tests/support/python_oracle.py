"""An independent judge of a Python edit: the standard library's own dump of the whole tree."""

from __future__ import annotations

import ast
import warnings


def reading(data: bytes) -> ast.Module:
    """The tree of a file, read without the code under test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(data)


def differences(before: bytes, after: bytes) -> list[tuple[str, str]]:
    """The strings that differ between two files, in pairs; all else must be the same.

    Raises:
        AssertionError: the trees differ in more than the values of strings.
    """
    old, new = reading(before), reading(after)
    pairs = []
    for one, other in zip(ast.walk(old), ast.walk(new), strict=True):
        assert type(one) is type(other)
        if not isinstance(one, ast.Constant) or one.value == other.value:
            continue
        if isinstance(one.value, str) and isinstance(other.value, str):
            pairs.append((one.value, other.value))
            one.value = other.value
    assert ast.dump(old) == ast.dump(new)
    return pairs
