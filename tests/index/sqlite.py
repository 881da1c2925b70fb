"""An index on SQLite for tests, over blobs that fail or take nothing."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path as DiskPath
from typing import Self

from storage.memory.shelves import MemoryBlobs
from storage.sqlite.index import SqliteIndex
from tests.trees import POLICIES, path, store
from uploads.events import Event
from uploads.files import StoredFile
from uploads.ports import Blobs, Staged, Turn


class SmallBlobs(MemoryBlobs):
    """Leaves all bytes to the index."""

    def keep(self, staged: Staged) -> bytes | None:
        super().keep(staged)
        return staged.data if hasattr(staged, "data") else None


class FailingBlobs(MemoryBlobs):
    """A disk that fails its syncs as long as `fails` holds an error number."""

    fails: int | None = None

    def sync(self) -> None:
        if self.fails:
            raise OSError(self.fails, "failed")


async def opened(
    folder: DiskPath, blobs: Blobs | None = None, publish: Callable[[Event], None] = lambda _: None
) -> SqliteIndex:
    return await SqliteIndex.open(
        folder, keys=POLICIES.keys, blobs=blobs or MemoryBlobs(), publish=publish, clock=lambda: 0.0
    )


async def add(index: SqliteIndex, name: str) -> StoredFile:
    return await index.write(lambda turn: store(turn, name))


async def names(index: SqliteIndex) -> list[str]:
    files = await index.read(lambda view: view.files_below(path(""), None, 100_000))
    return [str(file.path) for file in files]


class Held:
    """A turn that keeps the writer busy, so that what comes meanwhile waits."""

    def __init__(self, index: SqliteIndex) -> None:
        self._writer = index._writer
        self._running, self._go = threading.Event(), threading.Event()
        self._task = asyncio.ensure_future(index.write(self._work))

    def _work(self, _: Turn) -> None:
        self._running.set()
        self._go.wait(10)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._running.wait, 10)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)
        self._writer.flush()
        self._go.set()
        await self._task
