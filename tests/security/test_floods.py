"""Many connections and requests at once, and few that last for ever: honest uploads go on meanwhile.

Longer with FLOOD_ROUNDS in the environment.
"""

import asyncio
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from program import listening
from tests.running import Program, running
from tests.wire import Answer, Wire, ask, message, put

ROUNDS = int(os.environ.get("FLOOD_ROUNDS", "1"))
CONNECTIONS = 2000
FEW_FILES = ("sh", "-c", 'ulimit -n 1024; exec "$@"', "sh")
MIB = 1 << 20
SOON = 5.0


@contextmanager
def many_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(CONNECTIONS + 500, before[1]), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@contextmanager
def connected(port: int, opening: bytes = b"", count: int = CONNECTIONS) -> Iterator[None]:
    """So many who connect, say no more than this, and stay."""
    with many_files(), ExitStack() as stack:
        for _ in range(count):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=SOON))
            if opening:
                with suppress(ConnectionError):
                    one.sendall(opening)
        yield


async def honest(program: Program, name: str) -> tuple[Answer, float]:
    began = time.monotonic()
    answer = await ask(program.port, put(f"/files/{name}", name.encode()))
    return answer, time.monotonic() - began


def resident(program: Program) -> int:
    status = Path(f"/proc/{program.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) << 10


OPENINGS = {
    "nothing": b"",
    "half a head": b"PUT /files/slow HTTP/1.1\r\nHost: localhost\r\nX: ",
    "one request each": message("GET", "/health/live"),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("opening", OPENINGS)
async def test_two_thousand_connections_and_few_files_keep_no_upload_out(
    tmp_path: Path, opening: str
) -> None:
    log = tmp_path / "log"
    with running(tmp_path / "data", under=FEW_FILES, log=log) as program:
        idle = resident(program)
        for number in range(ROUNDS):
            with connected(program.port, OPENINGS[opening]):
                for one in range(5):
                    answer, spent = await honest(program, f"{number}-{one}")
                    assert answer.status == 201
                    assert spent < SOON
                assert resident(program) - idle < 64 * MIB
    assert "out of system resource" not in log.read_text()


@pytest.mark.timeout(120)
async def test_bodies_that_drip_are_ended_and_keep_no_upload_out(tmp_path: Path) -> None:
    impatient = {
        "BODY_RATE_GRACE": "1 s",
        "BODY_IDLE": "2 s",
        "HEADER_TIME": "2 s",
        "KEEP_ALIVE": "2 s",
    }
    env = {f"NOCLOBBER_LIMITS_{name}": value for name, value in impatient.items()}
    with running(tmp_path / "data", env=env) as program:

        async def drip(number: int) -> int:
            wire = await Wire.connect(program.port)
            await wire.send(put(f"/files/drip-{number}", b"", {"Content-Length": "100000"}))
            answered = asyncio.create_task(wire.answer())
            while not answered.done():
                with suppress(ConnectionError):
                    await wire.send(b"x")
                await asyncio.wait({answered}, timeout=0.2)
            await wire.close()
            return (await answered).status

        drips = [asyncio.create_task(drip(number)) for number in range(50)]
        for number in range(10):
            answer, spent = await honest(program, f"honest-{number}")
            assert answer.status == 201
            assert spent < SOON
        assert set(await asyncio.gather(*drips)) == {408}
        listed = (await ask(program.port, message("GET", "/files/?limit=100"))).json["entries"]
        assert {one["name"].partition("-")[0] for one in listed} == {"honest"}


async def test_a_head_that_drips_is_ended_also_behind_a_request(tmp_path: Path) -> None:
    env = {"NOCLOBBER_LIMITS_HEADER_TIME": "1 s", "NOCLOBBER_LIMITS_KEEP_ALIVE": "1 s"}
    with running(tmp_path / "data", env=env) as program:
        for first in (b"", message("GET", "/health/live")):
            wire = await Wire.connect(program.port)
            if first:
                assert (await wire.ask(first)).status == 200
            began = time.monotonic()
            ended = asyncio.create_task(wire.reader.read())
            await wire.send(b"GET /files/ HTTP/1.1\r\nX: ")
            while not ended.done():
                with suppress(ConnectionError):
                    await wire.send(b"y")
                await asyncio.wait({ended}, timeout=0.2)
            assert time.monotonic() - began < 10
            await wire.close()


def test_half_of_the_files_that_may_be_open_are_for_connections() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        room = listening.allow_many_connections(1_000_000)
        assert room == resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2
        assert listening.allow_many_connections(100) == 100
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_who_is_being_served_does_not_make_way(tmp_path: Path) -> None:
    room = {"NOCLOBBER_LIMITS_CONNECTIONS": "16"}
    with running(tmp_path / "data", env=room) as program:
        busy = [await Wire.connect(program.port) for _ in range(10)]
        for number, one in enumerate(busy):
            await one.send(put(f"/files/{number}", f"{number:02}b".encode())[:-1])
            await ask(program.port, message("GET", "/health/live"))
        silent = [await Wire.connect(program.port) for _ in range(40)]
        for number, one in enumerate(busy):
            await one.send(b"b")
            assert (await one.answer()).status == 201, number
        gone = 0
        for one in silent:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    gone += await one.reader.read() == b""
        assert gone >= 34
        for one in (*busy, *silent):
            await one.close()
