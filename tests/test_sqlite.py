"""What is only SQLite's: one writer, group commit, failing disks, crashes, and plans that seek."""

import asyncio
import errno
import re
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from operator import methodcaller
from pathlib import Path as DiskPath
from types import ModuleType
from typing import Self

import pytest
import sqlite_utils.utils

from storage import sqlite_connection
from storage.memory import MemoryBlobs
from storage.sqlite import SqliteIndex, digest_algorithm
from storage.sqlite_listing import page_sql
from storage.sqlite_turn import SqliteTurn
from tests.test_index import EVERYWHERE, POLICIES, content, path, staged, store, upload
from uploads.collisions import FileHere, Nothing
from uploads.events import Committed, Degraded, Event
from uploads.failures import DiskFull, Unavailable, Unsettled
from uploads.files import Content, Listing, Order, Stamp, StoredFile
from uploads.ports import Blobs, Staged, Turn, View


class SmallBlobs(MemoryBlobs):
    """Leaves all bytes to the index."""

    def keep(self, staged: Staged) -> bytes | None:
        super().keep(staged)
        return staged.data if hasattr(staged, "data") else None


class FailingBlobs(MemoryBlobs):
    """A disk that fails its syncs as long as `fails` holds an error number."""

    fails: int | None = None

    def sync(self) -> None:
        if self.fails:
            raise OSError(self.fails, "failed")


async def opened(
    folder: DiskPath, blobs: Blobs | None = None, publish: Callable[[Event], None] = lambda _: None
) -> SqliteIndex:
    return await SqliteIndex.open(
        folder, keys=POLICIES.keys, blobs=blobs or MemoryBlobs(), publish=publish, clock=lambda: 0.0
    )


@pytest.fixture
async def index(tmp_path: DiskPath) -> AsyncIterator[SqliteIndex]:
    made = await opened(tmp_path)
    yield made
    await made.close()


async def add(index: SqliteIndex, name: str) -> StoredFile:
    return await index.write(lambda turn: store(turn, name))


async def names(index: SqliteIndex) -> list[str]:
    files = await index.read(lambda view: view.files_below(path(""), None, 100_000))
    return [str(file.path) for file in files]


class Held:
    """A turn that keeps the writer busy, so that what comes meanwhile waits."""

    def __init__(self, index: SqliteIndex) -> None:
        self._running, self._go = threading.Event(), threading.Event()
        self._task = asyncio.ensure_future(index.write(self._work))

    def _work(self, _: Turn) -> None:
        self._running.set()
        self._go.wait(10)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._running.wait, 10)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)
        self._go.set()
        await self._task


# Group commit


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


async def test_of_a_shared_commit_only_the_work_that_raised_is_undone(index: SqliteIndex) -> None:
    def failing(turn: Turn) -> None:
        store(turn, "bad/file")
        raise ZeroDivisionError

    async with Held(index):
        tasks = [
            asyncio.ensure_future(add(index, "before")),
            asyncio.ensure_future(index.write(failing)),
            asyncio.ensure_future(add(index, "after")),
        ]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[1], ZeroDivisionError)
    assert await names(index) == ["after", "before"]
    assert await index.read(lambda view: view.at(path("bad"))) == Nothing()


async def test_of_works_for_one_name_exactly_one_finds_it_free(index: SqliteIndex) -> None:
    def claim(turn: Turn) -> bool:
        if turn.at(path("one")) != Nothing():
            return False
        store(turn, "one")
        return True

    assert sum(await asyncio.gather(*(index.write(claim) for _ in range(64)))) == 1


# Callers who give up, and the end


