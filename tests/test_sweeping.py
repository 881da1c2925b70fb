"""What a crash put in place and never recorded goes; what is recorded or on its way stays."""

import asyncio
import os
import time
from pathlib import Path as DiskPath
from tempfile import TemporaryDirectory

import pytest

from storage import lock
from storage.upkeep import lease
from storage.upkeep.collecting import share_of, sweep, sweep_unfinished
from tests.shelves import Shelves, blob, give_away, powerless, shelves
from uploads.files import Content
from uploads.ports import Turn

DATA = b"bytes that lie in a file of their own" * 100
LATER = 2**40


async def left_over(store: Shelves, data: bytes) -> Content:
    """Put in place, and then the process ended before its commit."""
    async with store.blobs.stage(len(data), ()) as stage:
        await stage.write(data)
        staged = await stage.finish()
        store.blobs.keep(staged)
        store.blobs.sync()
    return staged.content


async def test_what_nothing_names_is_removed_and_the_rest_stays(tmp_path: DiskPath) -> None:
    async with shelves(tmp_path) as store:
        named = await store.store("a.txt", DATA)
        left = await left_over(store, DATA + b"!")
        half = blob(tmp_path, named).with_name(f"{named.hex}.0123456789abcdef")
        half.write_bytes(b"half")

        swept = await sweep(store.index, store.blobs, tmp_path, before=LATER)

        assert swept is not None
        assert (swept.contents, swept.bytes) == (1, left.size)
        assert not blob(tmp_path, left).exists()
        assert not half.exists()
        assert await store.read(named) == DATA


async def test_what_may_not_be_read_is_removed_and_what_the_disk_keeps_holds_up_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with TemporaryDirectory() as name:
        data = DiskPath(name)
        async with shelves(data) as store:
            left = [await left_over(store, DATA + bytes([number])) for number in range(6)]
            left.sort(key=lambda content: content.hex)
            kept, closed, *others = left
            assert kept.hex[:2] not in {content.hex[:2] for content in (closed, *others)}
            blob(data, closed).chmod(0)
            blob(data, kept).parent.chmod(0o500)
            give_away(data)
            with powerless():
                swept = await sweep(store.index, store.blobs, data, before=LATER)

        assert swept is not None
        assert swept.contents == len([closed, *others])
        assert [one for one in left if blob(data, one).exists()] == [kept]
        assert f"the bytes of {kept.digest} stay for now: Permission denied" in caplog.text
        blob(data, kept).parent.chmod(0o700)


async def test_a_stranger_among_half_sent_uploads_is_left_alone_and_holds_up_nothing(
    tmp_path: DiskPath,
) -> None:
    async with shelves(tmp_path) as store:
        left = tmp_path / "arriving" / "left-by-a-crash"
        stranger = left.with_name(os.fsdecode(b"\xff"))
        for file in (left, stranger):
            file.write_bytes(b"half")
        assert await sweep_unfinished(store.index, store.blobs.unfinished, now=0.0) == 1
        assert (left.exists(), stranger.exists()) == (False, True)


async def test_what_came_in_since_the_start_is_left_alone(tmp_path: DiskPath) -> None:
    async with shelves(tmp_path) as store:
        left = await left_over(store, DATA)

        await sweep(store.index, store.blobs, tmp_path, before=time.time() - 3600)

        assert blob(tmp_path, left).exists()


async def test_what_a_turn_kept_before_it_failed_is_swept(tmp_path: DiskPath) -> None:
    async with shelves(tmp_path) as store:
        async with store.blobs.stage(len(DATA), ()) as stage:
            await stage.write(DATA)
            staged = await stage.finish()

            def fail(turn: Turn) -> None:
                turn.keep(staged)
                raise ZeroDivisionError

            with pytest.raises(ZeroDivisionError):
                await store.index.write(fail)
        assert blob(tmp_path, staged.content).exists()

        await sweep(store.index, store.blobs, tmp_path, before=LATER)

        assert not blob(tmp_path, staged.content).exists()


async def test_a_claim_of_what_is_about_to_be_swept_keeps_its_bytes(tmp_path: DiskPath) -> None:
    """Turns follow each other: whoever comes first, the claim ends with bytes."""
    async with shelves(tmp_path) as store:
        for number in range(20):
            data = DATA + bytes([number])
            left = await left_over(store, data)
            sweeping = sweep(store.index, store.blobs, tmp_path, before=LATER)
            claimed, _ = await asyncio.gather(store.store(f"{number}", data), sweeping)
            assert claimed.digest == left.digest
            assert await store.read(claimed) == data


async def test_each_folder_has_its_turn_to_be_swept(tmp_path: DiskPath) -> None:
    async with shelves(tmp_path) as store:
        left = [await left_over(store, DATA + bytes([number])) for number in range(5)]
        hour = 3600.0
        for run in range(16):
            fans = share_of(1e9 + run * hour, hour)
            assert len(fans) == 16
            before = [blob(tmp_path, content).exists() for content in left]
            await sweep(store.index, store.blobs, tmp_path, LATER, fans)
            after = [blob(tmp_path, content).exists() for content in left]
            for content, was, remains in zip(left, before, after, strict=True):
                assert remains == (was and content.hex[:2] not in fans)
        assert not any(after)


async def test_nothing_is_swept_while_a_backup_copies(tmp_path: DiskPath) -> None:
    async with shelves(tmp_path) as store:
        left = await left_over(store, DATA)
        with lease.copying(tmp_path):
            assert await sweep(store.index, store.blobs, tmp_path, before=LATER) is None
        assert blob(tmp_path, left).exists()


def test_a_folder_that_was_not_released_is_untidy_until_somebody_tidies_it(
    tmp_path: DiskPath,
) -> None:
    with lock.own(tmp_path) as first:
        assert not first.untidy
    (tmp_path / lock.NAME).write_text("4711 1700000000\n")
    with lock.own(tmp_path) as second:
        assert second.untidy
    with lock.own(tmp_path) as third:
        assert third.untidy
        third.untidy = False
    with lock.own(tmp_path) as fourth:
        assert not fourth.untidy
