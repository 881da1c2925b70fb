"""A file whose bytes the disk has lost: nobody is told that it is stored unless it is again."""

import base64
import hashlib
import os
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.running import Program, running
from tests.wire import Wire, message, put


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with running(tmp_path / "data") as started:
        yield started


def ask(program: Program, method: str, body: bytes = b"", **headers: str) -> tuple[int, str, bytes]:
    connection = HTTPConnection("127.0.0.1", program.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/files/a.bin", body, named)
    answer = connection.getresponse()
    said = (answer.status, answer.headers.get("ETag", ""), answer.read())
    connection.close()
    return said


@pytest.mark.parametrize("status", [409, 200])
def test_whoever_is_told_that_it_is_stored_has_brought_it_back(
    program: Program, tmp_path: Path, status: int
) -> None:
    body = os.urandom(300_000)
    created, etag, _ = ask(program, "PUT", body)
    (blob,) = (tmp_path / "data" / "blobs").glob("*/*")
    blob.unlink()
    assert (created, ask(program, "GET")[0]) == (201, 500)

    headers = {"If_Match": etag} if status == 200 else {}
    assert ask(program, "PUT", body, **headers)[0] == status
    assert ask(program, "GET")[2] == body


async def test_a_declared_digest_does_not_keep_lost_bytes_from_coming_back(
    program: Program, tmp_path: Path
) -> None:
    body = os.urandom(300_000)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    declared = {"Repr-Digest": f"sha-256=:{digest}:", "Expect": "100-continue"}
    head, wait = put("/files/a.bin", body, declared), len(body)
    wire = await Wire.connect(program.port)
    created = await wire.ask(head)
    told = await wire.ask(head[:-wait])
    await wire.close()
    (blob,) = (tmp_path / "data" / "blobs").glob("*/*")
    blob.unlink()

    wire = await Wire.connect(program.port)
    await wire.send(head[:-wait])
    invited = await wire.reader.readline()
    await wire.reader.readline()
    again = await wire.ask(body)
    read = await wire.ask(message("GET", "/files/a.bin"))
    await wire.close()

    assert (created.status, told.status) == (201, 409)
    assert invited == b"HTTP/1.1 100 Continue\r\n"
    assert (again.status, read.status, read.body) == (409, 200, body)
