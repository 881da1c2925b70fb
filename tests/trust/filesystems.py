"""File systems on a disk that remembers: recorded once, and shown as they were at any moment."""

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path as Folder
from types import TracebackType
from typing import Self

from tests.mounts import must
from tests.trust.blocks import (
    PAGE,
    SECTOR,
    Cut,
    Disk,
    Log,
    empty_journal,
    loop_on,
    mounted,
    sync_all,
)

MIB = 1 << 20


@dataclass(frozen=True)
class Kind:
    """A file system: how it is made, and how it is mounted. `sector`: what it takes for granted to
    be written as one.
    """

    name: str
    size: int
    made: tuple[str, ...]
    options: str = ""
    sector: int = SECTOR


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        # Its superblock is a block with a checksum: half of it would not be mounted.
        Kind(
            "ext4",
            96 * MIB,
            (
                *("mkfs.ext4", "-q", "-b", "1024", "-N", "20000"),
                *("-E", "lazy_itable_init=0,lazy_journal_init=0"),
            ),
            sector=2 * SECTOR,
        ),
        # A log of the usual size takes most of the time of a mount.
        Kind("xfs", 160 * MIB, ("mkfs.xfs", "-q", "--unsupported", "-l", "size=8m")),
        Kind("btrfs", 160 * MIB, ("mkfs.btrfs", "-q"), "commit=300", PAGE),
    )
}


class Recorder:
    """A new file system of this kind; `log` is empty until the recording has ended."""

    def __init__(self, kind: Kind, folder: Folder) -> None:
        self.kind = kind
        self.log = Log()
        self._around = ExitStack()
        image, self._place = folder / "image", folder / "mounted"
        with image.open("wb") as file:
            file.truncate(kind.size)
        must(*kind.made, str(image))
        self._place.mkdir()
        self._disk = Disk(image, folder / "disk")
        self._around.callback(self._disk.close)
        self._device = self._around.enter_context(loop_on(self._disk.place))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._around.close()

    @contextmanager
    def recording(self) -> Iterator[Folder]:
        with mounted(self._device, self._place, self.kind.name, self.kind.options) as folder:
            yield folder
        self.log = self._disk.log()

    def count(self) -> int:
        """How many entries the log has by now."""
        return self._disk.count()

    def sync(self) -> None:
        sync_all(self._place)

    def empty_journal(self) -> None:
        """As a sync. Each mount of what is recorded later plays again what came since."""
        empty_journal(self._place)

    @contextmanager
    def after(self, cut: Cut) -> Iterator[Folder]:
        """Cuts come in the order of their entries."""
        self._disk.cut(cut)
        with mounted(self._device, self._place, self.kind.name, self.kind.options) as folder:
            yield folder

    def some(self, entries: int, chance: random.Random) -> Cut:
        """Before so many entries and after the flush before them, with a part of what was written
        since, and with a write that is torn.
        """
        window = self.log.since_flush(entries)
        end = chance.randint(window.start + 1, entries)
        written = range(window.start, end)
        share = chance.choice((0.0, 0.2, 0.5, 0.9))
        dropped = tuple(number for number in written if chance.random() < share)
        torn = chance.choice(written) if chance.random() < 0.5 else None
        return Cut(end, dropped, torn, self.kind.sector)
