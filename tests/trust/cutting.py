"""Power cuts: every scenario on a real file system, on a disk that can be as it was at any moment."""

import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path as Folder
from typing import Any

from tests.trust import looking
from tests.trust.blocks import FLUSH, Cut
from tests.trust.calls import Ended
from tests.trust.filesystems import KINDS, Kind, Recorder
from tests.trust.ledger import Ledger
from tests.trust.scenarios import SCENARIOS, rehearsed
from tests.trust.spreading import in_memory


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


class Machine(Recorder):
    """All scenarios, recorded on one disk; then that disk at any moment of them."""

    def __init__(self, kind: Kind, folder: Folder) -> None:
        super().__init__(kind, folder)
        self.recorded: dict[str, Recorded] = {}

    def record(self) -> None:
        rehearsed()
        with self.recording() as place:
            for name in SCENARIOS:
                self.recorded[name] = self._recorded(name, place)

    def faults(self, power: Power) -> list[str]:
        ledger = self.recorded[power.scenario].ledger(power.cut.entries)
        try:
            with self.after(power.cut) as place:
                data = place / power.scenario
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
                yield Power(self.kind.name, scenario, self.some(entries, chance))

    def _scenario_at(self, entries: int) -> str:
        """Of the last that had begun: what comes after its end is of nobody else."""
        begun = [name for name, one in self.recorded.items() if one.start < entries]
        return begun[-1] if begun else next(iter(self.recorded))

    def _recorded(self, name: str, place: Folder) -> Recorded:
        scenario, data = SCENARIOS[name], place / name
        before = scenario.begun(data)
        self.empty_journal()
        found = Recorded(before, self.count())
        if scenario.is_prepared:
            found.hear(scenario.prepare_apart(data, self.count))
        found.hear(scenario.act_apart(data, self.count))
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
