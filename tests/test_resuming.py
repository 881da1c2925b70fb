"""What breaks off, hangs, expires or fails, and goes on: the offset that is told is always there."""

import asyncio
import errno
import os
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha1
from typing import Any

import pytest

from storage.disk import posix
from storage.disk.unfinished import Continuing
from storage.upkeep import collecting
from tests.doors import House, got, opened, sent
from tests.tussing import PIECE, VERSION, Client
from tests.wire import Answer, Wire, message
from uploads import portions
from uploads.failures import Unavailable
from uploads.rules import Limits

LARGE = 5 << 20


@pytest.fixture
def body() -> bytes:
    return os.urandom(LARGE)


def patch(href: str, offset: int, count: int) -> bytes:
    """The head of a request that says how much comes."""
    headers = {**VERSION, **PIECE, "Upload-Offset": str(offset), "Content-Length": str(count)}
    return message("PATCH", href, b"", headers)


async def wired(house: House, data: bytes) -> Wire:
    wire = await Wire.connect(house.client.port or 0)
    await wire.send(data)
    return wire


async def taken_in(house: House, href: str) -> None:
    """Until the request that goes on with it has its seat."""
    seats = house.parts.resuming._seats._taken
    while href.rpartition("/")[2] not in seats:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> list[Continuing]:
    """Those that were opened, in their order."""
    opened_: list[Continuing] = []
    real = Continuing.begin

    async def begin(self: Continuing, *arguments: Any) -> None:
        await real(self, *arguments)
        opened_.append(self)

    monkeypatch.setattr(Continuing, "begin", begin)
    return opened_


async def came(stages: list[Continuing], count: int) -> None:
    """Until so many bytes have reached the stage that was opened last."""
    while not stages or stages[-1].received < count:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)


async def left(house: House) -> None:
    while house.parts.resuming._seats._taken:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("cut", [1, 1000, 100_000, 3 << 20])
async def test_what_came_before_a_connection_broke_is_kept(
    body: bytes, cut: int, stages: list[Continuing]
) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", LARGE)
        wire = await wired(house, patch(href, 0, LARGE) + body[:cut])
        await came(stages, cut)
        await wire.close()
        await left(house)
        assert (await tus.head(href)).offset == cut
        assert (await tus.patch(href, cut, body[cut:])).status == 204
        assert await got(house, "a.bin") == (200, body)


@pytest.mark.parametrize("known", [True, False])
async def test_a_newer_request_takes_over_from_one_that_hangs(
    body: bytes, stages: list[Continuing], *, known: bool
) -> None:
    async with opened() as house:
        tus = Client(house)
        if known:
            href = await tus.begun("a.bin", LARGE)
        else:
            href = await tus.begun("a.bin", None, Upload_Defer_Length="1")
        wire = await wired(house, patch(href, 0, LARGE) + body[:200_000])
        await came(stages, 200_000)
        head = await tus.head(href)
        ended = await wire.answer()
        await wire.close()
        assert ended.status == 422
        assert ended.json["type"] == "/problems/taken-over"
        assert head.offset == 200_000
        rest = body[head.offset :]
        assert (await tus.patch(href, head.offset, rest, Upload_Length=str(LARGE))).status == 204
        assert await got(house, "a.bin") == (200, body)


