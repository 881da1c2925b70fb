"""Readers who are slow, and readers who stand still."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest

from handlers import protocol, sending
from handlers.parts import HttpSettings
from tests.doors import House, opened
from tests.wire import message

CLOSE = {"Connection": "close"}
BIG = os.urandom(12 << 20)


@pytest.fixture
async def impatient() -> AsyncIterator[House]:
    async with opened(http=HttpSettings(send_idle=0.4)) as house:
        for name, body in (("big", BIG), ("middling", BIG[: 60 << 10])):
            put = house.client.put(f"/files/{name}", data=BytesIO(body), headers=CLOSE)
            async with put as response:
                assert response.status == 201
        yield house


def reader(house: House) -> socket.socket:
    """It reads only what it is told to, and has room for little."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    made.connect(("127.0.0.1", house.client.port or 0))
    made.settimeout(0)
    return made


class Unreachable(socket.socket):
    """What the system tells of a reader that has left the network without a word."""

    def send(self, *_: Any) -> int:
        raise OSError(errno.EHOSTUNREACH, "No route to host")


def test_a_reader_that_left_the_network_is_gone_and_no_mistake_of_ours() -> None:
    ours, theirs = socket.socketpair()
    with theirs, Unreachable(fileno=ours.detach()) as lost, pytest.raises(ConnectionError):
        sending._offer(lost, memoryview(b"x"))


def read_all(client: socket.socket) -> None:
    while client.recv(1 << 20):
        pass


async def connections(house: House, wanted: int) -> float:
    """How long it took until there were so many."""
    runner = house.client.server.runner
    assert isinstance(runner, protocol.Runner)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with asyncio.timeout(20):
        while len(runner.answering.connections) != wanted:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
    return loop.time() - begun


@pytest.mark.parametrize(
    ("request_", "times"),
    [
        (message("GET", "/files/big"), 1),
        (message("GET", "/files/big", headers={"Range": "bytes=0-6000000,6000002-12000000"}), 1),
        (message("GET", "/files/middling"), 200),
    ],
    ids=["whole", "in parts", "many answers"],
)
async def test_who_takes_nothing_is_hung_up_on(
    impatient: House, request_: bytes, times: int
) -> None:
    with reader(impatient) as client:
        await connections(impatient, 1)
        await asyncio.get_running_loop().sock_sendall(client, request_ * times)
        assert await connections(impatient, 0) > 0.3
        client.settimeout(5)
        with pytest.raises(ConnectionResetError):
            read_all(client)


async def test_who_takes_little_at_a_time_gets_it_all_the_same(impatient: House) -> None:
    loop = asyncio.get_running_loop()
    with reader(impatient) as client:
        await loop.sock_sendall(client, message("GET", "/files/big"))
        for _ in range(20):
            await asyncio.sleep(0.1)
            assert await loop.sock_recv(client, 16 << 10)
        got = b""
        while not got.endswith(BIG[-100:]):
            got += await loop.sock_recv(client, 1 << 20)
        assert got in BIG


async def test_a_connection_serves_on_after_a_file_was_sent(impatient: House) -> None:
    for _ in range(2):
        async with impatient.client.get("/files/big") as response:
            assert await response.read() == BIG
    async with impatient.client.get("/files/big", headers={"Range": "bytes=1-5000000"}) as response:
        assert await response.read() == BIG[1:5000001]
