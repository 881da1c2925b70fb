"""Creating an upload in pieces again, where only the answer was lost."""

import asyncio
import base64

from tests.doors import House, got, opened
from tests.tussing import PIECE, VERSION, Client, metadata
from tests.wire import Answer, Wire, message
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


def _room_for_one(size: int) -> Limits:
    return Limits(quota_bytes=size, arriving_files=1, body_idle=0.2)


async def _half(house: House, size: int, key: dict[str, str]) -> Answer:
    """Half of a file with its creation, and nothing after it."""
    said = {"Upload-Metadata": metadata(filename="a.bin"), "Upload-Length": str(size)}
    assert house.client.port is not None
    wire = await Wire.connect(house.client.port)
    sent = message("POST", "/uploads/", bytes(size), {**VERSION, **PIECE, **said, **key})
    try:
        return await wire.ask(sent[: -size // 2])
    finally:
        await wire.close()


async def test_a_creation_that_breaks_off_holds_no_room() -> None:
    size = 100_000
    async with opened(limits=_room_for_one(size)) as house:
        for _ in range(3):
            broken = await _half(house, size, {})
            assert (broken.status, broken.json["type"]) == (503, "/problems/body-stalled")
            assert "Nothing of it is kept" in broken.json["detail"]
        assert (await Client(house).create("a.bin", size, bytes(size))).status == 201


async def test_a_creation_that_breaks_off_goes_on_under_its_key() -> None:
    size = 100_000
    async with opened(limits=_room_for_one(size)) as house:
        key = {"Idempotency-Key": KEY}
        assert (await _half(house, size, key)).status == 503
        again = await Client(house).create("a.bin", size, Idempotency_Key=KEY)
        assert (again.status, again.offset) == (201, size // 2)


async def test_a_creation_whose_first_piece_is_refused_holds_no_room() -> None:
    wrong = "sha1 " + base64.b64encode(bytes(20)).decode()
    for refused in (wrong, "sha1 none", "none"):
        async with opened(limits=Limits(arriving_files=1)) as house:
            tus = Client(house)
            for part in ({}, {"Upload_Concat": "partial"}):
                name = None if part else "a.bin"
                answer = await tus.create(name, 9, b"abc", Upload_Checksum=refused, **part)
                assert answer.status in {400, 460}
                assert "location" not in answer.headers
            assert (await tus.create("a.bin", 9, b"abc")).status == 201


async def test_what_the_first_piece_has_parked_is_kept() -> None:
    async with opened() as house:
        tus = Client(house)
        assert (await tus.create("a.bin", 3, b"abc")).status == 201
        late = await tus.create("b.bin", 3, b"abc")
        assert (late.status, late.problem) == (422, "content-known")
        stored = late.body["resolutions"][0]
        answer = await tus.ask(stored["method"], stored["href"], headers=stored["headers"])
        assert answer.status == 201


async def test_who_repeats_a_creation_that_was_refused_learns_where_its_bytes_wait() -> None:
    async with opened() as house:
        tus = Client(house)
        assert (await tus.create("a.bin", 3, b"abc")).status == 201
        assert (await tus.create("b.bin", 3, b"abc", Idempotency_Key=KEY)).status == 422
        again = await tus.create("b.bin", 3, b"abc", Idempotency_Key=KEY)
        assert (again.status, again.problem) == (410, "arrived-already")
        waiting = await tus.ask("GET", again.body["upload"]["href"])
        link = waiting.body["resolutions"][0]
        assert link["action"] == "link"
        assert (await tus.ask("POST", link["href"], headers=link["headers"])).status == 201
        done = await tus.create("b.bin", 3, b"abc", Idempotency_Key=KEY)
        assert (done.status, done.problem) == (404, "not-there")
        assert "another key" in done.body["detail"]
