"""Blobs that somebody harmed, and descriptors that outlive who read them."""

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from storage.disk import posix
from storage.disk.blobs import DiskBlobs
from storage.disk.posix import NamedSheets
from storage.disk.reading import FileReading
from tests.shelves import DATA, give_away, kept, open_descriptors, powerless
from uploads.failures import Damaged, Unavailable
from uploads.files import Content


@pytest.fixture(params=["unnamed", "named"])
async def blobs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DiskBlobs]:
    if request.param == "named":
        monkeypatch.setattr(posix, "sheets", lambda _, staging: NamedSheets(staging))
    disk = DiskBlobs(tmp_path, "blake3", inline_below=0, publish=lambda _: None)
    yield disk
    await disk.close()


def place(folder: Path, content: Content) -> Path:
    return folder / "blobs" / content.hex[:2] / content.hex


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def shorten(path: Path, elsewhere: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(DATA[:-1])


def lead_elsewhere(path: Path, elsewhere: Path) -> None:
    path.unlink()
    elsewhere.write_bytes(DATA)
    path.symlink_to(elsewhere)


def make_pipe(path: Path, elsewhere: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link_once(path: Path, elsewhere: Path) -> None:
    os.link(path, elsewhere)


def link_thrice(path: Path, elsewhere: Path) -> None:
    os.link(path, elsewhere)
    os.link(path, elsewhere.with_suffix(".2"))


@pytest.mark.parametrize("harm", [shorten, lead_elsewhere, make_pipe, link_once, link_thrice])
async def test_a_damaged_blob_is_not_served_and_the_same_content_mends_it(
    blobs: DiskBlobs, tmp_path: Path, harm: Callable[[Path, Path], None]
) -> None:
    content = await kept(blobs)
    harm(place(tmp_path, content), tmp_path / "elsewhere")
    with pytest.raises(Damaged, match="damaged"):
        await blobs.open(content)
    await kept(blobs)
    reading = await blobs.open(content)
    assert await reading.read(0, len(DATA)) == DATA
    reading.close()
    assert len(list(place(tmp_path, content).parent.iterdir())) == 1


async def test_what_cannot_be_removed_leaves_no_descriptor_open(tmp_path: Path) -> None:
    disk = DiskBlobs(tmp_path, "blake3", inline_below=0, publish=lambda _: None)
    content = await kept(disk)
    place(tmp_path, content).unlink()
    place(tmp_path, content).mkdir()
    before = open_descriptors()
    for _ in range(5):
        with pytest.raises(OSError, match="directory"):
            disk.remove(content)
    await disk.close()
    assert open_descriptors() <= before


async def test_a_missing_blob_is_told_as_damage(blobs: DiskBlobs, tmp_path: Path) -> None:
    content = await kept(blobs)
    place(tmp_path, content).unlink()
    with pytest.raises(Damaged, match="missing"):
        await blobs.open(content)


async def test_a_blob_cut_while_it_is_read_never_ends_as_if_whole(
    blobs: DiskBlobs, tmp_path: Path
) -> None:
    content = await kept(blobs)
    reading = await blobs.open(content)
    shorten(place(tmp_path, content), tmp_path)
    with pytest.raises(Damaged, match="damaged"):
        _ = [piece async for piece in reading.pieces(0, content.size)]
    reading.close()


class Held(ThreadPoolExecutor):
    """Does what it is given only when it is let go on."""

    def __init__(self) -> None:
        super().__init__(1)
        self.going, self.go_on = threading.Event(), threading.Event()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        def held() -> Any:
            self.going.set()
            self.go_on.wait(10)
            return work(*args, **kwargs)

        return super().submit(held)


async def test_a_descriptor_stays_open_until_the_read_in_its_thread_is_over(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_bytes(DATA)
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    threads = Held()
    reading = FileReading(descriptor, len(DATA), threads)
    task = asyncio.create_task(reading.read(0, 100))
    await asyncio.to_thread(threads.going.wait, 10)
    task.cancel()
    await asyncio.wait({task})
    reading.close()
    assert is_open(descriptor)
    threads.go_on.set()
    async with asyncio.timeout(10):
        while is_open(descriptor):  # noqa: ASYNC110 - the system tells nobody of a close
            await asyncio.sleep(0)
    threads.shutdown()


async def test_what_we_may_not_open_is_not_called_damaged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        disk = DiskBlobs(Path(name), "blake3", inline_below=0, publish=lambda _: None)
        content = await kept(disk)
        place(Path(name), content).chmod(0)
        give_away(Path(name))
        with powerless(), pytest.raises(Unavailable, match="cannot be opened"):
            await disk.open(content)
        await disk.close()

    assert "cannot be opened: Permission denied" in caplog.text
