"""Between the event loop and threads: what comes together crosses together, and nothing waits long."""

import asyncio
import threading

from storage.crossing import Delivery, Gathering


async def test_what_the_loop_has_ready_is_handed_over_together() -> None:
    handed: list[int] = []
    handed_before: list[list[int]] = []
    gathering: Gathering[int] = Gathering(handed.append)

    async def add_in_turn(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
        handed_before.append(list(handed))
        gathering.add(number)

    await asyncio.gather(*(add_in_turn(number) for number in range(4)))
    assert handed_before == [[], [], [], []]
    gathering.flush()
    assert handed == [0, 1, 2, 3]


async def test_what_comes_alone_is_handed_over_after_one_turn_of_the_loop() -> None:
    handed: list[int] = []
    gathering: Gathering[int] = Gathering(handed.append)
    gathering.add(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert handed == [1]


async def test_a_long_row_is_handed_over_before_its_end() -> None:
    handed: list[int] = []
    gathering: Gathering[int] = Gathering(handed.append)
    for number in range(1000):
        gathering.add(number)
        if number % 100 == 0:
            await asyncio.sleep(0)
    assert len(handed) >= 500


async def test_an_answer_is_delivered_though_its_run_does_not_end() -> None:
    delivery = Delivery()
    loop = asyncio.get_running_loop()
    first: asyncio.Future[str] = loop.create_future()
    over = threading.Event()

    def run() -> None:
        delivery.put(first, "here", None)
        over.wait(10)
        delivery.send()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert await asyncio.wait_for(delivery.wait(first), 5) == "here"
    finally:
        over.set()
        thread.join()


async def test_an_answer_that_nobody_waits_for_any_more_disturbs_nobody() -> None:
    delivery = Delivery()
    loop = asyncio.get_running_loop()
    left: asyncio.Future[int] = loop.create_future()
    stays: asyncio.Future[int] = loop.create_future()
    left.cancel()
    delivery.put(left, 1, None)
    delivery.put(stays, 2, None)
    delivery.send()
    assert await delivery.wait(stays) == 2


async def test_a_loop_that_is_closed_is_told_nothing() -> None:
    delivery = Delivery()
    closed = asyncio.new_event_loop()
    settled = closed.create_future()
    closed.close()
    delivery.put(settled, 1, None)
    delivery.send()
    assert not settled.done()
