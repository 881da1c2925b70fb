"""What is forgotten, when its bytes go, and who may come in between."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path as DiskPath

import pytest

from storage.disk.blobs import DiskBlobs
from storage.memory.shelves import MemoryBlobs, MemoryIndex
from storage.sqlite.index import SqliteIndex
from storage.upkeep import lease
from storage.upkeep.collecting import Keep, collect, remove_unnamed
from uploads.attempts import Bounds, Record
from uploads.changes import Span
from uploads.events import Collected
from uploads.failures import NotThere
from uploads.files import Content, Stamp
from uploads.names import Path
from uploads.policy import Policies, Policy
from uploads.ports import Blobs, Index, Turn

Store = tuple[Index, Blobs]
DATA = b"bytes that lie in a file of their own" * 100


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: DiskPath) -> AsyncIterator[Store]:
    keys = Policies(Policy(), {}).keys
    if request.param == "memory":
        memory = MemoryBlobs()
        yield MemoryIndex(keys, memory), memory
        return
    blobs = DiskBlobs(tmp_path, "blake3", inline_below=100, publish=lambda _: None)
    index = await SqliteIndex.open(
        tmp_path, keys=keys, blobs=blobs, publish=lambda _: None, clock=lambda: 0.0
    )
    blobs.small = index.small
    yield index, blobs
    await index.close()
    await blobs.close()


async def stored(store: Store, name: str, data: bytes, at: float = 0.0) -> Content:
    index, blobs = store
    async with blobs.stage(len(data), ()) as stage:
        await stage.write(data)
        staged = await stage.finish()

        def claim(turn: Turn) -> None:
            turn.keep(staged)
            turn.store(Path((name,)), staged.content, Stamp("ann", at))

        await index.write(claim)
    return staged.content


async def deleted(store: Store, name: str, at: float) -> None:
    await store[0].write(lambda turn: turn.delete(Path((name,)), Stamp("ann", at)))


async def read(store: Store, content: Content) -> bytes:
    reading = await store[1].open(content)
    try:
        return await reading.read(0, content.size)
    finally:
        reading.close()


async def test_first_answers_are_collected_when_their_time_is_over(
    store: Store, tmp_path: DiskPath
) -> None:
    index, blobs = store
    for name, expires in (("old", 5.0), ("young", 6.0)):
        record = Record(name, "ann", "", expires)
        await index.write(lambda turn, record=record: turn.remember(record, Bounds(9, 9)))  # type: ignore[misc]
    await collect(index, blobs, tmp_path, 5.0, Keep(None))
    assert await index.read(lambda view: view.record("old")) is None
    assert await index.read(lambda view: view.record("young")) is not None


async def test_bytes_go_when_the_last_version_that_names_them_has_outlived_its_time(
    store: Store, tmp_path: DiskPath
) -> None:
    index, blobs = store
    content = await stored(store, "a", DATA)
    await deleted(store, "a", 100.0)
    assert await collect(index, blobs, tmp_path, 150.0, Keep(60.0)) == Collected(0, 0, 0, 0)
    assert await read(store, content) == DATA
    assert await collect(index, blobs, tmp_path, 161.0, Keep(60.0)) == Collected(1, 0, 1, len(DATA))
    with pytest.raises(NotThere):
        await blobs.open(content)


async def test_what_is_kept_for_ever_is_never_collected(store: Store, tmp_path: DiskPath) -> None:
    content = await stored(store, "a", DATA)
    await deleted(store, "a", 100.0)
    assert await collect(*store, tmp_path, 1e12, Keep(None)) == Collected(0, 0, 0, 0)
    assert await read(store, content) == DATA


async def test_the_feed_reaches_back_for_as_long_as_is_set(
    store: Store, tmp_path: DiskPath
) -> None:
    index, _ = store
    await stored(store, "a", DATA)
    await deleted(store, "a", 100.0)
    await collect(*store, tmp_path, 150.0, Keep(None, 60.0))
    assert await index.read(lambda view: view.span()) == Span(1, 2)
    await collect(*store, tmp_path, 1e12, Keep(None))
    assert await index.read(lambda view: view.span()) == Span(1, 2)
    await collect(*store, tmp_path, 161.0, Keep(None, 60.0))
    assert await index.read(lambda view: view.span()) == Span(2, 2)


async def test_bytes_stay_while_another_name_has_them(store: Store, tmp_path: DiskPath) -> None:
    content = await stored(store, "a", DATA)
    await stored(store, "b", DATA)
    await deleted(store, "a", 100.0)
    assert await collect(*store, tmp_path, 1000.0, Keep(1.0)) == Collected(1, 0, 0, 0)
    assert await read(store, content) == DATA


async def test_a_claim_between_forgetting_and_removing_keeps_its_bytes(store: Store) -> None:
    index, blobs = store
    await stored(store, "a", DATA)
    await deleted(store, "a", 100.0)
    await index.write(lambda turn: turn.forget_versions(200.0, 10))
    forgotten = await index.write(lambda turn: turn.forget_contents(10))
    content = await stored(store, "b", DATA)
    assert forgotten == [content]
    assert await remove_unnamed(index, blobs, forgotten) == []
    assert await read(store, content) == DATA


async def test_claims_and_deletions_of_one_content_never_outrun_the_collector(
    store: Store, tmp_path: DiskPath
) -> None:
    index, blobs = store
    over = False

    async def collecting() -> None:
        while not over:
            await collect(index, blobs, tmp_path, 1e9, Keep(0.0))
            await asyncio.sleep(0)

    async def claiming(name: str, data: bytes) -> None:
        for at in range(30):
            content = await stored(store, name, data, float(at))
            assert await read(store, content) == data
            await deleted(store, name, float(at))

    collector = asyncio.create_task(collecting())
    await asyncio.gather(*(claiming(f"{n}", DATA if n % 2 else b"small") for n in range(8)))
    over = True
    await collector
    for data in (DATA, b"small"):
        content = await stored(store, "last", data, 1e6)
        assert await read(store, content) == data
        await deleted(store, "last", 1e6)


async def test_nothing_is_collected_while_somebody_copies(store: Store, tmp_path: DiskPath) -> None:
    content = await stored(store, "a", DATA)
    await deleted(store, "a", 100.0)
    with lease.copying(tmp_path):
        assert await collect(*store, tmp_path, 1000.0, Keep(1.0)) is None
        assert await read(store, content) == DATA
    assert await collect(*store, tmp_path, 1000.0, Keep(1.0)) == Collected(1, 0, 1, len(DATA))
