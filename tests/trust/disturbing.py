"""kill -9 before each call, and each call failing: which disturbances there are, and what they break.

Every disturbance is a value with a seed's whole choice in it, so that it can be done again alone.
"""

import errno
import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path as Folder

from tests.trust import looking
from tests.trust.calls import CHANGES, GO_ON, LOOKS, Call, Ended, Fail, Fate, Half, Kill, Onlooker
from tests.trust.disk import SYNCS, WRITES, Pages
from tests.trust.ledger import Ledger
from tests.trust.scenarios import SCENARIOS, copied, rehearsed, remove

DEEPEST = 3
RECOVERY_CALLS = 60
HALF = 0
WRITE_ERRORS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EINTR)
ERRORS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("write", "pwrite64"), (*WRITE_ERRORS, HALF)),
    **dict.fromkeys(("fsync", "fdatasync"), WRITE_ERRORS),
    **dict.fromkeys(("ftruncate", "fallocate"), WRITE_ERRORS),
    "openat": (errno.EMFILE, errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EINTR),
    **dict.fromkeys(
        ("link", "linkat", "rename", "renameat", "unlink", "unlinkat", "mkdir", "mkdirat"),
        (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS),
    ),
    **dict.fromkeys(("fchmod", "chmod", "fchmodat"), (errno.EIO, errno.EROFS)),
    **dict.fromkeys(("read", "pread64"), (errno.EIO, errno.EINTR)),
    **dict.fromkeys(("newfstatat", "getdents64", "statfs"), (errno.EIO,)),
    "flock": (errno.EINTR, errno.ENOLCK),
}


@dataclass(frozen=True)
class Killed:
    """`at`: before which change. `torn`: the write before it took half of what it was given.
    `again`: before which changes the starts that follow are killed.
    """

    scenario: str
    at: int
    torn: bool = False
    again: tuple[int, ...] = ()


@dataclass(frozen=True)
class Failing:
    """The call of this name and number fails; `lasts`: so do all of that name after it."""

    scenario: str
    name: str
    number: int
    error: int
    lasts: bool = False


Disturbance = Killed | Failing


@dataclass
class Prepared:
    """Every scenario's folder before it, what was acknowledged there, which changes it makes one
    after the other, and how many calls of each name.
    """

    folder: Folder
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    changes: dict[str, list[str]] = field(default_factory=dict)
    calls: dict[str, Counter[str]] = field(default_factory=dict)

    @classmethod
    def in_folder(cls, folder: Folder) -> "Prepared":
        prepared = cls(folder)
        rehearsed()
        for name, scenario in SCENARIOS.items():
            prepared.ledgers[name] = scenario.prepared(folder / name)
            prepared._count(name)
        return prepared

    def kills(self, chance: random.Random) -> Iterator[Killed]:
        for name, changes in self.changes.items():
            for at in range(1, len(changes) + 1):
                deeper = chance.randrange(DEEPEST)
                again = tuple(chance.randint(1, RECOVERY_CALLS) for _ in range(deeper))
                yield Killed(name, at, chance.random() < 0.3, again)

    def failures(self) -> Iterator[Failing]:
        for scenario, calls in self.calls.items():
            for name, count in calls.items():
                for error in ERRORS.get(name, ()):
                    for number in range(1, count + 1):
                        yield Failing(scenario, name, number, error)
                        if error in {errno.EIO, errno.ENOSPC, errno.EROFS}:
                            yield Failing(scenario, name, number, error, lasts=True)

    def some_failures(self, chance: random.Random) -> Iterator[Failing]:
        """The same in an order by chance in which each call and error comes as often as others.

        A few calls come or stay away as threads meet. The order of all others is the same in each
        run, so that a run that was ended goes on where it was.
        """
        salt = chance.getrandbits(64)
        kinds: dict[tuple[str, int, bool], list[Failing]] = {}
        for one in self.failures():
            kinds.setdefault((one.name, one.error, one.lasts), []).append(one)
        for waiting in kinds.values():
            waiting.sort(key=lambda one: sha256(f"{salt} {one}".encode()).digest())
        while kinds:
            for kind in list(kinds):
                yield kinds[kind].pop()
                if not kinds[kind]:
                    del kinds[kind]

    def faults(self, disturbance: Disturbance) -> list[str]:
        """What it breaks."""
        name = disturbance.scenario
        data = copied(self.folder / name, self.folder / f"{name} run {os.getpid()}")
        try:
            if isinstance(disturbance, Killed):
                return self._killed(disturbance, data)
            return self._failing(disturbance, data)
        finally:
            remove(data, self.folder / name)

    def _count(self, name: str) -> None:
        counted: Counter[str] = Counter()
        changes: list[str] = []
        data = copied(self.folder / name, self.folder / f"{name} run")

        def count(call: Call) -> None:
            if call.place.startswith(str(data)):
                counted[call.name] += 1
                if call.changes:
                    changes.append(call.name)

        ended = SCENARIOS[name].run(data, Onlooker(CHANGES | LOOKS, count))
        assert ended.code == 0, ended
        self.changes[name], self.calls[name] = changes, counted
        remove(data, self.folder / name)

    def _killed(self, kill: Killed, data: Folder) -> list[str]:
        ledger = deepcopy(self.ledgers[kill.scenario])
        ended = SCENARIOS[kill.scenario].run(data, _Killing(data, kill.at, torn=kill.torn))
        ledger.hear(ended.said)
        if ended.hung:
            return ["7: it hangs"]
        for at in kill.again:
            looking.recover(data, _Killing(data, at))
        return looking.faults(data, ledger)

    def _failing(self, failing: Failing, data: Folder) -> list[str]:
        ledger = deepcopy(self.ledgers[failing.scenario])
        judge = _Failing(data, failing)
        ended = SCENARIOS[failing.scenario].run(data, judge)
        judge.pages.lose()
        ledger.hear(ended.said)
        found = ["7: it hangs"] if ended.hung else []
        if ended.code not in {0, 1}:
            found.append(f"7: it ends with {ended.code}")
        found += _not_as_it_should_go_on(failing, judge.came_in, ended)
        return found + looking.faults(data, ledger)


