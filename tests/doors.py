"""All doors over a real index and a real disk, behind a real socket."""

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path as DiskPath
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from handlers import app, protocol
from handlers.health import Health
from handlers.metrics import Metrics
from handlers.parts import HttpSettings, Parts
from storage.disk.blobs import DiskBlobs
from storage.memory.shelves import (
    MemoryAccounts,
    MemoryBlobs,
    MemoryIndex,
    MemorySniffer,
    MemoryUnfinished,
)
from storage.sniffing import MagicSniffer
from storage.sqlite.index import SqliteIndex
from uploads import names
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Access, Grant, Principal
from uploads.accounts import Accounts
from uploads.admission import Admission
from uploads.bell import Bell
from uploads.describing import Describing
from uploads.events import Event, Publish
from uploads.feed import Feed
from uploads.fitting import Fitting
from uploads.holdings import Holdings
from uploads.locking import Locking
from uploads.names import Path
from uploads.parking import Parking
from uploads.policy import Policies, Policy
from uploads.ports import Blobs, Clock, Index, Sniffer
from uploads.preflight import Preflights
from uploads.receiving import Receiver
from uploads.resuming import Resuming
from uploads.rules import Limits, Rules
from uploads.transfers import Transfers
from uploads.tree import Tree

ROOT = Path(())
PLAIN = Policies(Policy(), {})
INLINE_BELOW = 1024
FOLLOWERS, FOLLOWERS_EACH = 6, 3
PREFLIGHTS, PREFLIGHTS_EACH = 3, 2
FOR_ANYBODY = Grant(ROOT, frozenset({ANONYMOUS_NAME, "users"}), ALL_RIGHTS)
ANN = Principal("ann", frozenset({"ann", "users", "user:ann"}), proof="secret")


@dataclass
class House:
    parts: Parts
    metrics: Metrics
    health: Health
    client: TestClient  # type: ignore[type-arg]


def make_parts(
    metrics: Metrics,
    grants: Iterable[Grant] = (FOR_ANYBODY,),
    limits: Limits | None = None,
    http: HttpSettings | None = None,
    policies: Policies = PLAIN,
    shelves: tuple[Index, Blobs, Sniffer] | None = None,
    bell: Bell | None = None,
    clock: Clock = time.time,
    lengths: names.Limits | None = None,
    accounts: Accounts | None = None,
) -> Parts:
    """Over shelves in memory, where none are given."""
    if shelves is None:
        blobs = MemoryBlobs()
        shelves = MemoryIndex(policies.keys, blobs), blobs, MemorySniffer()
    index, blobs_, sniffer = shelves
    unfinished = blobs_.unfinished if isinstance(blobs_, DiskBlobs) else MemoryUnfinished()
    accounts = accounts or MemoryAccounts({"ann": "secret"}, {"ann": ANN}, {"token": "ann"})
    limits_of_names = replace(
        lengths or names.Limits(), exact_in=lambda folder: policies.of(folder).exact_names
    )
    rules = Rules(
        Access(grants), policies, limits or Limits(), accounts, clock=clock, lengths=limits_of_names
    )
    publish = metrics.publish
    receiver = Receiver(rules, index, blobs_, sniffer, publish, clock)
    preflights = Admission(PREFLIGHTS, PREFLIGHTS_EACH, "preflights")
    holdings = Holdings(rules, index, blobs_)
    tree = Tree(rules, index, clock, Fitting(rules, limits_of_names, sniffer))
    return Parts(
        rules=rules,
        receiver=receiver,
        resuming=Resuming(rules, index, unfinished, receiver, clock),
        parking=Parking(rules, index, blobs_, sniffer, publish, clock),
        feed=Feed(rules, index, bell or Bell(FOLLOWERS, FOLLOWERS_EACH)),
        preflights=Preflights(rules, index, receiver, sniffer, "blake3", preflights),
        holdings=holdings,
        tree=tree,
        transfers=Transfers(tree),
        describing=Describing(holdings),
        locking=Locking(rules, index, blobs_),
        accounts=accounts,
        names=limits_of_names,
        http=http or HttpSettings(),
    )


class OurServer(TestServer):
    async def _make_runner(self, **kwargs: Any) -> protocol.Runner:
        return protocol.Runner(self.app, **kwargs)


@asynccontextmanager
async def opened(
    grants: Iterable[Grant] = (FOR_ANYBODY,),
    limits: Limits | None = None,
    http: HttpSettings | None = None,
    policy: Policy | None = None,
    folders: Mapping[Path, Policy] | None = None,
    clock: Clock = time.time,
    keep_alive: float = 60.0,
    lengths: names.Limits | None = None,
    accounts: Accounts | None = None,
) -> AsyncIterator[House]:
    metrics, bell = Metrics(), Bell(FOLLOWERS, FOLLOWERS_EACH)
    policies = Policies(policy or Policy(), folders or {})

    def publish(event: Event) -> None:
        metrics.publish(event)
        bell.ring(event)

    with TemporaryDirectory() as data, closing(MagicSniffer()) as sniffer:
        async with _shelves(DiskPath(data), policies, publish) as (index, blobs):
            shelves = index, blobs, sniffer
            parts = make_parts(
                metrics, grants, limits, http, policies, shelves, bell, clock, lengths, accounts
            )
            health = Health(parts, metrics)
            server = OurServer(app.build(parts, metrics, health))
            await server.start_server(
                auto_decompress=False, access_log=None, keepalive_timeout=keep_alive
            )
            async with TestClient(server) as client:
                yield House(parts, metrics, health, client)


@asynccontextmanager
async def _shelves(
    data: DiskPath, policies: Policies, publish: Publish
) -> AsyncIterator[tuple[SqliteIndex, DiskBlobs]]:
    blobs = DiskBlobs(data, "blake3", inline_below=INLINE_BELOW, publish=publish)
    index = await SqliteIndex.open(
        data, keys=policies.keys, blobs=blobs, publish=publish, clock=time.time
    )
    blobs.small = index.small
    try:
        yield index, blobs
    finally:
        await index.close()
        await blobs.close()


async def sent(
    house: House, path: str, body: bytes | BinaryIO, **headers: str
) -> tuple[ClientResponse, dict[str, Any]]:
    """PUT; the underscores of header names are dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with house.client.put(f"/files/{path}", data=body, headers=named) as response:
        return response, await response.json(content_type=None)


async def got(house: House, path: str, **headers: str) -> tuple[int, bytes]:
    async with house.client.get(f"/files/{path}", headers=headers) as response:
        return response.status, await response.read()