async def test_of_many_requests_at_once_each_is_judged_by_what_is_there_then(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", LARGE)
        for _ in range(4):
            await asyncio.gather(*(tus.patch(href, 0, body) for _ in range(4)))
        head = await tus.head(href)
        if head.offset < LARGE:
            await tus.patch(href, head.offset, body[head.offset :])
        assert await got(house, "a.bin") == (200, body)


async def test_a_piece_that_stands_still_is_ended_and_kept(body: bytes) -> None:
    async with opened(limits=Limits(body_idle=0.3)) as house:
        tus = Client(house)
        href = await tus.begun("a.bin", LARGE)
        wire = await wired(house, patch(href, 0, LARGE) + body[:70_000])
        ended = await wire.answer()
        await wire.close()
        # Not 408, after which tus-js-client gives up for good.
        assert (ended.status, ended.json["type"]) == (503, "/problems/body-stalled")
        assert "70,000 bytes" in ended.json["detail"]
        assert (await tus.head(href)).offset == 70_000


async def test_a_piece_whose_checksum_cannot_be_verified_is_sent_again(
    body: bytes, stages: list[Continuing]
) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", LARGE)
        await tus.patch(href, 0, body[:1000])
        head = patch(href, 1000, LARGE - 1000)[:-2]
        checksum = b"Upload-Checksum: sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
        wire = await wired(house, head + checksum + body[1000:200_000])
        await came(stages, 200_000)
        await wire.close()
        await left(house)
        assert (await tus.head(href)).offset == 1000
        assert (await tus.patch(href, 1000, body[1000:])).status == 204
        assert await got(house, "a.bin") == (200, body)


@pytest.mark.parametrize("verified", [False, True])
async def test_an_upload_does_not_expire_while_a_piece_of_it_comes(
    body: bytes, monkeypatch: pytest.MonkeyPatch, *, verified: bool
) -> None:
    monkeypatch.setattr(portions, "SAVE_SECONDS", 0.0)
    said = f"Upload-Checksum: sha1 {b64encode(sha1(body).digest()).decode()}\r\n"  # noqa: S324
    clock, third = [1_800_000_000.0], LARGE // 3
    async with opened(limits=Limits(keep_arriving=100), clock=lambda: clock[0]) as house:
        tus, resuming = Client(house), house.parts.resuming
        href = await tus.begun("a.bin", LARGE)
        id_ = href.rpartition("/")[2]

        async def is_kept() -> None:
            """By another hundred seconds from now on."""
            async with asyncio.timeout(20):
                while True:
                    found = await resuming._index.read(lambda view: view.incoming(id_))
                    if found is not None and found.expires == clock[0] + 100:
                        return
                    await asyncio.sleep(0.01)

        clock[0] += 60
        head = patch(href, 0, LARGE)[:-2] + (said.encode() if verified else b"") + b"\r\n"
        wire = await wired(house, head + body[:third])
        await is_kept()
        clock[0] += 60
        await wire.send(body[third : 2 * third])
        await is_kept()
        await collecting.sweep_unfinished(resuming._index, resuming._unfinished, clock[0])
        await wire.send(body[2 * third :])
        assert (await wire.answer()).status == 204
        await wire.close()
        assert await got(house, "a.bin") == (200, body)


async def test_a_piece_that_begins_in_the_last_hour_of_its_upload_has_time_to_come(
    body: bytes, stages: list[Continuing]
) -> None:
    clock = [1_800_000_000.0]
    async with opened(limits=Limits(keep_arriving=100), clock=lambda: clock[0]) as house:
        tus, resuming = Client(house), house.parts.resuming
        href = await tus.begun("a.bin", LARGE)
        clock[0] += 99
        wire = await wired(house, patch(href, 0, LARGE) + body[:100_000])
        await came(stages, 100_000)
        clock[0] += 40
        await collecting.sweep_unfinished(resuming._index, resuming._unfinished, clock[0])
        await wire.send(body[100_000:])
        assert (await wire.answer()).status == 204
        await wire.close()
        assert await got(house, "a.bin") == (200, body)


async def test_on_the_way_the_offset_is_recorded_now_and_then(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "SAVE_BYTES", 1 << 20)
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", LARGE)
        index, id_ = house.parts.resuming._index, href.rpartition("/")[2]
        wire = await wired(house, patch(href, 0, LARGE) + body[: 3 << 20])

        async def recorded() -> int:
            found = await index.read(lambda view: view.incoming(id_))
            return found.offset if found else -1

        while await recorded() < 1 << 20:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        await wire.send(body[3 << 20 :])
        assert (await wire.answer()).status == 204
        await wire.close()
        assert await got(house, "a.bin") == (200, body)


async def test_a_server_that_stops_keeps_what_came(body: bytes, stages: list[Continuing]) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", LARGE)
        wire = await wired(house, patch(href, 0, LARGE) + body[:100_000])
        await came(stages, 100_000)
        await house.parts.resuming.stop()
        ended = await wire.answer()
        await wire.close()
        assert (ended.status, ended.json["type"]) == (503, "/problems/unavailable")
        index, id_ = house.parts.resuming._index, href.rpartition("/")[2]
        found = await index.read(lambda view: view.incoming(id_))
        assert found is not None
        assert found.offset == 100_000
        assert (await tus.patch(href, found.offset, b"x")).status == 503


async def test_a_disk_that_is_full_in_the_middle_keeps_what_is_safe(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = posix.write_all
    written = 0

    def write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
        nonlocal written
        written += len(data)
        if written > 2 << 20:
            raise OSError(errno.ENOSPC, "full")
        real(descriptor, data)

    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", LARGE)
        with monkeypatch.context() as patched:
            patched.setattr(posix, "write_all", write_all)
            wire = await wired(house, patch(href, 0, LARGE))
            sending = asyncio.create_task(wire.send(body))
            full = await wire.answer()
            await asyncio.wait({sending})
            await wire.close()
        assert (full.status, full.json["type"]) == (507, "/problems/disk-full")
        head = await tus.head(href)
        assert 0 < head.offset <= 2 << 20
        assert (await tus.patch(href, head.offset, body[head.offset :])).status == 204
        assert await got(house, "a.bin") == (200, body)


@pytest.mark.parametrize("size", [500, LARGE])
async def test_what_could_not_be_settled_is_never_shown_as_complete(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that finds nothing missing would call it stored."""
    body = os.urandom(size)
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", size)

        async def fail(*_: object) -> None:
            raise Unavailable("not now")

        with monkeypatch.context() as patched:
            patched.setattr(type(house.parts.receiver), "settle", fail)
            assert (await tus.patch(href, 0, body)).status == 503
        head = await tus.head(href)
        assert (head.status, head.offset) == (200, size - 1)
        done = await tus.patch(href, size - 1, body[-1:])
        assert (done.status, done.headers["content-location"]) == (204, "/files/a.bin")
        assert await got(house, "a.bin") == (200, body)


async def test_bytes_that_are_gone_are_not_told_of(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", LARGE)
        await tus.patch(href, 0, body[:100_000])
        await house.parts.resuming._unfinished.remove(href.rpartition("/")[2])
        assert (await tus.head(href)).status == 404
        assert (await tus.patch(href, 100_000, b"x")).status == 404


async def test_an_expired_upload_is_gone_and_its_bytes_are_collected(body: bytes) -> None:
    clock = [time.time()]
    limits = Limits(keep_arriving=3600.0)
    async with opened(limits=limits, clock=lambda: clock[0]) as house:
        tus, resuming = Client(house), house.parts.resuming
        old = await tus.begun("a.bin", LARGE)
        await tus.patch(old, 0, body[:100_000])
        done = await tus.begun("b.bin", 5)
        await tus.patch(done, 0, b"12345")
        now = clock[0]
        assert await collecting.sweep_unfinished(resuming._index, resuming._unfinished, now) == 0
        assert (await tus.head(old)).offset == 100_000

        later = now + 3601
        clock[0] = later
        assert (await tus.head(old)).status == 404
        assert await collecting.sweep_unfinished(resuming._index, resuming._unfinished, later) == 1
        assert await resuming._unfinished.all() == []
        usage = await resuming._index.read(lambda view: view.usage("anonymous"))
        assert (usage.bytes, usage.files) == (5, 1)
        assert (await tus.head(done)).status == 404
        assert (await got(house, "b.bin"))[0] == 200


async def test_what_a_crash_left_is_collected_and_what_arrives_is_not(body: bytes) -> None:
    async with opened() as house:
        tus, resuming = Client(house), house.parts.resuming
        href = await tus.begun("a.bin", LARGE)
        wire = await wired(house, patch(href, 0, LARGE) + body[: 2 << 20])
        await taken_in(house, href)
        stray = resuming._unfinished._folder / "stray"  # type: ignore[attr-defined]
        stray.write_bytes(b"left over")
        swept = await collecting.sweep_unfinished(
            resuming._index, resuming._unfinished, time.time()
        )
        assert swept == 1
        assert not stray.exists()
        await wire.send(body[2 << 20 :])
        assert (await wire.answer()).status == 204
        await wire.close()
        assert await got(house, "a.bin") == (200, body)


async def test_a_piece_that_is_sent_behind_another_on_one_connection_is_taken(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", LARGE)
        half = LARGE // 2
        wire = await Wire.connect(house.client.port or 0)
        answers: list[Answer] = []
        for at, end in ((0, half), (half, LARGE)):
            answers.append(await wire.ask(patch(href, at, end - at) + body[at:end]))
        await wire.close()
        assert [answer.status for answer in answers] == [204, 204]
        assert await got(house, "a.bin") == (200, body)


async def test_a_client_that_waits_for_100_hears_a_refusal_first(body: bytes) -> None:
    async with opened() as house:
        await sent(house, "there", b"x")
        tus = Client(house)
        href = await tus.begun("a.bin", LARGE)
        waiting = patch(href, 7, LARGE - 7)[:-2] + b"Expect: 100-continue\r\n\r\n"
        wire = await wired(house, waiting)
        first = await wire.reader.readline()
        await wire.close()
        assert b" 409 " in first


async def slowly(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), 100_000):
        yield body[at : at + 100_000]


async def test_a_body_of_unknown_length_is_taken_as_far_as_it_comes(body: bytes) -> None:
    async with opened() as house:
        tus = Client(house)
        href = await tus.begun("a.bin", LARGE)
        assert (await tus.patch(href, 0, slowly(body[:1_000_000]))).offset == 1_000_000
        assert (await tus.patch(href, 1_000_000, slowly(body[1_000_000:]))).status == 204
        assert await got(house, "a.bin") == (200, body)
