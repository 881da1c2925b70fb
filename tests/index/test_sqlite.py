"""What is only SQLite's: one writer, group commit, readers that cannot write."""

import asyncio
import sqlite3
import threading
from operator import methodcaller
from pathlib import Path as DiskPath
from types import ModuleType

import pytest
import sqlite_utils.utils

from storage.sqlite import connecting
from storage.sqlite.founding import digest_algorithm
from storage.sqlite.index import SqliteIndex
from storage.sqlite.turn import SqliteTurn
from tests.index.sqlite import Held, SmallBlobs, add, names, opened
from tests.trees import content, path, staged, store
from uploads.collisions import FileHere, Nothing
from uploads.events import Committed, Event
from uploads.failures import Unavailable
from uploads.files import Stamp
from uploads.ports import Turn, View


async def test_works_that_wait_share_one_commit(tmp_path: DiskPath) -> None:
    events: list[Event] = []
    index = await opened(tmp_path, publish=events.append)
    async with Held(index):
        tasks = [asyncio.ensure_future(add(index, f"{number}")) for number in range(100)]
    files = await asyncio.gather(*tasks)
    await index.close()
    assert [event.turns for event in events if isinstance(event, Committed)] == [101]
    assert sorted(file.version.number for file in files) == list(range(1, 101))


async def test_a_batch_is_bounded(tmp_path: DiskPath) -> None:
    events: list[Event] = []
    index = await opened(tmp_path, publish=events.append)
    async with Held(index):
        tasks = [asyncio.ensure_future(add(index, f"{number}")) for number in range(300)]
    await asyncio.gather(*tasks)
    await index.close()
    assert [event.turns for event in events if isinstance(event, Committed)] == [256, 45]


async def test_a_turn_sees_what_it_has_written_and_nothing_that_another_took_back(
    sqlite_index: SqliteIndex,
) -> None:
    seen: list[type] = []

    def look(turn: Turn) -> None:
        seen.append(type(turn.at(path("a/b"))))

    def taken_back(turn: Turn) -> None:
        look(turn)
        store(turn, "a/b")
        look(turn)
        raise ZeroDivisionError

    def gone_again(turn: Turn) -> None:
        store(turn, "a/b")
        look(turn)
        turn.delete(path("a/b"), Stamp("ann", 1.0))
        look(turn)
        # The bytes of the first turn were taken back with it, so that they have to be kept anew.
        store(turn, "a/b")

    async with Held(sqlite_index):
        works = (taken_back, look, gone_again, look)
        tasks = [asyncio.ensure_future(sqlite_index.write(work)) for work in works]
    await asyncio.gather(*tasks, return_exceptions=True)
    assert seen == [Nothing, FileHere, Nothing, FileHere, Nothing, FileHere]


async def test_of_a_shared_commit_only_the_work_that_raised_is_undone(
    sqlite_index: SqliteIndex,
) -> None:
    def failing(turn: Turn) -> None:
        store(turn, "bad/file")
        raise ZeroDivisionError

    async with Held(sqlite_index):
        tasks = [
            asyncio.ensure_future(add(sqlite_index, "before")),
            asyncio.ensure_future(sqlite_index.write(failing)),
            asyncio.ensure_future(add(sqlite_index, "after")),
        ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[1], ZeroDivisionError)
    assert await names(sqlite_index) == ["after", "before"]
    assert await sqlite_index.read(lambda view: view.at(path("bad"))) == Nothing()


async def test_of_works_for_one_name_exactly_one_finds_it_free(sqlite_index: SqliteIndex) -> None:
    def claim(turn: Turn) -> bool:
        if turn.at(path("one")) != Nothing():
            return False
        store(turn, "one")
        return True

    assert sum(await asyncio.gather(*(sqlite_index.write(claim) for _ in range(64)))) == 1


