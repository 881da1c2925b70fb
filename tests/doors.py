"""All doors over shelves in memory, behind a real socket: for tests of what the doors say."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp.test_utils import TestClient, TestServer

from handlers import app
from handlers.health import Health
from handlers.metrics import Metrics
from handlers.parts import HttpSettings, Parts
from storage.memory import MemoryAccounts, MemoryBlobs, MemoryIndex, MemorySniffer
from uploads import names
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Access, Grant, Principal
from uploads.library import Library
from uploads.names import Path
from uploads.policy import Policies, Policy
from uploads.receiving import Receiver
from uploads.resuming import Parking
from uploads.rules import Limits, Rules
from uploads.tree import Tree

ROOT = Path(())
FOR_ANYBODY = Grant(ROOT, frozenset({ANONYMOUS_NAME, "users"}), ALL_RIGHTS)
ANN = Principal("ann", frozenset({"ann", "users", "user:ann"}))


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
    policy: Policy | None = None,
) -> Parts:
    policies = Policies(policy or Policy(), {})
    accounts = MemoryAccounts({"ann": "secret"}, {"ann": ANN}, {"token": "ann"})
    rules = Rules(Access(grants), policies, limits or Limits(), accounts)
    blobs = MemoryBlobs()
    index = MemoryIndex(policies.keys, blobs)
    publish, clock = metrics.publish, time.time
    return Parts(
        rules=rules,
        receiver=Receiver(rules, index, blobs, MemorySniffer(), publish, clock),
        parking=Parking(rules, index, blobs, publish, clock),
        library=Library(rules, index, blobs),
        tree=Tree(rules, index, clock),
        accounts=accounts,
        names=names.Limits(),
        http=http or HttpSettings(),
    )


@asynccontextmanager
async def opened(
    grants: Iterable[Grant] = (FOR_ANYBODY,),
    limits: Limits | None = None,
    http: HttpSettings | None = None,
    policy: Policy | None = None,
) -> AsyncIterator[House]:
    metrics = Metrics()
    parts = make_parts(metrics, grants, limits, http, policy)
    health = Health(parts, metrics)
    server = TestServer(app.build(parts, metrics, health))
    await server.start_server(auto_decompress=False)
    async with TestClient(server) as client:
        yield House(parts, metrics, health, client)
