"""A large body is received by a thread, and the connection goes on as if nothing had been."""

import asyncio
import errno
import os
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from handlers.lending import Loan
from tests.doors import House, got, opened, sent
from tests.shelves import open_descriptors
from tests.wire import Wire, form, message, put
from uploads.rules import Limits

LARGE = 5 << 20


@pytest.fixture
def body() -> bytes:
    return os.urandom(LARGE)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    with ours, theirs:
        yield ours, theirs


async def nothing_under_way(house: House) -> None:
    while house.parts.receiver.admission.under_way:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)


@contextmanager
def one_descriptor_left() -> Iterator[None]:
    before, taken = resource.getrlimit(resource.RLIMIT_NOFILE), list[int]()
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_descriptors() + 50, before[1]))
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        os.close(taken.pop())
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_the_next_request_on_the_connection_is_heard(body: bytes) -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        first = await wire.ask(put("/files/one", body))
        second = await wire.ask(put("/files/two", body[::-1]))
        third = await wire.ask(message("GET", "/files/one"))
        await wire.close()

        assert [first.status, second.status, third.status] == [201, 201, 200]
        assert third.body == body
        assert await got(house, "two") == (200, body[::-1])


async def test_what_was_sent_right_behind_the_body_is_a_request_of_its_own(body: bytes) -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        sending = asyncio.create_task(
            wire.send(put("/files/one", body) + put("/files/two", b"x") + put("/files/one", b"y"))
        )
        answers = [await wire.answer() for _ in range(3)]
        await sending
        await wire.close()

        assert [answer.status for answer in answers] == [201, 201, 409]
        assert await got(house, "one") == (200, body)


async def test_a_client_that_waits_for_100_is_invited_and_its_body_lent(body: bytes) -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        headers = {"Expect": "100-continue", "Content-Length": str(len(body))}
        await wire.send(put("/files/one", b"", headers))
        assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await wire.ask(body)).status == 201
        await wire.close()
        assert await got(house, "one") == (200, body)


async def test_a_body_of_unknown_length_is_read_by_the_loop(body: bytes) -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        head = b"PUT /files/one HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = await wire.ask(head + b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
        await wire.close()
        assert answer.status == 201
        assert await got(house, "one") == (200, body)


async def test_where_no_descriptor_is_left_for_a_loan_the_loop_reads_on(body: bytes) -> None:
    """The one that is left takes the bytes in; then none is left for the folder of their name."""
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        # So small that it lies in no file, whose descriptor a thread would give back meanwhile.
        assert (await wire.ask(put("/files/before", b"x"))).status == 201
        with one_descriptor_left():
            answer = await wire.ask(put("/files/one", body))
        again = await wire.ask(put("/files/one", body))
        await wire.close()

        assert (answer.status, answer.json["type"]) == (503, "/problems/unavailable")
        assert again.status == 201


