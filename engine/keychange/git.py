"""Git: what a checkout tracks, what is staged, and which of its files hold a value."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from keychange.warm.checkout import holding


def git(
    root: Path, *arguments: str, given: bytes | None = None, fine: tuple[int, ...] = (0,)
) -> bytes | None:
    """What a git command prints in a folder; None where it fails: no git, or no checkout."""
    import subprocess  # which takes longer to load than most commands to run

    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, input=given, capture_output=True, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode in fine else None


def paths(output: bytes | None) -> tuple[str, ...]:
    """The paths that a git command printed with ``-z``."""
    return tuple(each for each in os.fsdecode(output or b"").split("\0") if each)


def tracked(root: Path) -> frozenset[str]:
    """The files under a folder that git tracks, by path from there."""
    return frozenset(paths(git(root, "ls-files", "-z")))


def search(root: Path, values: Iterable[str]) -> tuple[str, ...] | None:
    """The tracked text files that hold one of the values; None where git cannot say."""
    found = git(root, *holding(values), fine=(0, 1))  # 1: none of them does
    return None if found is None else paths(found)


def read_from_disk(root: Path) -> frozenset[str]:
    """The tracked files under a folder whose bytes git takes from the disk, as they are.

    Not those that it was told to take for unchanged, leaves out of the disk, or is merging.
    """
    listed = paths(git(root, "ls-files", "-z", "-v"))
    return frozenset(each[2:] for each in listed if each.startswith("H "))


def fitting(root: Path, patterns: Iterable[str], where: Iterable[str]) -> frozenset[str] | None:
    """The tracked files of which a line fits one of the patterns; None where git cannot say.

    The patterns are for PCRE, which not every git has, and are matched with bytes. ``where`` are
    pathspecs.
    """
    options = ["-l", "-z", "-a", "-P", "--no-color", "--no-recurse-submodules"]
    options += [word for each in patterns for word in ("-e", each)]
    command = ["git", "-c", "grep.fullName=false", "grep", *options, "--", *where]
    environment = {**os.environ, "LC_ALL": "C"}
    import subprocess

    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, check=False)
    except OSError:
        return None
    # It goes on after a file that it could not read, and says so.
    certain = done.returncode in (0, 1) and not done.stderr
    return frozenset(paths(done.stdout)) if certain else None


def staged(root: Path) -> dict[str, bytes]:
    """The staged bytes of every tracked file that differs on disk, by path from the root.

    Links and submodules are left out: no operation writes to them.
    """
    listed = git(root, "diff-files", "--name-only", "-z", "--relative", "--ignore-submodules")
    names = paths(listed)
    if not names:
        return {}
    objects = {}
    for record in (git(root, "ls-files", "-z", "--stage", "--", *names) or b"").split(b"\0"):
        about, _, name = record.partition(b"\t")
        mode, _, rest = about.partition(b" ")
        if mode.startswith(b"100"):
            objects[os.fsdecode(name)] = rest.partition(b" ")[0]
    given = b"".join(b"%s\n" % each for each in objects.values())
    blobs = git(root, "cat-file", "--batch", given=given) or b""
    result, at = {}, 0
    for path in objects if blobs else ():
        head = blobs.index(b"\n", at)
        size = int(blobs[at:head].rsplit(b" ", 1)[1])
        result[path] = blobs[head + 1 : head + 1 + size]
        at = head + size + 2
    return result


SHARED = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""Where a team's history is looked for: the first of these that exists."""


def ignored(root: Path, names: Iterable[str]) -> frozenset[str]:
    """Those of the paths that git ignores; they need not exist."""
    asked = b"\0".join(map(os.fsencode, names))
    return frozenset(paths(git(root, "check-ignore", "-z", "--stdin", given=asked)))


def branches(root: Path) -> tuple[str, ...]:
    """The names of the branches, also of those elsewhere, and of the tags."""
    named = git(root, "for-each-ref", "--format=%(refname:short)")
    return tuple(os.fsdecode(each) for each in (named or b"").split(b"\n") if each)


def shared_branch(folder: Path) -> str | None:
    """The branch that a team shares, or None."""
    for name in SHARED:
        if git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}") is not None:
            return name
    return None


def landed(folder: Path, branch: str) -> tuple[str, ...] | None:
    """The files of a folder in the order in which they came to a branch, by its first parents.

    What came together is ordered by name. The branch alone decides: not who asks, nor where.
    None where there is no such branch.
    """
    walk = ("--reverse", "--first-parent", "-m", "--no-renames", "--diff-filter=A")
    form = ("--format=%x01", "--name-only", "--relative", "-z")
    present = git(folder, "ls-tree", "-z", "--name-only", branch, "./")
    added = git(folder, "log", *walk, *form, branch, "--", ".")
    if present is None or added is None:
        return None
    here = {name.rpartition("/")[2] for name in paths(present)}
    order: dict[str, int] = {}
    for index, together in enumerate(added.split(b"\1")):
        for name in paths(together.replace(b"\n", b"\0")):
            if name in here:
                order[name] = index  # one that came again counts from then
    return tuple(sorted(order, key=lambda name: (order[name], name)))
