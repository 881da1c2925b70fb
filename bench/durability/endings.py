"""Ends of a server that runs: the power of its disk goes, or it is killed."""

import random
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from bench.durability.judging import Tally, nothing, reading
from bench.durability.load import Clients, Pace, Uploads
from bench.peers.running import Silent, free_port, serving
from bench.peers.servers import Place, Server
from tests.trust.blocks import FLUSH, Cut
from tests.trust.filesystems import KINDS, MIB, Recorder
from tests.trust.spreading import in_memory

DISK = 512 * MIB
STEADY = Pace()
DRIPPING = Pace(every=0.05, pause=0.05, share_of_large=0.3)
FILES_BEFORE = 40


@dataclass(frozen=True)
class PowerCuts:
    """One recording of so many seconds on this file system, with its usual options; then that disk
    in so many states.
    """

    kind: str
    seconds: float
    states: int
    seed: int

    def of(self, server: Server, processors: str) -> Tally:
        kind = replace(KINDS[self.kind], size=DISK, options="")
        with in_memory() as folder, Recorder(kind, folder) as disk:
            begin, uploads = self._record(server, processors, disk)
            tally = Tally()
            for cut in self._cuts(disk, begin, uploads):
                try:
                    with disk.after(cut) as root:
                        _look(tally, server, processors, root / "served", uploads, cut.entries)
                except OSError:
                    tally.unreadable += 1
            return tally

    def _record(self, server: Server, processors: str, disk: Recorder) -> tuple[int, Uploads]:
        """After how many entries the clients began; files of before are on the disk by then."""
        with disk.recording() as root:
            place = Place(free_port(), root / "served", root / "private")
            place.served.mkdir()
            place.private.mkdir()
            with serving(server, place, processors) as one:
                clients = Clients(server, place.port, self.seed, disk.count)
                clients.prepare(FILES_BEFORE, STEADY)
                disk.sync()
                begin, ended = disk.count(), threading.Event()
                threads = clients.bring(STEADY, ended)
                ended.wait(self.seconds)
                ended.set()
                for thread in threads:
                    thread.join()
                live = Tally()
                live.judge(clients.uploads, disk.count(), reading(server, place))
                one.kill()
        if clients.refused or live.lost:
            told = f"{len(clients.refused)} uploads {clients.refused[:3]}, kept {live}"
            raise SystemExit(f"{server.name} did not do what was asked: refused {told}")
        return begin, clients.uploads

    def _cuts(self, disk: Recorder, begin: int, uploads: Uploads) -> list[Cut]:
        """A third at flushes, as far as there are so many; the others at random answers: half of
        these with all that was written by then, half with a part of what was since the last flush.
        """
        chance = random.Random(self.seed)
        answers = [
            one.heard.entries
            for versions in uploads.values()
            for one in versions
            if one.heard is not None and one.heard.entries >= begin
        ]
        entries = disk.log.entries[: max(answers)]
        flushes = [number for number, at in enumerate(entries, 1) if at == FLUSH and number > begin]
        third = min(self.states // 3, len(flushes))
        cuts = [Cut(number) for number in chance.sample(flushes, third)]
        for number in range(self.states - third):
            at = chance.choice(answers)
            whole = number % 2 == 0 or not disk.log.since_flush(at)
            cuts.append(Cut(at) if whole else disk.some(at, chance))
        return sorted(cuts, key=lambda cut: cut.entries)


@dataclass(frozen=True)
class Kills:
    """So many times `kill -9` while uploads are on their way, each on a fresh folder."""

    times: int
    seed: int
    folder: Path

    def of(self, server: Server, processors: str) -> Tally:
        tally = Tally()
        for number in range(self.times):
            with tempfile.TemporaryDirectory(dir=self.folder) as served:
                uploads = self._kill(server, processors, Path(served), self.seed + number)
                _look(tally, server, processors, Path(served), uploads, 0)
        return tally

    def _kill(self, server: Server, processors: str, served: Path, seed: int) -> Uploads:
        with tempfile.TemporaryDirectory() as private:
            place = Place(free_port(), served, Path(private))
            with serving(server, place, processors) as one:
                clients = Clients(server, place.port, seed, lambda: 0)
                clients.prepare(FILES_BEFORE, STEADY)
                ended = threading.Event()
                threads = clients.bring(DRIPPING, ended)
                ended.wait(random.Random(seed).uniform(1.0, 3.0))
                one.kill()
                ended.set()
                for thread in threads:
                    thread.join()
        return clients.uploads


def _look(
    tally: Tally, server: Server, processors: str, served: Path, uploads: Uploads, entries: int
) -> None:
    """By the server itself, started again on what is left. What it has beside that is new."""
    served.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as private:
        place = Place(free_port(), served, Path(private))
        try:
            with serving(server, place, processors) as one:
                tally.judge(uploads, entries, reading(server, place))
                one.kill()
        except Silent:
            tally.silent += 1
            tally.judge(uploads, entries, nothing)
