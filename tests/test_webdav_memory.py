"""Folders that are listed at once, by many who take nothing, too: what is needed stays flat."""

import asyncio
import logging
import socket
from http.client import HTTPConnection
from pathlib import Path

import pytest

from handlers.parts import LISTINGS_EACH
from tests.filling import BIG, fill_folder, opened, picture
from tests.running import Program, running
from tests.test_memory import MIB, resident, watched
from uploads.files import Property
from uploads.ports import Turn

log = logging.getLogger(__name__)

FILES = 50_000
# An answer is 35 MiB; what is held of it is a slice, and what the reader has not taken yet.
ALLOWED = 48 * MIB
SYNC = (
    '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level>'
    "<D:prop><D:getetag/><D:getcontentlength/><D:getlastmodified/><D:displayname/></D:prop>"
    "</D:sync-collection>"
)

READERS = 60
# Of a reader who takes nothing: a piece as text and as bytes, and a slice of the folder.
ALLOWED_EACH = 4 * MIB
UNKNOWN = "".join(f"<n{number:03}{'n' * 60}/>" for number in range(190))
QUESTIONS = {
    "names that nothing has": f'<D:propfind xmlns:D="DAV:" xmlns="urn:x"><D:prop>{UNKNOWN}</D:prop>'
    "</D:propfind>",
    "all that is kept": '<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>',
}


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


@pytest.mark.timeout(120)
@pytest.mark.parametrize("question", QUESTIONS)
async def test_listings_that_nobody_takes_need_little_memory_and_are_bounded(
    tmp_path: Path, question: str
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    await fill_folder(data, 1000)
    await keep_much(data, 200)
    body = QUESTIONS[question].encode()
    asked = (
        b"PROPFIND /dav/big/ HTTP/1.1\r\nHost: 127.0.0.1\r\nDepth: 1\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    with running(data) as program:
        list_all(program.port, "/dav/none-yet/")
        idle = resident(program)
        readers = [reader(program, asked) for _ in range(READERS)]
        async with watched(program) as seen:
            begun = [await asyncio.to_thread(one.recv, len("HTTP/1.1 207")) for one in readers]
            # Whoever is asked now has had its turn among all that is still rendered.
            for _ in range(100):
                await asyncio.to_thread(list_all, program.port, "/files/none-yet", "GET")
        for one in readers:
            one.close()
    grown = max(seen) - idle
    log.warning("%s: %.1f MiB more for %d readers", question, grown / MIB, READERS)
    assert begun.count(b"HTTP/1.1 429") == READERS - LISTINGS_EACH
    assert begun.count(b"HTTP/1.1 207") == LISTINGS_EACH
    assert grown < LISTINGS_EACH * ALLOWED_EACH


async def keep_much(data: Path, files: int) -> None:
    """With each of so many files as much as can be."""
    index, blobs = await opened(data)
    much = f'<x xmlns="urn:x">{"v" * 64_500}</x>'

    def work(turn: Turn) -> None:
        for number in range(files):
            turn.set_property(BIG.child(picture(number)), Property("urn:x", "x", much))

    await index.write(work)
    await index.close()
    await blobs.close()


def reader(program: Program, asked: bytes) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", program.port))
    one.sendall(asked)
    return one
