"""Open contents, to be read off the event loop or sent by the kernel."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable
from concurrent.futures import Executor
from typing import TypeVar

import aiofiles

from uploads.failures import Damaged

T = TypeVar("T")

_PIECE = 256 * 1024


class FileReading:
    """A content in a file of its own, which stays open until the last read in a thread is over."""

    def __init__(self, descriptor: int, size: int, threads: Executor) -> None:
        self._descriptor = descriptor
        self._size = size
        self._threads = threads
        self._position = asyncio.Lock()
        self._under_way: set[asyncio.Future[bytes]] = set()
        self._closed = False

    @property
    def size(self) -> int:
        return self._size

    def fileno(self) -> int | None:
        return self._descriptor

    async def read(self, start: int, count: int) -> bytes:
        pieces = [piece async for piece in self.pieces(start, count)]
        return b"".join(pieces)

    async def pieces(self, start: int, count: int) -> AsyncIterator[bytes]:
        end = min(start + count, self._size)
        at = start
        while at < end:
            piece = await self._unbroken(self._piece(at, min(_PIECE, end - at)))
            if not piece:
                raise Damaged(
                    "The bytes of this file are damaged: some are missing."
                    " Tell who runs this server."
                )
            at += len(piece)
            yield piece

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._close_when_idle()

    async def _piece(self, start: int, count: int) -> bytes:
        async with (
            self._position,
            aiofiles.open(
                self._descriptor, "rb", buffering=0, closefd=False, executor=self._threads
            ) as file,
        ):
            await file.seek(start)
            return await file.read(count)

    async def _unbroken(self, reading: Awaitable[bytes]) -> bytes:
        """A thread cannot be cancelled: who waits may go, the descriptor stays open for it."""
        future = asyncio.ensure_future(reading)
        self._under_way.add(future)
        future.add_done_callback(self._over)
        return await asyncio.shield(future)

    def _over(self, future: asyncio.Future[bytes]) -> None:
        self._under_way.discard(future)
        if not future.cancelled():
            future.exception()
        if self._closed:
            self._close_when_idle()

    def _close_when_idle(self) -> None:
        if not self._under_way:
            os.close(self._descriptor)
