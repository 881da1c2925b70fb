"""Who asks for a file again is answered at once, and never from a moment that is over."""

import asyncio
import threading
from pathlib import Path as DiskPath

import pytest

from storage.sqlite.index import SqliteIndex
from storage.sqlite.recent import EACH, MOST_BYTES, Recent
from storage.sqlite.view import SqliteView
from tests.index.sqlite import SmallBlobs, add, opened
from tests.index.test_sqlite_readers import occupied
from tests.trees import path, store
from uploads.collisions import AtName, FileHere, Nothing
from uploads.events import Committed, Event
from uploads.files import Stamp
from uploads.names import Path
from uploads.ports import Index, Turn, View

LATER = Stamp("ann", 2.0)


def replaced(turn: Turn) -> None:
    store(turn, "a", b"other bytes")


def dated(turn: Turn) -> None:
    turn.set_modified(path("a"), 7.0)


def moved(turn: Turn) -> None:
    turn.move(path("a"), path("b"), LATER)


def back_with_a_new_file_beside_it(turn: Turn) -> None:
    turn.move(path("b"), path("a"), LATER)
    store(turn, "b", b"b")


def deleted(turn: Turn) -> None:
    turn.delete(path("a"), LATER)


async def looked_up(index: Index, name: str) -> tuple[AtName, bytes | None]:
    return await index.read(lambda view: view.at_with_bytes(path(name)))


async def test_what_is_found_at_a_name_is_what_stands_there_after_each_change(
    index: Index,
) -> None:
    await index.write(lambda turn: store(turn, "a"))
    for change in (replaced, dated, moved, back_with_a_new_file_beside_it, deleted):
        for name in ("a", "b", "A"):
            await index.find(path(name))
        await index.write(change)
        for name in ("a", "b", "A"):
            found = await index.find(path(name))
            assert found == await index.find(path(name))
            assert found == await looked_up(index, name)


async def test_a_file_that_was_found_is_found_again_while_all_readers_are_busy(
    tmp_path: DiskPath,
) -> None:
    index = await opened(tmp_path, SmallBlobs())
    await add(index, "a")
    first = await index.find(path("a"))
    async with occupied(index):
        assert await asyncio.wait_for(index.find(path("a")), 10) == first
        assert first[1] == b"a"
        another = asyncio.ensure_future(index.find(path("A")))
        await asyncio.sleep(0)
        assert not another.done()
    await another
    await index.close()


async def test_what_is_not_there_is_looked_for_each_time(sqlite_index: SqliteIndex) -> None:
    assert await sqlite_index.find(path("a")) == (Nothing(), None)
    async with occupied(sqlite_index):
        again = asyncio.ensure_future(sqlite_index.find(path("a")))
        await asyncio.sleep(0)
        assert not again.done()
    await again


async def test_an_answer_that_a_change_has_overtaken_is_nobody_elses(
    sqlite_index: SqliteIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(sqlite_index, "a")
    seen, go = threading.Event(), threading.Event()
    look = SqliteView.at_with_bytes

    def slow(view: SqliteView, at: Path) -> tuple[AtName, bytes | None]:
        found = look(view, at)
        seen.set()
        assert go.wait(10)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(SqliteView, "at_with_bytes", slow)
        early = asyncio.ensure_future(sqlite_index.find(path("a")))
        assert await asyncio.to_thread(seen.wait, 10)
        await sqlite_index.write(replaced)
        go.set()
        before, _ = await early
    after, _ = await sqlite_index.find(path("a"))
    assert isinstance(before, FileHere)
    assert isinstance(after, FileHere)
    assert (before.file.version.number, after.file.version.number) == (1, 2)


async def test_what_one_has_seen_of_a_commit_that_is_not_over_nobody_misses_later(
    tmp_path: DiskPath,
) -> None:
    committed, go = threading.Event(), threading.Event()

    def publish(event: Event) -> None:
        if isinstance(event, Committed) and not go.is_set() and armed.is_set():
            committed.set()
            assert go.wait(10)

    armed = threading.Event()
    index = await opened(tmp_path, publish=publish)
    await add(index, "a")
    await index.find(path("a"))
    armed.set()
    replacing = asyncio.ensure_future(index.write(replaced))
    await asyncio.sleep(0)
    assert await asyncio.to_thread(committed.wait, 10)

    def number(view: View) -> int:
        at = view.at(path("a"))
        return at.file.version.number if isinstance(at, FileHere) else 0

    assert await index.read(number) == 2
    for _ in range(2):
        at, _ = await index.find(path("a"))
        assert isinstance(at, FileHere)
        assert at.file.version.number == 2
    go.set()
    await replacing
    await index.close()


async def test_what_is_kept_in_memory_is_bounded(sqlite_index: SqliteIndex) -> None:
    await add(sqlite_index, "a")
    at, _ = await sqlite_index.find(path("a"))
    recent, size = Recent(), MOST_BYTES // 8
    for number in range(20):
        recent.keep(path(f"{number}"), (at, bytes(size)), 5)
        recent.keep(path(f"{number}"), (at, bytes(size)), 5)
    kept = [number for number in range(20) if recent.at(path(f"{number}"), 5)]
    assert kept == list(range(13, 20))
    assert 7 * (size + EACH) < MOST_BYTES < 8 * (size + EACH)
    assert recent.at(path("19"), 6) is None
    assert recent.at(path("19"), None) is None