@pytest.mark.parametrize("kind", ["put", "form"])
async def test_a_cut_in_the_middle_leaves_no_file_and_no_descriptor(body: bytes, kind: str) -> None:
    async with opened() as house:
        whole = put("/files/one", body) if kind == "put" else form("/files/", "one", body)
        await sent(house, "before", b"x" * 2000)
        before = open_descriptors()
        for _ in range(5):
            wire = await Wire.connect(house.client.port or 0)
            await wire.send(whole[: LARGE // 2])
            await wire.close()
            await nothing_under_way(house)

        answering = house.client.server.runner.answering  # type: ignore[union-attr]
        while answering.busy():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        assert open_descriptors() <= before
        assert (await got(house, "one"))[0] == 404


async def test_a_lent_body_that_stands_still_is_ended(body: bytes) -> None:
    async with opened(limits=Limits(body_idle=0.3)) as house:
        wire = await Wire.connect(house.client.port or 0)
        answer = await wire.ask(put("/files/one", body)[: LARGE // 2])
        await wire.close()
        assert (answer.status, answer.json["type"]) == (408, "/problems/body-stalled")


async def test_a_lent_body_that_drips_is_alive_but_too_slow(body: bytes) -> None:
    """Each drop comes within the time, and none is worth waking anybody for."""
    limits = Limits(body_idle=0.2, body_rate=100 << 20, body_rate_grace=1.0)
    async with opened(limits=limits) as house:
        wire = await Wire.connect(house.client.port or 0)
        await wire.send(put("/files/one", body)[: LARGE // 2])
        reading = asyncio.ensure_future(wire.answer())
        while not reading.done():
            await wire.send(b".")
            await asyncio.wait([reading], timeout=0.05)
        await wire.close()

        assert reading.result().status == 408
        assert "bytes a second" in reading.result().json["detail"]


async def test_a_refusal_in_the_middle_is_heard_and_the_connection_ends(body: bytes) -> None:
    async with opened(limits=Limits(file_size=LARGE // 2)) as house:
        wire = await Wire.connect(house.client.port or 0)
        whole = form("/files/", "one", body)
        sending = asyncio.create_task(wire.send(whole))
        answer = await wire.answer()
        await asyncio.wait([sending])
        await wire.close()
        assert answer.status == 413
        assert (await got(house, "one"))[0] == 404


async def test_a_wrong_digest_of_a_lent_body_stores_nothing(body: bytes) -> None:
    async with opened() as house:
        wire = await Wire.connect(house.client.port or 0)
        wrong = {"Repr-Digest": "sha-256=:" + "A" * 43 + "=:"}
        answer = await wire.ask(put("/files/one", body, wrong))
        again = await wire.ask(put("/files/one", body))
        await wire.close()
        assert answer.json["type"] == "/problems/wrong-digest"
        assert again.status == 201


def test_a_loan_gives_no_more_than_is_left(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    loan = Loan(ours.dup(), 10)
    theirs.sendall(b"0123456789GET /")
    buffer = bytearray(64)

    assert loan.draw(buffer, 2) == 10
    assert bytes(buffer[:14]) == b"\0\x000123456789\0\0"
    assert loan.left == 0
    loan.close()
    assert ours.recv(64) == b"GET /"


def test_a_loan_says_that_nothing_comes_and_that_nothing_ever_will(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    loan = Loan(ours.dup(), 10)
    assert loan.draw(bytearray(64), 0) == 0
    assert loan.read_now(64) == b""
    theirs.close()
    with pytest.raises(ConnectionError):
        loan.draw(bytearray(64), 0)
    with pytest.raises(ConnectionError):
        loan.read_now(64)
    loan.close()


class Unreachable(socket.socket):
    """What the system tells of a client that has left the network without a word."""

    def recv_into(self, *_: Any) -> int:
        raise OSError(errno.EHOSTUNREACH, "No route to host")

    def recv(self, *_: Any) -> bytes:
        raise OSError(errno.ETIMEDOUT, "Connection timed out")


def test_a_client_that_left_the_network_is_gone_and_the_disk_has_not_failed(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    loan = Loan(Unreachable(fileno=pair[0].dup().detach()), 10)
    with pytest.raises(ConnectionError):
        loan.draw(bytearray(64), 0)
    with pytest.raises(ConnectionError):
        loan.read_now(64)
    loan.close()


def test_a_loan_that_is_over_is_closed_by_the_thread_that_draws(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """Its number would be given to the next file that is opened, and the thread read from that."""
    ours, theirs = pair
    lent = ours.dup()
    loan = Loan(lent, 1 << 30)
    over = threading.Event()
    buffer = bytearray(1 << 16)

    def draw() -> None:
        try:
            while True:
                loan.draw(buffer, 0)
        except ConnectionError:
            over.set()

    thread = threading.Thread(target=draw)
    thread.start()
    theirs.sendall(b"x" * 100_000)
    loan.close()
    thread.join()
    assert over.is_set()
    assert lent.fileno() == -1


async def test_what_is_ready_is_told_also_where_it_is_little(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    loan = Loan(ours.dup(), 3)
    waiting = asyncio.create_task(loan.ready(10))
    await asyncio.sleep(0)
    theirs.sendall(b"end")
    await waiting
    assert loan.read_now(64) == b"end"
    loan.close()


async def test_nothing_that_is_ready_is_told_in_time(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, _ = pair
    loan = Loan(ours.dup(), 3)
    with pytest.raises(TimeoutError):
        await loan.ready(0.01)
    loan.close()