async def test_a_caller_who_gives_up_before_the_turn_is_never_served(index: SqliteIndex) -> None:
    async with Held(index):
        task = asyncio.ensure_future(add(index, "late"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await add(index, "next")
    assert await names(index) == ["next"]


async def test_a_caller_who_gives_up_in_the_turn_waits_for_its_end(index: SqliteIndex) -> None:
    running, go, over = threading.Event(), threading.Event(), threading.Event()

    def work(turn: Turn) -> None:
        running.set()
        go.wait(10)
        store(turn, "done")
        over.set()

    task = asyncio.ensure_future(index.write(work))
    await asyncio.to_thread(running.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert over.is_set()
    assert await names(index) == ["done"]


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


# Connections


async def test_a_question_sees_one_moment_while_the_writer_goes_on(index: SqliteIndex) -> None:
    asked, go = threading.Event(), threading.Event()

    def question(view: View) -> tuple[object, object]:
        before = view.at(path("a"))
        asked.set()
        go.wait(10)
        return before, view.at(path("a"))

    task = asyncio.ensure_future(index.read(question))
    await asyncio.to_thread(asked.wait, 10)
    await add(index, "a")
    go.set()
    assert await task == (Nothing(), Nothing())
    assert isinstance(await index.read(lambda view: view.at(path("a"))), FileHere)


async def test_only_one_connection_can_write(index: SqliteIndex) -> None:
    for reader in index._readers:
        assert reader.database.execute("PRAGMA query_only").fetchone() == (1,)
        assert reader.database.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.database.execute("DELETE FROM nodes")


async def test_the_writer_is_as_careful_as_sqlite_can_be(index: SqliteIndex) -> None:
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

    assert await index.write(pragmas) == {
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
    with pytest.raises(sqlite_connection.ForeignLibraryError, match="pip uninstall pysqlite3"):
        sqlite_connection.check_library()


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


# Disks that fail


async def test_an_index_that_may_not_grow_says_the_disk_is_full_and_recovers(
    index: SqliteIndex,
) -> None:
    def fill(turn: Turn) -> None:
        assert isinstance(turn, SqliteTurn)
        pages = turn._connection.execute("PRAGMA page_count").fetchone()[0]
        turn._connection.execute(f"PRAGMA max_page_count = {pages}")
        for number in range(1000):
            store(turn, f"{number:0200}")

    await add(index, "a")
    with pytest.raises(DiskFull):
        await index.write(fill)
    assert await names(index) == ["a"]
    await add(index, "b")
    assert await names(index) == ["a", "b"]


async def test_a_commit_that_fails_leaves_its_outcome_open_and_the_index_usable(
    index: SqliteIndex, tmp_path: DiskPath
) -> None:
    await add(index, "a")
    size = (tmp_path / "index.sqlite-wal").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel lets no file grow beyond this; Python ignores the signal that comes with it.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 8192, hard))
    try:
        adding = (add(index, f"{number}") for number in range(50))
        outcomes = await asyncio.gather(*adding, return_exceptions=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {type(outcome) for outcome in outcomes} == {Unsettled}
    assert len({id(outcome) for outcome in outcomes}) == 50
    await add(index, "b")
    assert {"a", "b"} <= set(await names(index))


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


async def test_no_caller_reads_the_words_of_the_driver(index: SqliteIndex) -> None:
    def broken(turn: Turn) -> None:
        assert isinstance(turn, SqliteTurn)
        turn._connection.execute("SELECT * FROM no_such_table")

    with pytest.raises(Unavailable) as told:
        await index.write(broken)
    assert "no_such_table" not in told.value.message
    with pytest.raises(Unavailable) as told:
        await index.read(lambda view: view._row("SELECT * FROM no_such_table"))  # type: ignore[attr-defined]
    assert "no_such_table" not in told.value.message


# Crashes

WRITING = """
import asyncio, pathlib, sys
from tests.test_sqlite import SmallBlobs, add, opened

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
        cwd=DiskPath(__file__).parent.parent,
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


# Plans


def everything(turn: Turn) -> None:
    """Every statement that the index knows, on the writing connection."""
    for name in ("a/b/c", "a/d", "e", "f/g"):
        store(turn, name, b"same")
    store(turn, "a/d", b"other")
    turn.keep(staged(b"parked", md5=b"m"))
    turn.park(upload("1", b"parked"))
    for order in Order:
        for descending in (False, True):
            for folder in ("", "a"):
                first = turn.page(path(folder), Listing(order, descending, limit=1))
                turn.page(path(folder), Listing(order, descending, first.after, 1))
    turn.files_below(path(""), path("a/b/c"), 9)
    turn.same_content(content(b"same"), EVERYWHERE, path("x"))
    turn.content_declared({"md5": b"m"})
    turn.digests(content(b"same"))
    turn.is_empty(path("a"))
    turn.free_name(path("e"))
    turn.uploads("ann", None, 9)
    turn.parked("ann")
    turn.usage("ann")
    turn.move(path("a"), path("q/r"), Stamp("ann", 2.0))
    turn.move(path("e"), path("q/e"), Stamp("ann", 2.0))
    number = turn.delete(path("q"), Stamp("ann", 3.0))
    turn.history(path("q/r/d"), None, 9)
    turn.restore_folder(path("q"), number, Stamp("ann", 4.0))
    turn.restore(path("q/r/d"), turn.history(path("q/r/d"), None, 9)[-1].number, Stamp("ann", 5.0))
    turn.delete(path("f"), Stamp("ann", 6.0))
    turn.forget_versions(99.0, 99)
    turn.forget_uploads(99.0, 9)
    turn.forget_contents(9)
    turn.is_named(Content("none", 1))


async def test_no_statement_scans_what_can_be_large(index: SqliteIndex) -> None:
    statements: dict[str, str] = {}

    def collect(sql: str) -> None:
        if not sql.startswith("--"):
            statements.setdefault(re.sub(r"'[^']*'|[0-9.]+", "?", sql), sql)

    def work(turn: Turn) -> list[tuple[str, str]]:
        assert isinstance(turn, SqliteTurn)
        turn._connection.set_trace_callback(collect)
        everything(turn)
        turn._connection.set_trace_callback(None)
        return [
            (sql, row[3])
            for sql in statements.values()
            for row in turn._connection.execute(f"EXPLAIN QUERY PLAN {sql}")
        ]

    plan = await index.write(work)
    assert len(statements) > 50
    # What was found so far in a recursion, one row of values, and an index of the unnamed alone.
    harmless = re.compile(
        r"SCAN (below|b|CONSTANT ROW|\?+ CONSTANT ROWS?|contents USING INDEX contents_unnamed)$"
    )
    scans = [
        (step, sql) for sql, step in plan if step.startswith("SCAN") and not harmless.match(step)
    ]
    assert scans == []
    by_name = "ORDER BY n.key"
    sorts = [sql for sql, step in plan if "TEMP B-TREE" in step and by_name in sql]
    assert sorts == []
    assert [sql for sql, _ in plan if by_name in sql]


def test_a_page_by_name_is_a_range_of_the_listing_index(tmp_path: DiskPath) -> None:
    database = sqlite_connection.writer(tmp_path)
    for descending in (False, True):
        for continued in (False, True):
            sql = page_sql(Order.NAME, descending=descending, continued=continued)
            values = (1, 0, "k") if continued else (1, 0)
            plan = [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + sql, values)]
            bound = (
                " AND key>?" if continued and not descending else " AND key<?" if continued else ""
            )
            assert plan[0] == f"SEARCH n USING INDEX nodes_listed (parent=? AND is_folder=?{bound})"
            assert not [step for step in plan if "TEMP" in step]
    database.close()
