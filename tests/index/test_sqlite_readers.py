"""Questions that wait together share a moment, and nobody is answered from one before they asked."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from storage.sqlite.index import READERS, SqliteIndex
from tests.index.sqlite import add
from tests.trees import path
from uploads.collisions import AtName, FileHere, Nothing
from uploads.failures import Unavailable
from uploads.ports import View


@dataclass
class Slow:
    """A question that has seen its moment, and stays in it until it may go."""

    begun: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def __call__(self, view: View) -> AtName:
        seen = view.at(path("a"))
        self.begun.set()
        assert self.go.wait(10)
        return seen


@asynccontextmanager
async def occupied(
    index: SqliteIndex, threads: int = READERS
) -> AsyncIterator[Sequence[asyncio.Future[AtName]]]:
    """So many readers each stay with a question until the block ends."""
    slow = [Slow() for _ in range(threads)]
    asked = [asyncio.ensure_future(index.read(question)) for question in slow]
    try:
        for question in slow:
            assert await asyncio.to_thread(question.begun.wait, 10)
        yield asked
    finally:
        for question in slow:
            question.go.set()


def at_a(view: View) -> AtName:
    return view.at(path("a"))


async def test_a_slow_question_keeps_nobody_waiting_who_asks_after_it(
    sqlite_index: SqliteIndex,
) -> None:
    async with occupied(sqlite_index, READERS - 1):
        for _ in range(20):
            assert await asyncio.wait_for(sqlite_index.read(at_a), 10) == Nothing()


async def test_who_asks_after_a_change_is_told_of_it_whatever_moment_a_reader_is_in(
    sqlite_index: SqliteIndex,
) -> None:
    async with occupied(sqlite_index) as before:
        await add(sqlite_index, "a")
        after = [asyncio.ensure_future(sqlite_index.read(at_a)) for _ in range(9)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*before) == [Nothing()] * READERS
    assert all(isinstance(at, FileHere) for at in await asyncio.gather(*after))


async def test_what_was_asked_while_all_readers_were_busy_is_answered(
    sqlite_index: SqliteIndex,
) -> None:
    async with occupied(sqlite_index):
        asked = [asyncio.ensure_future(sqlite_index.read(at_a)) for _ in range(100)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*asked) == [Nothing()] * 100


async def test_a_question_that_fails_fails_alone(sqlite_index: SqliteIndex) -> None:
    def broken(view: View) -> None:
        view._row("SELECT nothing FROM nowhere")  # type: ignore[attr-defined]

    def mistaken(view: View) -> None:
        raise ZeroDivisionError

    async with occupied(sqlite_index):
        questions = (at_a, broken, at_a, mistaken, at_a)
        asked = [asyncio.ensure_future(sqlite_index.read(each)) for each in questions]
        await asyncio.sleep(0)
    first, refused, second, error, third = await asyncio.gather(*asked, return_exceptions=True)
    assert first == second == third == Nothing()
    assert isinstance(refused, Unavailable)
    assert "nowhere" not in str(refused)
    assert isinstance(error, ZeroDivisionError)


async def test_who_gives_up_waiting_disturbs_nobody(sqlite_index: SqliteIndex) -> None:
    async with occupied(sqlite_index):
        left = asyncio.ensure_future(sqlite_index.read(at_a))
        stays = asyncio.ensure_future(sqlite_index.read(at_a))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
    assert await stays == Nothing()
    assert await sqlite_index.read(at_a) == Nothing()


async def test_a_stop_answers_what_was_asked_before_it(sqlite_index: SqliteIndex) -> None:
    asked = [asyncio.ensure_future(sqlite_index.read(at_a)) for _ in range(100)]
    await asyncio.sleep(0)
    await sqlite_index.close()
    assert await asyncio.gather(*asked) == [Nothing()] * 100
    with pytest.raises(Unavailable):
        await sqlite_index.read(at_a)
