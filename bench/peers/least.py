"""Servers that do as little as can be measured: `least.py STEP PORT FOLDER`.

parser   asyncio and the parser of aiohttp; the answer is always the same
aiohttp  the same from an application of aiohttp with one route
row      one row of SQLite is looked up for a GET, and written and synced for a PUT
rows     a PUT is hashed, and a thread writes two rows for each of those that wait, in one commit
stream   one body at a time is received, hashed and written to a file, a megabyte at a time
"""

import asyncio
import os
import queue
import re
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, RawRequestMessage
from aiohttp.streams import StreamReader
from blake3 import blake3

BODY = bytes(10 << 10)
TOGETHER = 64
READ_AT_ONCE = 1 << 16
PIECE = 1 << 20
END_OF_HEAD = b"\r\n\r\n"
TABLES = """
    PRAGMA journal_mode = wal;
    PRAGMA synchronous = full;
    CREATE TABLE contents (id INTEGER PRIMARY KEY, digest TEXT UNIQUE, bytes BLOB NOT NULL);
    CREATE TABLE files (name TEXT PRIMARY KEY, content INTEGER NOT NULL) WITHOUT ROWID;
"""
LOOK_UP = "SELECT bytes FROM files JOIN contents ON id = content WHERE name = ?"
ADD_CONTENT = "INSERT INTO contents (digest, bytes) VALUES (?, ?)"
ADD_FILE = "INSERT INTO files VALUES (?, ?)"


class Steps:
    """What is done for a GET and for a PUT, before the same answer."""

    async def get(self, name: str) -> bytes:  # noqa: ARG002
        return BODY

    async def put(self, name: str, body: bytes) -> None:
        pass


class Row(Steps):
    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(
            folder / "rows", isolation_level=None, check_same_thread=False
        )
        self._database.executescript(TABLES)

    async def get(self, name: str) -> bytes:
        (found,) = self._database.execute(LOOK_UP, (name,)).fetchone()
        return bytes(found)

    async def put(self, name: str, body: bytes) -> None:
        self._add(name, name, body)

    def _add(self, name: str, digest: str, body: bytes) -> None:
        made = self._database.execute(ADD_CONTENT, (digest, body)).lastrowid
        self._database.execute(ADD_FILE, (name, made))


Waiting = tuple[str, str, bytes, "asyncio.Future[None]"]


class Rows(Row):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._waiting: queue.SimpleQueue[Waiting] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._write, daemon=True).start()

    async def put(self, name: str, body: bytes) -> None:
        settled: asyncio.Future[None] = self._loop.create_future()
        self._waiting.put((name, blake3(body).hexdigest(), body, settled))
        await settled

    def _write(self) -> None:
        while True:
            together = [self._waiting.get()]
            while not self._waiting.empty() and len(together) < TOGETHER:
                together.append(self._waiting.get())
            self._database.execute("BEGIN IMMEDIATE")
            for name, digest, body, _ in together:
                self._add(name, digest, body)
            self._database.execute("COMMIT")
            self._loop.call_soon_threadsafe(_settle, together)


def _settle(together: list[Waiting]) -> None:
    for *_, settled in together:
        settled.set_result(None)


class Connection(BaseProtocol):
    def __init__(self, steps: Steps) -> None:
        loop = asyncio.get_running_loop()
        self._read = HttpRequestParser(self, loop, READ_AT_ONCE)
        super().__init__(loop, self._read)
        self._steps = steps
        self._answering: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        messages, *_ = self._read.feed_data(data)
        for message, payload in messages:
            self._read.message_consumed()
            self._answering = self._loop.create_task(self._answer(message, payload))

    async def _answer(self, message: RawRequestMessage, payload: StreamReader) -> None:
        if message.method == "PUT":
            await self._steps.put(message.path, await payload.read())
            self._send(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        else:
            body = await self._steps.get(message.path)
            self._send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def _send(self, answer: bytes) -> None:
        if self.transport is not None:
            self.transport.write(answer)


async def _serve(step: str, port: int, folder: Path) -> None:
    if step == "aiohttp":
        await _serve_aiohttp(port)
    else:
        steps = {"parser": lambda _: Steps(), "row": Row, "rows": Rows}[step](folder)
        loop = asyncio.get_running_loop()
        await loop.create_server(lambda: Connection(steps), "127.0.0.1", port)
    await asyncio.Event().wait()


async def _serve_aiohttp(port: int) -> None:
    async def get(request: web.Request) -> web.Response:  # noqa: ARG001
        return web.Response(body=BODY)

    async def put(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=201)

    application = web.Application()
    application.router.add_get("/{path:.*}", get)
    application.router.add_put("/{path:.*}", put)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()


def _stream(port: int, folder: Path) -> None:
    buffer = bytearray(PIECE)
    with socket.create_server(("127.0.0.1", port)) as listening:
        while True:
            connection, _ = listening.accept()
            with connection, (folder / "large").open("wb", buffering=0) as file:
                _take(connection, file.fileno(), buffer)


def _take(connection: socket.socket, file: int, buffer: bytearray) -> None:
    """Nothing, where somebody only looks whether anybody listens."""
    have = connection.recv_into(buffer)
    head, _, start = bytes(buffer[:have]).partition(END_OF_HEAD)
    length = re.search(rb"(?i)content-length: (\d+)", head)
    if length is None:
        return
    size = int(length[1])
    os.posix_fallocate(file, 0, size)
    hashed = blake3()
    for piece in _pieces(connection, start, size, buffer):
        hashed.update(piece)
        os.write(file, piece)
    os.fdatasync(file)
    connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


def _pieces(
    connection: socket.socket, first: bytes, size: int, buffer: bytearray
) -> Iterator[memoryview]:
    left, room = size - len(first), memoryview(buffer)
    yield memoryview(first)
    while left and (count := connection.recv_into(room[: min(left, PIECE)])):
        yield room[:count]
        left -= count


def main() -> None:
    step, port, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    if step == "stream":
        _stream(port, folder)
    else:
        asyncio.run(_serve(step, port, folder))


if __name__ == "__main__":
    main()
