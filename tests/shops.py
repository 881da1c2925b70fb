"""A store with folders of every kind, to be asked in advance and then to be sent to."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path as DiskPath

from storage.memory.shelves import MemoryBlobs, MemoryIndex, MemorySniffer
from storage.sqlite.index import SqliteIndex
from tests.test_feed import Everybody
from tests.trees import path
from uploads.access import ALL_RIGHTS, Access, Grant, Principal, Right
from uploads.collisions import (
    Verdict,
)
from uploads.failures import (
    Failure,
)
from uploads.policy import Policies, Policy, SameContent, SameFile, SameName
from uploads.ports import Index
from uploads.preflight import Asked, Foretold, Preflight
from uploads.receiving import Receiver
from uploads.reserving import Reservations
from uploads.rules import Limits, Rules
from uploads.settling import Arrival

ANN = Principal("ann", frozenset({"ann"}))
POLICIES = Policies(
    Policy(),
    {
        path("v"): Policy(same_name=SameName.VERSION, same_file=SameFile.ACCEPT),
        path("l"): Policy(same_content=SameContent.LINK, same_name=SameName.RENAME),
        path("x"): Policy(exact_names=True, require_conditions=True),
        path("t"): Policy(types_allowed=frozenset({"text/plain"}), extension_must_fit=True),
    },
)
GRANTS = [
    Grant(path(""), frozenset({"ann"}), ALL_RIGHTS),
    Grant(path("drop"), frozenset({"ann"}), frozenset({Right.CREATE})),
    Grant(path("drop"), frozenset({"bob"}), ALL_RIGHTS),
    Grant(path("closed"), frozenset({"bob"}), ALL_RIGHTS),
    Grant(path("keep"), frozenset({"ann"}), ALL_RIGHTS - {Right.REPLACE}),
]
LIMITS = Limits(file_size=6, quota_bytes=120, quota_files=30, parked_files=0)


@dataclass
class Shop:
    rules: Rules
    index: Index
    receiver: Receiver

    def preflight(self, who: Principal = ANN, reserve: float = 0.0) -> Preflight:
        kept = self.rules.reservations.begin(who.name, reserve) if reserve else None
        parts = self.rules, self.index, self.receiver, MemorySniffer()
        return Preflight(*parts, who, asyncio.Lock(), kept)


@asynccontextmanager
async def opened_shop(kind: str, folder: DiskPath) -> AsyncIterator[Shop]:
    blobs = MemoryBlobs()
    index: MemoryIndex | SqliteIndex
    if kind == "memory":
        index = MemoryIndex(POLICIES.keys, blobs)
    else:
        index = await SqliteIndex.open(
            folder, keys=POLICIES.keys, blobs=blobs, publish=lambda _: None, clock=lambda: 0.0
        )
    rules = Rules(Access(GRANTS), POLICIES, LIMITS, Everybody(), Reservations(5, Clock()))
    receiver = Receiver(rules, index, blobs, MemorySniffer(), lambda _: None, lambda: 0.0)
    yield Shop(rules, index, receiver)
    await index.close()


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Item:
    asked: Asked
    body: bytes


def identity(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def item(name: str, body: bytes, *, said: bool = True, post: bool = False, **more: object) -> Item:
    arrival = Arrival("plain", path(name), ANN, size=len(body), may_rename=post)
    arrival = replace(arrival, **more)  # type: ignore[arg-type]
    return Item(Asked(-1, arrival, identity(body) if said else None), body)


async def send(shop: Shop, one: Item) -> Verdict | Failure:
    async def body() -> AsyncIterator[bytes]:
        yield one.body

    try:
        return (await shop.receiver.receive(one.asked.arrival, body())).verdict
    except Failure as failure:
        return failure


async def foretold(shop: Shop, items: list[Item], slices: int = 3) -> list[Foretold]:
    preflight = shop.preflight()
    found: list[Foretold] = []
    asked = [replace(one.asked, number=number) for number, one in enumerate(items)]
    for start in range(0, len(asked), slices):
        found += await preflight.judge(asked[start : start + slices])
    return found
