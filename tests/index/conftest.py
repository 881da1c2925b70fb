"""Every implementation of the index, empty."""

from collections.abc import AsyncIterator
from pathlib import Path as DiskPath

import pytest

from storage.memory.shelves import MemoryBlobs, MemoryIndex
from storage.sqlite.index import SqliteIndex
from tests.index.sqlite import opened
from tests.trees import (
    POLICIES,
)
from uploads.ports import Index


@pytest.fixture(params=["memory", "sqlite"])
async def index(request: pytest.FixtureRequest, tmp_path: DiskPath) -> AsyncIterator[Index]:
    blobs = MemoryBlobs()
    made: MemoryIndex | SqliteIndex
    if request.param == "memory":
        made = MemoryIndex(POLICIES.keys, blobs)
    else:
        made = await SqliteIndex.open(
            tmp_path, keys=POLICIES.keys, blobs=blobs, publish=lambda _: None, clock=lambda: 0.0
        )
    yield made
    await made.close()


@pytest.fixture
async def sqlite_index(tmp_path: DiskPath) -> AsyncIterator[SqliteIndex]:
    made = await opened(tmp_path)
    yield made
    await made.close()
