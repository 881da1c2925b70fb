"""Many WebDAV clients at once: exactly one of those that exclude each other wins."""

import asyncio

from tests.davs import LOCK, ask, find
from tests.doors import got, opened


async def test_of_many_exclusive_locks_one_is_given() -> None:
    async with opened() as house:
        await ask(house, "MKCOL", "a")
        body = LOCK.format(scope="exclusive", owner="")
        places = ["a/b.txt", "a"] * 15
        answers = await asyncio.gather(*(ask(house, "LOCK", place, body) for place in places))
        assert sum("Lock-Token" in answer.headers for answer in answers) == 1
        assert {answer.status for answer in answers} <= {200, 201, 207, 423}


async def test_of_many_writers_of_one_version_one_wins() -> None:
    async with opened() as house:
        first = await ask(house, "PUT", "a.txt", b"0")
        states = f"([{first.headers['ETag']}])"
        answers = await asyncio.gather(
            *(ask(house, "PUT", "a.txt", b"%d" % one, If=states) for one in range(1, 21))
        )
        assert sorted(answer.status for answer in answers) == [204] + [412] * 19


async def test_of_many_who_move_onto_a_free_name_one_wins_and_no_file_is_lost() -> None:
    async with opened() as house:
        names = [f"{number}.txt" for number in range(15)]
        for name in names:
            await ask(house, "PUT", name, name.encode())
        answers = await asyncio.gather(
            *(ask(house, "MOVE", name, Destination="/dav/goal", Overwrite="F") for name in names)
        )
        assert sorted(answer.status for answer in answers) == [201] + [412] * 14
        left = (await find(house, "", depth="1")).hrefs
        assert len(left) == 16
        _, goal = await got(house, "goal")
        assert f"/dav/{goal.decode()}" not in left


async def test_of_a_lock_that_runs_out_and_the_next_one_there_is_never_more_than_one() -> None:
    clock = [1000.0]
    async with opened(clock=lambda: clock[0]) as house:
        await ask(house, "PUT", "a.txt", b"one")
        body = LOCK.format(scope="exclusive", owner="")
        first = await ask(house, "LOCK", "a.txt", body, Timeout="Second-60")
        mine = {"If": f"({first.headers['Lock-Token']})", "Timeout": "Second-60"}
        for moment, kept in ((59.9, True), (119.8, True), (179.8, False)):
            clock[0] = 1000.0 + moment
            wishes = [ask(house, "LOCK", "a.txt", body), ask(house, "LOCK", "a.txt", **mine)]
            new, refreshed = await asyncio.gather(*wishes)
            expected = (423, 200) if kept else (200, 412)
            assert (new.status, refreshed.status) == expected, moment
        told = (await find(house, "a.txt", "lockdiscovery")).properties("/dav/a.txt")
        assert len(told["{DAV:}lockdiscovery"][1]) == 1


async def test_who_writes_while_a_lock_is_taken_is_before_it_or_kept_out() -> None:
    async with opened() as house:
        await ask(house, "PUT", "a.txt", b"0")
        body = LOCK.format(scope="exclusive", owner="")
        wishes = [ask(house, "PUT", "a.txt", b"%d" % one) for one in range(1, 11)]
        wishes.insert(5, ask(house, "LOCK", "a.txt", body))
        answers = await asyncio.gather(*wishes)
        assert {answer.status for answer in answers} <= {200, 204, 423}
        assert answers[5].status == 200
        before = await got(house, "a.txt")
        assert (await ask(house, "PUT", "a.txt", b"after")).status == 423
        assert await got(house, "a.txt") == before
