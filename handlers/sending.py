"""Bytes to a reader who may be slow but must not stand still. Knows sockets, and no HTTP."""

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import termios


async def send_file(
    transport: asyncio.Transport, descriptor: int, start: int, count: int, patience: float
) -> None:
    """By the kernel, from the file to the socket. Nothing else may wait to be sent.

    :raises ConnectionError: the reader is gone, or has taken nothing for `patience` seconds.
    """
    # The transport guards its own descriptor against others who wait for it.
    with contextlib.closing(transport.get_extra_info("socket").dup()) as ours:
        at, end = start, start + count
        while at < end:
            if transport.is_closing():
                raise ConnectionResetError
            try:
                sent = os.sendfile(ours.fileno(), descriptor, at, end - at)
            except BlockingIOError:
                await _moved(transport, ours, patience)
                continue
            if sent == 0:
                transport.abort()
                raise ConnectionAbortedError("the file is shorter than was promised")
            at += sent
            await asyncio.sleep(0)


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
