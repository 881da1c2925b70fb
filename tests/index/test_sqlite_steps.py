"""What is asked of one place takes as many steps of SQLite's machine however much is at others."""

import sqlite3
from collections.abc import Awaitable, Callable

from storage.memory.shelves import MemoryAccounts, MemoryBlobs
from storage.sqlite.index import SqliteIndex
from storage.sqlite.turn import SqliteTurn
from tests.trees import path, store
from uploads.access import ANONYMOUS, ANONYMOUS_NAME, Access, Grant, Right
from uploads.describing import Describing
from uploads.files import Listing, Stamp
from uploads.holdings import Holdings
from uploads.locks import Lock
from uploads.policy import Policies, Policy
from uploads.ports import Turn
from uploads.rules import Limits, Rules

ANYBODY = Grant(path(""), frozenset({ANONYMOUS_NAME}), frozenset(Right))
RULES = Rules(
    Access([ANYBODY]),
    Policies(Policy(), {}),
    Limits(),
    MemoryAccounts({}, {}, {}),
    clock=lambda: 1.0,
)


async def counted(index: SqliteIndex, ask: Callable[[], Awaitable[object]]) -> int:
    """The steps that readers and writer take meanwhile."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    connections = [reader.database.conn for reader in index._readers.readers]
    connections.append(await index.write(_connection))
    for connection in connections:
        connection.set_progress_handler(step, 1)
    await ask()
    for connection in connections:
        connection.set_progress_handler(None, 1)
    return steps


def _connection(turn: Turn) -> sqlite3.Connection:
    assert isinstance(turn, SqliteTurn)
    return turn._connection


async def test_a_page_of_a_folder_takes_no_longer_for_the_locks_beyond_it(
    sqlite_index: SqliteIndex,
) -> None:
    """Else a list of a large folder takes as long as its pages times all locks below it."""
    describing = Describing(Holdings(RULES, sqlite_index, MemoryBlobs()))

    def fill(turn: Turn) -> None:
        for number in range(100):
            store(turn, f"a/{number:03}")
        lock(turn, "a/001")

    def lock(turn: Turn, place: str) -> None:
        turn.lock(Lock(place, path(place), "ann", True, False, "", 9.0))  # noqa: FBT003

    async def page() -> None:
        entries, _ = await describing.page(ANONYMOUS, path("a"), Listing(limit=10))
        assert [len(one.locks) for one in entries] == [0, 1, *[0] * 8]

    await sqlite_index.write(fill)
    few = await counted(sqlite_index, page)
    for number in range(10, 100):
        await sqlite_index.write(lambda turn, number=number: lock(turn, f"a/{number:03}"))  # type: ignore[misc]
        await sqlite_index.write(lambda turn, number=number: lock(turn, f"a/b/c{number}"))  # type: ignore[misc]
    assert 0 < await counted(sqlite_index, page) <= few + 10


async def test_versions_are_forgotten_in_as_many_steps_however_much_was_deleted(
    sqlite_index: SqliteIndex,
) -> None:
    """Else the last of many files is the dearest, and everybody who writes waits for each turn."""

    def fill(turn: Turn, files: range) -> None:
        for number in files:
            store(turn, f"a/{number:04}", b"one", at=1.0)
            store(turn, f"a/{number:04}", b"other", at=2.0)
            turn.delete(path(f"a/{number:04}"), Stamp("ann", 3.0))

    async def forget() -> None:
        assert await sqlite_index.write(lambda turn: turn.forget_versions(9.0, 10)) == 10

    await sqlite_index.write(lambda turn: fill(turn, range(40)))
    few = await counted(sqlite_index, forget)
    await sqlite_index.write(lambda turn: fill(turn, range(40, 440)))
    assert 0 < await counted(sqlite_index, forget) <= 1.3 * few + 50


async def test_a_deleted_folder_is_forgotten_with_the_last_version_in_it(
    sqlite_index: SqliteIndex,
) -> None:
    def fill(turn: Turn) -> None:
        for number in range(30):
            store(turn, f"a/b{number % 3}/c/d{number}", f"{number}".encode(), at=1.0)
        turn.delete(path("a"), Stamp("ann", 2.0))
        store(turn, "z", at=3.0)

    def left(turn: Turn) -> list[tuple[int, str]]:
        return _connection(turn).execute("SELECT id, name FROM nodes").fetchall()

    await sqlite_index.write(fill)
    for _ in range(3):
        assert await sqlite_index.write(lambda turn: turn.forget_versions(9.0, 10)) == 10
    assert [name for _, name in await sqlite_index.write(left)] == ["", "z"]
