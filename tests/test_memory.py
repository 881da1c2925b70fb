"""One huge upload and two hundred slow ones at once: what the server needs for it stays flat.

The huge one has a gibibyte here; `MEMORY_GIB=4 make test ARGS=tests/test_memory.py` sends four.
"""

import asyncio
import logging
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.running import Program, running
from tests.wire import Answer, Wire, ask, message, put

log = logging.getLogger(__name__)

MIB = 1 << 20
HUGE = int(os.environ.get("MEMORY_GIB", "1")) << 30
SLOW_ONES = 200
SLOW_SIZE = MIB
SIP = 16 << 10
SIPS_ALONE = 8
HEAD = b"\xff\xd8\xff\xe0"
# What aiohttp may hold per connection, and room for allocators, threads and caches.
ALLOWED = SLOW_ONES * (512 << 10) + 64 * MIB
ALLOWED_ALONE = SLOW_ONES * (40 << 10)
ENVIRONMENT = {
    "NOCLOBBER_LIMITS_UPLOADS_AT_ONCE": "512",
    "NOCLOBBER_LIMITS_UPLOADS_PER_PRINCIPAL": "512",
}


@pytest.fixture(name="program")
def _program(tmp_path: Path) -> Iterator[Program]:
    data = tmp_path / "data"
    with running(data, env=ENVIRONMENT) as program:
        yield program
    shutil.rmtree(data)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_huge_upload_and_two_hundred_slow_ones_need_little_memory(
    program: Program,
) -> None:
    await asyncio.gather(
        *(ask(program.port, put(f"/files/warm/{one}.jpg", slow(one))) for one in range(8))
    )
    idle = resident(program)
    async with watched(program) as seen:
        sent = asyncio.Event()
        sips = [0] * SLOW_ONES
        slow_ones = [asyncio.create_task(sip(program, one, sips, sent)) for one in range(SLOW_ONES)]
        while min(sips) < SIPS_ALONE:  # noqa: ASYNC110 - each counts for itself
            await asyncio.sleep(0.05)
        alone = max(seen)
        huge = await asyncio.to_thread(send_huge, program.port)
        in_parallel = max(seen)
        sent.set()
        answers = await asyncio.gather(*slow_ones)
        received = await asyncio.to_thread(fetch_huge, program.port)

    log.warning(
        "%d MiB idle, %d MiB during %d slow uploads, %d MiB with %d GiB beside them, %d MiB at most",
        idle // MIB,
        alone // MIB,
        SLOW_ONES,
        in_parallel // MIB,
        HUGE >> 30,
        max(seen) // MIB,
    )
    assert huge.startswith(b"HTTP/1.1 201 ")
    assert {answer.status for answer in answers} == {201}
    assert received == HUGE
    assert alone - idle <= ALLOWED_ALONE
    assert max(seen) - idle <= ALLOWED
    for one in (0, SLOW_ONES - 1):
        found = await ask(program.port, message("GET", f"/files/slow/{one}.jpg"))
        assert found.body == slow(one + 1000)


def slow(number: int) -> bytes:
    return (HEAD + f"{number};".encode()).ljust(SLOW_SIZE, b".")


async def sip(program: Program, number: int, sips: list[int], hurry: asyncio.Event) -> Answer:
    """Sends a little at a time for as long as the huge one lasts, then all the rest."""
    sent = put(f"/files/slow/{number}.jpg", slow(number + 1000))
    wire = await Wire.connect(program.port)
    try:
        while len(sent) > 2 * SIP and not hurry.is_set():
            await wire.send(sent[:SIP])
            sent = sent[SIP:]
            sips[number] += 1
            await asyncio.wait({asyncio.create_task(hurry.wait())}, timeout=0.3)
        await hurry.wait()
        return await wire.ask(sent)
    finally:
        await wire.close()


def send_huge(port: int) -> bytes:
    piece = bytes(MIB)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            f"PUT /files/huge.jpg HTTP/1.1\r\nHost: localhost\r\nContent-Length: {HUGE}\r\n\r\n".encode()
        )
        connection.sendall(HEAD + bytes(MIB - len(HEAD)))
        for _ in range(HUGE // MIB - 1):
            connection.sendall(piece)
        return connection.recv(MIB)


def fetch_huge(port: int) -> int:
    """How many bytes of the body come back."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            b"GET /files/huge.jpg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        buffer = bytearray(MIB)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(MIB)
        count = len(head.partition(b"\r\n\r\n")[2])
        while read := connection.recv_into(buffer):
            count += read
        return count


def resident(program: Program) -> int:
    status = Path(f"/proc/{program.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) << 10


@asynccontextmanager
async def watched(program: Program) -> AsyncIterator[list[int]]:
    """What the server has in memory, looked at again and again."""
    seen = [resident(program)]

    async def watch() -> None:
        while True:
            seen.append(resident(program))
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()
