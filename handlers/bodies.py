"""Request bodies as pieces, with the timers that aiohttp lacks, and what becomes of unread ones."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Protocol

from aiohttp import web
from aiohttp.streams import StreamReader

from handlers.lending import Loan
from uploads.failures import BodyStalled, BodyTooShort
from uploads.rules import Limits

# Less than this the event loop has read before a thread would begin.
WORTH_LENDING = 1 << 20
PIECE = 256 << 10
SHORT = 64 << 10
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
RESUMPTION = "HTTP/1.1 104 Upload Resumption Supported\r\n"
CONTINUE_EXPECTED = "100-continue"
# `protocol` takes the header out of the request, as aiohttp would answer it before we can judge.
EXPECTED: web.RequestKey[str] = web.RequestKey("expected", str)
CONTINUED: web.RequestKey[bool] = web.RequestKey("continued", bool)


def expects_continue(request: web.Request) -> bool:
    """RFC 9110 section 10.1.1: ignored where it comes from HTTP/1.0."""
    return request.version >= (1, 1) and request.get(EXPECTED, "").lower() == CONTINUE_EXPECTED


class Lender(Protocol):
    """The connection, which can lend its socket for the length of a body, and knows how long its
    other end may take nothing.
    """

    @property
    def send_idle(self) -> float: ...

    def lend(self, left: int) -> Loan | None:
        """None where only the event loop can read it."""

    def take_back(self, loan: Loan) -> None: ...


LENDER: web.RequestKey[Lender] = web.RequestKey("lender", Lender)
# Where a loan ended in the middle of a body: nobody knows what comes next on this connection.
ASTRAY: web.RequestKey[bool] = web.RequestKey("astray", bool)


class Progress:
    """Of one body: how much has come in what time, and whether that is enough."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._began = time.monotonic()
        self.received = 0

    @property
    def idle(self) -> float:
        return self._limits.body_idle

    def count(self, more: int) -> None:
        self.received += more
        limits, spent = self._limits, time.monotonic() - self._began
        if spent > limits.body_rate_grace and self.received < limits.body_rate * spent:
            raise BodyStalled(
                f"The body came at less than {limits.body_rate:,} bytes a second."
                " Nothing was stored; send it again over a better connection."
            )

    def stalled(self) -> BodyStalled:
        return BodyStalled(
            f"Nothing of the body came for {self._limits.body_idle:g} seconds."
            " Nothing was stored; send it again."
        )

    def broken(self) -> BodyTooShort:
        return _broken(self.received)


def _broken(received: int) -> BodyTooShort:
    return BodyTooShort(
        f"The body broke off after {received:,} bytes. Nothing was stored; send it again."
    )


def _rest(content: StreamReader, received: int) -> bytes:
    """All has come. Where its sender has left since, aiohttp does not give it out any more."""
    try:
        return content.read_nowait()
    except (ConnectionError, web.RequestPayloadError) as broken:
        raise _broken(received) from broken


class BodyTap:
    """The rest of a body, drawn from the socket itself. Implements the port `Tap`."""

    def __init__(self, loan: Loan, progress: Progress) -> None:
        self._loan = loan
        self._progress = progress

    @property
    def ended(self) -> bool:
        return self._loan.left == 0

    async def ready(self) -> None:
        self._progress.count(0)
        try:
            await self._loan.ready(self._progress.idle)
        except TimeoutError:
            raise self._progress.stalled() from None

    def draw(self, buffer: bytearray, start: int = 0) -> int:
        try:
            count = self._loan.draw(buffer, start)
        except ConnectionError as broken:
            raise self._progress.broken() from broken
        self._progress.received += count
        return count

    def read_now(self) -> bytes:
        """What is there already, for whoever has to look at it on the event loop."""
        try:
            data = self._loan.read_now(PIECE)
        except ConnectionError as broken:
            raise self._progress.broken() from broken
        self._progress.received += len(data)
        return data


def all_here(request: web.Request) -> bytes | None:
    """The whole body, where it is short and came with its head: as most that are short do."""
    content = request.content
    if not content.is_eof() or content.total_bytes > SHORT or EXPECTED in request:
        return None
    return _rest(content, content.total_bytes)


