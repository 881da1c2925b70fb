"""Asks clamd, or what speaks as it does (INSTREAM), whether an upload holds what is known to do
harm. Implements the port `Scanner`.

The bytes go over a socket, piece by piece from where they are staged, so that memory does not grow
with them. Whatever else happens than a clear answer in time is no answer. Knows no name of a file.
"""

import asyncio
import logging
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from uploads.failures import TooLarge, Unavailable
from uploads.ports import Staged

_log = logging.getLogger(__name__)

# clamd has ten threads, unless told otherwise.
_AT_ONCE = 8
_PIECE = 256 * 1024
_LONGEST_REPLY = 4096
_LONGEST_NAME = 200
_CLEAN, _FOUND, _TOO_LONG = "stream: OK", " FOUND", "size limit exceeded"


class NoAnswerError(Exception):
    """For the log and the doctor; nobody else is told where the scanner is."""


def port_of(where: str) -> int | None:
    """To which port it has to be called; None for a socket of this machine, or nobody."""
    return None if not where or where.startswith("/") else int(where.rpartition(":")[2])


def version(where: str, patience: float) -> str:
    """:raises NoAnswerError: nobody answers there as clamd would."""
    try:
        with _connected(where, patience) as wire:
            wire.sendall(b"zVERSION\0")
            return _readable(_reply(wire, patience))
    except OSError as error:
        raise NoAnswerError(_reason(error)) from error


class Clamd:
    """`where`: the path of a socket, or `host:port`. `patience`: seconds for a turn among the
    others, for each piece to be taken, and for the verdict after the last one.
    """

    def __init__(self, where: str, patience: float) -> None:
        self._where = where
        self._patience = patience
        self._threads = ThreadPoolExecutor(_AT_ONCE, "scanner")
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def verdict(self, staged: Staged) -> str | None:
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError:
            raise self._away("all places are taken") from None
        try:
            return await self._told(staged)
        except (NoAnswerError, OSError) as error:
            raise self._away(_reason(error)) from error
        finally:
            self._places.release()

    async def _told(self, staged: Staged) -> str | None:
        streaming = _Streaming(self._where, self._patience, staged)
        loop = asyncio.get_running_loop()
        under_way = loop.run_in_executor(self._threads, streaming.run)
        try:
            reply = await asyncio.shield(under_way)
        except asyncio.CancelledError:
            # What it reads from is given up as soon as this returns.
            streaming.break_off()
            await asyncio.wait({under_way})
            under_way.exception()
            raise
        return self._judged(reply, staged.content.size)

    def _judged(self, reply: str, size: int) -> str | None:
        if reply == _CLEAN:
            return None
        if reply.endswith(_FOUND):
            found = reply.removesuffix(_FOUND).partition(": ")[2][:_LONGEST_NAME]
            _log.warning("the scanner found %s in %d bytes, which are deleted", found, size)
            return found
        if _TOO_LONG in reply:
            _log.warning("the scanner takes no %d bytes: raise its StreamMaxLength", size)
            raise TooLarge(
                "What is stored here is looked through for known malicious content, and the scanner"
                " takes no file of this size. Nothing was stored."
            )
        raise NoAnswerError(reply)

    def _away(self, why: str) -> Unavailable:
        _log.warning("the scanner gives no verdict: %s", why)
        return Unavailable(
            "What is stored here is looked through for known malicious content, and the scanner"
            " does not answer at the moment. Nothing was stored; try again in some seconds."
        )


class _Streaming:
    """One content on its way to the scanner, in a thread."""

    def __init__(self, where: str, patience: float, staged: Staged) -> None:
        self._where = where
        self._patience = patience
        self._staged = staged
        self._lock = threading.Lock()
        self._wire: socket.socket | None = None
        self._is_broken_off = False

    def run(self) -> str:
        with _connected(self._where, self._patience) as wire:
            with self._lock:
                self._wire = wire
                if self._is_broken_off:
                    raise NoAnswerError("broken off")
            try:
                self._send(wire)
            except ConnectionError:
                # Who takes no more says why, and hangs up.
                _log.debug("the scanner took no more")
            try:
                return _readable(_reply(wire, self._patience))
            finally:
                with self._lock:
                    self._wire = None

    def break_off(self) -> None:
        with self._lock:
            self._is_broken_off = True
            if self._wire is not None:
                with suppress(OSError):
                    self._wire.shutdown(socket.SHUT_RDWR)

    def _send(self, wire: socket.socket) -> None:
        wire.sendall(b"zINSTREAM\0")
        at = 0
        while piece := self._staged.read(at, _PIECE):
            wire.sendall(struct.pack("!L", len(piece)))
            wire.sendall(piece)
            at += len(piece)
        wire.sendall(struct.pack("!L", 0))


def _connected(where: str, patience: float) -> socket.socket:
    if not where.startswith("/"):
        host, _, port = where.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=patience)
    wire = socket.socket(socket.AF_UNIX)
    try:
        wire.settimeout(patience)
        wire.connect(where)
    except BaseException:
        wire.close()
        raise
    return wire


def _reply(wire: socket.socket, patience: float) -> bytes:
    deadline, said = time.monotonic() + patience, b""
    while not said.endswith(b"\0") and len(said) < _LONGEST_REPLY:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        wire.settimeout(left)
        more = wire.recv(_LONGEST_REPLY)
        if not more:
            break
        said += more
    return said


def _readable(said: bytes) -> str:
    """It goes into a log and to whoever has sent the file."""
    text = said.rstrip(b"\0\n").decode("ascii", "replace")
    return "".join(one if one.isprintable() else "?" for one in text)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it takes too long"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or "nothing said"
