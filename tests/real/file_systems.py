"""Room of real file systems: mounts of many kinds, and a whole `up` and `down` on each, as root.

sudo python tests/real/file_systems.py

Everything is mounted in a mount namespace of its own, so nothing outlives the program. What this
machine cannot make is named, not passed over.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "engine")]

from support.history import build, declare, migration, write  # noqa: E402 - path first
from support.workspace import changed, files, migrate  # noqa: E402

VALUES = ("a", "b-longer")
_APART = ("-m", "-p", "-f", "--mount-proc", "--propagation", "private")
"""Mounts and processes end with the program: those too that stand for a file system."""


class CannotMakeError(Exception):
    """This machine has no such file system."""


def run(*words: object) -> None:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["failed"])[-1]
        raise CannotMakeError(f"{words[0]}: {last}")


def in_own_namespace() -> int | None:
    """Run this program anew where its mounts end with it, and say how that ended; None inside."""
    if "--inside" in sys.argv:
        sys.argv.remove("--inside")
        return None
    if os.geteuid() != 0 or sys.platform != "linux":
        print("mounting needs root, and Linux")
        return 2
    inside = ["unshare", *_APART, sys.executable, *sys.argv, "--inside"]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TMPDIR": folder}
        return subprocess.run(inside, check=False, env=environment).returncode


def mount(kind: str, where: Path, *options: str) -> Path:
    where.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", kind, *options, kind, where)
    return where


def loop(folder: Path, kind: str, megabytes: int, *make: str, through: Iterable[str] = ()) -> Path:
    """A disk of its own in a file, with a file system of that kind, mounted.

    ``through`` are further words for ``mount``, such as the program that stands for the kernel.
    """
    image, where = folder / f"{kind}.img", folder / f"{kind}-mounted"
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    if shutil.which(f"mkfs.{kind}") is None:
        raise CannotMakeError(f"there is no mkfs.{kind}")
    run(f"mkfs.{kind}", *make, image)
    where.mkdir()
    run("mount", "-o", "loop", *through, image, where)
    return where


def bind(source: Path, where: Path, *, read_only: bool = False) -> None:
    run("mount", "--bind", source, where)
    if read_only:
        run("mount", "-o", "remount,bind,ro", where)


def project(folder: Path, configs: int = 30) -> Path:
    root = build(folder / "project", VALUES[0])
    for number in range(configs):
        write(root, f"conf/{number}.json", f'{{"model": "{VALUES[0]}", "n": {number}}}\n')
    declare(root, migration("0001_one", *VALUES))
    return root


def ended(root: Path, *arguments: str) -> tuple[int, set[str]]:
    """The exit code, and the codes of the errors."""
    done = migrate(root, *arguments, "--format", "json")
    found = json.loads(done.stdout)["diagnostics"]
    return done.returncode, {each["code"] for each in found if each["severity"] == "error"}


def goes_up_and_down(root: Path) -> None:
    """Both ways, and every byte and mode is what it was."""
    before = files(root)
    assert (found := ended(root, "up", "--yes")) == (0, set()), found
    held = {each for each in files(root) if VALUES[1].encode() in (root / each).read_bytes()}
    assert {".env", "app.py", "conf/one.json", "conf/7.json"} <= {p.lower() for p in held}, held
    assert ended(root, "check") == (0, set())
    assert ended(root, "down", "--yes") == (0, set())
    after = files(root)
    assert changed(before, after) == set(), changed(before, after)


def is_refused(root: Path, code: str, *arguments: str) -> None:
    """Refused with its code, and not one byte, mode or time of any file is another."""
    before = files(root)
    found = ended(root, *(arguments or ("up", "--yes")))
    assert found == (1, {code}), found
    assert files(root) == before


@contextlib.contextmanager
def attribute(letter: str, path: Path) -> Iterator[None]:
    run("chattr", f"+{letter}", path)
    try:
        yield
    finally:
        run("chattr", f"-{letter}", path)


def on_tmpfs(folder: Path) -> None:
    goes_up_and_down(project(mount("tmpfs", folder / "t")))


def on_overlay(folder: Path) -> None:
    """As containers have it: the project below is read-only, what is written lies above."""
    below = project(folder / "below")
    for name in ("above", "work"):
        (mount("tmpfs", folder / "t") / name if name == "above" else folder / "t" / name).mkdir()
    layers = f"lowerdir={below},upperdir={folder}/t/above,workdir={folder}/t/work"
    before = files(below)
    goes_up_and_down(mount("overlay", folder / "o", "-o", layers))
    assert files(below) == before


def on_ext4(folder: Path) -> None:
    root = project(loop(folder, "ext4", 32, "-q"))
    os.setxattr(root / "conf/7.json", "user.note", b"kept")
    goes_up_and_down(root)
    assert os.getxattr(root / "conf/7.json", "user.note") == b"kept"


def on_xfs(folder: Path) -> None:
    goes_up_and_down(project(loop(folder, "xfs", 320, "-q")))


def on_btrfs(folder: Path) -> None:
    goes_up_and_down(project(loop(folder, "btrfs", 128, "-q")))


def on_a_case_insensitive_one(folder: Path) -> None:
    """Two spellings of one file; the second is what the operation names."""
    place = loop(folder, "ext4", 32, "-q", "-O", "casefold")
    (place / "folded").mkdir()
    run("chattr", "+F", place / "folded")
    root = project(place / "folded")
    (root / "app.py").rename(root / "App.py")
    goes_up_and_down(root)


def on_ntfs(folder: Path) -> None:
    """Case-insensitive as macOS is, with modes, links and numbers of files."""
    driver = ("-t", "lowntfs-3g", "-o", "ignore_case,permissions")
    where = loop(folder, "ntfs", 32, "-q", "-Q", "-F", through=driver)
    root = project(where)
    (root / "app.py").rename(root / "App.py")
    (root / "conf/linked.json").symlink_to("one.json")
    goes_up_and_down(root)


def on_exfat(folder: Path) -> None:
    """No modes, no links; and a saved plan needs a key, which is made without a hard link."""
    root = project(loop(folder, "exfat", 32, through=("-t", "exfat-fuse")))
    goes_up_and_down(root)
    assert ended(root, "plan", "--out", str(folder / "plan")) == (0, set())
    assert ended(root, "up", "--plan", str(folder / "plan")) == (0, set())
    assert ended(root, "down", "--yes") == (0, set())
    (root / "app.py").rename(root / "App.py")
    assert ended(root, "up", "--yes") == (0, set())
    assert {each.name for each in root.glob("*.py")} == {"App.py"}


def on_a_full_disk(folder: Path) -> None:
    root = project(mount("tmpfs", folder / "t", "-o", "size=1m"))
    _fill(root)
    is_refused(root, "state-unwritable")
    (root / "filler").unlink()
    goes_up_and_down(root)
    _fill(root)
    is_refused(root, "no-space")


def _fill(root: Path) -> None:
    with contextlib.suppress(OSError), (root / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def on_a_disk_that_is_nearly_full(folder: Path) -> None:
    """With ever less room left, it is refused, or rolled back, and never half done."""
    root = project(loop(folder, "ext4", 8, "-q"))
    free = os.statvfs(root).f_bavail * os.statvfs(root).f_frsize
    before = {path: each.data for path, each in files(root).items()}
    seen = set()
    for left in range(0, 320 << 10, 16 << 10):
        with (root / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free - left))
        code, found = ended(root, "up", "--yes")
        seen.add(code)
        now = {p: each.data for p, each in files(root).items() if p != "filler"}
        assert (now == before) == (code != 0), (left, code, found)
        assert code in (0, 1, 3), (left, code, found)
        (root / "filler").unlink()
        if code == 0:
            assert ended(root, "down", "--yes") == (0, set())
    assert {0, 1} <= seen, seen


def without_inodes(folder: Path) -> None:
    root = project(mount("tmpfs", folder / "t", "-o", "size=4m,nr_inodes=80"))
    with contextlib.suppress(OSError):
        for number in range(80):
            (root / f"filler-{number}").touch()
    (root / "filler-0").unlink()
    is_refused(root, "state-unwritable")
    for number in range(1, 9):
        (root / f"filler-{number}").unlink()
    is_refused(root, "no-space")


def immutable(folder: Path) -> None:
    root = project(loop(folder, "ext4", 32, "-q"))
    for name in (".env", "conf/7.json"):
        for letter in ("i", "a"):
            with attribute(letter, root / name):
                is_refused(root, "read-only-file")
    with attribute("i", root / "conf"):
        is_refused(root, "read-only-folder")
    goes_up_and_down(root)


def across_two(folder: Path) -> None:
    """One folder of the targets is another file system, and a link leads to a third."""
    root = project(folder)
    other = mount("tmpfs", root / "conf/other")
    write(root, "conf/9.json", '{"model": "a"}\n')
    (other / "far.json").write_text('{"model": "a"}\n')
    (root / "conf/linked.json").symlink_to("other/far.json")
    goes_up_and_down(root)
    run("mount", "-o", "remount,ro", other)
    is_refused(root, "read-only-folder")
    run("umount", other)


def out_of_the_root(folder: Path) -> None:
    root = project(folder)
    outside = mount("tmpfs", folder / "outside")
    (outside / "far.json").write_text('{"model": "a"}\n')
    (root / "conf/linked.json").symlink_to(outside / "far.json")
    is_refused(root, "target-outside-root")
    assert (outside / "far.json").read_text() == '{"model": "a"}\n'


def read_only(folder: Path) -> None:
    """Readers read; nothing is written, also where the folder of the state is missing."""
    root = project(folder)
    bind(root, root, read_only=True)
    for verb, code in (("plan", 0), ("status", 0), ("history", 0), ("check", 1)):
        assert ended(root, verb)[0] == code, verb
    is_refused(root, "state-unwritable")
    run("umount", root)
    bind(root / "conf", root / "conf", read_only=True)
    is_refused(root, "read-only-folder")
    run("umount", root / "conf")
    goes_up_and_down(root)


def files_mounted_one_by_one(folder: Path) -> None:
    """Such a name cannot be replaced: the file is written in place."""
    root = project(folder)
    for name in (".env", "conf/7.json"):
        outer = folder / name.replace("/", "-")
        shutil.copy2(root / name, outer)
        bind(outer, root / name)
    goes_up_and_down(root)
    run("umount", root / ".env")
    bind(folder / ".env", root / ".env", read_only=True)
    is_refused(root, "read-only-file")
    for name in (".env", "conf/7.json"):
        run("umount", root / name)


def state_on_another(folder: Path) -> None:
    """keychange's own folder is a mount: the journal lies elsewhere than the files."""
    root = project(folder)
    mount("tmpfs", root / ".keychange", "-o", "mode=700")
    goes_up_and_down(root)
    run("umount", root / ".keychange")


PLACES: tuple[Callable[[Path], None], ...] = (
    on_tmpfs,
    on_overlay,
    on_ext4,
    on_xfs,
    on_btrfs,
    on_a_case_insensitive_one,
    on_ntfs,
    on_exfat,
    on_a_full_disk,
    on_a_disk_that_is_nearly_full,
    without_inodes,
    immutable,
    across_two,
    out_of_the_root,
    read_only,
    files_mounted_one_by_one,
    state_on_another,
)


def main() -> int:
    if (outside := in_own_namespace()) is not None:
        return outside
    wanted = sys.argv[1:]
    wrong = 0
    for place in PLACES:
        if wanted and place.__name__ not in wanted:
            continue
        folder = Path(tempfile.mkdtemp())
        try:
            place(folder)
            said = "well"
        except CannotMakeError as problem:
            said = f"cannot be made here: {problem}"
        except AssertionError as problem:
            line = problem.__traceback__
            while line and line.tb_next:
                line = line.tb_next
            said = f"WRONG, line {line.tb_lineno if line else 0}: {problem}"
            wrong += 1
        print(f"{place.__name__.replace('_', ' ')}: {said}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
