"""The bytes of uploads that arrive in pieces, on every shelf; and what only a disk can meet."""

import errno
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path as DiskPath

import pytest

from storage.disk import posix
from storage.disk.blobs import DiskBlobs
from storage.memory.shelves import MemoryBlobs, MemoryUnfinished
from tests.rootless import bound_by_modes
from tests.trees import incoming
from uploads.failures import DiskFull, NotThere, Unavailable
from uploads.files import Incoming
from uploads.ports import Blobs, Stage, Unfinished

INLINE_BELOW = 1000
DIGESTS = ["sha-256"]
WRONG = b"wrong" * 50_000
WRONG_SHA_1 = bytes.fromhex("8a277b21f84d406c2a45cfbdf24ed532b337ee68")
DATA = os.urandom(300_000)
SMALL = DATA[:500]


class Shelf:
    """What a server has of it; `again` is what it has after a restart."""

    def __init__(self, blobs: Blobs, unfinished: Unfinished, data: DiskPath | None) -> None:
        self.blobs = blobs
        self.unfinished = unfinished
        self.data = data

    def again(self) -> "Shelf":
        return self if self.data is None else on_disk(self.data)


def on_disk(data: DiskPath) -> Shelf:
    blobs = DiskBlobs(data, "sha256", inline_below=INLINE_BELOW, publish=lambda _: None)
    return Shelf(blobs, blobs.unfinished, data)


@pytest.fixture(params=["memory", "disk"])
def shelf(request: pytest.FixtureRequest, tmp_path: DiskPath) -> Shelf:
    if request.param == "memory":
        return Shelf(MemoryBlobs(), MemoryUnfinished(), None)
    return on_disk(tmp_path)


@pytest.fixture
def disk(tmp_path: DiskPath) -> Shelf:
    return on_disk(tmp_path)


async def brought(shelf: Shelf, upload: Incoming, data: bytes) -> Incoming:
    async with shelf.unfinished.open(upload, DIGESTS) as stage:
        await stage.write(data)
        return replace(upload, offset=await stage.pause())


async def read(shelf: Shelf, upload: Incoming) -> bytes:
    return b"".join([piece async for piece in shelf.unfinished.pieces(upload)])


