"""Creating an upload in pieces again, where only the answer was lost."""

import asyncio

from tests.doors import got, opened
from tests.tussing import Client
from uploads.rules import Limits

KEY = '"8e03978e"'


async def test_a_creation_that_is_repeated_begins_one_upload() -> None:
    async with opened(limits=Limits(arriving_files=1)) as house:
        tus = Client(house)
        first = await tus.create("a.bin", 10, Idempotency_Key=KEY)
        again = await tus.create("a.bin", 10, Idempotency_Key=KEY)
        assert (first.status, again.status) == (201, 201)
        assert again.location == first.location
        assert "idempotency-replayed" not in first.headers
        assert again.headers["idempotency-replayed"] == "?1"


async def test_whoever_creates_again_is_told_how_far_it_has_come() -> None:
    async with opened() as house:
        tus = Client(house)
        href = (await tus.create("a.bin", 10, b"01234", Idempotency_Key=KEY)).location
        again = await tus.create("a.bin", 10, b"01234", Idempotency_Key=KEY)
        assert (again.location, again.offset) == (href, 5)
        assert (await tus.patch(href, 5, b"56789")).status == 204
        # The name is its own by now, and is no collision.
        assert (await tus.create("a.bin", 10, Idempotency_Key=KEY)).location == href
        assert await got(house, "a.bin") == (200, b"0123456789")


async def test_a_key_begins_nothing_else() -> None:
    async with opened() as house:
        tus = Client(house)
        await tus.begun("a.bin", 10, Idempotency_Key=KEY)
        for name, size in (("b.bin", 10), ("a.bin", 11)):
            answer = await tus.create(name, size, Idempotency_Key=KEY)
            assert (answer.status, answer.problem) == (422, "key-reused")


async def test_of_many_creations_at_once_one_begins() -> None:
    async with opened() as house:
        tus = Client(house)
        answers = await asyncio.gather(
            *(tus.create("a.bin", 10, Idempotency_Key=KEY) for _ in range(20))
        )
        assert {answer.status for answer in answers} <= {201, 409}
        assert len({answer.location for answer in answers if answer.status == 201}) == 1
