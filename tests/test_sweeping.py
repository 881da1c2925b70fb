"""What a crash put in place and never recorded goes; what is recorded or on its way stays."""

import time
from pathlib import Path as DiskPath

from storage import lease, lock
from storage.collecting import sweep
from tests.shelves import Shelves, blob, shelves
from uploads.files import Content

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


async def test_what_came_in_since_the_start_is_left_alone(tmp_path: DiskPath) -> None:
    async with shelves(tmp_path) as store:
        left = await left_over(store, DATA)

        await sweep(store.index, store.blobs, tmp_path, before=time.time() - 3600)

        assert blob(tmp_path, left).exists()


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
