"""A store on a disk, filled without any door."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path as DiskPath

from storage.disk.blobs import DiskBlobs
from storage.sqlite.founding import digest_algorithm
from storage.sqlite.index import SqliteIndex
from uploads.files import Content, Stamp
from uploads.names import Path
from uploads.policy import Policies, Policy
from uploads.ports import Turn

INLINE_BELOW = 100
NOBODY = 65534
DATA = b"0123456789abcdef" * 20_000
PLAIN = Policies(Policy(), {})


@dataclass
class Shelves:
    index: SqliteIndex
    blobs: DiskBlobs

    async def store(self, name: str, data: bytes, at: float = 0.0) -> Content:
        async with self.blobs.stage(len(data), ()) as stage:
            await stage.write(data)
            staged = await stage.finish()

            def claim(turn: Turn) -> None:
                turn.keep(staged)
                turn.store(Path(tuple(name.split("/"))), staged.content, Stamp("ann", at))

            await self.index.write(claim)
        return staged.content

    async def delete(self, name: str, at: float = 0.0) -> None:
        path = Path(tuple(name.split("/")))
        await self.index.write(lambda turn: turn.delete(path, Stamp("ann", at)))

    async def read(self, content: Content) -> bytes:
        reading = await self.blobs.open(content)
        try:
            return await reading.read(0, content.size)
        finally:
            reading.close()


@asynccontextmanager
async def shelves(data: DiskPath, policies: Policies = PLAIN) -> AsyncIterator[Shelves]:
    blobs = DiskBlobs(data, "blake3", inline_below=INLINE_BELOW, publish=lambda _: None)
    digest_algorithm(data, "blake3")
    index = await SqliteIndex.open(
        data,
        keys=policies.keys,
        blobs=blobs,
        publish=lambda _: None,
        clock=lambda: 0.0,
    )
    blobs.small = index.small
    try:
        yield Shelves(index, blobs)
    finally:
        await index.close()
        await blobs.close()


def give_away(data: DiskPath) -> None:
    """To nobody, where we can."""
    if os.geteuid() == 0:
        for place in (data, *data.rglob("*")):
            os.chown(place, NOBODY, -1)


@contextmanager
def powerless() -> Iterator[None]:
    """Nobody in particular: to root nothing is closed."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def open_descriptors() -> int:
    return len(list(DiskPath("/proc/self/fd").iterdir()))


def blob(data: DiskPath, content: Content) -> DiskPath:
    return data / "blobs" / content.hex[:2] / content.hex


async def kept(blobs: DiskBlobs, data: bytes = DATA) -> Content:
    async with blobs.stage(len(data), ()) as stage:
        await stage.write(data)
        staged = await stage.finish()
        blobs.keep(staged)
        blobs.sync()
    return staged.content
