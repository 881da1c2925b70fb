"""A folder of fifty thousand files, listed at once: what the server needs for it stays flat."""

import asyncio
import logging
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.filling import fill_folder
from tests.running import running
from tests.test_memory import MIB, resident, watched

log = logging.getLogger(__name__)

FILES = 50_000
# An answer is 35 MiB; what is held of it is a slice, and what the reader has not taken yet.
ALLOWED = 48 * MIB
SYNC = (
    '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level>'
    "<D:prop><D:getetag/><D:getcontentlength/><D:getlastmodified/><D:displayname/></D:prop>"
    "</D:sync-collection>"
)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_listing_fifty_thousand_files_needs_little_memory(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    await fill_folder(data, FILES)
    with running(data) as program:
        list_all(program.port, "/dav/none-yet/")
        idle = resident(program)
        async with watched(program) as seen:
            answers = [
                await asyncio.to_thread(list_all, program.port, "/dav/big/", *asked)
                for asked in ((), (), ("REPORT", SYNC))
            ]
        log.warning("%d MiB idle, %d MiB at most", idle // MIB, max(seen) // MIB)

    counted = [answer.count(b"<D:response>") for answer in answers]
    assert counted == [FILES + 1, FILES + 1, FILES]
    assert max(seen) - idle <= ALLOWED


def list_all(port: int, path: str, method: str = "PROPFIND", body: str | None = None) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        headers = {"Depth": "1" if body is None else "0"}
        connection.request(method, path, body, headers)
        return connection.getresponse().read()
    finally:
        connection.close()