async def pieces(request: web.Request, limits: Limits) -> AsyncGenerator[bytes | BodyTap, None]:
    """The body as it comes; of a large one at last the tap from which the rest can be drawn.

    Invites it first, if the client waits to be invited. Whoever breaks off closes this.
    """
    _invite(request)
    progress = Progress(limits)
    content = request.content
    while not content.at_eof():
        loan = _loan(request, progress)
        if loan is not None:
            try:
                yield BodyTap(loan, progress)
            finally:
                request[LENDER].take_back(loan)
                if loan.left:
                    request[ASTRAY] = True
            return
        piece = await _piece(content, progress)
        if piece:
            yield piece


async def read_through(request: web.Request, limits: Limits) -> AsyncIterator[bytes]:
    """The body on the event loop, piece by piece, however large."""
    _invite(request)
    progress = Progress(limits)
    while not request.content.at_eof():
        if piece := await _piece(request.content, progress):
            yield piece


async def _piece(content: StreamReader, progress: Progress) -> bytes:
    if content.is_eof():
        # All has come, so that no clock needs to be set.
        return _rest(content, progress.received)
    try:
        async with asyncio.timeout(progress.idle):
            piece = await content.readany()
    except TimeoutError:
        raise progress.stalled() from None
    except (ConnectionError, web.RequestPayloadError) as broken:
        raise progress.broken() from broken
    progress.count(len(piece))
    return piece


def _loan(request: web.Request, progress: Progress) -> Loan | None:
    """Once what the loop has read already is used up, and where enough is left to be worth it."""
    lender: Lender | None = request.get(LENDER)
    length = request.content_length
    if length is None or lender is None or length - progress.received < WORTH_LENDING:
        return None
    if request.content.total_bytes > progress.received:
        return None
    return lender.lend(length - progress.received)


async def small_body(request: web.Request, limits: Limits, most: int) -> bytes | None:
    """The whole body where it is short, as forms without files are; None where it is longer."""
    found = bytearray()
    async for piece in read_through(request, limits):
        found += piece
        if len(found) > most:
            return None
    return bytes(found)


def is_uninvited(request: web.Request) -> bool:
    """The client still waits for our word before it sends the body."""
    return expects_continue(request) and CONTINUED not in request


def fits_drain(request: web.Request, most: int) -> bool:
    """Reading the whole body costs no more than throwing it away would."""
    length = request.content_length
    return length is not None and length <= most


async def answer_early(
    request: web.Request, response: web.Response, most: int, seconds: float
) -> web.Response:
    """Answers before the body was read to its end, so that the answer is sure to be seen.

    RFC 9112 section 9.6: closing with unread input makes the reset erase the answer, so we close
    our half only and read on for a bounded while. A client that waits for 100 sends nothing more.
    """
    if request.content.at_eof():
        return response
    reusable = fits_drain(request, most) and not is_uninvited(request) and ASTRAY not in request
    if not reusable:
        response.force_close()
    await response.prepare(request)
    await response.write_eof()
    if is_uninvited(request):
        request.protocol.force_close()
        return response
    transport = request.transport
    if not reusable and transport is not None and transport.can_write_eof():
        transport.write_eof()
    if not await _drained(request, most, seconds):
        request.protocol.force_close()
    return response


async def _drained(request: web.Request, most: int, seconds: float) -> bool:
    read = 0
    try:
        async with asyncio.timeout(seconds):
            while not request.content.at_eof() and read <= most:
                read += len(await request.content.readany())
    except (TimeoutError, ConnectionError, web.RequestPayloadError):
        return False
    return request.content.at_eof()


def announce(request: web.Request, headers: Mapping[str, str]) -> None:
    """104, while the body still comes: where the upload can go on if the connection breaks."""
    if request.version < (1, 1) or request.transport is None:
        return
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request.transport.write(f"{RESUMPTION}{lines}\r\n".encode())


def _invite(request: web.Request) -> None:
    if not is_uninvited(request) or request.content.at_eof():
        return
    request[CONTINUED] = True
    if request.transport is not None:
        request.transport.write(CONTINUE)
