"""Bytes on their way to the disk, hashed and written in a thread.

Where a thread may draw them itself, it receives, hashes and writes them in one go, while they are
in its processor's cache. What comes through the event loop is gathered there: one piece is written
while the next is gathered, never two writes at once, never more than two pieces in memory. Knows
nothing of names, and not where a content comes to lie.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from storage.disk import posix
from storage.disk.faults import Faults
from storage.disk.hashing import Hasher
from storage.disk.posix import Sheet, Sheets
from uploads.events import Publish, Synced
from uploads.files import Content
from uploads.ports import Piece, Tap
from uploads.values import value

T = TypeVar("T")

HEAD = 8192
_LEAST = 16 * 1024
_MOST = 1024 * 1024
# A slow upload gathers little, so that hundreds fit into memory; a fast one is handed over rarely.
_FAST_SECONDS = 0.1
_SLOW_SECONDS = 1.0
# A fast upload gives its thread to others this often; a turn of the loop between is nothing to it.
_DRAW_SECONDS = 0.1
# What was written goes to the disk at once, so that the sync at the end finds little left to do.
_WRITE_BACK = 8 * 1024 * 1024

_thread = threading.local()


@value
class StagedBytes:
    """Small enough to live in the index: it never was in a file."""

    content: Content
    digests: Mapping[str, bytes]
    data: bytes

    @property
    def head(self) -> bytes:
        return self.data[:HEAD]

    def typed(self, media_type: str) -> "StagedBytes":
        content = Content(self.content.digest, self.content.size, media_type)
        return StagedBytes(content, self.digests, self.data)

    def read(self, start: int, count: int) -> bytes:
        return self.data[start : start + count]


def staged_bytes(data: bytes, hasher: Hasher) -> StagedBytes:
    """By a hasher that has met none of them."""
    hasher.update(data)
    return StagedBytes(Content(hasher.digest(), len(data)), hasher.digests(), data)


@value
class StagedFile:
    content: Content
    digests: Mapping[str, bytes]
    head: bytes
    sheet: Sheet

    def typed(self, media_type: str) -> "StagedFile":
        content = Content(self.content.digest, self.content.size, media_type)
        return StagedFile(content, self.digests, self.head, self.sheet)

    def read(self, start: int, count: int) -> bytes:
        return os.pread(self.sheet.descriptor, count, start)


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
        self._finished = False
        self._written = self._on_its_way = 0
        self._work: asyncio.Future[Any] | None = None

    async def __aenter__(self) -> Self:
        """Takes the room that is known to be needed: a full disk shows here."""
        if self._size is not None and self._size >= self._room.inline_below:
            try:
                await self._done(self._open, self._size)
            except BaseException:
                await self._close()
                raise
        return self

    async def write(self, piece: Piece) -> None:
        self.received += memoryview(piece).nbytes
        if isinstance(piece, bytes) and not self._gathered and self._is_due(len(piece)):
            await self._hand_over(piece)
            return
        self._gathered += piece
        if self._is_due(len(self._gathered)):
            gathered, self._gathered = self._gathered, bytearray()
            await self._hand_over(gathered)

    async def draw(self, tap: Tap) -> int:
        gathered, self._gathered = self._gathered, bytearray()
        count = await self._done(self._draw, tap, gathered)
        self.received += count
        return count

    async def finish(self) -> StagedBytes | StagedFile:
        if self._sheet is None and self._work is None and self.received < self._room.inline_below:
            return staged_bytes(bytes(self._gathered), self._hasher)
        gathered, self._gathered = self._gathered, bytearray()
        sheet, seconds = await self._done(self._finish, gathered)
        self._room.publish(Synced(seconds))
        self._finished = True
        return StagedFile(self._content(), self._hasher.digests(), self._head, sheet)

    async def __aexit__(self, *_: object) -> None:
        """Whoever has brought a known content does not wait until its room is given back, which
        would tell that it is known. What has a name of its own is gone before anybody may look.
        """
        if self._finished and self._room.sheets.links == 1:
            self._begin_to_leave()
        else:
            await self._close()

    async def _close(self) -> None:
        """Drops what was not linked, once no thread writes any more, also if nobody waits."""
        if self._sheet is None and self._work is None:
            return
        await asyncio.shield(self._begin_to_leave())

    def _begin_to_leave(self) -> "asyncio.Task[None]":
        leaving = asyncio.create_task(self._leave())
        self._room.leaving.add(leaving)
        leaving.add_done_callback(self._room.leaving.discard)
        return leaving

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
        await self._settled()
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

    # From here on: in a thread.

    def _open(self, size: int) -> Sheet:
        self._sheet = self._room.sheets.new()
        posix.allocate(self._sheet.descriptor, size)
        return self._sheet

    def _draw(self, tap: Tap, gathered: Piece) -> int:
        buffer = _buffer()
        self._write_out(gathered)
        end = time.monotonic() + _DRAW_SECONDS
        taken = 0
        while not tap.ended and time.monotonic() < end:
            count = tap.draw(buffer)
            if not count:
                break
            self._write_out(memoryview(buffer)[:count])
            taken += count
        return taken

    def _write_out(self, batch: Piece) -> Sheet:
        sheet = self._sheet or self._open(0)
        if len(self._head) < HEAD:
            self._head += bytes(memoryview(batch)[: HEAD - len(self._head)])
        self._hasher.update(batch)
        posix.write_all(sheet.descriptor, batch)
        self._written += len(batch)
        if self._written - self._on_its_way >= _WRITE_BACK:
            posix.start_writing(sheet.descriptor, self._on_its_way, self._written)
            self._on_its_way = self._written
        return sheet

    def _finish(self, rest: Piece) -> tuple[Sheet, float]:
        sheet = self._write_out(rest)
        if self._size is not None and self._size > self.received:
            os.ftruncate(sheet.descriptor, self.received)
        os.fchmod(sheet.descriptor, 0o400)
        started = time.monotonic()
        posix.sync(sheet.descriptor)
        return sheet, time.monotonic() - started


def _buffer() -> bytearray:
    """One for each thread, as long as it lives: fresh memory costs a page fault per 4 KiB."""
    if not hasattr(_thread, "buffer"):
        _thread.buffer = bytearray(_MOST)
    buffer: bytearray = _thread.buffer
    return buffer
