"""What of a file is not on the disk yet, and what a sync that failed has lost for good.

The kernel keeps what it could not write as if it were clean: the next sync succeeds, and the data
are gone at the next start. Here they are taken away once the process has ended.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.trust.calls import Call

Range = tuple[int, int]
SYNCS = frozenset({"fsync", "fdatasync"})
WRITES = frozenset({"write", "pwrite64"})


@dataclass
class Dirty:
    """Of one file: written and not synced; and lost, by a sync that failed."""

    written: list[Range] = field(default_factory=list)
    lost: list[Range] = field(default_factory=list)
    descriptor: int = -1


@dataclass
class Pages:
    files: dict[tuple[int, int], Dirty] = field(default_factory=dict)

    def goes_on(self, call: Call) -> None:
        """Told of each call that is let go on."""
        if call.name in WRITES:
            file = self._file(call)
            where = _range(call)
            file.lost = [rest for one in file.lost for rest in _without(one, where)]
            file.written.append(where)
        elif call.name in SYNCS:
            self._file(call).written.clear()

    def fails(self, call: Call) -> None:
        if call.name in SYNCS:
            file = self._file(call)
            file.lost += file.written
            file.written = []
            if file.lost and file.descriptor < 0:
                file.descriptor = os.open(f"/proc/{call.thread}/fd/{call.arguments[0]}", os.O_RDWR)

    def lose(self) -> None:
        """The process has ended: what a failed sync left is no longer there."""
        for file in self.files.values():
            if file.descriptor >= 0:
                for start, end in file.lost:
                    _erase(file.descriptor, start, end)
                os.close(file.descriptor)

    def _file(self, call: Call) -> Dirty:
        found = Path(f"/proc/{call.thread}/fd/{call.arguments[0]}").stat()
        return self.files.setdefault((found.st_dev, found.st_ino), Dirty())


def _range(call: Call) -> Range:
    descriptor, _, count, at, *_ = call.arguments
    if call.name == "write":
        at = _position(call.thread, descriptor)
    return at, at + count


def _position(thread: int, descriptor: int) -> int:
    info = Path(f"/proc/{thread}/fdinfo/{descriptor}").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in info.splitlines() if line.startswith("pos:"))


def _without(one: Range, other: Range) -> Iterator[Range]:
    start, end = one
    for left, right in ((start, min(end, other[0])), (max(start, other[1]), end)):
        if left < right:
            yield left, right


def _erase(descriptor: int, start: int, end: int) -> None:
    end = min(end, os.fstat(descriptor).st_size)
    if start < end:
        os.pwrite(descriptor, bytes(end - start), start)
