"""Bytes to a reader who may be slow but must not stand still. Knows sockets, and no HTTP."""

import asyncio
import contextlib
import fcntl
import os
import select
import socket
import struct
import termios
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# A fast reader gives its thread to others this often; a slow one holds none while it is waited for.
_PUSH_SECONDS = 0.1
_THREAD_WAITS_MS = 10
_BUFFER = 512 << 10

_thread = threading.local()


async def send_file(
    transport: asyncio.Transport, descriptor: int, start: int, count: int, patience: float
) -> None:
    """From the file to the socket, past the event loop. Nothing else may wait to be sent.

    :raises ConnectionError: the reader is gone, or has taken nothing for `patience` seconds.
    """
    # The transport guards its own descriptor against others who wait for it.
    with contextlib.closing(transport.get_extra_info("socket").dup()) as ours:
        at, end = start, start + count
        while at < end:
            if transport.is_closing():
                raise ConnectionResetError
            pushed = await _in_thread(_push, ours, descriptor, at, end)
            if pushed is None:
                transport.abort()
                raise ConnectionAbortedError("the file is shorter than was promised")
            at += pushed
            if not pushed:
                await _moved(transport, ours, patience)


def _push(ours: socket.socket, descriptor: int, start: int, end: int) -> int | None:
    """As much as the reader takes without a pause, for a while; None where the file ends.

    In a thread, as a cold file makes whoever sends it wait for the disk. Read and sent through one
    buffer in the processor's cache: sendfile hands over page by page, which costs twice as much.
    """
    at, until = start, time.monotonic() + _PUSH_SECONDS
    buffer = memoryview(_buffer())
    while at < end and time.monotonic() < until:
        count = os.preadv(descriptor, [buffer[: end - at]], at)
        if not count:
            return None
        sent = _offer(ours, buffer[:count])
        at += sent
        if sent < count:
            break
    return at - start


def _offer(ours: socket.socket, data: memoryview) -> int:
    """How much of it the reader took, pausing for a moment at most."""
    room = select.poll()
    room.register(ours, select.POLLOUT)
    sent = 0
    while sent < len(data):
        try:
            sent += ours.send(data[sent:])
        except BlockingIOError:
            if not room.poll(_THREAD_WAITS_MS):
                break
        except OSError as lost:
            # No route, no answer in time: not each of them is an error of the connection.
            raise ConnectionResetError("the reader is gone") from lost
    return sent


def _buffer() -> bytearray:
    """One for each thread, as long as it lives."""
    if not hasattr(_thread, "buffer"):
        _thread.buffer = bytearray(_BUFFER)
    buffer: bytearray = _thread.buffer
    return buffer


async def _in_thread(work: Callable[..., T], *arguments: object) -> T:
    """A thread cannot be cancelled: what it works on stays open until it is done."""
    working = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise


def untaken(transport: asyncio.Transport) -> int:
    """How much of what was written the other side has not taken.

    Only the kernel knows how a slow reader goes on: it tells of room again when a third is free.
    """
    own: socket.socket | None = transport.get_extra_info("socket")
    return transport.get_write_buffer_size() + (0 if own is None else _queued(own.fileno()))


def hang_up(transport: asyncio.Transport) -> None:
    """At once, and for the kernel too, which would go on offering what is not taken."""
    own: socket.socket | None = transport.get_extra_info("socket")
    if own is not None:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _moved(transport: asyncio.Transport, ours: socket.socket, patience: float) -> None:
    loop = asyncio.get_running_loop()
    before = untaken(transport)
    room = loop.create_future()
    loop.add_writer(ours, _resolve, room)
    try:
        async with asyncio.timeout(patience):
            await room
    except TimeoutError:
        if untaken(transport) >= before:
            hang_up(transport)
            raise ConnectionAbortedError("the reader takes nothing") from None
    finally:
        loop.remove_writer(ours)


def _resolve(room: "asyncio.Future[None]") -> None:
    if not room.done():
        room.set_result(None)


def _queued(descriptor: int) -> int:
    try:
        (queued,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))
    except OSError:
        return 0
    return int(queued)
