"""Power cuts: every scenario on a real file system, on a disk that can be as it was at any moment."""

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path as Folder
from types import TracebackType
from typing import Any, Self

from tests.mounts import must
from tests.trust import looking
from tests.trust.blocks import FLUSH, PAGE, SECTOR, Cut, Disk, Log, loop_on, mounted, sync_all
from tests.trust.calls import Ended
from tests.trust.ledger import Ledger
from tests.trust.scenarios import SCENARIOS, rehearsed
from tests.trust.spreading import in_memory

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


@dataclass(frozen=True)
class Power:
    """A cut of the power while a scenario runs on this file system."""

    kind: str
    scenario: str
    cut: Cut


@dataclass
class Recorded:
    """What was there before, after how many entries of the log it began, and what was said when."""

    before: Ledger
    start: int
    said: list[tuple[int, list[Any]]] = field(default_factory=list)

    def hear(self, ended: Ended) -> None:
        self.said += zip(ended.at, ended.said, strict=True)

    def ledger(self, entries: int) -> Ledger:
        """What its clients knew by then."""
        ledger = deepcopy(self.before)
        ledger.hear(words for at, words in self.said if at <= entries)
        return ledger


class Machine:
    """All scenarios, recorded on one disk; then that disk at any moment of them."""

    def __init__(self, kind: Kind, folder: Folder) -> None:
        self.kind = kind
        self.recorded: dict[str, Recorded] = {}
        self.log = Log()
        self._around = ExitStack()
        self._image, self._place = folder / "image", folder / "mounted"
        with self._image.open("wb") as image:
            image.truncate(kind.size)
        must(*kind.made, str(self._image))
        self._place.mkdir()
        self._disk = Disk(self._image, folder / "disk")
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

    def record(self) -> None:
        rehearsed()
        with mounted(self._device, self._place, self.kind.name, self.kind.options):
            for name in SCENARIOS:
                self.recorded[name] = self._recorded(name)
        self.log = self._disk.log()

    def faults(self, power: Power) -> list[str]:
        """Cuts come in the order of their entries."""
        self._disk.cut(power.cut)
        ledger = self.recorded[power.scenario].ledger(power.cut.entries)
        try:
            with mounted(self._device, self._place, self.kind.name, self.kind.options):
                data = self._place / power.scenario
                data.mkdir(exist_ok=True)
                return looking.faults(data, ledger)
        except OSError as error:
            return [f"7: {error}"]

    def cuts(self, chance: random.Random, each: int) -> Iterator[Power]:
        """At every flush, and `each` times between two: with all that was written since, with a part
        of it, and with a write that is torn.
        """
        for entries, at in enumerate(self.log.entries, 1):
            scenario = self._scenario_at(entries)
            if at == FLUSH:
                yield Power(self.kind.name, scenario, Cut(entries))
                continue
            ends = entries == len(self.log.entries) or self.log.entries[entries] == FLUSH
            for _ in range(each if ends else 0):
                yield Power(self.kind.name, scenario, self._some(entries, chance))

    def _some(self, entries: int, chance: random.Random) -> Cut:
        window = self.log.since_flush(entries)
        end = chance.randint(window.start + 1, entries)
        written = range(window.start, end)
        share = chance.choice((0.0, 0.2, 0.5, 0.9))
        dropped = tuple(number for number in written if chance.random() < share)
        torn = chance.choice(written) if chance.random() < 0.5 else None
        return Cut(end, dropped, torn, self.kind.sector)

    def _scenario_at(self, entries: int) -> str:
        """Of the last that had begun: what comes after its end is of nobody else."""
        begun = [name for name, one in self.recorded.items() if one.start < entries]
        return begun[-1] if begun else next(iter(self.recorded))

    def _recorded(self, name: str) -> Recorded:
        scenario, data = SCENARIOS[name], self._place / name
        before = scenario.begun(data)
        sync_all(self._place)
        found = Recorded(before, self._disk.count())
        if scenario.is_prepared:
            found.hear(scenario.prepare_apart(data, self._disk.count))
        found.hear(scenario.act_apart(data, self._disk.count))
        return found


@dataclass(frozen=True)
class Survey:
    """So many cuts on this file system, chosen by a seed; all there are where it is None."""

    kind: str
    seed: int
    states: int | None
    each: int = 2

    def faults(self) -> list[str]:
        with in_memory() as folder, Machine(KINDS[self.kind], folder) as machine:
            machine.record()
            found: list[str] = []
            for power in self._chosen(machine):
                broken = machine.faults(power)
                found += [f"{power}: {fault}" for fault in broken]
            return found

    def _chosen(self, machine: Machine) -> list[Power]:
        chance = random.Random(self.seed)
        cuts = list(machine.cuts(chance, self.each))
        if self.states is None:
            return cuts
        assert len(cuts) >= self.states, "too little was recorded"
        return [cuts[number] for number in sorted(chance.sample(range(len(cuts)), self.states))]
