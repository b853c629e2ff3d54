"""Room of a disk that loses its power: what is certain of it, and what else a cut may leave.

The model of the ALICE and CrashMonkey papers, without the mercy of any one file system: a change
is certain once what it belongs to was flushed, which for a name is its folder. Of all others any
may have reached the disk and any not, whatever their order: the name of a file without its bytes,
or a part of the bytes. A rename is whole or not at all, but the old name may come back beside.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from typing import NamedTuple


class Node(NamedTuple):
    """A file, folder or link as the disk holds it."""

    kind: str
    mode: int
    data: bytes = b""
    names: Mapping[str, int] = {}


Nodes = dict[int, Node]
ROOT = 0


class Fate(Enum):
    """What a power cut makes of a change that is not certain."""

    LOST = auto()
    WHOLE = auto()
    FIRST_HALF = auto()
    SECOND_HALF = auto()
    SIZE_ONLY = auto()
    OLD_NAME_TOO = auto()


TORN = (Fate.FIRST_HALF, Fate.SECOND_HALF, Fate.SIZE_ONLY)


class Change(ABC):
    """One change of one node; ``apply`` gives the node as it is when the change met that fate."""

    fates: tuple[Fate, ...] = ()

    def __init__(self, node: int) -> None:
        self.node = node

    @abstractmethod
    def apply(self, node: Node, fate: Fate) -> Node: ...


class Named(Change):
    """A name in a folder now leads to a node; with ``instead_of`` it was that name's before."""

    def __init__(self, node: int, name: str, leads_to: int, instead_of: str | None = None) -> None:
        super().__init__(node)
        self.name, self.leads_to, self.instead_of = name, leads_to, instead_of
        if instead_of is not None:
            self.fates = (Fate.OLD_NAME_TOO,)

    def apply(self, node: Node, fate: Fate) -> Node:
        names = {**node.names, self.name: self.leads_to}
        if self.instead_of is not None and fate is not Fate.OLD_NAME_TOO:
            names.pop(self.instead_of, None)
        return node._replace(names=names)

    def __repr__(self) -> str:
        return f"{self.instead_of or 'new'} -> {self.name}"


class Removed(Change):
    """A name is gone from a folder."""

    def __init__(self, node: int, name: str) -> None:
        super().__init__(node)
        self.name = name

    def apply(self, node: Node, fate: Fate) -> Node:
        return node._replace(names={k: v for k, v in node.names.items() if k != self.name})

    def __repr__(self) -> str:
        return f"{self.name} -> gone"


class Written(Change):
    """Bytes at a place in a file."""

    fates = TORN

    def __init__(self, node: int, at: int, data: bytes) -> None:
        super().__init__(node)
        self.at, self.data = at, data

    def apply(self, node: Node, fate: Fate) -> Node:
        size, half = len(self.data), len(self.data) // 2
        first, last = {
            Fate.FIRST_HALF: (0, half),
            Fate.SECOND_HALF: (half, size),
            Fate.SIZE_ONLY: (size, size),
        }.get(fate, (0, size))
        wide = bytearray(node.data.ljust(self.at + last, b"\0"))
        wide[self.at + first : self.at + last] = self.data[first:last]
        return node._replace(data=bytes(wide))

    def __repr__(self) -> str:
        return f"node {self.node}: {self.data[:12]!r} at {self.at}"


class Cut(Change):
    """The size of a file."""

    def __init__(self, node: int, size: int) -> None:
        super().__init__(node)
        self.size = size

    def apply(self, node: Node, fate: Fate) -> Node:
        return node._replace(data=node.data[: self.size].ljust(self.size, b"\0"))

    def __repr__(self) -> str:
        return f"node {self.node}: size {self.size}"


class Moded(Change):
    """The permission bits; owner and attributes are flushed with them and stand for no more."""

    def __init__(self, node: int, mode: int) -> None:
        super().__init__(node)
        self.mode = mode

    def apply(self, node: Node, fate: Fate) -> Node:
        return node._replace(mode=self.mode)

    def __repr__(self) -> str:
        return f"node {self.node}: mode {self.mode:o}"


class Flush(NamedTuple):
    """What the disk was told to keep of one node."""

    node: int


