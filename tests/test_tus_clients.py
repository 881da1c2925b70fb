"""The real clients of tus: tuspy, tus-js-client and Uppy, over a bad line and through a kill -9."""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.running import ROOT, Program, start
from tests.wire import ask, message

INSTALLED = ROOT / ".venv-clients"
HERE = ROOT / "tests" / "clients"
SIZE = 24 << 20
CUTS = (1 << 20, 6 << 20)
ENVIRONMENT = {
    "NOCLOBBER_LIMITS_FREE_SPACE": "0",
    "NOCLOBBER_SERVER_DRAFT_UPLOADS": "true",
}
JAVASCRIPT = {"metadata": {"filename": "big.bin", "filetype": "text/plain"}}
Run = tuple[str, str, dict[str, Any]]
TUSPY: Run = ("tuspy", "/uploads/", {})
TUS_JS = ("tus_js.mjs", "/uploads/", JAVASCRIPT)
PIECES = ("tus_js.mjs", "/uploads/", {**JAVASCRIPT, "chunkSize": 3_000_000})
PARTS = ("tus_js.mjs", "/uploads/", {**JAVASCRIPT, "parallelUploads": 3})
UPPY: Run = ("uppy.mjs", "/uploads/", {})
DRAFT = ("tus_js.mjs", "/files/", {"protocol": "ietf-draft-05", "headers": {"Slug": "big.bin"}})
ALL = [TUSPY, TUS_JS, PIECES, PARTS, UPPY, DRAFT]
IDS = ["tuspy", "tus-js", "tus-js-pieces", "tus-js-parts", "uppy", "tus-js-draft"]
BROKEN = (ConnectionError, OSError)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
]


@dataclass
class Line:
    """A proxy that cuts every connection after some bytes; `upstream` moves with the server."""

    upstream: int
    chance: random.Random
    port: int = 0
    passed: int = 0
    cuts: int = 0

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self.upstream)
        except BROKEN:
            writer.transport.abort()
            return
        up = asyncio.create_task(self._up(reader, forth))
        down = asyncio.create_task(self._down(back, writer))
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        for one in (writer, forth):
            one.transport.abort()
        await asyncio.wait({up, down})

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self.chance.randrange(*CUTS)
        try:
            while data := await reader.read(1 << 16):
                self.passed += len(data)
                left -= len(data)
                if left < 0:
                    self.cuts += 1
                    return
                writer.write(data)
                await writer.drain()
        except BROKEN:
            return

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except BROKEN:
            return


@asynccontextmanager
async def bad_line(program: Program) -> AsyncIterator[Line]:
    line = Line(program.port, random.Random(7))
    server = await asyncio.start_server(line.connect, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()


async def client(program: str, endpoint: str, file: Path, options: dict[str, Any]) -> Any:
    """What it says of its upload, as JSON."""
    if program == "tuspy":
        command = [str(INSTALLED / "bin" / "python"), str(HERE / "tuspy_upload.py")]
    else:
        command = ["node", str(INSTALLED / "node" / program)]
    process = await asyncio.create_subprocess_exec(
        *command, endpoint, str(file), json.dumps(options), stdout=asyncio.subprocess.PIPE
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return json.loads(said)


def refused(said: Any) -> bool:
    return bool(said.get("error") or said.get("failed")) and not said.get("url")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "big.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.mark.parametrize(("program", "address", "options"), ALL, ids=IDS)
async def test_a_file_comes_through_cuts_and_a_kill(
    program: str, address: str, options: dict[str, Any], file: Path, tmp_path: Path
) -> None:
    data, body = tmp_path / "data", await asyncio.to_thread(file.read_bytes)
    server = start(data, env=ENVIRONMENT)
    try:
        async with bad_line(server) as line:
            endpoint = f"http://127.0.0.1:{line.port}{address}"
            uploading = asyncio.create_task(client(program, endpoint, file, options))
            while line.passed < SIZE // 2 and not uploading.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            server.kill()
            server = await asyncio.to_thread(start, data, env=ENVIRONMENT)
            line.upstream = server.port
            said = await uploading
        assert said.get("url") or said["successful"], said
        assert line.cuts
        stored = await ask(server.port, message("GET", "/files/big.bin"))
        assert stored.body == body
        assert stored.headers["content-type"] == "application/octet-stream"
        versions = (await ask(server.port, message("GET", "/files/big.bin?versions"))).json
        assert len(versions["versions"]) == 1
    finally:
        server.stop()


@pytest.mark.parametrize(("program", "address", "options"), ALL, ids=IDS)
async def test_a_collision_is_an_error_to_the_client_at_both_ends(
    program: str, address: str, options: dict[str, Any], file: Path, tmp_path: Path
) -> None:
    taken = message("PUT", "/files/big.bin", b"somebody was faster")
    impatient = options if program == "tuspy" else {**options, "retryDelays": [0, 50]}
    server = start(tmp_path / "data", env=ENVIRONMENT)
    try:
        async with bad_line(server) as line:
            endpoint = f"http://127.0.0.1:{line.port}{address}"
            uploading = asyncio.create_task(client(program, endpoint, file, options))
            while line.passed < SIZE // 4 and not uploading.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert (await ask(server.port, taken)).status == 201
            late = await uploading
        assert refused(late), late
        early = await client(program, f"{server.url}{address}", file, impatient)
        assert refused(early), early
        stored = await ask(server.port, message("GET", "/files/big.bin"))
        assert stored.body == b"somebody was faster"
    finally:
        server.stop()
