"""What only a real disk has: order of system calls, faults, litter, damage. See also test_blobs."""

import asyncio
import errno
import os
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from storage.disk import posix
from storage.disk.blobs import DiskBlobs
from storage.disk.posix import NamedSheets
from tests.shelves import DATA, kept
from uploads.events import Degraded, Event, Synced
from uploads.failures import DiskFull, Unavailable
from uploads.files import Content
from uploads.ports import Staged


@pytest.fixture
def published() -> list[Event]:
    return []


@pytest.fixture(params=["unnamed", "named"])
async def blobs(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    published: list[Event],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[DiskBlobs]:
    if request.param == "named":
        monkeypatch.setattr(posix, "sheets", lambda _, staging: NamedSheets(staging))
    disk = DiskBlobs(tmp_path, "blake3", inline_below=0, publish=published.append)
    yield disk
    await disk.close()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def place(folder: Path, content: Content) -> Path:
    return folder / "blobs" / content.hex[:2] / content.hex


def failing(number: int, calls: list[str], what: str) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        calls.append(what)
        raise OSError(number, os.strerror(number))

    return fail


async def test_a_blob_is_read_only_alone_and_named_by_its_digest(
    blobs: DiskBlobs, tmp_path: Path
) -> None:
    content = await kept(blobs)
    status = place(tmp_path, content).stat()
    assert stat.S_IMODE(status.st_mode) == 0o400
    assert status.st_nlink == 1
    assert content.digest == f"blake3:{content.hex}"
    assert files(tmp_path) == [f"blobs/{content.hex[:2]}/{content.hex}"]
    assert [blob.name for blob in blobs.all_blobs() if blob.sound] == [content.hex]
    assert stat.S_IMODE((tmp_path / "blobs").stat().st_mode) == 0o700


async def test_the_file_is_synced_before_its_link_and_the_folder_after_it(
    blobs: DiskBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    sync, link = os.fsync, os.link

    def syncing(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        calls.append("sync folder" if is_folder else "sync file")
        sync(descriptor)

    def linking(*arguments: Any, **named: Any) -> None:
        calls.append("link")
        link(*arguments, **named)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "link", linking)
    await kept(blobs)
    assert calls == ["sync file", "link", "sync folder"]
    calls.clear()
    await kept(blobs)
    assert calls == ["sync file", "link", "sync folder"], "also when the content is known"


async def test_one_sync_of_a_folder_serves_many_that_were_kept(
    blobs: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    async with blobs.stage(None, ()) as one, blobs.stage(None, ()) as other:
        await one.write(DATA)
        await other.write(DATA)
        blobs.keep(await one.finish())
        blobs.keep(await other.finish())
        monkeypatch.setattr(os, "fsync", synced.append)
        blobs.sync()
        blobs.sync()
    assert len(synced) == 1


async def test_a_sync_is_told_of(blobs: DiskBlobs, published: list[Event]) -> None:
    await kept(blobs)
    assert [type(event) for event in published] == [Synced]


async def test_what_is_not_kept_leaves_nothing_behind(blobs: DiskBlobs, tmp_path: Path) -> None:
    before = open_files()

    async def broken_off() -> None:
        async with blobs.stage(len(DATA) * 2, ()) as stage:
            await stage.write(DATA)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await broken_off()
    async with blobs.stage(None, ()) as stage:
        await stage.write(DATA)
        await stage.finish()
    assert files(tmp_path) == []
    while leaving := set(blobs._room.leaving):
        await asyncio.wait(leaving)
    assert open_files() == before


async def test_a_shorter_body_than_was_allocated_leaves_no_zeros(
    blobs: DiskBlobs, tmp_path: Path
) -> None:
    async with blobs.stage(10_000_000, ()) as stage:
        await stage.write(DATA)
        blobs.keep(await stage.finish())
        blobs.sync()
    (name,) = files(tmp_path)
    assert (tmp_path / name).read_bytes() == DATA


async def test_a_cancelled_upload_waits_for_its_thread_before_its_file_is_closed(
    blobs: DiskBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, going, go_on = os.write, threading.Event(), threading.Event()
    errors: list[OSError] = []

    def slow(descriptor: int, data: memoryview) -> int:
        going.set()
        go_on.wait(10)
        try:
            return write(descriptor, data)
        except OSError as error:
            errors.append(error)
            raise

    async def upload() -> None:
        async with blobs.stage(None, ()) as stage:
            for _ in range(100):
                await stage.write(DATA)

    monkeypatch.setattr(os, "write", slow)
    task = asyncio.create_task(upload())
    await asyncio.to_thread(going.wait, 10)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait({task})
    assert task.cancelled()
    await blobs.close()
    assert errors == []
    assert files(tmp_path) == []


async def test_a_slow_disk_stops_neither_the_loop_nor_fills_the_memory(
    blobs: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, writing, most = os.write, 0, 0

    def slow(descriptor: int, data: memoryview) -> int:
        nonlocal writing, most
        writing += 1
        most = max(most, writing)
        time.sleep(0.2)
        writing -= 1
        return write(descriptor, data[: 1 << 19])

    monkeypatch.setattr(os, "write", slow)
    longest, last, over = 0.0, time.monotonic(), False

    async def beat() -> None:
        nonlocal longest, last
        while not over:
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    heart = asyncio.create_task(beat())
    async with blobs.stage(None, ()) as stage:
        for _ in range(6):
            await stage.write(DATA)
        staged = await stage.finish()
    over = True
    await heart
    assert most == 1, "never two writes of one upload at once"
    assert staged.content.size == 6 * len(DATA)
    assert longest < 0.15


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write", "fsync", "posix_fallocate", "link"])
async def test_a_full_disk_is_told_and_recovers_by_itself(
    blobs: DiskBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(number, [], call))
        with pytest.raises(DiskFull, match="full"):
            await kept(blobs)
    assert files(tmp_path) == []
    assert place(tmp_path, await kept(blobs)).read_bytes() == DATA
    assert blobs.trouble is None


async def test_a_read_only_disk_is_told_and_recovers_by_itself(
    blobs: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = await kept(blobs)
    with monkeypatch.context() as patch:
        patch.setattr(posix.UnnamedSheets, "new", failing(errno.EROFS, [], "open"))
        patch.setattr(posix.NamedSheets, "new", failing(errno.EROFS, [], "open"))
        with pytest.raises(Unavailable, match="read-only"):
            await kept(blobs)
        reading = await blobs.open(content)
        assert await reading.read(0, 3) == DATA[:3]
        reading.close()
    await kept(blobs)


async def test_a_failed_sync_is_never_repeated_and_stops_all_writing(
    blobs: DiskBlobs, published: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = await kept(blobs)
    published.clear()
    calls: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(errno.EIO, calls, "fsync"))
        with pytest.raises(Unavailable, match="needs attention"):
            await kept(blobs, DATA + b"!")
    assert calls == ["fsync"]
    with pytest.raises(Unavailable, match="needs attention"):
        await kept(blobs, DATA + b"?")
    assert [type(event) for event in published] == [Degraded]
    assert blobs.trouble is not None
    reading = await blobs.open(content)
    assert await reading.read(0, 3) == DATA[:3]
    reading.close()


async def test_a_failed_sync_of_a_folder_stops_all_writing(
    blobs: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with blobs.stage(None, ()) as stage:
        await stage.write(DATA)
        blobs.keep(await stage.finish())
        monkeypatch.setattr(os, "fsync", failing(errno.EIO, [], "fsync"))
        with pytest.raises(Unavailable, match="needs attention"):
            blobs.sync()
    assert blobs.trouble is not None


def test_a_start_sweeps_what_a_crash_left(tmp_path: Path) -> None:
    (tmp_path / "staging").mkdir()
    (tmp_path / "staging" / "litter").touch()
    DiskBlobs(tmp_path, "blake3", inline_below=0, publish=lambda _: None)
    assert files(tmp_path) == []
    assert len(list((tmp_path / "blobs").iterdir())) == 256


def test_this_file_system_is_seen_to_link_files_without_a_name(tmp_path: Path) -> None:
    assert posix.can_link_unnamed(tmp_path) is hasattr(os, "O_TMPFILE")
    assert files(tmp_path) == []


async def test_another_kind_of_staged_content_is_refused(blobs: DiskBlobs) -> None:
    class Foreign:
        content = Content("sha256:00", 1)
        digests: dict[str, bytes] = {}  # noqa: RUF012 - a value of a test
        head = b""

        def typed(self, _: str) -> Staged:
            return self

        def read(self, _: int, __: int) -> bytes:
            return b""

    with pytest.raises(TypeError):
        blobs.keep(Foreign())
