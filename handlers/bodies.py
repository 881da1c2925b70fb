"""Request bodies as pieces, with the timers that aiohttp lacks, and what becomes of unread ones."""

import asyncio
import time
from collections.abc import AsyncIterator

from aiohttp import web

from uploads.failures import BodyStalled, BodyTooShort
from uploads.rules import Limits

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CONTINUE_EXPECTED = "100-continue"
# `protocol` takes the header out of the request, as aiohttp would answer it before we can judge.
EXPECTED: web.RequestKey[str] = web.RequestKey("expected", str)
CONTINUED: web.RequestKey[bool] = web.RequestKey("continued", bool)


def expects_continue(request: web.Request) -> bool:
    """RFC 9110 section 10.1.1: ignored where it comes from HTTP/1.0."""
    return request.version >= (1, 1) and request.get(EXPECTED, "").lower() == CONTINUE_EXPECTED


async def pieces(request: web.Request, limits: Limits) -> AsyncIterator[bytes]:
    """The body as it comes. Invites it first, if the client waits to be invited."""
    _invite(request)
    began, received = time.monotonic(), 0
    content = request.content
    while not content.at_eof():
        try:
            async with asyncio.timeout(limits.body_idle):
                piece = await content.readany()
        except TimeoutError:
            raise BodyStalled(
                f"Nothing of the body came for {limits.body_idle:g} seconds."
                " Nothing was stored; send it again."
            ) from None
        except (ConnectionError, web.RequestPayloadError) as broken:
            raise BodyTooShort(
                f"The body broke off after {received:,} bytes. Nothing was stored; send it again."
            ) from broken
        if not piece:
            continue
        received += len(piece)
        spent = time.monotonic() - began
        if spent > limits.body_rate_grace and received < limits.body_rate * spent:
            raise BodyStalled(
                f"The body came at less than {limits.body_rate:,} bytes a second."
                " Nothing was stored; send it again over a better connection."
            )
        yield piece


async def small_body(request: web.Request, limits: Limits, most: int) -> bytes | None:
    """The whole body where it is short, as forms without files are; None where it is longer."""
    found = bytearray()
    async for piece in pieces(request, limits):
        found += piece
        if len(found) > most:
            return None
    return bytes(found)


def is_uninvited(request: web.Request) -> bool:
    """The client still waits for our word before it sends the body."""
    return expects_continue(request) and CONTINUED not in request


def fits_drain(request: web.Request, most: int) -> bool:
    """Reading the whole body costs no more than throwing it away would."""
    return request.content_length is not None and request.content_length <= most


async def answer_early(
    request: web.Request, response: web.Response, most: int, seconds: float
) -> web.Response:
    """Answers before the body was read to its end, so that the answer is sure to be seen.

    RFC 9112 section 9.6: closing with unread input makes the reset erase the answer, so we close
    our half only and read on for a bounded while. A client that waits for 100 sends nothing more.
    """
    if request.content.at_eof():
        return response
    reusable = fits_drain(request, most) and not is_uninvited(request)
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


def _invite(request: web.Request) -> None:
    if not is_uninvited(request) or request.content.at_eof():
        return
    request[CONTINUED] = True
    if request.transport is not None:
        request.transport.write(CONTINUE)
