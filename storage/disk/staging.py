"""Bytes on their way to the disk: gathered on the event loop, hashed and written in a thread.

One piece is written while the next is gathered; never two writes at once, never more than two
pieces in memory. Knows nothing of names, and not where a content comes to lie.
"""

import asyncio
import os
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from storage.disk import posix
from storage.disk.faults import Faults
from storage.disk.hashing import Hasher
from storage.disk.posix import Sheet, Sheets
from uploads.events import Publish, Synced
from uploads.files import Content
from uploads.ports import Piece

T = TypeVar("T")

HEAD = 8192
_LEAST = 64 * 1024
_MOST = 1024 * 1024
# A slow upload gathers little, so that hundreds fit into memory; a fast one is handed over rarely.
_FAST_SECONDS = 0.1
_SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class StagedBytes:
    """Small enough to live in the index: it never was in a file."""

    content: Content
    digests: Mapping[str, bytes]
    data: bytes

    @property
    def head(self) -> bytes:
        return self.data[:HEAD]

    def typed(self, media_type: str) -> "StagedBytes":
        return replace(self, content=replace(self.content, media_type=media_type))


@dataclass(frozen=True, slots=True)
class StagedFile:
    content: Content
    digests: Mapping[str, bytes]
    head: bytes
    sheet: Sheet

    def typed(self, media_type: str) -> "StagedFile":
        return replace(self, content=replace(self.content, media_type=media_type))


@dataclass(frozen=True, slots=True)
class Room:
    """What all stages share."""

    sheets: Sheets
    algorithm: str
    inline_below: int
    threads: Executor
    faults: Faults
    publish: Publish
    leaving: set[asyncio.Task[None]] = field(default_factory=set)


class Arriving:
    """A stage of `Blobs`. Starts in memory unless its known size asks for a file."""

    def __init__(self, room: Room, size: int | None, digests: Collection[str]) -> None:
        self.received = 0
        self._room = room
        self._size = size
        self._hasher = Hasher(room.algorithm, digests)
        self._head = b""
        self._gathered = bytearray()
        self._batch = _LEAST
        self._handed_over = time.monotonic()
        self._sheet: Sheet | None = None
        self._work: asyncio.Future[Any] | None = None

    async def open(self) -> None:
        """Takes the room that is known to be needed: a full disk shows here."""
        if self._size is not None and self._size >= self._room.inline_below:
            await self._done(self._open, self._size)

    async def write(self, piece: Piece) -> None:
        self.received += memoryview(piece).nbytes
        if isinstance(piece, bytes) and not self._gathered and self._is_due(len(piece)):
            await self._hand_over(piece)
            return
        self._gathered += piece
        if self._is_due(len(self._gathered)):
            gathered, self._gathered = self._gathered, bytearray()
            await self._hand_over(gathered)

    async def finish(self) -> StagedBytes | StagedFile:
        if self._sheet is None and self._work is None and self.received < self._room.inline_below:
            return self._finish_in_memory()
        await self._settled()
        gathered, self._gathered = self._gathered, bytearray()
        sheet, seconds = await self._done(self._finish, gathered)
        self._room.publish(Synced(seconds))
        return StagedFile(self._content(), self._hasher.digests(), self._head, sheet)

    async def close(self) -> None:
        """Drops what was not linked, once no thread writes any more, also if nobody waits."""
        if self._sheet is None and self._work is None:
            return
        leaving = asyncio.create_task(self._leave())
        self._room.leaving.add(leaving)
        leaving.add_done_callback(self._room.leaving.discard)
        await asyncio.shield(leaving)

    async def _leave(self) -> None:
        if self._work is not None:
            await asyncio.wait({self._work})
            self._work.exception()
        if self._sheet is not None:
            # In a thread: to give back the room of a large file takes its time.
            await self._submit(self._sheet.close)

    def _is_due(self, count: int) -> bool:
        return count >= self._batch and self.received >= self._room.inline_below

    async def _hand_over(self, batch: Piece) -> None:
        await self._settled()
        self._work = self._submit(self._write_out, batch)
        now = time.monotonic()
        if now - self._handed_over < _FAST_SECONDS:
            self._batch = min(self._batch * 4, _MOST)
        elif now - self._handed_over > _SLOW_SECONDS:
            self._batch = max(self._batch // 4, _LEAST)
        self._handed_over = now

    def _submit(self, work: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._room.threads, work, *arguments)

    async def _done(self, work: Callable[..., T], *arguments: object) -> T:
        future = self._submit(work, *arguments)
        self._work = future
        await self._settled()
        return future.result()

    async def _settled(self) -> None:
        """Waits for the thread. A cancellation leaves its work alone: `close` waits for that."""
        if self._work is None:
            return
        await asyncio.wait({self._work})
        work, self._work = self._work, None
        try:
            work.result()
        except OSError as error:
            raise self._room.faults.judge(error) from error

    def _content(self) -> Content:
        return Content(self._hasher.digest(), self.received)

    def _finish_in_memory(self) -> StagedBytes:
        data = bytes(self._gathered)
        self._hasher.update(data)
        return StagedBytes(self._content(), self._hasher.digests(), data)

    # From here on: in a thread.

    def _open(self, size: int) -> Sheet:
        self._sheet = self._room.sheets.new()
        posix.allocate(self._sheet.descriptor, size)
        return self._sheet

    def _write_out(self, batch: Piece) -> Sheet:
        sheet = self._sheet or self._open(0)
        if len(self._head) < HEAD:
            self._head += bytes(memoryview(batch)[: HEAD - len(self._head)])
        self._hasher.update(batch)
        posix.write_all(sheet.descriptor, batch)
        return sheet

    def _finish(self, rest: Piece) -> tuple[Sheet, float]:
        sheet = self._write_out(rest)
        if self._size is not None and self._size > self.received:
            os.ftruncate(sheet.descriptor, self.received)
        os.fchmod(sheet.descriptor, 0o400)
        started = time.monotonic()
        posix.sync(sheet.descriptor)
        return sheet, time.monotonic() - started
