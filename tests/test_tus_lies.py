"""Requests of tus 1.0 that lie, ask for too much, or ask for what is not theirs."""

import os

import pytest

from tests.doors import got, opened
from tests.tussing import PIECE, Client, metadata
from uploads.access import ALL_RIGHTS, ANONYMOUS_NAME, Grant, Right
from uploads.names import Path
from uploads.rules import Limits

TOKEN = {"Authorization": "Bearer token"}


@pytest.fixture
def body() -> bytes:
    return os.urandom(200_000)


@pytest.mark.parametrize(
    "said",
    ["filename", "filename !!", "a YQ==,a Yg==", "fil\u00e9 YQ==", "filename YQ==,,,x y z", ""],
)
async def test_metadata_that_cannot_be_read_or_name_nothing_are_refused(said: str) -> None:
    async with opened() as house:
        answer = await Client(house).create(None, 1, Upload_Metadata=said)
        assert (answer.status, answer.problem) == (400, "malformed-request")


@pytest.mark.parametrize("name", ["../up.txt", "a/../b", "con", "a\x00b", "a//b", ".."])
async def test_a_name_that_cannot_be_is_refused_before_a_byte(name: str) -> None:
    async with opened() as house:
        answer = await Client(house).create(name, 1)
        assert (answer.status, answer.problem) == (422, "bad-name")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Length": "-1"},
        {"Upload-Length": "1e3"},
        {"Upload-Length": "5", "Upload-Defer-Length": "1"},
        {"Upload-Defer-Length": "2"},
        {"Upload-Length": "5", "Upload-Concat": "half"},
        {"Upload-Concat": "final;"},
        {"Upload-Concat": "final;/uploads/x", "Upload-Length": "5"},
    ],
)
async def test_lengths_that_lie_are_refused(headers: dict[str, str]) -> None:
    async with opened() as house:
        said = {"Upload-Metadata": metadata(filename="a")}
        answer = await Client(house).ask("POST", "/uploads/", None, {**said, **headers})
        assert (answer.status, answer.problem) == (400, "malformed-request")


async def test_a_length_beyond_the_limit_is_refused_before_a_byte() -> None:
    async with opened(limits=Limits(file_size=1000)) as house:
        tus = Client(house)
        for size in (1001, 1 << 63, 10**40):
            answer = await tus.create("a", size)
            assert (answer.status, answer.problem) == (413, "too-large")
        href = await tus.begun("a", None, Upload_Defer_Length="1")
        told = await tus.patch(href, 0, b"x", Upload_Length="1001")
        assert (told.status, told.problem) == (413, "too-large")
        grown = await tus.patch(href, 0, b"x" * 1001)
        assert (grown.status, grown.problem) == (413, "too-large")


async def test_pieces_that_lie_are_refused_and_change_nothing(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", len(body))
        await tus.patch(href, 0, body[:1000])
        for offset in (0, 999, 1001, len(body)):
            answer = await tus.patch(href, offset, b"x")
            assert (answer.status, answer.problem) == (409, "wrong-offset")
            assert answer.body["expected-offset"] == 1000
        long = await tus.patch(href, 1000, body)
        assert (long.status, long.problem) == (400, "wrong-length")
        kind = await tus.ask("PATCH", href, b"x", {"Upload-Offset": "1000"})
        assert (kind.status, kind.problem) == (415, "not-a-piece")
        for wrong in ("", "-1", "x", "1" * 5000):
            answer = await tus.ask("PATCH", href, b"x", {**PIECE, "Upload-Offset": wrong})
            assert answer.status in {400, 413}
        assert (await tus.ask("PATCH", href, b"x", PIECE)).status == 400
        assert (await tus.patch(href, 1000, b"x", Upload_Checksum="crc AAAA")).status == 400
        assert (await tus.patch("/uploads/nothing", 0, b"x")).status == 404
        assert (await tus.head(href)).offset == 1000


async def chunks(body: bytes) -> object:
    for at in range(0, len(body), 1000):
        yield body[at : at + 1000]


async def test_more_than_was_announced_is_dropped_also_where_nobody_said_how_much(
    body: bytes,
) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", len(body))
        answer = await tus.patch(href, 0, chunks(body + b"!"))
        assert (answer.status, answer.problem) == (400, "wrong-length")
        assert (await tus.head(href)).offset == 0
        assert (await tus.patch(href, 0, chunks(body))).status == 204
        assert await got(house, "a.bin") == (200, body)


async def test_nobody_else_learns_that_there_is_an_upload(body: bytes) -> None:
    everybody = Grant(Path(()), frozenset({ANONYMOUS_NAME, "users"}), ALL_RIGHTS)
    async with opened(grants=[everybody]) as house:
        mine, other = Client(house, TOKEN), Client(house)
        href = await mine.begun("a.bin", len(body))
        for answer in (
            await other.head(href),
            await other.patch(href, 0, b"x"),
            await other.ask("DELETE", href),
        ):
            assert answer.status == 404
        assert (await mine.patch(href, 0, body)).status == 204


async def test_only_who_may_upload_may_begin(body: bytes) -> None:
    reading = Grant(Path(()), frozenset({ANONYMOUS_NAME}), frozenset({Right.READ, Right.LIST}))
    async with opened(grants=[reading]) as house:
        tus = Client(house)
        assert (await tus.create("a", 5)).status == 401
        assert (await tus.create(None, 5, Upload_Concat="partial")).status == 401
