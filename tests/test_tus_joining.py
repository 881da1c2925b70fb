"""Concatenation of tus 1.0: parts that come by themselves, and become one file."""

import os

import pytest

from tests.doors import got, opened, sent
from tests.tussing import Client
from uploads.rules import Limits


@pytest.fixture
def body() -> bytes:
    return os.urandom(200_000)


async def test_parts_are_joined(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        parts = []
        for at in range(0, len(body), 70_000):
            piece = body[at : at + 70_000]
            href = await tus.begun(None, len(piece), Upload_Concat="partial")
            assert (await tus.patch(href, 0, piece)).offset == len(piece)
            head = await tus.head(href)
            assert (head.offset, head.headers["upload-concat"]) == (len(piece), "partial")
            parts.append(href)
        assert (await got(house, ""))[0] == 200
        concat = "final;" + " ".join(parts)
        done = await tus.create("a.bin", None, Upload_Concat=concat)
        assert (done.status, done.offset) == (201, len(body))
        assert done.headers["content-location"] == "/files/a.bin"
        assert await got(house, "a.bin") == (200, body)
        head = await tus.head(done.location)
        assert (head.offset, head.headers["upload-concat"]) == (len(body), concat)
        assert [(await tus.head(part)).status for part in parts] == [404] * len(parts)
        assert await house.parts.resuming._unfinished.all() == []
        assert (
            await house.parts.resuming._index.read(lambda view: view.arriving("anonymous"))
        ).files == 0


async def test_what_is_not_whole_or_no_part_is_not_joined(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        half = await tus.begun(None, 10, Upload_Concat="partial")
        await tus.patch(half, 0, b"12345")
        own = await tus.begun("own", 5)
        for href in (half, own):
            answer = await tus.create("a.bin", None, Upload_Concat=f"final;{href}")
            assert (answer.status, answer.problem) == (400, "malformed-request")
        gone = await tus.create("a.bin", None, Upload_Concat="final;/uploads/none")
        assert gone.status == 404
        assert (await tus.head(half)).offset == 5


async def test_what_was_joined_takes_no_more_pieces() -> None:
    async with opened() as house:
        tus = Client(house)
        part = (await tus.create(None, 5, b"12345", Upload_Concat="partial")).location
        done = await tus.create("a.bin", None, Upload_Concat=f"final;{part}")
        for offset, piece in ((5, b""), (0, b"123"), (5, b"6")):
            more = await tus.patch(done.location, offset, piece)
            assert (more.status, more.problem) == (403, "not-allowed")
            assert more.body["next"] == "There is nothing to do: all of it is here."
        assert await got(house, "a.bin") == (200, b"12345")


async def test_a_joined_file_that_collides_is_refused_and_its_parts_stay(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        await sent(house, "a.bin", b"something else")
        part = (await tus.create(None, 5, b"12345", Upload_Concat="partial")).location
        early = await tus.create("a.bin", None, Upload_Concat=f"final;{part}")
        assert (early.status, early.problem) == (422, "name-taken")
        assert (await tus.create("b.bin", None, Upload_Concat=f"final;{part}")).status == 201


async def test_joining_fits_a_quota_that_the_parts_fill_already(body: bytes) -> None:
    limits = Limits(quota_bytes=150_000)
    async with opened(limits=limits) as house:
        tus = Client(house)
        parts = []
        for at in (0, 50_000):
            piece = body[at : at + 50_000]
            made = await tus.create(None, 50_000, piece, Upload_Concat="partial")
            parts.append(made.location)
        done = await tus.create("a.bin", None, Upload_Concat="final;" + " ".join(parts))
        assert done.status == 201, done.body
        assert await got(house, "a.bin") == (200, body[:100_000])