def _not_as_it_should_go_on(failing: Failing, came_in: str, ended: Ended) -> Iterator[str]:
    """After a sync that failed nothing more is taken; after all else it goes on by itself. Why the
    sync of its log failed SQLite does not tell, so that any reason may be an end.
    """
    after = next((words[0] for kind, *words in ended.said if kind == "afterwards"), None)
    if came_in != "open" or after is None or failing.lasts:
        return
    if failing.error == errno.EIO and failing.name in SYNCS:
        if any(after):
            yield "7: it goes on after a sync that failed"
    elif failing.error != errno.EIO and failing.name != "fdatasync" and not all(after):
        yield "7: it does not go on by itself"


class _Killing:
    names = CHANGES

    def __init__(self, data: Folder, at: int, *, torn: bool = False) -> None:
        self._data, self._left, self._torn = str(data), at, torn

    def __call__(self, call: Call) -> Fate:
        if not call.changes or not call.place.startswith(self._data):
            return GO_ON
        self._left -= 1
        if self._left == 1 and self._torn and call.name in {"write", "pwrite64"}:
            return Half()
        return Kill() if self._left <= 0 else GO_ON


class _Failing:
    def __init__(self, data: Folder, failing: Failing) -> None:
        syncing = WRITES | SYNCS if failing.name in SYNCS else frozenset[str]()
        self.names = syncing | {failing.name}
        self.pages = Pages()
        self.came_in = ""
        self._data, self._failing, self._left = str(data), failing, failing.number

    def __call__(self, call: Call) -> Fate:
        if not call.place.startswith(self._data):
            return GO_ON
        if self._is_due(call):
            self.came_in = self.came_in or self._phase(call)
            if self._failing.error == HALF:
                return Half()
            if self._failing.error != errno.EINTR:  # Nothing is lost then: it is tried again.
                self.pages.fails(call)
            return Fail(self._failing.error)
        if self._failing.name in SYNCS:
            self.pages.goes_on(call)
        return GO_ON

    def _is_due(self, call: Call) -> bool:
        if call.name != self._failing.name:
            return False
        self._left -= 1
        return self._left == 0 or (self._left < 0 and self._failing.lasts)

    def _phase(self, call: Call) -> str:
        if call.name == "fdatasync" and call.place == self._data:
            # The entry of the log, which SQLite syncs once more than it has to, and does not mind.
            return "spare"
        kinds = [kind for kind, *_ in call.said]
        return next((kind for kind in ("acted", "open") if kind in kinds), "start")
