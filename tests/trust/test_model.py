"""The whole store beside a dictionary: any steps in any order, collection and restarts among them.

`EXAMPLES=5000` makes the long run.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path as DiskPath
from typing import Any, TypeVar

import blake3
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from storage.memory.shelves import MemorySniffer
from storage.upkeep.collecting import Keep, collect, sweep
from storage.upkeep.verify import verify
from tests.shelves import INLINE_BELOW, PLAIN, Shelves, shelves
from tests.shops import ANN
from tests.test_feed import Everybody
from tests.trees import path
from uploads.access import ALL_RIGHTS, Access, Grant
from uploads.conditions import UNCONDITIONAL, Condition, Tags
from uploads.failures import Failure, NotThere
from uploads.files import StoredFile
from uploads.fitting import Fitting
from uploads.holdings import Held, Holdings
from uploads.names import Limits as NameLimits
from uploads.parking import Parking
from uploads.receiving import Receiver
from uploads.rules import Limits, Rules
from uploads.settling import Arrival, Discard, Outcome, Placed, Removed, Resolution
from uploads.tree import Tree

EXAMPLES = int(os.environ.get("EXAMPLES", "60"))
STEPS = 40
T = TypeVar("T")

KEEP_VERSIONS, KEEP_PARKED = 100.0, 50.0
NAMES = ("a", "A", "b", "c", "d/a", "d/e")
# Some rest in the index, some in files of their own.
BODIES = (b"", b"one", b"two", b"1" * INLINE_BELOW, b"2" * INLINE_BELOW, b"3" * 5_000)
names, bodies = st.sampled_from(NAMES), st.sampled_from(BODIES)
conditions = st.sampled_from(["none", "current", "stale", "anything", "nothing"])


@dataclass
class Standing:
    """What the dictionary holds under a name."""

    number: int
    body: bytes

    @property
    def etag(self) -> str:
        return f'"{self.number}-{blake3.blake3(self.body).hexdigest()[:16]}"'


@dataclass
class Model:
    """Names and what stands there, what can be brought back until when, and what waits."""

    now: float = 1_000.0
    files: dict[str, Standing] = field(default_factory=dict)
    past: dict[tuple[str, int], tuple[bytes, float]] = field(default_factory=dict)
    parked: dict[str, tuple[bytes, float]] = field(default_factory=dict)

    def verdict(self, name: str, body: bytes, condition: str) -> str:
        """The rules of a bare upload in a folder that refuses, in ten lines."""
        here = self.files.get(name)
        spelled = [one for one in self.files if one.casefold() == name.casefold() and one != name]
        twin = any(one.body == body for at, one in self.files.items() if at != name)
        if spelled:
            return "NameEquivalent"
        if here is None:
            overwrites = condition in {"current", "stale", "anything"}
            return "Stale" if overwrites else "ContentKnown" if twin else "Create"
        if condition in {"stale", "nothing"}:
            return "Stale"
        if condition in {"current", "anything"}:
            return "Unchanged" if body == here.body else "Replace"
        return "AlreadyStored" if body == here.body else "NameTaken"

    def put(self, name: str, number: int, body: bytes) -> None:
        self.take_away(name)
        self.files[name] = Standing(number, body)

    def take_away(self, name: str) -> None:
        if (before := self.files.pop(name, None)) is not None:
            self.past[name, before.number] = (before.body, self.now)

    def forget(self) -> None:
        self.past = {at: it for at, it in self.past.items() if it[1] >= self.now - KEEP_VERSIONS}
        self.parked = {id_: it for id_, it in self.parked.items() if it[1] > self.now}

    def is_empty(self, folder: str) -> bool:
        return not any(name.startswith(f"{folder}/") for name in self.files)


@dataclass
class Store:
    """The rules over the real shelves, without a door."""

    shelves: Shelves
    receiver: Receiver
    tree: Tree
    parking: Parking
    holdings: Holdings

    @classmethod
    def over(cls, opened: Shelves, model: Model) -> "Store":
        def clock() -> float:
            return model.now

        limits = Limits(keep_parked=KEEP_PARKED)
        access = Access([Grant(path(""), frozenset({"ann"}), ALL_RIGHTS)])
        rules = Rules(access, PLAIN, limits, Everybody())
        index, blobs, sniffer = opened.index, opened.blobs, MemorySniffer()
        return cls(
            opened,
            Receiver(rules, index, blobs, sniffer, lambda _: None, clock),
            Tree(rules, index, clock, Fitting(rules, NameLimits(), sniffer)),
            Parking(rules, index, blobs, sniffer, lambda _: None, clock),
            Holdings(rules, index, blobs),
        )

    async def read(self, held: Held) -> bytes:
        reading = held.reading or await self.holdings.open(held.file)
        try:
            return await reading.read(0, reading.size)
        finally:
            reading.close()


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), 1_000):
        yield body[at : at + 1_000]


class Machine(RuleBasedStateMachine):
    versions: Bundle[tuple[str, int]] = Bundle("versions")
    waiting: Bundle[tuple[str, tuple[Resolution, ...]]] = Bundle("waiting")

    def __init__(self) -> None:
        super().__init__()
        self.data = DiskPath(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.open = AsyncExitStack()
        self.model = Model()

    def run(self, steps: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(steps)

    @initialize()
    def starts(self) -> None:
        opened = self.run(self.open.enter_async_context(shelves(self.data)))
        self.store = Store.over(opened, self.model)

    def condition(self, name: str, kind: str) -> Condition:
        here = self.model.files.get(name)
        match kind:
            case "current":
                tag = here.etag if here else '"1-0000000000000000"'
                return Condition(Tags(strong=frozenset({tag})))
            case "stale":
                return Condition(Tags(strong=frozenset({'"0-0000000000000000"'})))
            case "anything":
                return Condition(Tags(any=True))
            case "nothing":
                return Condition(None, Tags(any=True))
            case _:
                return UNCONDITIONAL

    @rule(target=versions, name=names, body=bodies, kind=conditions)
    def put(self, name: str, body: bytes, kind: str) -> Any:
        wanted = self.model.verdict(name, body, kind)
        arrival = Arrival("plain", path(name), ANN, self.condition(name, kind), size=len(body))
        outcome = self.run(self.store.receiver.receive(arrival, pieces(body)))
        assert type(outcome.verdict).__name__ == wanted
        return self.note(name, outcome, body)

    def note(self, name: str, outcome: Outcome, body: bytes) -> Any:
        if outcome.parked is not None:
            self.model.parked[outcome.parked.id] = (body, self.model.now + KEEP_PARKED)
        if not outcome.accepted:
            return multiple()
        assert outcome.file is not None
        if outcome.file.version.number != self.number(name):
            self.model.put(name, outcome.file.version.number, body)
        return name, outcome.file.version.number

    def number(self, name: str) -> int | None:
        here = self.model.files.get(name)
        return here.number if here else None

    @rule(target=waiting)
    def look_at_what_waits(self) -> Any:
        looked = [
            (id_, self.run(self.store.parking.look(id_, ANN)).resolutions)
            for id_, (_, expires) in self.model.parked.items()
            if expires > self.model.now
        ]
        return multiple(*looked)

    @rule(target=versions, offered=consumes(waiting), choice=st.integers(0, 9))
    def settle(self, offered: tuple[str, tuple[Resolution, ...]], choice: int) -> Any:
        """What was offered may not hold any more: then it is refused, and waits on."""
        id_, resolutions = offered
        body, expires = self.model.parked.get(id_, (b"", 0.0))
        if not resolutions or expires <= self.model.now:
            return multiple()
        wanted = resolutions[choice % len(resolutions)]
        if isinstance(wanted, Discard):
            self.run(self.store.parking.discard(id_, ANN))
            del self.model.parked[id_]
            return multiple()
        outcome = self.run(self.store.parking.resolve(id_, ANN, wanted))
        name = str(outcome.path)
        if outcome.accepted:
            del self.model.parked[id_]
        return self.note(name, outcome, body)

    @rule(name=names, kind=conditions)
    def delete(self, name: str, kind: str) -> None:
        done = self.done(
            self.store.tree.delete(ANN, path(name), self.condition(name, kind), recursive=False)
        )
        here = name in self.model.files
        met = here and kind not in {"stale", "nothing"}
        assert isinstance(done, Removed if met else Outcome if here else NotThere)
        if isinstance(done, Removed):
            self.model.take_away(name)

    @rule()
    def delete_the_folder(self) -> None:
        done = self.done(self.store.tree.delete(ANN, path("d"), UNCONDITIONAL, recursive=True))
        if isinstance(done, Removed):
            for name in [name for name in self.model.files if name.startswith("d/")]:
                self.model.take_away(name)
        else:
            assert self.model.is_empty("d")

    @rule(target=versions, source=names, to=names)
    def move(self, source: str, to: str) -> Any:
        done = self.done(
            self.store.tree.move(ANN, path(source), path(to), UNCONDITIONAL, recursive=False)
        )
        here = self.model.files.get(source)
        if not isinstance(done, Placed):
            assert here is None or self.stands_in_the_way(source, to)
            return multiple()
        assert here is not None
        assert not self.stands_in_the_way(source, to)
        # Its history goes with it.
        del self.model.files[source]
        for at in [at for at in self.model.past if at[0] == source]:
            del self.model.past[at]
        assert isinstance(done.entry, StoredFile)
        self.model.files[to] = Standing(done.entry.version.number, here.body)
        return to, done.entry.version.number

    def stands_in_the_way(self, source: str, to: str) -> bool:
        others = (name.casefold() for name in self.model.files if name != source)
        return to == source or to.casefold() in others

    @rule(target=versions, source=names, to=names)
    def copy(self, source: str, to: str) -> Any:
        done = self.done(self.store.tree.copy(ANN, path(source), path(to), UNCONDITIONAL))
        here = self.model.files.get(source)
        taken = to.casefold() in {name.casefold() for name in self.model.files}
        if not isinstance(done, Placed):
            assert here is None or taken
            return multiple()
        assert here is not None
        assert not taken
        assert isinstance(done.entry, StoredFile)
        self.model.put(to, done.entry.version.number, here.body)
        return to, done.entry.version.number

    @rule(target=versions, version=versions)
    def restore(self, version: tuple[str, int]) -> Any:
        name, number = version
        known = self.model.past.get(version)
        done = self.done(self.store.tree.restore(ANN, path(name), number, UNCONDITIONAL))
        if not isinstance(done, Outcome) or not done.accepted:
            taken = name.casefold() in {one.casefold() for one in self.model.files}
            assert known is None or taken
            return multiple()
        assert done.file is not None
        body = self.body_of(done.file)
        assert known is None or body == known[0]
        if done.file.version.number != self.number(name):
            self.model.put(name, done.file.version.number, body)
        return name, done.file.version.number

    def body_of(self, file: StoredFile) -> bytes:
        return next(body for body in BODIES if blake3.blake3(body).hexdigest() == file.content.hex)

    def done(self, asked: Coroutine[Any, Any, T]) -> T | Failure:
        try:
            return self.run(asked)
        except Failure as failure:
            return failure

    @rule(seconds=st.sampled_from([1.0, KEEP_PARKED, KEEP_VERSIONS + 1]))
    def time_goes_by(self, seconds: float) -> None:
        self.model.now += seconds

    @rule()
    def what_is_past_its_time_is_collected(self) -> None:
        self.run(self.collect())

    async def collect(self) -> None:
        opened = self.store.shelves
        keep = Keep(versions=KEEP_VERSIONS)
        await collect(opened.index, opened.blobs, self.data, self.model.now, keep)
        await sweep(opened.index, opened.blobs, self.data, float("inf"))
        self.model.forget()

    @rule()
    def restart(self) -> None:
        self.run(self.open.aclose())
        self.starts()

    @invariant()
    def every_name_has_its_bytes_and_nothing_else_has_a_name(self) -> None:
        for name in NAMES:
            here = self.model.files.get(name)
            held = self.done(self.store.holdings.find(ANN, path(name)))
            if here is None:
                assert isinstance(held, NotThere)
                continue
            assert isinstance(held, Held)
            assert (held.file.etag, self.run(self.store.read(held))) == (here.etag, here.body)

    @invariant()
    def what_waits_has_its_bytes(self) -> None:
        for id_, (body, expires) in self.model.parked.items():
            if expires > self.model.now:
                upload, reading = self.run(self.store.parking.open(id_, ANN))
                assert self.run(reading.read(0, upload.content.size)) == body
                reading.close()

    def teardown(self) -> None:
        try:
            self.ends()
        finally:
            self.runner.close()
            shutil.rmtree(self.data)

    def ends(self) -> None:
        """Long after the last change no byte is left that has no name."""
        self.model.now += KEEP_VERSIONS + KEEP_PARKED
        self.run(self.collect())
        self.run(self.open.aclose())
        assert verify(self.data, scrub=True).findings == ()
        on_disk = {blob.name for blob in (self.data / "blobs").glob("*/*")}
        large = {one.body for one in self.model.files.values() if len(one.body) >= INLINE_BELOW}
        assert on_disk == {blake3.blake3(body).hexdigest() for body in large}


@pytest.mark.slow
@pytest.mark.timeout(600 + 3 * EXAMPLES)  # what fails is made short, which takes up to 300 s
def test_the_store_does_what_a_dictionary_does_whatever_the_steps() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=EXAMPLES <= 100,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
