"""The changes in their order, what is in sight below a folder, and where the feed begins."""

import asyncio
import sqlite3
from contextlib import suppress
from functools import partial
from pathlib import Path as DiskPath

import pytest
from sqlite_utils import Database

from storage.sqlite import connecting
from storage.sqlite.index import SqliteIndex
from storage.sqlite.migrations import migrations
from storage.sqlite.turn import SqliteTurn
from tests.index.sqlite import opened
from tests.trees import path, shown, store
from uploads.access import ALL_RIGHTS, ANONYMOUS, ANONYMOUS_NAME, Access, Grant, Right, Sight
from uploads.changes import Change, Span
from uploads.files import Folder, Kind, Stamp, StoredFile
from uploads.ports import Index, Turn, View

LIST = frozenset({Right.LIST})


def sight(*open_folders: str) -> Sight:
    grants = [Grant(path(one), frozenset({ANONYMOUS_NAME}), LIST) for one in open_folders]
    return Access(grants).sight(ANONYMOUS)


async def changes(index: Index, since: int = 0, limit: int = 99) -> list[Change]:
    return await index.read(lambda view: view.changes(since, limit))


def told(change: Change) -> tuple[object, ...]:
    source = None if change.source is None else str(change.source)
    return change.number, change.kind, str(change.path), source, change.is_folder, change.made


