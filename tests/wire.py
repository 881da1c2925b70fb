"""HTTP as bytes on a socket, so that a test decides when each of them is sent."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def put(path: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    return message("PUT", path, body, headers)


def message(
    method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    fields = {"Host": "localhost", "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def form(folder: str, name: str, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    """What a browser sends for a form with one file."""
    content = (
        b'--border\r\nContent-Disposition: form-data; name="file"; filename="'
        + name.encode()
        + b'"\r\nContent-Type: application/octet-stream\r\n\r\n'
        + body
        + b"\r\n--border--\r\n"
    )
    kind = {"Content-Type": "multipart/form-data; boundary=border"}
    return message("POST", folder, content, {**kind, **(headers or {})})


class Wire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> "Wire":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answer:
        """Reads one final answer; those that come before it (1xx) are passed over."""
        while True:
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = head.rstrip("\r\n").split("\r\n")
            status = int(status_line.split()[1])
            if status >= 200:
                break
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        length = int(headers.get("content-length", 0))
        return Answer(status, headers, await self.reader.readexactly(length))

    async def ask(self, data: bytes) -> Answer:
        await self.send(data)
        return await self.answer()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def ask(port: int, data: bytes) -> Answer:
    wire = await Wire.connect(port)
    try:
        return await wire.ask(data)
    finally:
        await wire.close()


async def released_together(wires: list[Wire], messages: list[bytes]) -> list[Answer]:
    """Each message but for its last byte; then all last bytes at once."""
    await asyncio.gather(
        *(wire.send(data[:-1]) for wire, data in zip(wires, messages, strict=True))
    )
    for wire, data in zip(wires, messages, strict=True):
        wire.writer.write(data[-1:])
    return list(await asyncio.gather(*(wire.answer() for wire in wires)))
