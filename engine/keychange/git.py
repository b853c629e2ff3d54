"""Git: what a checkout tracks, what is staged, and which of its files hold a value."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from keychange.diagnostics import Diagnostic, error
from keychange.errors import UsageProblem
from keychange.regular import read_regular
from keychange.warm.checkout import environment, holding

if TYPE_CHECKING:
    from subprocess import CompletedProcess


def git(
    root: Path, *arguments: str, given: bytes | None = None, fine: tuple[int, ...] = (0,)
) -> bytes | None:
    """What a git command prints in a folder; None where it fails: no git, or no checkout."""
    try:
        done = _run_git(root, arguments, given=given)
    except OSError:
        return None
    return done.stdout if done.returncode in fine else None


def _run_git(
    root: Path,
    arguments: Iterable[str],
    *,
    given: bytes | None = None,
    variables: Mapping[str, str] | None = None,
) -> CompletedProcess[bytes]:
    """A git command that has ended; its messages are in English, and what it reads is bytes.

    Raises:
        OSError: there is no git.
    """
    import subprocess  # which takes longer to load than most commands to run

    variables = {**(environment(str(root)) if variables is None else variables), "LC_ALL": "C"}
    return subprocess.run(
        ["git", *arguments], cwd=root, env=variables, input=given, capture_output=True, check=False
    )


def trouble(root: Path, what: str) -> Diagnostic | None:
    """An error that says why git does not tell ``what`` of a checkout; None where it is none."""
    command = ""
    try:
        done = _run_git(root, ("ls-files", "-z"))
    except OSError:
        if not any((each / ".git").exists() for each in (root, *root.parents)):
            return None
        said = "there is no program `git`"
    else:
        lines = [each.strip() for each in os.fsdecode(done.stderr).splitlines()]
        said = lines[0].removeprefix("fatal: ") if lines else "it was stopped"
        if done.returncode == 0 or "not a git repository (or" in said:
            return None
        command = next((each for each in lines if each.startswith("git config ")), "")
    hint = "this is a checkout that git has to be able to read"
    return error("git-failed", f"git does not say {what}: {said}", hint=hint, command=command)


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


def of_own_kind(root: Path, names: Iterable[str]) -> frozenset[str]:
    """Those of the paths for which an attribute may keep git from searching them as text."""
    given = b"".join(os.fsencode(each) + b"\0" for each in names)
    told = paths(git(root, "check-attr", "-z", "--stdin", "diff", given=given))
    told_of = zip(told[::3], told[2::3], strict=False)
    return frozenset(path for path, diff in told_of if diff not in ("unspecified", "set"))


def unfit(folder: Path, patterns: Iterable[str], where: Iterable[str]) -> frozenset[str]:
    """The files below a folder of which no line fits one of the patterns; none if git cannot say.

    They are searched as they are on the disk, whatever a checkout says of them: only what git has
    read is named. The patterns are for PCRE, which not every git has, and are matched with bytes.
    ``where`` are pathspecs.
    """
    options = ["--no-index", "-L", "-z", "-a", "-P", "--no-color", "--no-recurse-submodules"]
    options += [word for each in patterns for word in ("-e", each)]
    command = ("-c", "grep.fullName=false", "grep", *options, "--", *where)
    no_checkout = {name: each for name, each in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = _run_git(folder, command, variables=no_checkout)
    except OSError:
        return frozenset()
    # It goes on after a file that it could not read, and says so.
    certain = done.returncode in (0, 1) and not done.stderr
    return frozenset(paths(done.stdout)) if certain else frozenset()


def staged(root: Path) -> dict[str, bytes]:
    """What is staged of every tracked file that differs on disk, by path from the root.

    The bytes are those that a checkout would write: line ends and filters have been applied.
    Links and submodules are left out: no operation writes to them. So is what is merely meant to
    be added, and what is still to be merged: no commit would hold it. A file that git was told to
    take for unchanged, or to leave alone, is compared here.

    Raises:
        UsageProblem: git cannot say.
    """
    options = ("--name-only", "-z", "--relative", "--ignore-submodules", "--diff-filter=a")
    listed = git(root, "diff-files", *options)
    differing = frozenset(paths(listed))
    entries = git(root, "ls-files", "-z", "--stage", "-v")
    objects = dict(_staged_objects(root, entries or b"", differing))
    found = _written(root, objects) if objects else {}
    if listed is None or entries is None or found is None:
        wrong = trouble(root, "what is staged")
        if wrong is None and listed is not None:
            hint = "an object of the repository, or a filter that it needs, is not here"
            wrong = error("git-failed", "git does not give all that is staged", hint=hint)
        if wrong is not None:
            raise UsageProblem(wrong)
    found = found or {}
    return {
        path: data
        for path, data in found.items()
        if path in differing or not _holds(root / path, data)
    }


def _staged_objects(
    root: Path, entries: bytes, differing: Container[str]
) -> Iterator[tuple[str, bytes]]:
    """The objects of the files that differ, or of which git was told not to look whether they do.

    ``entries`` are those of the index, each with its tag.
    """
    for record in entries.split(b"\0"):
        if not differing and record.startswith(b"H "):
            continue
        about, _, name = record.partition(b"\t")
        tag, _, rest = about.partition(b" ")
        mode, _, rest = rest.partition(b" ")
        digest, _, stage = rest.partition(b" ")
        if mode.startswith(b"100") and stage == b"0":
            path = os.fsdecode(name)
            alone = tag == b"S" or tag.islower()
            if path in differing or (alone and (root / path).is_file()):
                yield path, digest


def _holds(path: Path, data: bytes) -> bool:
    try:
        return read_regular(path) == data
    except OSError:
        return False


def _written(root: Path, objects: Mapping[str, bytes]) -> dict[str, bytes] | None:
    """The bytes that a checkout would write for objects by path; None where git cannot say.

    The size that git tells is that before its filters, so each object is ended by a mark: a name
    that git does not know.
    """
    mark = b"keychange-" + os.urandom(16).hex().encode()
    prefix = (git(root, "rev-parse", "--show-prefix") or b"").rstrip(b"\n")
    asked = []
    for name, digest in objects.items():
        # For attributes it is looked up, and none tells a line end from another character.
        path = (prefix + os.fsencode(name)).replace(b"\n", b"?")
        asked.append(b"%s %s\n%s\n" % (digest, path, mark))
    printed = git(root, "cat-file", "--batch", "--filters", given=b"".join(asked))
    if printed is None:
        return None
    result = {}
    for name, part in zip(objects, printed.split(mark + b" missing\n"), strict=False):
        head, _, data = part.partition(b"\n")
        if not head.endswith(b" missing"):
            result[name] = data.removesuffix(b"\n")
    return result if len(result) == len(objects) else None


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
