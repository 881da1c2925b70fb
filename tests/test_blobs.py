"""The contract of the port `Blobs`, held by every implementation."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.disk.blobs import DiskBlobs
from storage.memory.shelves import MemoryBlobs
from uploads.failures import NotThere
from uploads.files import Content
from uploads.ports import Blobs, Staged

SIZES = [0, 1, 15, 16, 17, 8191, 8193, 65536, 1 << 20, (3 << 20) + 7]


@pytest.fixture(params=["disk", "disk-inline", "memory"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Blobs]:
    if request.param == "memory":
        yield MemoryBlobs()
        return
    inline_below = 16 if request.param == "disk-inline" else 0
    small: dict[str, bytes] = {}
    disk = KeepingSmall(tmp_path / "data", small, inline_below)
    yield disk
    await disk.close()


class KeepingSmall(DiskBlobs):
    """With the index's part: it holds what `keep` hands back."""

    def __init__(self, folder: Path, held: dict[str, bytes], inline_below: int) -> None:
        super().__init__(folder, "blake3", inline_below=inline_below, publish=lambda _: None)
        self.held = held
        self.small = self._held

    async def _held(self, content: Content) -> bytes | None:
        return self.held.get(content.digest)

    def keep(self, staged: Staged) -> bytes | None:
        small = super().keep(staged)
        if small is not None:
            self.held[staged.content.digest] = small
        return small

    def remove(self, content: Content) -> None:
        self.held.pop(content.digest, None)
        super().remove(content)


def data_of(size: int) -> bytes:
    return (b"0123456789abcdef-" * (size // 17 + 1))[:size]


async def kept(blobs: Blobs, data: bytes, piece: int = 100_000) -> Content:
    async with blobs.stage(len(data), ()) as stage:
        for at in range(0, len(data), piece):
            await stage.write(data[at : at + piece])
        staged = await stage.finish()
        blobs.keep(staged)
        blobs.sync()
    return staged.content


async def read(blobs: Blobs, content: Content) -> bytes:
    reading = await blobs.open(content)
    try:
        return b"".join([piece async for piece in reading.pieces(0, content.size)])
    finally:
        reading.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("known", [True, False])
async def test_what_was_kept_is_read_back_byte_for_byte(
    blobs: Blobs, size: int, *, known: bool
) -> None:
    data = data_of(size)
    async with blobs.stage(size if known else None, ()) as stage:
        for at in range(0, size, 70_001):
            await stage.write(data[at : at + 70_001])
        assert stage.received == size
        staged = await stage.finish()
        blobs.keep(staged)
        blobs.sync()
    assert staged.content.size == size
    assert await read(blobs, staged.content) == data


async def test_any_bytes_like_piece_is_taken_and_may_be_reused_afterwards(blobs: Blobs) -> None:
    buffer = bytearray(1 << 20)
    digest = hashlib.sha256()
    async with blobs.stage(None, ["sha-256"]) as stage:
        for number in range(5):
            buffer[:] = bytes([number]) * len(buffer)
            digest.update(buffer)
            await stage.write(memoryview(buffer))
            buffer[:] = b"x" * len(buffer)
        staged = await stage.finish()
    assert staged.digests["sha-256"] == digest.digest()


async def test_equal_bytes_have_equal_digests_however_they_are_cut(blobs: Blobs) -> None:
    data = data_of(300_000)
    first = await kept(blobs, data, 1 << 20)
    second = await kept(blobs, data, 999)
    assert first == second
    assert first != await kept(blobs, data[:-1])


@pytest.mark.parametrize("size", [5, 500_000])
async def test_digests_are_computed_beside_ours_when_asked_for(blobs: Blobs, size: int) -> None:
    data = data_of(size)
    async with blobs.stage(None, ["sha-256", "sha-512", "md5"]) as stage:
        await stage.write(data)
        staged = await stage.finish()
    assert staged.digests == {
        "sha-256": hashlib.sha256(data).digest(),
        "sha-512": hashlib.sha512(data).digest(),
        "md5": hashlib.md5(data, usedforsecurity=False).digest(),
    }


@pytest.mark.parametrize("size", [5, 500_000])
async def test_the_head_is_the_beginning(blobs: Blobs, size: int) -> None:
    data = data_of(size)
    async with blobs.stage(size, ()) as stage:
        await stage.write(data[:3])
        await stage.write(data[3:])
        staged = await stage.finish()
    assert data.startswith(staged.head)
    assert len(staged.head) >= min(size, 4096)


async def test_a_media_type_is_added_to_a_staged_content_that_can_still_be_kept(
    blobs: Blobs,
) -> None:
    async with blobs.stage(3, ()) as stage:
        await stage.write(b"abc")
        staged = (await stage.finish()).typed("text/plain")
        blobs.keep(staged)
        blobs.sync()
    assert staged.content.media_type == "text/plain"
    assert await read(blobs, staged.content) == b"abc"


@pytest.mark.parametrize("size", [500_000, 20])
async def test_a_part_can_be_read(blobs: Blobs, size: int) -> None:
    data = data_of(size)
    reading = await blobs.open(await kept(blobs, data))
    try:
        assert reading.size == size
        assert await reading.read(3, 10) == data[3:13]
        assert await reading.read(size - 2, 10) == data[-2:]
        middle = size // 2
        assert (
            b"".join([piece async for piece in reading.pieces(middle, 9)])
            == (data[middle : middle + 9])
        )
    finally:
        reading.close()


async def test_two_who_read_at_once_do_not_disturb_each_other(blobs: Blobs) -> None:
    data = data_of(2_000_000)
    reading = await blobs.open(await kept(blobs, data))

    async def all_pieces() -> bytes:
        return b"".join([piece async for piece in reading.pieces(0, len(data))])

    try:
        first, second = await asyncio.gather(all_pieces(), all_pieces())
        assert first == second == data
    finally:
        reading.close()


async def test_what_was_staged_and_not_kept_is_not_there(blobs: Blobs) -> None:
    async with blobs.stage(None, ()) as stage:
        await stage.write(data_of(200_000))
        staged = await stage.finish()
    with pytest.raises(Exception, match=r"removed|missing"):
        await blobs.open(staged.content)


async def test_known_content_is_kept_again_without_complaint(blobs: Blobs) -> None:
    data = data_of(100_000)
    first, second = await kept(blobs, data), await kept(blobs, data)
    assert first == second
    assert await read(blobs, second) == data


async def test_what_was_removed_is_not_there_and_may_come_again(blobs: Blobs) -> None:
    data = data_of(100_000)
    content = await kept(blobs, data)
    blobs.remove(content)
    blobs.remove(content)
    with pytest.raises(NotThere):
        await blobs.open(content)
    await kept(blobs, data)
    assert await read(blobs, content) == data


async def test_what_is_open_can_be_read_to_its_end_after_its_removal(blobs: Blobs) -> None:
    data = data_of(2_000_000)
    content = await kept(blobs, data)
    reading = await blobs.open(content)
    try:
        blobs.remove(content)
        assert b"".join([piece async for piece in reading.pieces(0, len(data))]) == data
    finally:
        reading.close()


def test_there_is_free_space(tmp_path: Path) -> None:
    for blobs in (
        MemoryBlobs(),
        DiskBlobs(tmp_path, "sha256", inline_below=0, publish=lambda _: None),
    ):
        assert blobs.free_space() > 0
