"""A scanner of our own that speaks as clamd does, and can be slow, silent, broken or away."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

# What every scanner takes for a virus, and nobody else does; in two pieces, so that none takes this file for one.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
NAME = "Eicar-Test-Signature"


@dataclass
class Scanner:
    """`reply`: what it says instead of a verdict. While `verdicts` is not set it says nothing."""

    reply: bytes | None = None
    longest: int | None = None
    asked: int = 0
    seen: list[int] = field(default_factory=list)
    hung_up: int = 0
    verdicts: asyncio.Event = field(default_factory=asyncio.Event)
    pending: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.verdicts.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            command = await reader.readuntil(b"\0")
            said = b"ClamAV 1.4.3/27000"
            if command == b"zINSTREAM\0":
                said = await self._stream(reader)
            writer.write(said + b"\0")
            await writer.drain()
        writer.close()

    async def _stream(self, reader: asyncio.StreamReader) -> bytes:
        self.asked += 1
        found, total, before = False, 0, b""
        while (size := struct.unpack("!L", await reader.readexactly(4))[0]) > 0:
            piece = before + await reader.readexactly(size)
            total += size
            found = found or EICAR in piece
            before = piece[-len(EICAR) :]
            if self.longest is not None and total > self.longest:
                return b"INSTREAM size limit exceeded. ERROR"
        self.seen.append(total)
        self.pending.set()
        await self._until_told(reader)
        if self.reply is not None:
            return self.reply
        return b"stream: " + (NAME.encode() + b" FOUND" if found else b"OK")

    async def _until_told(self, reader: asyncio.StreamReader) -> None:
        told, gone = (
            asyncio.ensure_future(self.verdicts.wait()),
            asyncio.ensure_future(reader.read(1)),
        )
        await asyncio.wait({told, gone}, return_when=asyncio.FIRST_COMPLETED)
        self.hung_up += gone.done()
        for one in (told, gone):
            one.cancel()


@asynccontextmanager
async def listening(scanner: Scanner, path: Path) -> AsyncIterator[str]:
    """At a socket of this machine."""
    server = await asyncio.start_unix_server(scanner.serve, path)
    try:
        yield str(path)
    finally:
        server.close()


@asynccontextmanager
async def listening_at_a_port(scanner: Scanner) -> AsyncIterator[int]:
    server = await asyncio.start_server(scanner.serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
