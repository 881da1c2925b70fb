"""Disks that fail under the index, and crashes."""

import asyncio
import errno
import resource
import subprocess
import sys
from pathlib import Path as DiskPath

import pytest

from storage.disk import posix
from storage.sqlite import connecting
from storage.sqlite.index import SqliteIndex
from storage.sqlite.turn import SqliteTurn
from tests.index.sqlite import FailingBlobs, add, names, opened
from tests.trees import path, store
from uploads.events import Degraded, Event
from uploads.failures import DiskFull, NotThere, Unavailable, Unsettled
from uploads.ports import Turn


def fill(turn: Turn) -> None:
    """More than an index takes that may not grow."""
    assert isinstance(turn, SqliteTurn)
    pages = turn._connection.execute("PRAGMA page_count").fetchone()[0]
    turn._connection.execute(f"PRAGMA max_page_count = {pages}")
    for number in range(1000):
        store(turn, f"{number:0200}")


async def test_an_index_that_may_not_grow_says_the_disk_is_full_and_recovers(
    sqlite_index: SqliteIndex,
) -> None:
    await add(sqlite_index, "a")
    with pytest.raises(DiskFull):
        await sqlite_index.write(fill)
    assert await names(sqlite_index) == ["a"]
    await add(sqlite_index, "b")
    assert await names(sqlite_index) == ["a", "b"]


async def test_all_whose_turns_a_full_disk_undid_are_told_so_and_not_what_another_met(
    sqlite_index: SqliteIndex,
) -> None:
    def miss(_: Turn) -> None:
        raise NotThere("there is nothing")

    turns = (sqlite_index.write(work) for work in (miss, fill, miss))
    outcomes = await asyncio.gather(*turns, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DiskFull, DiskFull, NotThere]


async def test_a_commit_that_fails_leaves_its_outcome_open_and_the_index_usable(
    sqlite_index: SqliteIndex, tmp_path: DiskPath
) -> None:
    await add(sqlite_index, "a")
    size = (tmp_path / "index.sqlite-wal").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel lets no file grow beyond this; Python ignores the signal that comes with it.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 8192, hard))
    try:
        adding = (add(sqlite_index, f"{number}") for number in range(50))
        outcomes = await asyncio.gather(*adding, return_exceptions=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {type(outcome) for outcome in outcomes} == {Unsettled}
    assert len({id(outcome) for outcome in outcomes}) == 50
    await add(sqlite_index, "b")
    assert {"a", "b"} <= set(await names(sqlite_index))


async def test_a_sync_that_met_a_full_disk_undoes_the_turn_and_the_next_may_try(
    tmp_path: DiskPath,
) -> None:
    blobs = FailingBlobs()
    index = await opened(tmp_path, blobs)
    blobs.fails = errno.ENOSPC
    with pytest.raises(DiskFull):
        await add(index, "a")
    assert await names(index) == []
    blobs.fails = None
    await add(index, "b")
    assert await names(index) == ["b"]
    await index.close()


async def test_a_sync_that_failed_for_good_stops_all_changes_until_the_next_start(
    tmp_path: DiskPath,
) -> None:
    blobs, events = FailingBlobs(), list[Event]()
    index = await opened(tmp_path, blobs, events.append)
    await add(index, "a")
    blobs.fails = errno.EIO
    with pytest.raises(Unavailable, match="needs attention"):
        await add(index, "b")
    blobs.fails = None
    with pytest.raises(Unavailable, match="needs attention"):
        await add(index, "c")
    assert [event for event in events if isinstance(event, Degraded)]
    assert await names(index) == ["a"]
    await index.close()
    again = await opened(tmp_path, blobs)
    await add(again, "d")
    assert await names(again) == ["a", "d"]
    await again.close()


async def test_no_caller_reads_the_words_of_the_driver(sqlite_index: SqliteIndex) -> None:
    def broken(turn: Turn) -> None:
        assert isinstance(turn, SqliteTurn)
        turn._connection.execute("SELECT * FROM no_such_table")

    with pytest.raises(Unavailable) as told:
        await sqlite_index.write(broken)
    assert "no_such_table" not in told.value.message
    with pytest.raises(Unavailable) as told:
        await sqlite_index.read(lambda view: view._row("SELECT * FROM no_such_table"))  # type: ignore[attr-defined]
    assert "no_such_table" not in told.value.message


WRITING = """
import asyncio, pathlib, sys
from tests.index.sqlite import SmallBlobs, add, opened

async def main():
    folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    index = await opened(folder, SmallBlobs())

    async def one(start):
        for number in range(start, 100_000, 16):
            file = await add(index, f"{name}/{number}")
            sys.stdout.write(f"{file.path} {file.etag}\\n")
            sys.stdout.flush()

    await asyncio.gather(*(one(start) for start in range(16)))

asyncio.run(main())
"""


def killed_while_writing(folder: DiskPath, name: str, lines: int) -> list[str]:
    """What it had acknowledged, the kill coming after so many lines."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITING, str(folder), name],
        stdout=subprocess.PIPE,
        text=True,
        cwd=DiskPath(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        return told + process.stdout.readlines()


async def test_whatever_was_acknowledged_is_there_after_a_kill(tmp_path: DiskPath) -> None:
    acknowledged: dict[str, str] = {}
    for name, lines in (("first", 50), ("second", 400), ("third", 1500)):
        told = await asyncio.to_thread(killed_while_writing, tmp_path, name, lines)
        acknowledged |= dict(line.split() for line in told if line.endswith("\n"))
    assert len(acknowledged) >= 1950
    index = await opened(tmp_path)
    files = await index.read(lambda view: view.files_below(path(""), None, 100_000))
    there = {str(file.path): file.etag for file in files}
    assert acknowledged.items() <= there.items()
    for file in files[::100]:
        assert await index.small(file.content) == str(file.path).encode()
    checked = await index.read(lambda view: view._row("PRAGMA integrity_check"))  # type: ignore[attr-defined]
    assert checked == ("ok",)
    await index.close()


def test_an_index_whose_log_may_have_no_durable_name_is_not_written(
    tmp_path: DiskPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite syncs the name of a new log, and takes no notice when that fails."""

    def fails(folder: DiskPath) -> None:
        assert folder == tmp_path
        assert (tmp_path / "index.sqlite-wal").exists()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(posix, "sync_folder", fails)
    with pytest.raises(OSError, match="Input/output"):
        connecting.writer(tmp_path)