async def test_every_change_of_a_file_or_folder_is_one_with_what_it_made(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a/b/x", b"1")
        store(turn, "a/b/x", b"2")
        turn.make_folder(path("a/c/d"), Stamp("ann", 2.0))
        turn.move(path("a/b/x"), path("e/f/x"), Stamp("ann", 3.0))
        turn.move(path("e"), path("g/e"), Stamp("ann", 4.0))
        turn.delete(path("g"), Stamp("ann", 5.0))
        turn.restore_folder(path("g"), 6, Stamp("ann", 6.0))
        turn.delete(path("g/e/f/x"), Stamp("ann", 7.0))
        turn.restore(path("g/e/f/x"), 7, Stamp("ann", 8.0))

    await index.write(work)
    found = await changes(index)
    assert [told(one) for one in found] == [
        (1, Kind.CREATED, "a/b/x", None, False, 1),
        (2, Kind.REPLACED, "a/b/x", None, False, None),
        (3, Kind.CREATED, "a/c/d", None, True, 2),
        (4, Kind.MOVED, "e/f/x", "a/b/x", False, 1),
        (5, Kind.MOVED, "g/e", "e", True, 1),
        (6, Kind.DELETED, "g", None, True, None),
        (7, Kind.RESTORED, "g", None, True, None),
        (8, Kind.DELETED, "g/e/f/x", None, False, None),
        (9, Kind.RESTORED, "g/e/f/x", None, False, None),
    ]
    assert [one.version.content.size if one.version else None for one in found] == [
        *(1, 1, None, 1, None),
        *(None, None, None, 1),
    ]
    assert [one.number for one in found if one.is_current] == [9]
    assert {one.stands for one in found if not one.is_folder} == {"g/e/f/x"}
    assert {one.stands for one in found if one.is_folder} == {None}
    assert [one.number for one in await changes(index, 3, 2)] == [4, 5]


async def test_a_file_that_is_gone_stands_nowhere(index: Index) -> None:
    def work(turn: Turn) -> None:
        store(turn, "a")
        turn.delete(path("a"), Stamp("ann", 2.0))

    await index.write(work)
    assert [(one.stands, one.is_current) for one in await changes(index)] == [(None, False)] * 2


def by_pages(size: int, view: View) -> list[StoredFile | Folder]:
    found: list[StoredFile | Folder] = []
    while page := view.entries_below(path(""), found[-1].path if found else None, size, sight("")):
        assert len(page) <= size
        found += page
    return found


async def test_what_is_below_comes_page_by_page_each_folder_before_what_is_in_it(
    index: Index,
) -> None:
    def work(turn: Turn) -> None:
        for name in ("a/x", "a/b/y", "A2/z", "c", "a/b/z", "exact/B", "exact/b"):
            store(turn, name)
        turn.make_folder(path("d"), Stamp("ann", 2.0))

    await index.write(work)
    whole = await index.read(lambda view: view.entries_below(path(""), None, 99, sight("")))
    assert shown(tuple(whole)) == [
        *("a", "a/b", "a/b/y", "a/b/z", "a/x", "A2", "A2/z", "c", "d"),
        *("exact", "exact/B", "exact/b"),
    ]
    for size in (1, 2, 5):
        assert await index.read(partial(by_pages, size)) == whole
    below = await index.read(lambda view: view.entries_below(path("a"), path("a/b"), 2, sight("")))
    assert shown(tuple(below)) == ["a/b/y", "a/b/z"]
    assert await index.read(lambda view: view.entries_below(path("no"), None, 9, sight(""))) == []


async def test_of_what_is_below_only_what_is_in_sight_is_told(index: Index) -> None:
    def work(turn: Turn) -> None:
        for name in ("a/x", "a/b/y", "a/b/c/z", "a/d/v", "e/w"):
            store(turn, name)

    await index.write(work)

    async def seen(*open_folders: str) -> list[str]:
        eyes = sight(*open_folders)
        found = await index.read(lambda view: view.entries_below(path(""), None, 9, eyes))
        return shown(tuple(found))

    assert await seen("a/b") == ["a", "a/b", "a/b/c", "a/b/c/z", "a/b/y"]
    assert await seen("a/b/c", "e") == ["a", "a/b", "a/b/c", "a/b/c/z", "e", "e/w"]
    assert await seen("x") == []


async def test_a_restored_folder_takes_nothing_back_that_belongs_to_another_place_now(
    index: Index,
) -> None:
    """A deleted file goes with its folder: where that is now is not for this restore to say."""

    def work(turn: Turn) -> int:
        store(turn, "p/a/f")
        number = turn.delete(path("p"), Stamp("ann", 2.0))
        store(turn, "p/a/g")
        turn.move(path("p/a"), path("q/a"), Stamp("ann", 3.0))
        turn.delete(path("p"), Stamp("ann", 4.0))
        turn.restore_folder(path("p"), number, Stamp("ann", 5.0))
        return number

    await index.write(work)
    files = await index.read(lambda view: view.files_below(path(""), None, 9))
    assert [str(file.path) for file in files] == ["q/a/g"]


async def test_numbers_come_in_the_order_of_commits_without_a_gap_while_many_write(
    index: Index,
) -> None:
    """Turns that fail leave no number behind, and no page ever lacks one that a later page has."""
    done = asyncio.Event()

    def work(writer: int, number: int, turn: Turn) -> None:
        store(turn, f"{writer}/{number % 7}", at=number)
        if number % 3 == writer % 3:
            raise KeyError(number)

    async def write(writer: int) -> None:
        for number in range(20):
            with suppress(KeyError):
                await index.write(partial(work, writer, number))

    async def follow() -> list[int]:
        seen: list[int] = []
        while True:
            finished = done.is_set()
            page = await changes(index, seen[-1] if seen else 0, 5)
            seen += [one.number for one in page]
            if finished and not page:
                return seen
            await asyncio.sleep(0)

    followers = [asyncio.create_task(follow()) for _ in range(3)]
    await asyncio.gather(*(write(writer) for writer in range(8)))
    done.set()
    span = await index.read(lambda view: view.span())
    for follower in followers:
        assert await follower == [*range(1, span.last + 1)]


async def test_the_feed_begins_after_what_was_forgotten(index: Index) -> None:
    def work(turn: Turn) -> None:
        for at in range(5):
            store(turn, "a", str(at).encode(), at=at)

    await index.write(work)
    assert await index.read(lambda view: view.span()) == Span(0, 5)
    assert await index.write(lambda turn: turn.forget_changes(3.0, 2)) == 2
    assert await index.write(lambda turn: turn.forget_changes(3.0, 2)) == 1
    assert await index.write(lambda turn: turn.forget_changes(3.0, 2)) == 0
    assert await index.read(lambda view: view.span()) == Span(3, 5)
    assert [one.number for one in await changes(index, 3)] == [4, 5]


async def test_a_history_knows_where_its_versions_were_made_whatever_the_feed_forgets(
    index: Index,
) -> None:
    def work(turn: Turn) -> int:
        store(turn, "a/x")
        turn.move(path("a/x"), path("b"), Stamp("ann", 2.0))
        store(turn, "c/y")
        number = turn.delete(path("c"), Stamp("ann", 3.0))
        store(turn, "d")
        assert turn.forget_changes(99.0, 99) == 5
        return number

    number = await index.write(work)
    events = await index.read(lambda view: view.history(path("b"), None, 9))
    assert [str(event.place) for event in events] == ["b", "a/x"]
    restored = await index.write(
        lambda turn: turn.restore_folder(path("c"), number, Stamp("ann", 4.0))
    )
    assert restored is not None
    assert await index.read(lambda view: view.span()) == Span(5, 6)


@pytest.mark.parametrize("first", ["changes", "versions"])
async def test_what_neither_feed_nor_history_needs_is_dropped(
    sqlite_index: SqliteIndex, first: str
) -> None:
    """Whichever of them lets go last takes the change with it."""

    def work(turn: Turn) -> list[tuple[int]]:
        assert isinstance(turn, SqliteTurn)
        for at in range(4):
            store(turn, "a", str(at).encode(), at=at)
        store(turn, "gone", at=0.0)
        turn.delete(path("gone"), Stamp("ann", 0.5))
        forgetting = [turn.forget_changes, turn.forget_versions]
        for forget in forgetting if first == "changes" else reversed(forgetting):
            forget(9.0, 99)
        return turn._connection.execute("SELECT number FROM changes").fetchall()

    assert await sqlite_index.write(work) == [(4,)]
    assert await sqlite_index.read(lambda view: view.span()) == Span(6, 6)


async def test_changes_of_an_older_index_may_each_have_made_the_folders_above_them(
    tmp_path: DiskPath,
) -> None:
    older = Database(sqlite3.connect(tmp_path / connecting.NAME))
    migrations.apply(older, stop_before="feed")
    for id_, is_folder in ((2, 1), (3, 0)):
        node = (id_, 1, "n", "n", "n", is_folder, id_, 1.0, None, 2.0)
        older.execute("INSERT INTO nodes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", node)
        change = (id_, "deleted", id_, "a/n", None, 1.0, "ann")
        older.execute("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?)", change)
    older.conn.commit()
    older.close()
    index = await opened(tmp_path)
    assert [told(one) for one in await changes(index)] == [
        (2, Kind.DELETED, "a/n", None, True, 1),
        (3, Kind.DELETED, "a/n", None, False, 1),
    ]
    await index.close()


async def test_a_file_in_sight_needs_its_folder_in_sight() -> None:
    eyes = sight("a/file")
    assert not eyes.file(path("a/file"))
    assert eyes.folder(path("a"))
    everything = Access([Grant(path(""), frozenset({ANONYMOUS_NAME}), ALL_RIGHTS)])
    assert everything.sight(ANONYMOUS).file(path("a/file"))