class Barrier(NamedTuple):
    """What was flushed so far is certain from now on, if it was not before."""


Event = Change | Flush | Barrier
Fates = Mapping[Change, Fate]


class Disk:
    """What is certain, and the changes that are not, in their order.

    ``cached`` is the stricter disk of macOS, whose flush only reaches the drive's own cache.
    """

    def __init__(self, nodes: Nodes, pending: tuple[Change, ...] = (), *, cached: bool) -> None:
        self.nodes = nodes
        self.pending = pending
        self.cached = cached
        self._flushed: set[Change] = set()

    def copy(self) -> Disk:
        disk = Disk(dict(self.nodes), self.pending, cached=self.cached)
        disk._flushed = set(self._flushed)
        return disk

    def take(self, event: Event) -> None:
        if isinstance(event, Change):
            self.pending = (*self.pending, event)
        elif isinstance(event, Barrier):
            self._keep(lambda change: change in self._flushed)
        elif self.cached:
            self._flushed.update(change for change in self.pending if change.node == event.node)
        else:
            self._keep(lambda change: change.node == event.node)

    def _keep(self, certain: Callable[[Change], bool]) -> None:
        kept = [change for change in self.pending if certain(change)]
        self.nodes = self.after(dict.fromkeys(kept, Fate.WHOLE))
        self.pending = tuple(change for change in self.pending if change not in kept)
        self._flushed.difference_update(kept)

    def after(self, fates: Fates) -> Nodes:
        """The disk once the power is back; a change without a fate is lost."""
        nodes = dict(self.nodes)
        for change in self.pending:
            fate = fates.get(change, Fate.LOST)
            if fate is not Fate.LOST:
                nodes[change.node] = change.apply(nodes[change.node], fate)
        return nodes

    def shown(self) -> Nodes:
        """What the system shows, as long as it runs."""
        return self.after(dict.fromkeys(self.pending, Fate.WHOLE))

    def described(self, fates: Fates) -> tuple[str, ...]:
        return tuple(f"{each}: {fates.get(each, Fate.LOST).name}" for each in self.pending)

    def cuts(self, *, each: bool) -> Iterator[Fates]:
        """What may become of the uncertain changes: the worst that one can think of.

        Without ``each``, the changes of one node meet one fate.
        """
        everything = dict.fromkeys(self.pending, Fate.WHOLE)
        names = {c: f for c, f in everything.items() if isinstance(c, Named | Removed)}
        yield {}
        yield everything
        yield names
        yield {change: fate for change, fate in everything.items() if change not in names}
        for fate in (*TORN, Fate.OLD_NAME_TOO):
            yield {c: fate if fate in c.fates else Fate.WHOLE for c in self.pending}
        together: dict[object, list[Change]] = {}
        for change in self.pending:
            together.setdefault(change if each else change.node, []).append(change)
        for changes in together.values():
            yield dict.fromkeys(changes, Fate.WHOLE)
            for fate in {Fate.LOST: None, **dict.fromkeys(f for c in changes for f in c.fates)}:
                yield everything | {c: fate for c in changes if fate in (Fate.LOST, *c.fates)}

    def drawn(self, chance: random.Random) -> Fates:
        """What may become of them by chance."""
        return {
            change: chance.choice((Fate.LOST, Fate.WHOLE, *change.fates)) for change in self.pending
        }


def walked(nodes: Nodes) -> Iterator[tuple[str, int]]:
    """What can be reached from the root: each path and its node, folders before what is in them."""
    waiting = [("", ROOT)]
    while waiting:
        path, number = waiting.pop()
        yield path, number
        names = sorted(nodes[number].names.items(), reverse=True)
        waiting += [(f"{path}/{name}" if path else name, leads_to) for name, leads_to in names]


def listing(nodes: Nodes) -> tuple[tuple[str, str, int, bytes], ...]:
    """What can be reached, without its numbers; the second name of a file says the first one."""
    first: dict[int, str] = {}
    found = []
    for path, number in walked(nodes):
        if number in first:
            found.append((path, f"as {first[number]}", 0, b""))
        else:
            first[number] = path
            found.append((path, *nodes[number][:3]))
    return tuple(found)