async def test_a_caller_who_gives_up_before_the_turn_is_never_served(
    sqlite_index: SqliteIndex,
) -> None:
    async with Held(sqlite_index):
        task = asyncio.ensure_future(add(sqlite_index, "late"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await add(sqlite_index, "next")
    assert await names(sqlite_index) == ["next"]


async def test_a_caller_who_gives_up_in_the_turn_waits_for_its_end(
    sqlite_index: SqliteIndex,
) -> None:
    running, go, over = threading.Event(), threading.Event(), threading.Event()

    def work(turn: Turn) -> None:
        running.set()
        go.wait(10)
        store(turn, "done")
        over.set()

    task = asyncio.ensure_future(sqlite_index.write(work))
    await asyncio.to_thread(running.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert over.is_set()
    assert await names(sqlite_index) == ["done"]


async def test_what_was_asked_before_the_end_is_done_and_the_rest_refused(
    tmp_path: DiskPath,
) -> None:
    index = await opened(tmp_path)
    tasks = [asyncio.ensure_future(add(index, f"{number}")) for number in range(50)]
    await asyncio.sleep(0)
    await index.close()
    assert len(await asyncio.gather(*tasks)) == 50
    with pytest.raises(Unavailable):
        await add(index, "late")
    with pytest.raises(Unavailable):
        await names(index)
    assert not (tmp_path / "index.sqlite-wal").exists()
    again = await opened(tmp_path)
    assert len(await names(again)) == 50
    await again.close()


async def test_a_question_sees_one_moment_while_the_writer_goes_on(
    sqlite_index: SqliteIndex,
) -> None:
    asked, go = threading.Event(), threading.Event()

    def question(view: View) -> tuple[object, object]:
        before = view.at(path("a"))
        asked.set()
        go.wait(10)
        return before, view.at(path("a"))

    task = asyncio.ensure_future(sqlite_index.read(question))
    await asyncio.to_thread(asked.wait, 10)
    await add(sqlite_index, "a")
    go.set()
    assert await task == (Nothing(), Nothing())
    assert isinstance(await sqlite_index.read(lambda view: view.at(path("a"))), FileHere)


async def test_only_one_connection_can_write(sqlite_index: SqliteIndex) -> None:
    for reader in sqlite_index._readers.readers:
        assert reader.database.execute("PRAGMA query_only").fetchone() == (1,)
        assert reader.database.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.database.execute("DELETE FROM nodes")


async def test_the_writer_is_as_careful_as_sqlite_can_be(sqlite_index: SqliteIndex) -> None:
    def pragmas(turn: Turn) -> dict[str, object]:
        assert isinstance(turn, SqliteTurn)
        return {
            name: turn._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "trusted_schema",
                "cell_size_check",
                "mmap_size",
                "wal_autocheckpoint",
            )
        }

    assert await sqlite_index.write(pragmas) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "mmap_size": 0,
        "wal_autocheckpoint": 0,
    }


async def test_the_log_is_moved_into_the_database_when_all_is_quiet(tmp_path: DiskPath) -> None:
    index = await opened(tmp_path)
    size = (tmp_path / "index.sqlite").stat().st_size
    for number in range(20):
        await add(index, f"{number:0200}")
    for _ in range(100):
        if (tmp_path / "index.sqlite").stat().st_size > size:
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("no checkpoint in five seconds")
    await index.close()


def test_a_foreign_sqlite_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_utils.utils, "sqlite3", ModuleType("pysqlite3"))
    with pytest.raises(connecting.ForeignLibraryError, match="pip uninstall pysqlite3"):
        connecting.check_library()


def test_the_digest_algorithm_of_a_store_is_fixed_when_it_is_made(tmp_path: DiskPath) -> None:
    assert digest_algorithm(tmp_path, "blake3") == "blake3"
    assert digest_algorithm(tmp_path, "sha256") == "blake3"


async def test_small_contents_rest_in_the_index_until_they_are_forgotten(
    tmp_path: DiskPath,
) -> None:
    index = await opened(tmp_path, SmallBlobs())
    await add(index, "a")
    await index.write(lambda turn: turn.keep(staged(b"a")))
    assert await index.small(content(b"a")) == b"a"
    assert await index.small(content(b"b")) is None
    await index.write(lambda turn: turn.delete(path("a"), Stamp("ann", 2.0)))
    await index.write(lambda turn: (turn.forget_versions(9.0, 9), turn.forget_contents(9)))
    assert await index.small(content(b"a")) is None
    await index.close()


@pytest.mark.parametrize("name", ["a", "A", "docs/b", "docs", "docs/c", "a/b", "none/b", ""])
async def test_what_stands_at_a_name_is_the_same_with_its_bytes(
    name: str, tmp_path: DiskPath
) -> None:
    index = await opened(tmp_path, SmallBlobs())
    await add(index, "a")
    await add(index, "docs/b")
    alone = await index.read(lambda view: view.at(path(name)))
    at, data = await index.read(lambda view: view.at_with_bytes(path(name)))
    await index.close()
    assert at == alone
    assert (data == name.encode()) == isinstance(at, FileHere)


async def test_many_bytes_in_the_index_end_a_batch(tmp_path: DiskPath) -> None:
    events: list[Event] = []
    index = await opened(tmp_path, SmallBlobs(), events.append)
    async with Held(index):
        pieces = [staged(bytes([number]) * (1 << 20)) for number in range(20)]
        works = [methodcaller("keep", piece) for piece in pieces]
        tasks = [asyncio.ensure_future(index.write(work)) for work in works]
    await asyncio.gather(*tasks)
    await index.close()
    assert [event.turns for event in events if isinstance(event, Committed)] == [9, 8, 4]
