"""The real program, killed and stopped while pieces come in: what it says has come is there."""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import pytest

from storage.upkeep import verify as verification
from tests.running import Program, start
from tests.scanners import Scanner, listening
from tests.tussing import PIECE, VERSION, metadata
from tests.wire import Answer, Wire, ask, message

SEED = int(os.environ.get("CRASH_SEED", "20261125"))
SIZE = 24 << 20
KILLS = 6
ENVIRONMENT = {"NOCLOBBER_LIMITS_FREE_SPACE": "0"}
BROKEN_OFF = (ConnectionError, asyncio.IncompleteReadError, OSError)


def patch(href: str, offset: int, body: bytes, count: int | None = None) -> bytes:
    headers = {**VERSION, **PIECE, "Upload-Offset": str(offset)}
    headers["Content-Length"] = str(len(body) if count is None else count)
    return message("PATCH", href, b"", headers) + body


async def begun(program: Program, name: str, size: int) -> str:
    said = {**VERSION, "Upload-Length": str(size), "Upload-Metadata": metadata(filename=name)}
    created = await ask(program.port, message("POST", "/uploads/", b"", said))
    assert created.status == 201
    return created.headers["location"]


async def offset_of(program: Program, href: str) -> int:
    wire = await Wire.connect(program.port)
    await wire.send(message("HEAD", href, b"", VERSION))
    head = (await wire.reader.readuntil(b"\r\n\r\n")).decode().lower()
    await wire.close()
    assert head.startswith("http/1.1 200"), head
    return int(head.partition("upload-offset: ")[2].partition("\r")[0])


async def got(program: Program, path: str) -> Answer:
    return await ask(program.port, message("GET", f"/files/{path}"))


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_after_kill_9_the_offset_is_what_is_there_and_the_file_becomes_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(SEED)
    body, data = os.urandom(SIZE), tmp_path / "data"
    program = start(data, env=ENVIRONMENT)
    href = await begun(program, "a.bin", SIZE)
    acknowledged = 0
    try:
        for _ in range(KILLS):
            acknowledged = await pieces_until_a_kill(program, href, body, acknowledged, chance)
            program = start(data, env=ENVIRONMENT)
            offset = await offset_of(program, href)
            assert acknowledged <= offset < SIZE
            acknowledged = offset
        last = await ask(program.port, patch(href, acknowledged, body[acknowledged:]))
        assert last.status == 204
        stored = await got(program, "a.bin")
        assert stored.body == body
        history = (await got(program, "a.bin?versions")).json
        assert len(history["versions"]) == 1
        assert await offset_of(program, href) == SIZE
    finally:
        if program.process.poll() is None:
            assert program.stop() == 0
    assert list((data / "arriving").iterdir()) == []
    monkeypatch.setattr(verification, "_YOUNG", 0)
    assert verification.verify(data, scrub=True).findings == ()


async def pieces_until_a_kill(
    program: Program, href: str, body: bytes, at: int, chance: random.Random
) -> int:
    """Sends one small piece after the other, and is killed in one of them; what was acknowledged."""
    wire = await Wire.connect(program.port)
    kill_in = chance.randrange(1, 5)
    for number in range(kill_in + 1):
        end = min(at + chance.randrange(1, SIZE // (KILLS * 6)), SIZE - 1)
        request = patch(href, at, body[at:end])
        if number == kill_in:
            await wire.send(request[: chance.randrange(len(request))])
            await asyncio.sleep(chance.random() * 0.02)
            program.kill()
            break
        answer = await wire.ask(request)
        assert (answer.status, answer.headers["upload-offset"]) == (204, str(end))
        at = end
    await wire.close()
    return at


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_kill_while_the_last_byte_is_settled_leaves_it_done_or_to_be_done(
    tmp_path: Path,
) -> None:
    chance = random.Random(SEED)
    data = tmp_path / "data"
    program = start(data, env=ENVIRONMENT)
    done = number = 0
    try:
        # How far it comes in the time is the machine's affair: until both have been seen.
        while number < 8 or (done in (0, number) and number < 60):
            body = chance.randbytes(chance.choice([500, 100_000, 3 << 20]))
            name = f"{number}.bin"
            number += 1
            href = await begun(program, name, len(body))
            wire = await Wire.connect(program.port)
            await wire.send(patch(href, 0, body))
            await asyncio.sleep(chance.choice([0.0, chance.random() * 0.03]))
            program.kill()
            await wire.close()
            program = start(data, env=ENVIRONMENT)
            offset = await offset_of(program, href)
            if offset < len(body):
                answer = await ask(program.port, patch(href, offset, body[offset:]))
                assert answer.status == 204
            else:
                done += 1
            assert (await got(program, name)).body == body
    finally:
        if program.process.poll() is None:
            program.stop()
    assert 0 < done < number


@pytest.mark.timeout(60)
async def test_sigterm_ends_a_piece_at_once_and_keeps_what_came(tmp_path: Path) -> None:
    data, body = tmp_path / "data", os.urandom(4 << 20)
    program = start(data, env=ENVIRONMENT)
    href = await begun(program, "a.bin", len(body))
    wire = await Wire.connect(program.port)
    await wire.send(patch(href, 0, body[: 2 << 20], len(body)))
    file = data / "arriving" / href.rpartition("/")[2]
    # Room is taken for all of it when it begins: what has come shows in its bytes.
    while file.read_bytes()[: 1 << 20] != body[: 1 << 20]:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    program.process.send_signal(signal.SIGTERM)
    answer = await wire.answer()
    await wire.close()
    assert (answer.status, answer.json["type"]) == (503, "/problems/unavailable")
    assert await asyncio.to_thread(program.process.wait, 30) == 0
    program._close()

    program = start(data, env=ENVIRONMENT)
    try:
        offset = await offset_of(program, href)
        assert 1 << 20 <= offset <= 2 << 20
        assert (await ask(program.port, patch(href, offset, body[offset:]))).status == 204
        assert (await got(program, "a.bin")).body == body
    finally:
        program.stop()


@pytest.mark.timeout(60)
async def test_sigterm_waits_for_a_scanner_no_longer_than_for_anybody(tmp_path: Path) -> None:
    data, body, scanner = tmp_path / "data", os.urandom(100_000), Scanner()
    scanner.verdicts.clear()
    async with listening(scanner, tmp_path / "clamd") as where:
        env = {"NOCLOBBER_SERVER_GRACE": "1 s", "NOCLOBBER_SCAN_CLAMD": where}
        program = start(data, env={**ENVIRONMENT, **env, "NOCLOBBER_SCAN_TIME": "50 s"})
        href = await begun(program, "a.bin", len(body))
        wire = await Wire.connect(program.port)
        await wire.send(patch(href, 0, body))
        await scanner.pending.wait()
        began = time.monotonic()
        assert await asyncio.to_thread(program.stop) == 0
        assert 0.9 < time.monotonic() - began < 20
        await wire.close()
    program = start(data, env=ENVIRONMENT)
    try:
        assert await offset_of(program, href) == len(body) - 1
        assert (await ask(program.port, patch(href, len(body) - 1, body[-1:]))).status == 204
        assert (await got(program, "a.bin")).body == body
    finally:
        program.stop()
