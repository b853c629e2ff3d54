"""Around: of a large file what is near its change, and of a long line what is near its own."""

from __future__ import annotations

from typing import NamedTuple

LARGE = 1 << 20
"""A file of more bytes is compared only around its change."""
AROUND = 1 << 16
"""So many bytes on each side: far more than is shown, for a line above may name a secret."""
WIDE = 20_000
"""A line of more characters is shown only around what differs; no window cuts a shorter one."""
_SHOWN = 80
_LEFT_OUT = "[…]"
_LF = b"\n"


class Window(NamedTuple):
    """The part of two files in which all that differs stands.

    ``line`` is the number of its first line in both; ``ends`` says whether it reaches to the end
    of both files. Without ``ends`` nothing is known about what follows the last line.
    """

    before: bytes | None
    after: bytes | None
    line: int = 1
    ends: bool = True


def window(before: bytes, after: bytes) -> Window:
    """Two small files as they are; of large ones the part from the first to the last difference.

    It holds whole lines, but where a line is longer than what it holds on each side.
    """
    if max(len(before), len(after)) <= LARGE:
        return Window(before, after)
    most = min(len(before), len(after))
    head = _common(before, after, most)
    tail = _common(before, after, most - head, back=True)
    start = max(0, head - AROUND)
    if start:
        start = before.find(_LF, start, head) + 1 or start
    while start < head and before[start] & 0xC0 == 0x80:  # a character is not cut
        start += 1
    last = len(before) - tail
    rest = min(tail, AROUND)
    if rest < tail:
        rest = (before.rfind(_LF, last, last + rest) + 1 or last + rest) - last
    return Window(
        before[start : last + rest],
        after[start : len(after) - tail + rest],
        before.count(_LF, 0, start) + 1,
        rest == tail,
    )


def _common(first: bytes, second: bytes, most: int, *, back: bool = False) -> int:
    """How many bytes two files begin with alike, or end with; at most ``most``."""
    size, same = 1 << 20, 0
    ends = (len(first), len(second)) if back else (0, 0)
    while size and same < most:
        step = min(size, most - same)
        one, other = (
            part[end - same - step : end - same] if back else part[same : same + step]
            for part, end in zip((first, second), ends, strict=True)
        )
        if one == other:
            same += step
        else:
            size //= 2
    return same


def shortened(lines: list[str], others: list[str]) -> list[str]:
    """Lines of one side of a change; long ones only around the first difference to the other."""
    result = []
    for number, line in enumerate(lines):
        if len(line) <= WIDE:
            result.append(line)
            continue
        other = others[number] if number < len(others) else ""
        pairs = enumerate(zip(line, other, strict=False))
        at = next((at for at, (here, there) in pairs if here != there), min(len(line), len(other)))
        start, end = max(0, at - _SHOWN), at + 2 * _SHOWN
        before, after = _LEFT_OUT if start else "", _LEFT_OUT if end < len(line) else ""
        result.append(f"{before}{line[start:end]}{after}")
    return result
