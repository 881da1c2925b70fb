"""Several at a time, and yet in order where it matters."""

import asyncio
from collections import Counter

import pytest

from storage.exchange.abreast import Place, each, in_order


async def test_many_at_once_share_the_work_and_each_is_done_once() -> None:
    done: Counter[int] = Counter()
    running, most = 0, 0

    async def work(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        done[item] += 1
        running -= 1

    await each(range(50), work, 7)

    assert done == Counter(range(50))
    assert most == 7


async def test_what_nobody_foresaw_ends_the_work_as_itself() -> None:
    async def work(item: int) -> None:
        if item == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await each(range(50), work, 7)


async def test_results_and_what_is_done_in_place_keep_the_order_of_the_items() -> None:
    told: list[int] = []
    entered: list[int] = []
    under_way, most = 0, 0

    async def work(item: int, place: Place) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(item * 7 % 11):
            await asyncio.sleep(0)
        if item % 5:
            async with place:
                entered.append(item)
            await asyncio.sleep(0)
        under_way -= 1
        return item

    await in_order(range(50), work, 6, told.append)

    assert told == [*range(50)]
    assert entered == [item for item in range(50) if item % 5]
    assert most == 6


async def test_who_leaves_a_place_without_coming_lets_nobody_pass_those_before() -> None:
    entered: list[str] = []
    late = asyncio.Event()

    async def work(item: str, place: Place) -> None:
        if item == "first":
            await late.wait()
        if item == "none":
            return
        async with place:
            entered.append(item)

    working = asyncio.create_task(
        in_order(["first", "none", "none", "last"], work, 4, lambda _: None)
    )
    for _ in range(20):
        await asyncio.sleep(0)
    assert entered == []
    late.set()
    await working
    assert entered == ["first", "last"]


async def test_a_failure_ends_the_work_as_itself_and_what_was_done_is_told() -> None:
    told: list[int] = []
    ended: list[int] = []

    async def work(item: int, place: Place) -> int:
        assert place is not None
        if item == 1:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            raise ZeroDivisionError
        if item == 3:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(item)
        return item

    with pytest.raises(ZeroDivisionError):
        await in_order(range(50), work, 4, told.append)

    assert told[0] == 0
    assert set(told) == {0, 2, 4}
    assert ended == [3]


async def test_who_gives_up_ends_all_that_is_under_way() -> None:
    ended: list[int] = []

    async def work(item: int, place: Place) -> None:
        assert place is not None
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(item)

    working = asyncio.create_task(in_order(range(50), work, 4, lambda _: None))
    for _ in range(5):
        await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert sorted(ended) == [0, 1, 2, 3]