async def finished(shelf: Shelf, upload: Incoming, rest: bytes) -> str:
    """Kept as a blob; its digest."""
    async with shelf.unfinished.open(upload, DIGESTS) as stage:
        await stage.write(rest)
        staged = await stage.finish()
        kept = shelf.blobs.keep(staged)
        shelf.blobs.sync()
    if kept is None:
        reading = await shelf.blobs.open(staged.content)
        kept = await reading.read(0, staged.content.size)
        reading.close()
    assert hashlib.sha256(kept).hexdigest() == staged.content.hex
    await shelf.unfinished.remove(upload.id)
    assert staged.digests["sha-256"].hex() == staged.content.hex
    return staged.content.hex


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("data", [DATA, SMALL])
@pytest.mark.parametrize("known", [False, True])
async def test_pieces_become_one_content(
    shelf: Shelf, data: bytes, *, restarts: bool, known: bool
) -> None:
    upload = incoming("one", len(data) if known else None)
    for start, end in ((0, 7), (7, 7), (7, len(data) // 2)):
        upload = await brought(shelf, upload, data[start:end])
        assert upload.offset == end
        shelf = shelf.again() if restarts else shelf
    assert await read(shelf, upload) == data[: len(data) // 2]
    digest = await finished(shelf, upload, data[len(data) // 2 :])
    assert digest == hashlib.sha256(data).hexdigest()
    assert await shelf.unfinished.all() == []


@pytest.mark.parametrize("restarts", [False, True])
async def test_what_lies_beyond_the_offset_counts_for_nothing(
    shelf: Shelf, *, restarts: bool
) -> None:
    upload = await brought(shelf, incoming("one", None), DATA[:1000])
    await brought(shelf, upload, b"never recorded" * 10_000)
    shelf = shelf.again() if restarts else shelf
    digest = await finished(shelf, upload, DATA[1000:2000])
    assert digest == hashlib.sha256(DATA[:2000]).hexdigest()


async def test_what_came_this_time_can_be_digested_and_forgotten(shelf: Shelf) -> None:
    upload = await brought(shelf, incoming("one", None), DATA[:1000])
    async with shelf.unfinished.open(upload, DIGESTS, ["sha-1"]) as stage:
        await stage.write(WRONG)
        assert await stage.piece() == {"sha-1": WRONG_SHA_1}
        await stage.rewind()
        assert await stage.pause() == 1000
    assert await finished(shelf, upload, b"!") == hashlib.sha256(DATA[:1000] + b"!").hexdigest()


async def test_bytes_that_are_not_there_are_missed(shelf: Shelf) -> None:
    upload = await brought(shelf, incoming("one", None), DATA[:1000])
    beyond = replace(upload, offset=1001)
    assert await shelf.unfinished.holds(upload)
    assert not await shelf.unfinished.holds(beyond)
    with pytest.raises(NotThere):
        async with shelf.unfinished.open(beyond, ()):
            pass
    with pytest.raises(NotThere):
        await read(shelf, beyond)
    await shelf.unfinished.remove("one")
    assert not await shelf.unfinished.holds(upload)
    assert await shelf.unfinished.holds(replace(upload, offset=0))
    await shelf.unfinished.remove("one")


async def test_what_was_linked_in_a_turn_that_was_taken_back_is_not_changed_any_more(
    disk: Shelf,
) -> None:
    """The blob has its digest for a name: if another takes it, it has to be what that says."""
    upload = await brought(disk, incoming("one", len(DATA)), DATA[:-1])
    async with disk.unfinished.open(upload, DIGESTS) as stage:
        await stage.write(DATA[-1:])
        staged = await stage.finish()
        disk.blobs.keep(staged)
        disk.blobs.sync()
        upload = replace(upload, offset=len(DATA) - 1)
    digest = await finished(disk.again(), upload, b"?")
    assert digest == hashlib.sha256(DATA[:-1] + b"?").hexdigest()
    reading = await disk.blobs.open(staged.content)
    assert await reading.read(0, len(DATA)) == DATA
    reading.close()


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("offset", [0, 5, len(DATA) - 10])
@pytest.mark.parametrize("known", [False, True])
async def test_what_a_kill_left_whole_and_read_only_goes_on_from_where_its_index_says(
    disk: Shelf, offset: int, *, known: bool, linked: bool
) -> None:
    upload = incoming("one", len(DATA) if known else None)
    if offset:
        upload = await brought(disk, upload, DATA[:offset])
    with bound_by_modes():
        async with disk.unfinished.open(upload, DIGESTS) as stage:
            await stage.write(DATA[offset:])
            staged = await stage.finish()
            if linked:
                disk.blobs.keep(staged)
                disk.blobs.sync()
        upload = await brought(disk.again(), upload, DATA[offset:-2])
        digest = await finished(disk.again(), upload, DATA[-2:])
    assert digest == hashlib.sha256(DATA).hexdigest()


async def test_a_linked_blob_can_be_read_before_its_first_name_is_gone(disk: Shelf) -> None:
    async with disk.unfinished.open(incoming("one", len(DATA)), ()) as stage:
        await stage.write(DATA)
        staged = await stage.finish()
        disk.blobs.keep(staged)
        disk.blobs.sync()
        reading = await disk.blobs.open(staged.content)
        assert await reading.read(0, len(DATA)) == DATA
        reading.close()


async def flooded(stage: Stage) -> None:
    """More than is gathered before it is written."""
    for _ in range(20):
        await stage.write(DATA)


@asynccontextmanager
async def failing(
    monkeypatch: pytest.MonkeyPatch, name: str, number: int
) -> AsyncIterator[list[object]]:
    calls: list[object] = []

    def fail(*arguments: object) -> None:
        calls.append(arguments)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(posix, name, fail)
        yield calls


async def test_a_full_disk_keeps_what_came_before(
    disk: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await brought(disk, incoming("one", None), DATA[:1000])
    async with disk.unfinished.open(upload, DIGESTS) as stage:
        await stage.write(DATA[1000:200_000])
        assert await stage.pause() == 200_000
        async with failing(monkeypatch, "write_all", errno.ENOSPC):
            with pytest.raises(DiskFull):
                await flooded(stage)
        assert await stage.pause() == 200_000
    upload = replace(upload, offset=200_000)
    assert await finished(disk, upload, DATA[200_000:]) == hashlib.sha256(DATA).hexdigest()


async def test_a_sync_that_failed_is_not_tried_again(
    disk: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with disk.unfinished.open(incoming("one", None), ()) as stage:
        await stage.write(DATA)
        await stage.pause()
        async with failing(monkeypatch, "sync", errno.ENOSPC):
            with pytest.raises(DiskFull):
                await stage.secure()
        with pytest.raises(DiskFull):
            await stage.pause()


async def test_room_is_taken_when_an_upload_begins(
    disk: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with failing(monkeypatch, "allocate", errno.ENOSPC):
        with pytest.raises(DiskFull):
            async with disk.unfinished.open(incoming("one", len(DATA)), ()):
                pass


async def test_after_an_input_output_error_nothing_more_is_taken(
    disk: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with failing(monkeypatch, "allocate", errno.EIO):
        with pytest.raises(Unavailable):
            async with disk.unfinished.open(incoming("one", len(DATA)), ()):
                pass
    with pytest.raises(Unavailable):
        async with disk.unfinished.open(incoming("two", 5), ()):
            pass


async def test_a_pause_syncs_the_file_and_a_new_file_its_folder(
    disk: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real: Callable[[int], None] = posix.sync

    def sync(descriptor: int) -> None:
        synced.append(str(DiskPath(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(posix, "sync", sync)
    await brought(disk, incoming("one", None), DATA)
    assert [DiskPath(path).name for path in synced] == ["arriving", "one"]
