"""An answer that breaks off in its middle ends the connection: nothing is sent in place of bytes."""

import asyncio
import io
from pathlib import Path

import pytest

from storage.disk.blobs import DiskBlobs
from tests.doors import House, opened, sent
from tests.wire import Wire

SIZE = 32 << 20


def blob(house: House) -> Path:
    blobs = house.parts.holdings.blobs
    assert isinstance(blobs, DiskBlobs)
    (only,) = blobs._folder.path.glob("*/*")
    return only


@pytest.mark.parametrize("spans", [None, f"bytes=0-{SIZE // 2},{SIZE // 2 + 2}-{SIZE - 1}"])
async def test_a_file_that_shrinks_while_it_is_sent_is_not_sent_to_its_end(
    spans: str | None,
) -> None:
    async with opened() as house:
        made, _ = await sent(house, "big", io.BytesIO(b"x" * SIZE))
        assert made.status == 201
        assert house.client.port is not None
        wire = await Wire.connect(house.client.port)
        range_ = f"Range: {spans}\r\n" if spans else ""
        ask = f"GET /files/big HTTP/1.1\r\nHost: localhost\r\n{range_}\r\n"
        await wire.send(ask.encode() + b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = await wire.reader.readuntil(b"\r\n\r\n")
        assert head.split()[1] in {b"200", b"206"}
        path = blob(house)
        path.chmod(0o600)
        with path.open("rb+") as file:
            file.truncate(SIZE // 4)
        async with asyncio.timeout(30):
            body = await wire.reader.read(2 * SIZE)
            while piece := await wire.reader.read(2 * SIZE):
                body += piece
        assert len(body) < SIZE
        assert b"HTTP/1.1" not in body
        await wire.close()
